//! Channels of style space by where they change pictures (StyleSpace, Wu et al. 2021,
//! <https://arxiv.org/abs/2011.12799>, section 4).

use super::styles::Styles;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor, Var};
use stylegan_core::directions::{Direction, channel_weights};
use stylegan_core::latent::StreamKey;
use stylegan_core::{Generator, Model, StyleOffsets, SynthesisOptions};
use stylegan_kernels::autodiff::grad;

/// The least effect on a class, as a part of the strongest one, that counts: shares of next to nothing say nothing.
const NOTABLE: f64 = 0.1;

/// How much style channels change the pixels of each class of label maps.
///
/// For a class `k` and a channel `s` it is the sum of `(dI_p / ds)^2` over the values `p` of pixels of that class, in pictures
/// of random styles. One backward pass gives an estimate for all channels at a time: the square of the gradient of the
/// sum of `e_p I_p`, for random signs `e_p`, has that sum as its expectation (Hutchinson 1990).
pub struct ChannelEffects<'a> {
    generator: &'a dyn Generator,
    rows: Vec<Row>,
    /// Pixels of each class.
    pixels: Vec<u64>,
    pictures: usize,
}

/// The channels of a style row.
struct Row {
    number: usize,
    channels: Vec<Channel>,
}

/// A channel of a layer.
struct Channel {
    /// Length and direction of its weights `[w_dim]`.
    length: f64,
    unit: Vec<f64>,
    /// Its effect on the pixels of each class.
    effects: Vec<f64>,
}

impl Channel {
    fn new(weights: Vec<f64>, classes: usize) -> Self {
        let length = weights.iter().map(|v| v * v).sum::<f64>().sqrt();
        // One that reads nothing has no direction, and no effect that styles could have.
        let unit = weights.into_iter().map(|v| if length > 0. { v / length } else { 0. }).collect();
        Self { length, unit, effects: vec![0.; classes] }
    }

    /// How far it deviates over styles.
    fn sigma(&self, styles: &Styles) -> f64 {
        self.length * styles.deviation(&self.unit)
    }

    /// The part of its effect that lies inside a class.
    fn share(&self, class: usize) -> f64 {
        let everywhere: f64 = self.effects.iter().sum();
        if everywhere > 0. { self.effects[class] / everywhere } else { 0. }
    }
}

impl<'a> ChannelEffects<'a> {
    /// Of the channels of these style rows, on `classes` classes.
    ///
    /// # Errors
    /// A network without style channels, or rows that have none.
    pub fn new(model: &'a Model, rows: &[usize], classes: usize) -> Result<Self> {
        let weights = channel_weights(model)?;
        let row = |&number: &usize| {
            let weight = weights.get(number).ok_or_else(|| Error::Parameter {
                parameter: "style row",
                found: number.to_string(),
                expected: "one that a convolution reads",
            })?;
            let channels = weight.to_dtype(DType::F64)?.to_vec2::<f64>()?.into_iter();
            Ok(Row { number, channels: channels.map(|weights| Channel::new(weights, classes)).collect() })
        };
        Ok(Self {
            generator: model.generator(),
            rows: rows.iter().map(row).collect::<Result<_>>()?,
            pixels: vec![0; classes],
            pictures: 0,
        })
    }

    /// Adds the pictures of style rows `ws` `[n, num_ws, w_dim]`, with the network's own noise maps. `classes_of` gives the
    /// label map of each of the images `[n, c, h, w]` that it is shown: class numbers row by row.
    ///
    /// # Errors
    /// Style rows of another shape, or maps of another size or with classes that are not counted.
    pub fn add(
        &mut self,
        ws: &Tensor,
        seed: u64,
        classes_of: impl FnOnce(&Tensor) -> Result<Vec<Vec<u8>>>,
    ) -> Result<()> {
        let n = ws.dim(0)?;
        let (mut offsets, mut vars) = (StyleOffsets::new(), vec![]);
        for row in &self.rows {
            let var = Var::zeros((n, row.channels.len()), ws.dtype(), ws.device())?;
            offsets = offsets.with(row.number, var.as_tensor())?;
            vars.push(var);
        }
        let options = SynthesisOptions { offsets: Some(&offsets), ..SynthesisOptions::default() };
        let images = self.generator.synthesis(ws, &options)?;
        let (_, c, h, w) = images.dims4()?;
        let maps = classes_of(&images.detach())?;
        if maps.len() != n || maps.iter().any(|map| map.len() != h * w) {
            let (left, right) = (format!("{} maps", maps.len()), format!("{n} of {w}x{h} pixels"));
            return Err(Error::Mismatch { what: "label maps and pictures", left, right });
        }
        let maps = maps.concat();
        if let Some(class) = maps.iter().find(|class| usize::from(**class) >= self.pixels.len()) {
            let (left, right) = (format!("class {class}"), format!("{} classes", self.pixels.len()));
            return Err(Error::Mismatch { what: "classes of a label map", left, right });
        }
        let first = self.pictures as u64;
        let signs = signs(seed, first..first + n as u64, c * h * w);
        let signed = (images * Tensor::from_vec(signs, (n, c, h, w), ws.device())?.to_dtype(ws.dtype())?)?;
        let wanted: Vec<&Tensor> = vars.iter().map(Var::as_tensor).collect();
        for class in 0..self.pixels.len() {
            let mask: Vec<f32> = maps.iter().map(|found| f32::from(u8::from(usize::from(*found) == class))).collect();
            let of_class = mask.iter().filter(|&&one| one > 0.).count() as u64;
            if of_class == 0 {
                continue;
            }
            self.pixels[class] += of_class;
            let mask = Tensor::from_vec(mask, (n, 1, h, w), &Device::Cpu)?.to_device(ws.device())?;
            let sum = signed.broadcast_mul(&mask.to_dtype(ws.dtype())?)?.sum_all()?;
            for (row, gradient) in self.rows.iter_mut().zip(grad(&sum, &wanted, false)?) {
                let squares = gradient.to_dtype(DType::F64)?.sqr()?.sum(0)?.to_vec1::<f64>()?;
                row.channels.iter_mut().zip(squares).for_each(|(channel, square)| channel.effects[class] += square);
            }
        }
        self.pictures += n;
        Ok(())
    }

    /// For each class that `names` names, its number first, the `count` channels with the largest part of their effect inside
    /// it, of those whose effect there is a tenth of the strongest or more; the first is `NAME-0`. `styles` give the
    /// deviations of channels.
    pub fn directions(&self, names: &[(usize, String)], styles: &Styles, count: usize) -> Vec<Direction> {
        let pixels: u64 = self.pixels.iter().sum();
        let mut found = vec![];
        for (class, name) in names {
            let all =
                self.rows.iter().flat_map(|row| row.channels.iter().enumerate().map(move |one| (row.number, one)));
            let effect = |channel: &Channel| channel.effects[*class] * channel.sigma(styles).powi(2);
            let mut known: Vec<_> =
                all.map(|(row, (number, channel))| (row, number, channel, effect(channel))).collect();
            let strongest = known.iter().map(|(.., effect)| *effect).fold(0., f64::max);
            known.retain(|(.., effect)| *effect > 0. && *effect >= NOTABLE * strongest);
            known.sort_by(|(.., a, _), (.., b, _)| b.share(*class).total_cmp(&a.share(*class)));
            let area = 100. * self.pixels[*class] as f64 / pixels.max(1) as f64;
            for (k, (row, number, channel, _)) in known.into_iter().take(count).enumerate() {
                found.push(Direction {
                    name: format!("{name}-{k}"),
                    rows: vec![row],
                    vector: channel.unit.iter().map(|v| *v as f32).collect(),
                    channel: Some(number),
                    sigma: channel.sigma(styles),
                    how: format!(
                        "StyleSpace, channel {number} of style row {row}: {:.1} % of its effect on {} pictures is inside \
                         {name}, {area:.1} % of their pixels",
                        100. * channel.share(*class),
                        self.pictures
                    ),
                });
            }
        }
        found
    }
}

/// Random signs, `values` for each of these pictures.
fn signs(seed: u64, pictures: std::ops::Range<u64>, values: usize) -> Vec<f32> {
    let key = StreamKey::new(seed, "signs of pixels", 0);
    let of_one = |picture| {
        let mut stream = key.stream(picture, 0);
        std::iter::repeat_with(move || stream.bits())
            .take(values.div_ceil(64))
            .flat_map(|bits| (0..64).map(move |bit| if bits >> bit & 1 == 0 { 1. } else { -1. }))
            .take(values)
    };
    pictures.flat_map(of_one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use stylegan_core::stylegan2::StyleGan2Config;
    use stylegan_core::{Condition, GeneratorConfig, Params, Sampler, build_generator};

    /// The estimate comes near to differences: of each channel, what it changes in the upper half of pictures. The
    /// channel that comes first has the largest part there.
    #[test]
    fn effects_are_those_of_differences() {
        let config = GeneratorConfig::StyleGan2(StyleGan2Config {
            img_size: [8, 8],
            z_dim: 6,
            w_dim: 5,
            mapping_layers: 1,
            channel_max: 4,
            ..StyleGan2Config::default()
        });
        let params = Params::new(3, DType::F32, &Device::Cpu);
        let generator = build_generator(&config, params.trainable()).unwrap();
        let styles = Styles::new(generator.as_ref(), None, 200, 1, &mut |_| ()).unwrap();
        let sampler = Sampler::new(generator.as_ref());
        let z = sampler.latents(&StreamKey::new(5, "t", 0), &[0], 0).unwrap();
        let ws = sampler.styles(&z, Condition::None).unwrap().to_dtype(DType::F64).unwrap().contiguous().unwrap();
        // In f64, so that differences are exact.
        let wide = params.vars().into_iter().map(|(name, var)| (name, var.to_dtype(DType::F64).unwrap()));
        let model = Model::from_params(config, Params::from_tensors(wide.collect::<Vec<_>>()).unwrap()).unwrap();
        let mut effects = ChannelEffects::new(&model, &[0, 1, 2], 2).unwrap();
        let map: Vec<u8> = (0..64).map(|i| u8::from(i < 32)).collect();
        // The same picture, with other signs each time.
        let rounds = 1500;
        let many = ws.broadcast_as((100, 4, 5)).unwrap().contiguous().unwrap();
        for _ in 0..rounds / 100 {
            effects.add(&many, 7, |_| Ok(vec![map.clone(); 100])).unwrap();
        }
        let image = |offsets: &StyleOffsets| {
            let options = SynthesisOptions { offsets: Some(offsets), ..SynthesisOptions::default() };
            let image = model.generator().synthesis(&ws, &options).unwrap();
            image.flatten_all().unwrap().to_vec1::<f64>().unwrap()
        };
        let plain = image(&StyleOffsets::new());
        let mut shares = vec![];
        for row in &effects.rows {
            for (channel, of) in row.channels.iter().enumerate() {
                let mut one = vec![0f64; row.channels.len()];
                one[channel] = 1e-6;
                let one = Tensor::from_vec(one, (1, row.channels.len()), &Device::Cpu).unwrap();
                let moved = image(&StyleOffsets::new().with(row.number, &one).unwrap());
                let mut exact = [0.; 2];
                for (i, (a, b)) in plain.iter().zip(&moved).enumerate() {
                    exact[usize::from(map[i % 64])] += ((b - a) / 1e-6).powi(2);
                }
                for class in 0..2 {
                    let found = of.effects[class] / rounds as f64;
                    // A mean of squares of sums of random signs deviates by sqrt(2 / rounds); five times that.
                    let bound = 5. * (2. / rounds as f64).sqrt() * exact[class] + 1e-9;
                    assert!((found - exact[class]).abs() < bound, "{found} {}", exact[class]);
                }
                shares.push((exact[1] / (exact[0] + exact[1]), row.number, channel, exact[1]));
            }
        }
        let found = effects.directions(&[(1, "upper".into())], &styles, 3);
        assert!(found[0].name == "upper-0" && found.len() <= 3 && found[0].how.contains("50.0 % of their pixels"));
        let best = |d: &Direction| shares.iter().find(|s| (s.1, s.2) == (d.rows[0], d.channel.unwrap())).unwrap().0;
        assert!(found.windows(2).all(|pair| best(&pair[0]) > best(&pair[1]) - 0.05));
        // One sigma of the direction is the deviation of the channel over styles.
        let row = effects.rows.iter().find(|row| row.number == found[0].rows[0]).unwrap();
        let sigma = row.channels[found[0].channel.unwrap()].sigma(&styles);
        let along: Vec<f64> = found[0].vector.iter().map(|v| f64::from(*v)).collect();
        let expected = row.channels[found[0].channel.unwrap()].length * styles.deviation(&along);
        assert!(found[0].sigma == sigma && (sigma / expected - 1.).abs() < 1e-6);
        assert!(ChannelEffects::new(&model, &[3], 2).is_err(), "the RGB layer's own row");
        assert!(effects.add(&ws, 7, |_| Ok(vec![vec![2; 64]])).is_err());
    }
}
