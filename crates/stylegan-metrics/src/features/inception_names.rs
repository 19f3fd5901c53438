//! What the layers of Inception are called in the files that hold it.

use super::weights::{Norm, Weights};

/// A layout of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// `pt_inception-2015-12-05-6726825d.pth`, of pytorch-fid and torch-fidelity.
    Official,
    /// The same within pytorch-fid's module.
    Wrapped,
    /// `inception-2015-12-05.pt`, the TorchScript module of NVIDIA's programs.
    Nvidia,
}

impl Names {
    /// The layout of these weights.
    pub(super) fn of(weights: &Weights) -> Self {
        if weights.has("blocks.0.0.conv.weight") {
            Self::Wrapped
        } else if weights.has("layers.conv.weight") {
            Self::Nvidia
        } else {
            Self::Official
        }
    }

    /// Weight and bias of the class logits.
    pub(super) fn classifier(self) -> [&'static str; 2] {
        if self == Self::Nvidia { ["output.weight", "output.bias"] } else { ["fc.weight", "fc.bias"] }
    }

    /// Weight and batch normalisation of the convolution that is officially called `name`.
    pub(super) fn conv(self, name: &str, eps: f64) -> (String, Norm) {
        let (block, branch) = name.split_once('.').unwrap_or((name, ""));
        let row = BLOCKS.iter().find(|row| row.0 == block);
        let below = |block: &str| if branch.is_empty() { block.into() } else { format!("{block}.{branch}") };
        let name = match (self, row) {
            (Self::Wrapped, Some(row)) => below(&format!("blocks.{}", row.1)),
            (Self::Nvidia, Some(row)) => {
                let part = |part: &str| match nvidia_branch(block, branch) {
                    "" => format!("layers.{}.{part}", row.2),
                    branch => format!("layers.{}.{branch}.{part}", row.2),
                };
                // There is no scale: it is 1.
                let (bias, mean, variance) = (part("beta"), part("mean"), part("var"));
                return (part("weight"), Norm { scale: String::new(), bias, mean, variance, eps });
            }
            _ => name.to_owned(),
        };
        (format!("{name}.conv.weight"), Norm::torch(&format!("{name}.bn"), eps))
    }
}

/// NVIDIA's name of a branch's convolution, which follows TensorFlow's graph.
fn nvidia_branch(block: &str, branch: &str) -> &'static str {
    let last = matches!(block, "Mixed_7b" | "Mixed_7c");
    match branch {
        "" => "",
        "branch3x3_1" if last => "tower_conv",
        "branch3x3_2a" => "tower_mixed_conv",
        "branch3x3_2b" => "tower_mixed_conv_1",
        "branch3x3dbl_1" if last => "tower_1_conv",
        "branch3x3dbl_2" if last => "tower_1_conv_1",
        "branch3x3dbl_3a" => "tower_1_mixed_conv",
        "branch3x3dbl_3b" => "tower_1_mixed_conv_1",
        "branch_pool" if last => "tower_2_conv",
        "branch3x3dbl_1" if block == "Mixed_6a" => "tower.conv",
        "branch3x3dbl_2" if block == "Mixed_6a" => "tower.conv_1",
        "branch3x3dbl_3" if block == "Mixed_6a" => "tower.conv_2",
        "branch5x5_1" | "branch7x7_1" | "branch3x3_1" => "tower.conv",
        "branch5x5_2" | "branch7x7_2" | "branch3x3_2" => "tower.conv_1",
        "branch7x7_3" => "tower.conv_2",
        "branch3x3dbl_1" | "branch7x7dbl_1" | "branch7x7x3_1" => "tower_1.conv",
        "branch3x3dbl_2" | "branch7x7dbl_2" | "branch7x7x3_2" => "tower_1.conv_1",
        "branch3x3dbl_3" | "branch7x7dbl_3" | "branch7x7x3_3" => "tower_1.conv_2",
        "branch7x7dbl_4" | "branch7x7x3_4" => "tower_1.conv_3",
        "branch7x7dbl_5" => "tower_1.conv_4",
        "branch_pool" => "tower_2.conv",
        // `branch1x1` everywhere, and `branch3x3` of the first reduction.
        _ => "conv",
    }
}

/// Official block names, the wrapper's positions, and NVIDIA's names.
const BLOCKS: [(&str, &str, &str); 16] = [
    ("Conv2d_1a_3x3", "0.0", "conv"),
    ("Conv2d_2a_3x3", "0.1", "conv_1"),
    ("Conv2d_2b_3x3", "0.2", "conv_2"),
    ("Conv2d_3b_1x1", "1.0", "conv_3"),
    ("Conv2d_4a_3x3", "1.1", "conv_4"),
    ("Mixed_5b", "2.0", "mixed"),
    ("Mixed_5c", "2.1", "mixed_1"),
    ("Mixed_5d", "2.2", "mixed_2"),
    ("Mixed_6a", "2.3", "mixed_3"),
    ("Mixed_6b", "2.4", "mixed_4"),
    ("Mixed_6c", "2.5", "mixed_5"),
    ("Mixed_6d", "2.6", "mixed_6"),
    ("Mixed_6e", "2.7", "mixed_7"),
    ("Mixed_7a", "3.0", "mixed_8"),
    ("Mixed_7b", "3.1", "mixed_9"),
    ("Mixed_7c", "3.2", "mixed_10"),
];
