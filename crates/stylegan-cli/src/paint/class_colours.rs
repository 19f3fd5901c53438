//! The colours that classes have in a set, and how far painted ones are from them.

use crate::exit::wrong;
use crate::network::check_exists;
use candle_core::{DType, Tensor};
use std::path::Path;
use stylegan_train::data::Dataset;

/// Pictures of a set that are looked at, at most: every so manyth.
const PICTURES: usize = 2000;

/// Red, green and blue from 0 to 255.
type Colour = [f64; 3];

/// The mean colours of classes in a set, as far as it shows them.
pub(super) struct ClassColours(Vec<Option<Colour>>);

impl ClassColours {
    /// The mean colours of the pixels of each of `classes`.
    pub(super) fn of_set(set: &Path, classes: &[u32]) -> anyhow::Result<Self> {
        check_exists(set)?;
        let pictures = Dataset::open(set)?;
        if !pictures.has_maps() || pictures.channels() != 3 {
            wrong!("--truth {}: colours of classes are those of a set of RGB pictures with label maps", set.display());
        }
        let mut sums = vec![([0f64; 3], 0u64); 1 << 8];
        for i in (0..pictures.len()).step_by(pictures.len().div_ceil(PICTURES).max(1)) {
            let (pixels, map) = (pictures.pixels(i)?, pictures.map(i)?);
            for (at, &class) in map.iter().enumerate() {
                let (sum, count) = &mut sums[usize::from(class)];
                (0..3).for_each(|channel| sum[channel] += f64::from(pixels[channel * map.len() + at]));
                *count += 1;
            }
        }
        let mean = |(sum, count): (Colour, u64)| (count > 0).then(|| sum.map(|sum| sum / count as f64));
        Ok(Self(classes.iter().map(|class| mean(*sums.get(*class as usize)?)).collect()))
    }

    /// How far the mean colours of pictures `[classes, 3, h, w]` are from these, for each class that the set shows.
    pub(super) fn apart(&self, images: &Tensor) -> anyhow::Result<Vec<f64>> {
        let means = images.to_dtype(DType::F64)?.clamp(-1., 1.)?.mean((2, 3))?.to_vec2::<f64>()?;
        let distance = |painted: &[f64], real: &Colour| {
            painted.iter().zip(real).map(|(x, real)| ((x + 1.) * 127.5 - real).powi(2)).sum::<f64>().sqrt()
        };
        let pairs = means.iter().zip(&self.0).filter_map(|(painted, real)| Some(distance(painted, real.as_ref()?)));
        let distances: Vec<f64> = pairs.collect();
        if distances.len() < 3 {
            wrong!("--truth: at least three classes are compared; the set shows {} of the network's", distances.len());
        }
        Ok(distances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn colours_are_compared_class_by_class() -> anyhow::Result<()> {
        let flat = |level: f32| Tensor::full(level, (1, 3, 4, 4), &Device::Cpu);
        // 0, 255 and twice 127.5; the last class is in no picture of the set.
        let images = Tensor::cat(&[flat(-1.)?, flat(1.5)?, flat(0.)?, flat(0.)?], 0)?;
        let real = ClassColours(vec![Some([0.; 3]), Some([255.; 3]), Some([127.5, 127.5, 124.5]), None]);
        assert_eq!(real.apart(&images)?, [0., 0., 3.]);
        assert!(ClassColours(vec![Some([0.; 3]), None, None, Some([0.; 3])]).apart(&images).is_err());
        Ok(())
    }
}
