//! FID as a metric: the Fréchet distance with its counts.

use super::{Covariance, distance_with_interval};
use crate::Result;
use crate::interval::GROUPS;
use crate::metric::{Counts, Direction, Metric, Needs, Number, RealsRole, SetMetric, Sets};
use serde::{Deserialize, Serialize};

/// Parameters of FID.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fid {
    /// Sizes of the two sets.
    pub counts: Counts,
    /// Divisor of the covariance.
    pub covariance: Covariance,
}

impl Metric for Fid {
    fn name(&self) -> &'static str {
        "fid"
    }

    fn needs(&self) -> Needs {
        Needs { reals: RealsRole::Compared, ..Needs::images(2 * GROUPS) }
    }
}

impl SetMetric for Fid {
    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let estimate = distance_with_interval(sets.real(name)?, sets.generated, self.covariance)?;
        Ok(vec![Number::new(name, estimate, "squared feature distance", Direction::Smaller)])
    }
}
