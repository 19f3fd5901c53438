//! How far generated pictures are from what they are to be: the mean perceptual distance of pairs (Richardson et al. 2021,
//! section 4).

use crate::extractor::{Extractor, Place};
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetworks, NetworkId, PerceptualDistance, Truths};
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, SetMetric, Sets, SubjectKind};
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

/// The mean of rows of one distance each, and its interval by leaving out one of [`GROUPS`] groups of pairs at a time.
///
/// # Errors
/// Fewer than `2 * GROUPS` pairs.
pub fn mean(distances: &FeatureTable) -> Result<Estimate> {
    distances.check_count("lpips", "set of pairs", 2 * GROUPS)?;
    Ok(Estimate::of_mean(distances.rows(), [0., f64::INFINITY]))
}

/// Parameters of the distance of pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likeness {
    /// Pictures that are looked at.
    pub counts: Counts,
}

impl Metric for Likeness {
    fn name(&self) -> &'static str {
        "lpips"
    }

    fn needs(&self) -> Needs {
        Needs { subject: SubjectKind::Images, truths: true, ..Needs::images(2 * GROUPS) }
    }
}

impl SetMetric for Likeness {
    fn extractor<'a>(
        &'a self,
        networks: &'a FeatureNetworks,
        published: &str,
        _seed: u64,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        let truths = networks
            .truths()
            .ok_or("what each picture is to be (--images with the true pictures, or a set with maps)")?;
        let distance = networks.distance(published).ok_or("a network that compares pictures")?;
        Ok(Box::new(Pairs { distance, truths }))
    }

    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        Ok(vec![Number::new(name, mean(sets.generated)?, "distance", Direction::Smaller)])
    }
}

/// The distance of each picture from its truth.
struct Pairs<'a> {
    distance: &'a dyn PerceptualDistance,
    truths: &'a Truths,
}

impl Extractor for Pairs<'_> {
    fn id(&self) -> NetworkId {
        let definition = format!("distance from the pictures of {}: {}", self.truths.of(), self.distance.definition());
        NetworkId::new(self.distance.name(), self.distance.hash(), &definition)
    }

    fn rows(&self, chunk: &Tensor, place: &Place, _waiting: &mut Option<Tensor>) -> Result<Vec<f32>> {
        // What only fills the chunk has the last truth.
        let last = place.n.saturating_sub(1);
        let truths =
            (0..chunk.dim(0)?).map(|i| self.truths.truth(place.first + i.min(last))).collect::<Result<Vec<_>>>()?;
        let truths = Tensor::cat(&truths, 0)?;
        if truths.dims() != chunk.dims() {
            let (left, right) = (format!("{:?}", &chunk.dims()[1..]), format!("{:?}", &truths.dims()[1..]));
            return Err(Error::Mismatch { what: "size of pictures and of what they are to be", left, right });
        }
        let found = self.distance.distance(chunk, &truths.to_device(chunk.device())?)?.to_device(&Device::Cpu)?;
        let found = found.narrow(0, 0, place.n)?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        place.finite("distances", found, 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::features::StLpips;

    fn picture(i: usize, shift: f32) -> Tensor {
        let values: Vec<f32> = (0..3 * 32 * 32).map(|p| ((p * (i + 3)) % 101) as f32 / 101. - shift).collect();
        Tensor::from_vec(values, (1, 3, 32, 32), &Device::Cpu).unwrap()
    }

    /// Each picture meets its own truth, also in a chunk that is filled up; the mean is that of the distances one by one.
    #[test]
    fn pictures_meet_their_own_truths() {
        let network = StLpips::embedded(&Device::Cpu).unwrap();
        let truths = Truths::new("shifted", Box::new(|i| Ok(picture(i, 0.8))));
        let pairs = Pairs { distance: &network, truths: &truths };
        let chunk = Tensor::cat(&[picture(5, 0.2), picture(6, 0.8), picture(6, 0.8)], 0).unwrap();
        let place = Place { first: 5, n: 2, set: "generated set" };
        let found = pairs.rows(&chunk, &place, &mut None).unwrap();
        let alone = network.distance(&picture(5, 0.2), &picture(5, 0.8)).unwrap().to_vec1::<f32>().unwrap()[0];
        assert!(found.len() == 2 && (found[0] - alone).abs() < 1e-6 * alone && found[1] == 0., "{found:?} {alone}");
        assert!(pairs.id().definition.starts_with("distance from the pictures of shifted"));
        let other = Tensor::zeros((1, 3, 16, 16), DType::F32, &Device::Cpu).unwrap();
        let one = Place { n: 1, ..place };
        assert!(pairs.rows(&other, &one, &mut None).unwrap_err().to_string().contains("what they are to be"));
        let rows = FeatureTable::new([1f32, 3.].repeat(20), 1).unwrap();
        let estimate = mean(&rows).unwrap();
        assert!(estimate.value == 2. && estimate.interval.low <= 2. && estimate.interval.high >= 2.);
        let few = FeatureTable::new(vec![1.; 39], 1).unwrap();
        assert!(mean(&few).unwrap_err().to_string().contains("at least 40"));
    }

    /// Truths may be grey, as files of grey pictures are.
    #[test]
    fn grey_truths_have_three_channels() {
        let truths = Truths::new("grey", Box::new(|_| Ok(Tensor::zeros((1, 1, 4, 4), DType::F32, &Device::Cpu)?)));
        assert_eq!(truths.truth(0).unwrap().dims(), [1, 3, 4, 4]);
    }
}
