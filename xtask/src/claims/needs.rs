//! What runs of claims need before they are trained and measured: sets, and networks that judge.

use super::claim::Need;

pub(super) const EARTH: Need =
    Need::File { path: "runs/data/earth-64.zip", args: &["data", "build", "earth", "--size", "64", "--out", "{file}"] };
pub(super) const GENERATOR: Need = Need::Run("sg2/avatars-64");
pub(super) const HELD: Need = Need::File {
    path: "runs/data/avatars-64-held",
    args: &[
        "data", "build", "avatars", "--size", "64", "--count", "200", "--seed", "7", "--format", "folder", "--out",
        "{file}",
    ],
};
pub(super) const HAIR: Need = Need::File {
    path: "runs/data/avatars-64-hair.zip",
    args: &["data", "build", "avatars", "--size", "64", "--label", "hair", "--out", "{file}"],
};
pub(super) const CLASSIFIER: Need = Need::File {
    path: "runs/classifier-avatars-64.safetensors",
    args: &["classifier", "--data", "runs/data/avatars-64-hair.zip", "--kimg", "20", "--out", "{file}"],
};
pub(super) const JUDGE: Need = Need::File {
    path: "runs/classifier-avatars-64-judge.safetensors",
    args: &["classifier", "--data", "runs/data/avatars-64-hair.zip", "--kimg", "20", "--seed", "1", "--out", "{file}"],
};
pub(super) const TURNED: Need = Need::File {
    path: "runs/data/avatars-64-turned",
    args: &[
        "data", "build", "avatars", "--size", "64", "--count", "200", "--seed", "7", "--turn", "25", "--format",
        "folder", "--out", "{file}",
    ],
};
pub(super) const FRONTAL: Need = Need::File {
    path: "runs/data/avatars-64-frontal",
    args: &[
        "data", "build", "avatars", "--size", "64", "--count", "200", "--seed", "7", "--format", "folder", "--out",
        "{file}",
    ],
};
pub(super) const SHOWN: Need = Need::File {
    path: "runs/data/earth-64-shown",
    args: &["data", "build", "earth", "--size", "64", "--count", "8", "--format", "folder", "--out", "{file}"],
};
pub(super) const AVATARS: Need = Need::File {
    path: "runs/data/avatars-64.zip",
    args: &["data", "build", "avatars", "--size", "64", "--out", "{file}"],
};
pub(super) const SEGMENTER_OF_EARTH: Need = Need::File {
    path: "runs/segmenter-earth-64.safetensors",
    args: &["segmenter", "--data", "runs/data/earth-64.zip", "--out", "{file}"],
};
pub(super) const SEGMENTER_OF_AVATARS: Need = Need::File {
    path: "runs/segmenter-avatars-64.safetensors",
    args: &["segmenter", "--data", "runs/data/avatars-64.zip", "--out", "{file}"],
};
