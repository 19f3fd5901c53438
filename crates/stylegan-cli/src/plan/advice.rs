//! Settings that are unlikely to do well, told from the numbers alone.

use crate::starting_point::PIXELS_PER_R1;
use stylegan_train::config::{LossConfig, RecipeConfig, TrainConfig};
use stylegan_train::data::Dataset;

/// How many times above or below that rule a weight is worth a word.
const FAR: f64 = 100.;

/// A weight that was right for pictures of 16 to 64 pixels, whatever the rule says (docs/results/avatars-32.md).
const RIGHT_FOR_SMALL: f64 = 10.;

/// Times that a picture is shown, in either direction, before a discriminator without augmentation knows it by
/// heart, and the pictures from which on that was not seen (Karras et al. 2020a, figure 1).
const SHOWN_TOO_OFTEN: f64 = 100.;
const MANY_PICTURES: f64 = 100_000.;

/// A sentence for each.
pub(crate) fn on(config: &RecipeConfig, pictures: &Dataset) -> anyhow::Result<Vec<String>> {
    match config {
        RecipeConfig::Gan(config) => gan(config, pictures.len()),
        RecipeConfig::Spade(_) | RecipeConfig::Encoder(_) => Ok(vec![]),
    }
}

fn gan(config: &TrainConfig, pictures: usize) -> anyhow::Result<Vec<String>> {
    let (full, [h, w]) = (config.resolution()?, config.generator.img_size());
    let (batch, shard) = (config.schedule.batch.get(full), config.shards.size.get(full));
    let mut sentences = vec![];
    if let LossConfig::Logistic { r1_gamma, .. } = &config.loss {
        let rule = (h * w) as f64 / (PIXELS_PER_R1 * batch as f64);
        if *r1_gamma > (FAR * rule).max(RIGHT_FOR_SMALL) || *r1_gamma * FAR < rule {
            sentences.push(format!(
                "loss.r1_gamma is {r1_gamma}; StyleGAN2-ADA's rule, 0.0002 x pixels / batch, says {} for {w}x{h} \
                 pixels and a batch of {batch}: try values between the two",
                significant(rule)
            ));
        }
    }
    let shown = config.kimg * 1e3 / pictures.max(1) as f64;
    let distinct = pictures as f64 * if config.data.mirror { 2. } else { 1. };
    if config.augment.is_none() && shown > SHOWN_TOO_OFTEN && distinct < MANY_PICTURES {
        sentences.push(format!(
            "each of the {pictures} pictures is shown {shown:.0} times, and nothing is augmented: the discriminator will \
             know them by heart; --set augment.target=0.6 augments them, as the configurations ada/auto-* do"
        ));
    }
    let shards = batch / shard.max(1);
    if config.shards.at_once > shards {
        sentences.push(format!(
            "shards.at_once is {}, but a batch of {batch} is {shards} of {shard} pictures: more cannot be handled at a time",
            config.shards.at_once
        ));
    }
    Ok(sentences)
}

/// Two significant digits.
fn significant(x: f64) -> String {
    let digits = (1. - x.abs().log10().floor()).clamp(0., 12.) as usize;
    format!("{x:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use stylegan_train::config::{Override, read_recipe};

    fn advice(settings: &[&str], pictures: usize) -> anyhow::Result<String> {
        let text = "kimg = 1000\n[generator]\nimg_size = [64, 64]\n[schedule]\nbatch = 32\n[loss]\nr1_gamma = 0.1\n";
        let settings = settings.iter().map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let RecipeConfig::Gan(config) = read_recipe(text, "test", &settings)? else { anyhow::bail!("no GAN") };
        Ok(gan(&config, pictures)?.join("\n"))
    }

    #[test]
    fn only_what_is_far_off_gets_a_sentence() -> anyhow::Result<()> {
        assert_eq!(advice(&[], 50_000)?, "");
        // The rule says 0.0256.
        assert!(advice(&["loss.r1_gamma=11"], 50_000)?.contains("says 0.026 for 64x64"));
        assert!(advice(&["loss.r1_gamma=1e-4"], 50_000)?.contains("says 0.026 for 64x64"));
        assert!(advice(&["loss.r1_gamma=10"], 50_000)?.is_empty());
        assert!(advice(&[], 2_000)?.contains("2000 pictures is shown 500 times"));
        assert!(advice(&["augment.target=0.6"], 2_000)?.is_empty());
        assert!(advice(&["shards.at_once=9"], 50_000)?.contains("is 8 of 4 pictures"));
        Ok(())
    }
}
