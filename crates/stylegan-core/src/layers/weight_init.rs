//! What weights start from, where they are not scaled at run time.

use candle_nn::Init;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the weights of a network start from; biases start at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WeightInit {
    /// Glorot's normal distribution with gain 0.02: SPADE and pix2pixHD++ (Park et al. 2019, appendix A).
    Glorot,
    /// N(0, 0.02²): pix2pixHD.
    Normal,
}

impl WeightInit {
    /// The distribution of a weight `[a, b, r, s]`.
    pub(crate) fn of(self, [a, b, r, s]: [usize; 4]) -> Init {
        let stdev = match self {
            Self::Glorot => 0.02 * (2. / ((a + b) * r * s).max(1) as f64).sqrt(),
            Self::Normal => 0.02,
        };
        Init::Randn { mean: 0., stdev }
    }
}
