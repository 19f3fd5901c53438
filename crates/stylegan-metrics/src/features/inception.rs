//! Inception v3 as FID uses it (Szegedy et al. 2016; the network "Inception-2015-12-05").
//!
//! It differs from the Inception of model zoos: average pools leave padding out of the mean, the
//! last pool branch takes maxima, and there are 1008 classes. The weights are not in this crate. Names
//! are those of the official PyTorch file (`Conv2d_1a_3x3.conv.weight`, `Mixed_5b.branch1x1.bn.bias`, …,
//! `fc.weight`), of pytorch-fid's wrapper around it (`blocks.0.0.conv.weight`, …), or of NVIDIA's TorchScript module
//! (`layers.conv.weight`, `layers.mixed.tower.conv_1.beta`, …, `output.weight`).

use super::inception_names::Names;
use super::pool::{avg_pool3, max_pool};
use super::weights::{ConvRelu, Weights};
use super::{FeatureNetwork, Resize};
use crate::{Error, Result};
use candle_core::{Device, Tensor};

/// Side of the pictures that the network sees.
const SIDE: usize = 299;
/// Epsilon of the batch normalisations.
const EPS: f64 = 1e-3;
/// Length of the feature vector, and number of classes.
const FEATURES: usize = 2048;
const CLASSES: usize = 1008;

/// How pictures are resized to 299x299 and scaled on their way into the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// pytorch-fid: [`Resize::PyTorch`], `[-1, 1]`.
    PytorchFid,
    /// NVIDIA's programs and torch-fidelity: [`Resize::TensorFlow1`], `(level - 128) / 128`.
    TensorFlow1,
    /// clean-fid: [`Resize::Pillow`] cut to [0, 255], `(level - 128) / 128`.
    CleanFid,
}

impl Preparation {
    /// All of them, the one of NVIDIA's programs first.
    pub const ALL: [Self; 3] = [Self::TensorFlow1, Self::PytorchFid, Self::CleanFid];

    /// The network's name with this preparation.
    pub fn network(self) -> &'static str {
        match self {
            Self::TensorFlow1 => "inception-2015-12-05",
            Self::PytorchFid => "inception-pytorch-fid",
            Self::CleanFid => "inception-clean-fid",
        }
    }

    /// Pictures `[n, 3, h, w]` in [-1, 1] as the network wants them.
    fn apply(self, images: &Tensor) -> candle_core::Result<Tensor> {
        // Levels are 127.5 (x + 1).
        let scaled = |x: Tensor| (x * (127.5 / 128.))? - 0.5 / 128.;
        match self {
            Self::PytorchFid => Resize::PyTorch.apply(images, SIDE, SIDE),
            Self::TensorFlow1 => scaled(Resize::TensorFlow1.apply(images, SIDE, SIDE)?),
            Self::CleanFid => scaled(Resize::Pillow.apply(images, SIDE, SIDE)?.clamp(-1., 1.)?),
        }
    }
}

/// The activations of one batch of pictures.
#[derive(Debug, Clone)]
pub struct Activations {
    /// Spatial means after the two stem pools `[n, 64]`, `[n, 192]`, and before the second reduction
    /// `[n, 768]`.
    pub stem: [Tensor; 3],
    /// The feature vector `[n, 2048]`.
    pub features: Tensor,
}

/// The network.
#[derive(Debug, Clone)]
pub struct Inception {
    stem: Vec<ConvRelu>,
    mixed: Vec<Mixed>,
    /// Weight `[1008, 2048]` and bias `[1008]`, where the file has them.
    classifier: Option<(Tensor, Tensor)>,
    preparation: Preparation,
    hash: String,
    device: Device,
}

/// A block of parallel branches, of which the results are put side by side.
#[derive(Debug, Clone)]
struct Mixed {
    branches: Vec<Branch>,
    pool: Pool,
}

/// Convolutions one after the other; `fork` are two that both see the last result.
#[derive(Debug, Clone)]
struct Branch {
    convs: Vec<ConvRelu>,
    fork: Vec<ConvRelu>,
}

/// The branch with a pool.
#[derive(Debug, Clone)]
enum Pool {
    /// 3x3 mean, then a convolution.
    Mean(ConvRelu),
    /// 3x3 maximum at stride 1, then a convolution.
    Max(ConvRelu),
    /// 3x3 maximum at stride 2, nothing else.
    Reduce,
}

impl Inception {
    /// The network with these weights.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape.
    pub fn new(weights: &Weights, preparation: Preparation, device: &Device) -> Result<Self> {
        let w = Layout { weights, names: Names::of(weights) };
        let stem = vec![
            w.conv("Conv2d_1a_3x3", [32, 3, 3, 3], 2, [0, 0])?,
            w.conv("Conv2d_2a_3x3", [32, 32, 3, 3], 1, [0, 0])?,
            w.conv("Conv2d_2b_3x3", [64, 32, 3, 3], 1, [1, 1])?,
            w.conv("Conv2d_3b_1x1", [80, 64, 1, 1], 1, [0, 0])?,
            w.conv("Conv2d_4a_3x3", [192, 80, 3, 3], 1, [0, 0])?,
        ];
        let mixed = vec![
            w.mixed_5("Mixed_5b", 192, 32)?,
            w.mixed_5("Mixed_5c", 256, 64)?,
            w.mixed_5("Mixed_5d", 288, 64)?,
            w.mixed_6a("Mixed_6a")?,
            w.mixed_6("Mixed_6b", 128)?,
            w.mixed_6("Mixed_6c", 160)?,
            w.mixed_6("Mixed_6d", 160)?,
            w.mixed_6("Mixed_6e", 192)?,
            w.mixed_7a("Mixed_7a")?,
            w.mixed_7("Mixed_7b", 1280, Pool::Mean)?,
            w.mixed_7("Mixed_7c", 2048, Pool::Max)?,
        ];
        let [weight, bias] = w.names.classifier();
        let classifier = if weights.has(weight) {
            Some((weights.get(weight, &[CLASSES, FEATURES])?, weights.get(bias, &[CLASSES])?))
        } else {
            None
        };
        let (hash, device) = (weights.hash().into(), device.clone());
        Ok(Self { stem, mixed, classifier, preparation, hash, device })
    }

    /// The same weights behind another preparation.
    #[must_use]
    pub fn prepared(&self, preparation: Preparation) -> Self {
        Self { preparation, ..self.clone() }
    }

    /// All activations that programs use, of `images` `[n, 3, h, w]` in [-1, 1].
    ///
    /// # Errors
    /// Images of another shape.
    pub fn activations(&self, images: &Tensor) -> Result<Activations> {
        let mut x = self.preparation.apply(images)?.to_device(&self.device)?;
        let mean = |x: &Tensor| x.mean((2, 3));
        let mut stem = vec![];
        for (i, conv) in self.stem.iter().enumerate() {
            x = conv.forward(&x)?;
            if i == 2 || i == 4 {
                x = max_pool(&x, 3, 2, 0, false)?;
                stem.push(mean(&x)?);
            }
        }
        for (i, mixed) in self.mixed.iter().enumerate() {
            x = mixed.forward(&x)?;
            if i == 7 {
                stem.push(mean(&x)?);
            }
        }
        let stem = [stem[0].clone(), stem[1].clone(), stem[2].clone()];
        Ok(Activations { stem, features: mean(&x)? })
    }

    /// Class logits `[n, 1008]` of `features` `[n, 2048]`, with the bias or (as the Inception Score
    /// is published) without.
    ///
    /// # Errors
    /// Weights without a classifier.
    pub fn logits(&self, features: &Tensor, bias: bool) -> Result<Tensor> {
        let Some((weight, offset)) = &self.classifier else {
            let problem = "fc.weight and fc.bias, which the Inception Score needs, are missing".into();
            return Err(Error::Weights { network: self.name().into(), problem });
        };
        let logits = features.matmul(&weight.t()?)?;
        Ok(if bias { logits.broadcast_add(offset)? } else { logits })
    }
}

impl FeatureNetwork for Inception {
    fn name(&self) -> &str {
        self.preparation.network()
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        match self.preparation {
            Preparation::PytorchFid => "last pool of 2048 channels; pictures resized to 299x299 as pytorch-fid does",
            Preparation::TensorFlow1 => "last pool of 2048 channels; pictures resized to 299x299 as TensorFlow 1 does",
            Preparation::CleanFid => "last pool of 2048 channels; pictures resized to 299x299 as clean-fid does",
        }
    }

    fn dim(&self) -> usize {
        FEATURES
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        Ok(self.activations(images)?.features)
    }

    fn any_size(&self) -> bool {
        true
    }

    fn knows_classes(&self) -> bool {
        self.classifier.is_some()
    }

    fn class_logits(&self, features: &Tensor) -> Result<Tensor> {
        self.logits(features, false)
    }
}

impl Mixed {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let mut parts = vec![];
        for branch in &self.branches {
            let y = branch.convs.iter().try_fold(x.clone(), |y, conv| conv.forward(&y))?;
            if branch.fork.is_empty() {
                parts.push(y);
            } else {
                parts.extend(branch.fork.iter().map(|conv| conv.forward(&y)).collect::<candle_core::Result<Vec<_>>>()?);
            }
        }
        parts.push(match &self.pool {
            Pool::Mean(conv) => conv.forward(&avg_pool3(x)?)?,
            Pool::Max(conv) => conv.forward(&max_pool(x, 3, 1, 1, false)?)?,
            Pool::Reduce => max_pool(x, 3, 2, 0, false)?,
        });
        Tensor::cat(&parts, 1)
    }
}

/// Finds layers by their official names in any layout.
struct Layout<'a> {
    weights: &'a Weights,
    names: Names,
}

impl Layout<'_> {
    /// A convolution with the padding [rows, columns].
    fn conv(&self, name: &str, shape: [usize; 4], stride: usize, padding: [usize; 2]) -> Result<ConvRelu> {
        let (weight, norm) = self.names.conv(name, EPS);
        ConvRelu::with_norm(self.weights, &weight, &norm, shape, stride, padding)
    }

    /// Convolutions in a row: (name in the block, output channels, kernel, stride, padding).
    fn row(&self, block: &str, mut c: usize, convs: &[(&str, usize, [usize; 2], usize)]) -> Result<Vec<ConvRelu>> {
        let mut row = vec![];
        for &(name, k, [r, s], stride) in convs {
            // Kernels at stride 1 keep the size, reductions have no padding.
            let padding = if stride == 1 { [r / 2, s / 2] } else { [0, 0] };
            row.push(self.conv(&format!("{block}.{name}"), [k, c, r, s], stride, padding)?);
            c = k;
        }
        Ok(row)
    }

    fn branch(&self, block: &str, c: usize, convs: &[(&str, usize, [usize; 2], usize)]) -> Result<Branch> {
        Ok(Branch { convs: self.row(block, c, convs)?, fork: vec![] })
    }

    /// 35x35 pixels: 1x1, 5x5, two 3x3, mean.
    fn mixed_5(&self, block: &str, c: usize, pooled: usize) -> Result<Mixed> {
        let branches = vec![
            self.branch(block, c, &[("branch1x1", 64, [1, 1], 1)])?,
            self.branch(block, c, &[("branch5x5_1", 48, [1, 1], 1), ("branch5x5_2", 64, [5, 5], 1)])?,
            self.branch(
                block,
                c,
                &[
                    ("branch3x3dbl_1", 64, [1, 1], 1),
                    ("branch3x3dbl_2", 96, [3, 3], 1),
                    ("branch3x3dbl_3", 96, [3, 3], 1),
                ],
            )?,
        ];
        let pool = Pool::Mean(self.conv(&format!("{block}.branch_pool"), [pooled, c, 1, 1], 1, [0, 0])?);
        Ok(Mixed { branches, pool })
    }

    /// 35x35 to 17x17.
    fn mixed_6a(&self, block: &str) -> Result<Mixed> {
        let branches = vec![
            self.branch(block, 288, &[("branch3x3", 384, [3, 3], 2)])?,
            self.branch(
                block,
                288,
                &[
                    ("branch3x3dbl_1", 64, [1, 1], 1),
                    ("branch3x3dbl_2", 96, [3, 3], 1),
                    ("branch3x3dbl_3", 96, [3, 3], 2),
                ],
            )?,
        ];
        Ok(Mixed { branches, pool: Pool::Reduce })
    }

    /// 17x17 pixels: 1x1, 7x7 in two and in four passes of `m` channels, mean.
    fn mixed_6(&self, block: &str, m: usize) -> Result<Mixed> {
        let branches = vec![
            self.branch(block, 768, &[("branch1x1", 192, [1, 1], 1)])?,
            self.branch(
                block,
                768,
                &[("branch7x7_1", m, [1, 1], 1), ("branch7x7_2", m, [1, 7], 1), ("branch7x7_3", 192, [7, 1], 1)],
            )?,
            self.branch(
                block,
                768,
                &[
                    ("branch7x7dbl_1", m, [1, 1], 1),
                    ("branch7x7dbl_2", m, [7, 1], 1),
                    ("branch7x7dbl_3", m, [1, 7], 1),
                    ("branch7x7dbl_4", m, [7, 1], 1),
                    ("branch7x7dbl_5", 192, [1, 7], 1),
                ],
            )?,
        ];
        let pool = Pool::Mean(self.conv(&format!("{block}.branch_pool"), [192, 768, 1, 1], 1, [0, 0])?);
        Ok(Mixed { branches, pool })
    }

    /// 17x17 to 8x8.
    fn mixed_7a(&self, block: &str) -> Result<Mixed> {
        let branches = vec![
            self.branch(block, 768, &[("branch3x3_1", 192, [1, 1], 1), ("branch3x3_2", 320, [3, 3], 2)])?,
            self.branch(
                block,
                768,
                &[
                    ("branch7x7x3_1", 192, [1, 1], 1),
                    ("branch7x7x3_2", 192, [1, 7], 1),
                    ("branch7x7x3_3", 192, [7, 1], 1),
                    ("branch7x7x3_4", 192, [3, 3], 2),
                ],
            )?,
        ];
        Ok(Mixed { branches, pool: Pool::Reduce })
    }

    /// 8x8 pixels: 1x1, forks into 1x3 and 3x1, a pool.
    fn mixed_7(&self, block: &str, c: usize, pool: impl Fn(ConvRelu) -> Pool) -> Result<Mixed> {
        let fork = |a: &str, b: &str| -> Result<Vec<ConvRelu>> {
            let mut both = self.row(block, 384, &[(a, 384, [1, 3], 1)])?;
            both.extend(self.row(block, 384, &[(b, 384, [3, 1], 1)])?);
            Ok(both)
        };
        let branches = vec![
            self.branch(block, c, &[("branch1x1", 320, [1, 1], 1)])?,
            Branch {
                convs: self.row(block, c, &[("branch3x3_1", 384, [1, 1], 1)])?,
                fork: fork("branch3x3_2a", "branch3x3_2b")?,
            },
            Branch {
                convs: self.row(block, c, &[("branch3x3dbl_1", 448, [1, 1], 1), ("branch3x3dbl_2", 384, [3, 3], 1)])?,
                fork: fork("branch3x3dbl_3a", "branch3x3dbl_3b")?,
            },
        ];
        let pooled = self.conv(&format!("{block}.branch_pool"), [192, c, 1, 1], 1, [0, 0])?;
        Ok(Mixed { branches, pool: pool(pooled) })
    }
}
