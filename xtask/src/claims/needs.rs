//! What runs of claims need before they are trained and measured: sets, and networks that judge.

use super::claim::Need;
use crate::papers::attributes;

/// Land cover with its photographs but for the parts of the Earth that are held back, and some of these, which are shown.
pub(super) const EARTH: Need =
    Need::File { path: "runs/data/earth-train-64.zip", args: "data build earth-train --size 64 --out {file}" };
pub(super) const SHOWN_EARTH: Need = Need::File {
    path: "runs/data/earth-64-held-8",
    args: "data build earth-held --size 64 --count 8 --format folder --out {file}",
};

/// Drawn faces with maps of their parts, and some that were held back, which are shown.
pub(super) const AVATARS: Need =
    Need::File { path: "runs/data/avatars-64.zip", args: "data build avatars --size 64 --out {file}" };
pub(super) const SHOWN_AVATARS: Need = Need::File {
    path: "runs/data/avatars-64-held-8",
    args: "data build avatars --size 64 --count 8 --seed 7 --format folder --out {file}",
};

/// Who looks for maps in pictures.
pub(super) const SEGMENTER_OF_EARTH: Need = Need::File {
    path: "runs/segmenter-earth-64.safetensors",
    args: "segmenter --data runs/data/earth-train-64.zip --out {file}",
};
pub(super) const SEGMENTER_OF_AVATARS: Need = Need::File {
    path: "runs/segmenter-avatars-64.safetensors",
    args: "segmenter --data runs/data/avatars-64.zip --out {file}",
};

/// By whose features a loss compares identities.
pub(super) const HAIR: Need = Need::File {
    path: "runs/data/avatars-64-hair.zip",
    args: "data build avatars --size 64 --label hair --out {file}",
};
pub(super) const CLASSIFIER: Need = Need::File {
    path: "runs/classifier-avatars-64.safetensors",
    args: "classifier --data runs/data/avatars-64-hair.zip --kimg 20 --out {file}",
};

/// Another one, which judges: of another attribute, of half the width and from another seed.
pub(super) const REAR_HAIR: Need = Need::File {
    path: "runs/data/avatars-64-rearHair.zip",
    args: "data build avatars --size 64 --label rearHair --out {file}",
};
pub(super) const JUDGE: Need = Need::File {
    path: "runs/classifier-avatars-64-judge.safetensors",
    args: "classifier --data runs/data/avatars-64-rearHair.zip --kimg 40 --channel-base 512 --seed 1 --out {file}",
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

/// Drawn faces that no run has seen, as another seed draws others, and the same heads turned to a side; of the former also a
/// few, as a search takes a minute for each.
pub(super) const HELD: Need = Need::File {
    path: "runs/data/avatars-64-held-1000",
    args: "data build avatars --size 64 --count 1000 --seed 7 --format folder --out {file}",
};
pub(super) const HELD_FEW: Need = Need::File {
    path: "runs/data/avatars-64-held-32",
    args: "data build avatars --size 64 --count 32 --seed 7 --format folder --out {file}",
};
pub(super) const TURNED: Need = Need::File {
    path: "runs/data/avatars-64-turned-1000",
    args: "data build avatars --size 64 --count 1000 --seed 7 --turn 25 --format folder --out {file}",
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

    /// The judge differs from the loss's classifier in attribute, width and seed.
    #[test]
    fn the_judge_is_not_the_loss() {
        let words = |need: &Need| match need {
            Need::File { args, .. } => args.split_whitespace().collect::<Vec<_>>(),
            _ => vec![],
        };
        let of = |need: &Need, option: &str| {
            let words = words(need);
            words.iter().position(|word| *word == option).map(|at| words[at + 1])
        };
        for option in ["--data", "--seed", "--channel-base"] {
            assert_ne!(of(&JUDGE, option), of(&CLASSIFIER, option), "{option}");
        }
    }
}
