//! Losses that a configuration gives a weight, but no network to see by.

use super::{EncoderTrainConfig, RecipeConfig, SpadeLossConfig, SpadeTrainConfig};

impl RecipeConfig {
    /// A sentence for each weight that weighs nothing, as the network of its loss is not named. What a run leaves at its
    /// published value without having the network (SPADE's `loss.kl` without an image encoder) is not worth a word.
    pub fn idle_weights(&self) -> Vec<String> {
        let found = match self {
            Self::Gan(_) => None,
            Self::Spade(config) => without_encoder(config),
            Self::Encoder(config) => without_identity(config),
        };
        found.into_iter().collect()
    }
}

fn without_identity(config: &EncoderTrainConfig) -> Option<String> {
    let loss = &config.loss;
    (loss.id > 0. && loss.classifier.is_empty() && loss.arcface.is_empty()).then(|| {
        format!(
            "loss.id is {}, but there is no loss of identity, as neither loss.classifier nor loss.arcface names a network; name \
             one, or set loss.id = 0",
            loss.id
        )
    })
}

fn without_encoder(config: &SpadeTrainConfig) -> Option<String> {
    let kl = config.loss.kl;
    (config.encoder.is_none() && kl > 0. && kl != SpadeLossConfig::default().kl).then(|| {
        format!(
            "loss.kl is {kl}, but without an image encoder there is no such loss; write [encoder], or leave loss.kl out"
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::config::{Override, read_recipe};

    #[test]
    fn weights_without_a_network_are_named() -> crate::Result<()> {
        let said = |recipe: &str, settings: &[&str]| {
            let settings = settings.iter().map(|text| Override::parse(text)).collect::<crate::Result<Vec<_>>>()?;
            let text = format!("recipe = \"{recipe}\"\n");
            Ok::<_, crate::Error>(read_recipe(&text, "test", &settings)?.idle_weights().join("\n"))
        };
        assert!(said("encoder", &["loss.id=1"])?.starts_with("loss.id is 1, but there is no loss of identity"));
        assert!(said("encoder", &[])?.contains("loss.id is 0.1"));
        for settings in ["loss.classifier=\"hair.safetensors\"", "loss.arcface=\"faces.pth\"", "loss.id=0"] {
            assert_eq!(said("encoder", &[settings])?, "", "{settings}");
        }
        assert_eq!(said("spade", &[])?, "");
        assert!(said("spade", &["loss.kl=0.05"])?.contains("loss.kl is 0.05"));
        assert_eq!(read_recipe("", "test", &[])?.idle_weights(), Vec::<String>::new());
        Ok(())
    }
}
