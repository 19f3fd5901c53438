//! What runs of claims need before they are trained and measured: sets, and networks that judge.

use super::claim::Need;
use crate::papers::attributes;

/// Land cover with its photographs, whole, and the first maps of it, which are shown.
pub(super) const EARTH: Need =
    Need::File { path: "runs/data/earth-64.zip", args: "data build earth --size 64 --out {file}" };
pub(super) const SHOWN: Need = Need::File {
    path: "runs/data/earth-64-shown",
    args: "data build earth --size 64 --count 8 --format folder --out {file}",
};

/// Drawn faces with maps of their parts.
pub(super) const AVATARS: Need =
    Need::File { path: "runs/data/avatars-64.zip", args: "data build avatars --size 64 --out {file}" };

/// Who looks for maps in pictures.
pub(super) const SEGMENTER_OF_EARTH: Need = Need::File {
    path: "runs/segmenter-earth-64.safetensors",
    args: "segmenter --data runs/data/earth-64.zip --out {file}",
};
pub(super) const SEGMENTER_OF_AVATARS: Need = Need::File {
    path: "runs/segmenter-avatars-64.safetensors",
    args: "segmenter --data runs/data/avatars-64.zip --out {file}",
};

/// The generator that encoders are trained for.
pub(super) const GENERATOR: Need = Need::Run("sg2/avatars-64");

/// By whose features a loss compares identities.
pub(super) const HAIR: Need = Need::File {
    path: "runs/data/avatars-64-hair.zip",
    args: "data build avatars --size 64 --label hair --out {file}",
};
pub(super) const CLASSIFIER: Need = Need::File {
    path: "runs/classifier-avatars-64.safetensors",
    args: "classifier --data runs/data/avatars-64-hair.zip --kimg 20 --out {file}",
};

/// Another one, of another attribute, which judges.
pub(super) const REAR_HAIR: Need = Need::File {
    path: "runs/data/avatars-64-rearHair.zip",
    args: "data build avatars --size 64 --label rearHair --out {file}",
};
pub(super) const JUDGE: Need = Need::File {
    path: "runs/classifier-avatars-64-judge.safetensors",
    args: "classifier --data runs/data/avatars-64-rearHair.zip --kimg 20 --out {file}",
};

/// Who sees the eight attributes of separability.
pub(super) const JUDGES_OF_EIGHT: Need = Need::Classifiers(attributes::eight);

/// Drawn faces of which none has both a beard and hair behind the head, and who sees the two.
pub(super) const TWO_FACTOR_SET: Need = Need::File {
    path: "data/avatars-32-two-factor.zip",
    args: "data build avatars --size 32 --without \
           beard=chin+chinMoustache+fullBeard+longBeard+moustacheTwirl,rearHair=longStraight+longWavy+neckHigh+shoulderHigh \
           --out {file}",
};
pub(super) const JUDGES_OF_TWO: Need = Need::Classifiers(attributes::factors);

/// Heads that look to a side, which the encoder for frontal views learns from.
pub(super) const TURNED_SET: Need =
    Need::File { path: "data/avatars-64-turn25.zip", args: "data build avatars --size 64 --turn 25 --out {file}" };

/// Drawn faces that no run has seen, as another seed draws others, and the same heads turned to a side. They are few: a
/// search takes a minute for each.
pub(super) const HELD: Need = Need::File {
    path: "runs/data/avatars-64-held",
    args: "data build avatars --size 64 --count 64 --seed 7 --format folder --out {file}",
};
pub(super) const TURNED: Need = Need::File {
    path: "runs/data/avatars-64-turned",
    args: "data build avatars --size 64 --count 64 --seed 7 --turn 25 --format folder --out {file}",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The set lacks the very combination that the classifiers look for.
    #[test]
    fn what_is_left_out_is_what_is_looked_for() {
        let labels: Vec<&str> = attributes::factors().iter().map(|factor| factor.label).collect();
        let left_out = format!("--without {} ", labels.join(","));
        assert!(matches!(TWO_FACTOR_SET, Need::File { args, .. } if args.contains(&left_out)), "{left_out}");
    }
}
