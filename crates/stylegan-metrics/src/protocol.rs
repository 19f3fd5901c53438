//! Protocols as data: what exactly a number was measured with, and where that comes from.

use crate::frechet::Covariance;
use crate::kernel::KernelDistance;
use crate::path_length::{PathLength, Sampling, Space};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A named set of parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// `origin.metric`, such as `sg1.fid50k`.
    pub id: String,
    /// The feature network that the protocol was published with. Numbers of any other carry that
    /// network's name.
    pub network: String,
    /// Everything that changes the value.
    pub parameters: Parameters,
    /// Names of the parameters that were given other values than the published ones.
    #[serde(default)]
    pub changed: Vec<String>,
    /// Paper or program that it follows.
    pub source: String,
}

/// The parameters, by kind of metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Parameters {
    /// Fréchet distance.
    Frechet {
        /// Sizes of the two sets.
        counts: Counts,
        /// Divisor of the covariance.
        covariance: Covariance,
    },
    /// Kernel distance.
    Kernel {
        /// Sizes of the two sets.
        counts: Counts,
        /// Kernel and subsets.
        kernel: KernelDistance,
    },
    /// Precision, recall, density and coverage.
    PrecisionRecall {
        /// Sizes of the two sets.
        counts: Counts,
        /// Which neighbour a neighbourhood reaches to.
        neighbours: usize,
    },
    /// Perceptual path length.
    PathLength(PathLength),
}

/// How many images enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Generated images.
    pub fakes: usize,
    /// Real images; none is all there are.
    pub reals: Option<usize>,
}

/// Counts of the crate's own protocols, which are meant for small networks on a CPU.
const OWN_COUNT: usize = 5000;
const INCEPTION: &str = "inception-2015-12-05";
const OWN: &str = "stylegan-rs docs/metrics.md";
const SG1: &str = "Karras et al. 2019 (arXiv 1812.04948), NVlabs/stylegan 1e0d5c7 metrics/";
const SG2: &str = "Karras et al. 2020 (arXiv 1912.04958), NVlabs/stylegan2 bf0fe0b metrics/metric_defaults.py";
const ADA: &str = "Karras et al. 2020 (arXiv 2006.06676), NVlabs/stylegan2-ada-pytorch d72cc7d metrics/";

/// All protocols, the crate's own first.
pub fn protocols() -> Vec<Protocol> {
    use {Sampling::*, Space::*};
    let all = |fakes| Counts { fakes, reals: None };
    let fid = |counts, covariance| Parameters::Frechet { counts, covariance };
    let kid = |counts| Parameters::Kernel { counts, kernel: KernelDistance::default() };
    let pr = |counts| Parameters::PrecisionRecall { counts, neighbours: 3 };
    let ppl = |space, sampling, pairs, crop| {
        Parameters::PathLength(PathLength { pairs, crop, ..PathLength::new(space, sampling) })
    };
    let entry = |id: &str, network: &str, parameters, source: &str| Protocol {
        id: id.into(),
        network: network.into(),
        parameters,
        changed: vec![],
        source: source.into(),
    };
    vec![
        entry("stylegan-rs.fid", "any", fid(all(OWN_COUNT), Covariance::Unbiased), OWN),
        entry("stylegan-rs.kid", "any", kid(all(OWN_COUNT)), OWN),
        entry("stylegan-rs.pr", "any", pr(all(OWN_COUNT)), OWN),
        entry("stylegan-rs.ppl_zfull", "any", ppl(Z, Full, OWN_COUNT, false), OWN),
        entry("stylegan-rs.ppl_wfull", "any", ppl(W, Full, OWN_COUNT, false), OWN),
        entry("stylegan-rs.ppl_zend", "any", ppl(Z, End, OWN_COUNT, false), OWN),
        entry("stylegan-rs.ppl_wend", "any", ppl(W, End, OWN_COUNT, false), OWN),
        entry("sg1.fid50k", INCEPTION, fid(Counts { fakes: 50_000, reals: Some(50_000) }, Covariance::Unbiased), SG1),
        entry("sg1.ppl_zfull", "lpips-vgg16", ppl(Z, Full, 100_000, true), SG1),
        entry("sg1.ppl_wfull", "lpips-vgg16", ppl(W, Full, 100_000, true), SG1),
        entry("sg1.ppl_zend", "lpips-vgg16", ppl(Z, End, 100_000, true), SG1),
        entry("sg1.ppl_wend", "lpips-vgg16", ppl(W, End, 100_000, true), SG1),
        entry("sg2.ppl2_wend", "lpips-vgg16", ppl(W, End, 50_000, false), SG2),
        entry("ada.fid50k_full", INCEPTION, fid(all(50_000), Covariance::Population), ADA),
        entry("ada.kid50k_full", INCEPTION, kid(Counts { fakes: 50_000, reals: Some(1_000_000) }), ADA),
        entry("ada.pr50k3_full", "vgg16", pr(Counts { fakes: 50_000, reals: Some(200_000) }), ADA),
        entry("ada.ppl2_wend", "lpips-vgg16", ppl(W, End, 50_000, false), ADA),
    ]
}

impl Protocol {
    /// The protocol of this id; a name without origin means the crate's own.
    ///
    /// ```
    /// use stylegan_metrics::protocol::Protocol;
    /// assert_eq!(Protocol::find("fid")?.id, "stylegan-rs.fid");
    /// assert_eq!(Protocol::find("sg1.ppl_wend")?.network, "lpips-vgg16");
    /// assert!(Protocol::find("fidd").is_err());
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// An id that is not in the table; the message lists the table.
    pub fn find(name: &str) -> Result<Self> {
        let all = protocols();
        let own = format!("stylegan-rs.{name}");
        let known = || all.iter().map(|p| p.id.trim_start_matches("stylegan-rs.")).collect::<Vec<_>>().join(", ");
        all.iter().find(|p| p.id == name || p.id == own).cloned().ok_or_else(|| Error::Unknown {
            what: "metric",
            name: name.into(),
            known: known(),
        })
    }

    /// The same with this many generated images or pairs; [`Self::changed`] says so.
    #[must_use]
    pub fn with_samples(mut self, samples: usize) -> Self {
        let (count, name) = match &mut self.parameters {
            Parameters::Frechet { counts, .. }
            | Parameters::Kernel { counts, .. }
            | Parameters::PrecisionRecall { counts, .. } => (&mut counts.fakes, "fakes"),
            Parameters::PathLength(ppl) => (&mut ppl.pairs, "pairs"),
        };
        if *count != samples {
            *count = samples;
            self.note(name);
        }
        self
    }

    /// The same with path lengths measured on the face crop or not; other metrics stay.
    #[must_use]
    pub fn with_crop(mut self, crop: bool) -> Self {
        if let Parameters::PathLength(ppl) = &mut self.parameters
            && ppl.crop != crop
        {
            ppl.crop = crop;
            self.note("crop");
        }
        self
    }

    /// Remembers that a parameter is not the published one.
    pub(crate) fn note(&mut self, name: &str) {
        if !self.changed.iter().any(|c| c == name) {
            self.changed.push(name.into());
        }
    }

    /// The sizes of the sets it compares, nothing for path lengths.
    pub fn counts(&self) -> Option<Counts> {
        match &self.parameters {
            Parameters::Frechet { counts, .. }
            | Parameters::Kernel { counts, .. }
            | Parameters::PrecisionRecall { counts, .. } => Some(*counts),
            Parameters::PathLength(_) => None,
        }
    }

    /// The metric's name as measured with feature network `network`: the protocol's own name if that
    /// is the network it was published with, else with the network's name behind it.
    ///
    /// ```
    /// use stylegan_metrics::protocol::Protocol;
    /// assert_eq!(Protocol::find("ppl_wend")?.name("stlpips"), "ppl_wend-stlpips");
    /// assert_eq!(Protocol::find("sg1.ppl_wend")?.name("lpips-vgg16"), "ppl_wend");
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    pub fn name(&self, network: &str) -> String {
        let short = self.id.rsplit('.').next().unwrap_or(&self.id);
        self.named(short, network)
    }

    /// `short` with the network's name behind it, unless the network is the published one.
    pub(crate) fn named(&self, short: &str, network: &str) -> String {
        if network == self.network { short.to_owned() } else { format!("{short}-{network}") }
    }
}
