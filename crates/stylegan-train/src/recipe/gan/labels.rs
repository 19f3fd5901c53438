//! The labels of generated pictures, and what a discriminator that guesses them makes of pictures (AC-GAN; Odena et al.
//! 2017).

use super::{DMAIN, Gan};
use crate::Result;
use crate::config::LossConfig;
use crate::inputs::ShardInput;
use crate::losses::cross_entropy;
use crate::phase::Phase;
use crate::recipe::values;
use crate::stats::Stats;
use candle_core::Tensor;
use stylegan_core::Discriminator;

impl Gan {
    /// The labels of the pictures that a phase generates, `[n, c_dim]`, for conditional networks: drawn from the set. Those
    /// that WGAN-GP mixes with real ones have the labels of these, so that its penalty looks between two of one class.
    pub(super) fn labels(&self, phase: &Phase, input: &ShardInput) -> Result<Option<Tensor>> {
        if !self.conditional {
            return Ok(None);
        }
        match self.config.loss {
            LossConfig::WganGp { .. } if phase.name == DMAIN.name => Ok(input.reals()?.labels.clone()),
            _ => input.random.labels(),
        }
    }
}

/// The logits `[n, 1]` of images; and of a discriminator that guesses labels how far it is from those of the images, the
/// cross-entropy `[n]`.
pub(super) fn judge(
    d: &dyn Discriminator,
    images: &Tensor,
    labels: Option<&Tensor>,
    lod: f64,
) -> Result<(Tensor, Option<Tensor>)> {
    let said = d.forward(images, labels.into(), lod)?;
    let guess = said.classes.as_ref().zip(labels).map(|(scores, labels)| cross_entropy(scores, labels)).transpose()?;
    Ok((said.into_logits()?, guess))
}

/// The loss `[n]` of a network (`G`, `D`) together with that of the guess, which counts as much (`cond_weight` of Progressive
/// GAN's code is 1) and is noted apart.
pub(super) fn with_guess(loss: &Tensor, guess: Option<&Tensor>, network: &str, stats: &mut Stats) -> Result<Tensor> {
    let Some(guess) = guess else { return Ok(loss.clone()) };
    stats.extend(&format!("Loss/{network}/classes"), values(guess)?);
    Ok((loss + guess)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::GMAIN;
    use super::*;
    use crate::config::{Override, read};
    use crate::data::{Batch, Labels};
    use crate::inputs::random::RandomInputs;
    use crate::recipe::GRADIENT;
    use crate::recipe::gan::Latents;
    use candle_core::{DType, Device};
    use stylegan_core::pggan::PgganDiscriminator;
    use stylegan_core::{DiscriminatorConfig, SynthesisOptions};

    /// Progressive GAN at 8 pixels with two classes.
    fn gan(settings: &[&str]) -> Gan {
        let text = "mixing_probability = 0\n[generator]\narchitecture = 'pggan'\nimg_size = [8, 8]\nc_dim = 2\nz_dim = 4\n\
                    channel_base = 32\nchannel_max = 8\n[discriminator]\nchannel_base = 32\nchannel_max = 8\nmbstd_group = 2\n\
                    [schedule]\nstable_kimg = 0\nfade_kimg = 0\nbatch = 4\n";
        let settings: Vec<_> = settings.iter().map(|text| Override::parse(text).unwrap()).collect();
        let config = read(text, "test", &settings).unwrap();
        let [g, d] = config.stores(DType::F32, &Device::Cpu);
        Gan::new(&config, g, d).unwrap()
    }

    /// Numbers from -1 to 1.
    fn numbers(shape: &[usize]) -> Tensor {
        let all = Tensor::arange(0f32, shape.iter().product::<usize>() as f32, &Device::Cpu).unwrap();
        all.sin().unwrap().reshape(shape).unwrap()
    }

    fn labels() -> Tensor {
        Tensor::new(&[[1f32, 0.], [1., 0.], [1., 0.], [0., 1.]], &Device::Cpu).unwrap()
    }

    /// Before, pictures of another class were mixed with real ones for WGAN-GP's penalty.
    #[test]
    fn pictures_that_are_mixed_with_real_ones_have_their_labels() {
        let set = Labels::Classes { ids: vec![1; 4], count: 2, names: vec![] };
        let of = |gan: &Gan, phase: Phase| {
            let streams = phase.streams;
            let random =
                RandomInputs { seed: 1, step: 0, streams, indices: vec![0, 1, 2, 3], labels: &set, pictures: 4 };
            let images = Tensor::zeros((4, 3, 8, 8), DType::F32, &Device::Cpu).unwrap();
            let reals = phase.reals.then(|| Batch { images, labels: Some(labels()), maps: None, edges: None });
            let stage = gan.config.schedule().unwrap().at(0);
            let input = ShardInput { stage: &stage, random, reals, held_back: None };
            gan.labels(&phase, &input).unwrap().unwrap().to_vec2::<f32>().unwrap()
        };
        let (wgan, logistic) = (gan(&["loss.kind=wgan-gp"]), gan(&[]));
        let drawn = vec![vec![0., 1.]; 4];
        assert_eq!(of(&wgan, DMAIN), labels().to_vec2::<f32>().unwrap());
        assert_eq!((of(&wgan, GMAIN), of(&logistic, DMAIN)), (drawn.clone(), drawn));
    }

    /// Before, no loss looked at the scores of classes: weights that make them never moved.
    #[test]
    fn guesses_of_labels_are_a_part_of_both_losses() {
        for settings in [&["loss.kind=wgan-gp"][..], &[], &["loss.r1_gamma=0"]] {
            let gan = gan(settings);
            let z = numbers(&[4, 4]);
            let latents = Latents { labels: Some(labels()), ..Latents::new(z) };
            let options = SynthesisOptions::default();
            let real = numbers(&[4, 3, 8, 8]);
            let blend = Tensor::zeros((4, 1, 1, 1), DType::F32, &Device::Cpu).unwrap();
            let others = labels().affine(-1., 1.).unwrap();
            let of_d = gan.dmain(&latents, &options, (&real, Some(&others)), &blend, None).unwrap();
            let of_g = gan.gmain(&latents, &options, None).unwrap();

            // By the network itself, and by the definition.
            let DiscriminatorConfig::Pggan(config) = &gan.config.discriminator else { panic!("another network") };
            let d = PgganDiscriminator::new(config, gan.d().frozen()).unwrap();
            let far = |images: &Tensor, labels: &Tensor| {
                let scores = d.forward_with_classes(images, 0.).unwrap().narrow(1, 1, 2).unwrap();
                let share = candle_nn::ops::softmax(&scores, 1).unwrap();
                let chosen = (share * labels).unwrap().sum(1).unwrap().log().unwrap().neg().unwrap();
                f64::from(chosen.mean_all().unwrap().to_scalar::<f32>().unwrap())
            };
            let (ws, _) = latents.styles(gan.networks.g_frozen.as_ref()).unwrap();
            let fake = gan.networks.g_frozen.synthesis(&ws, &options).unwrap();
            let (of_fake, of_real) = (far(&fake, &labels()), far(&real, &others));
            for (sums, key, expected) in
                [(&of_g, "Loss/G/classes", of_fake), (&of_d, "Loss/D/classes", (of_fake + of_real) / 2.)]
            {
                let found = sums.stats.get(key).mean();
                assert!((found - expected).abs() < 1e-5 && found > 0.1, "{settings:?} {key}: {found}, {expected}");
            }
            // Parameter after parameter in the order of names: the rows of scores in the last layer.
            let (mut first, row) = (0, of_d.named.get(GRADIENT).unwrap());
            for (name, var) in gan.d().parameters() {
                let len = var.elem_count();
                if name == "b4.out.weight" {
                    let moved = row[first..first + len].chunks(len / 3).map(|row| row.iter().any(|x| *x != 0.));
                    assert_eq!(moved.collect::<Vec<_>>(), [true; 3], "{settings:?}");
                }
                first += len;
            }
        }
    }
}
