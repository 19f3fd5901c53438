//! Protocols as data: what exactly a number was measured with, and where that comes from.

mod table;

use crate::frechet::Covariance;
use crate::kernel::KernelDistance;
use crate::path_length::PathLength;
use crate::separability::Separability;
use crate::sliced_wasserstein::SlicedWasserstein;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

pub use table::protocols;

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
    /// Inception Score: mean over splits of the generated set.
    InceptionScore {
        /// Size of the generated set; there is no real one.
        counts: Counts,
        /// Number of parts that are scored alone.
        splits: usize,
    },
    /// Sliced Wasserstein distance of patches, level by level and in the mean.
    SlicedWasserstein {
        /// Sizes of the two sets, which are cut to the smaller one.
        counts: Counts,
        /// Patches and directions.
        swd: SlicedWasserstein,
    },
    /// Multi-scale structural similarity of pairs of generated images.
    Similarity {
        /// Size of the generated set, twice the number of pairs; of real ones, for comparison.
        counts: Counts,
    },
    /// Agreement of label maps of equal number.
    Segmentation {
        /// Sizes of the two sets.
        counts: Counts,
        /// The true class of pixels that do not count.
        ignored: Option<u8>,
    },
    /// Similarity of identities in pictures of equal number.
    Identity {
        /// Sizes of the two sets.
        counts: Counts,
    },
    /// Perceptual path length.
    PathLength(PathLength),
    /// Linear separability in Z and in W.
    Separability(Separability),
}

/// How many images enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Generated images; none is all there are, which only sets of pictures can do.
    pub fakes: Option<usize>,
    /// Real images; none is all there are.
    pub reals: Option<usize>,
    /// Whether `reals` is a bound: fewer are as published.
    pub at_most: bool,
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

    /// The same with this many generated images or pairs, and as many real ones where sets must be of equal
    /// size; [`Self::changed`] says so.
    #[must_use]
    pub fn with_samples(mut self, samples: usize) -> Self {
        let equal = self.is_of_equal_sets();
        let changed = match &mut self.parameters {
            Parameters::PathLength(ppl) => (std::mem::replace(&mut ppl.pairs, samples) != samples).then_some("pairs"),
            Parameters::Separability(ls) => {
                (std::mem::replace(&mut ls.samples, samples) != samples).then_some("samples")
            }
            sets => sets.counts_mut().and_then(|counts| {
                if equal {
                    counts.reals = Some(samples);
                }
                (counts.fakes.replace(samples) != Some(samples)).then_some("fakes")
            }),
        };
        changed.into_iter().for_each(|name| self.note(name));
        self
    }

    /// The same with all generated images that there are.
    #[must_use]
    pub fn with_all(mut self) -> Self {
        let equal = self.is_of_equal_sets();
        let taken = self.parameters.counts_mut().and_then(|counts| {
            if equal {
                counts.reals = None;
            }
            counts.fakes.take()
        });
        if taken.is_some() {
            self.note("fakes");
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

    /// The sizes of the sets whose pictures it looks at, nothing for those that draw their own.
    pub fn counts(&self) -> Option<Counts> {
        self.parameters.clone().counts_mut().copied()
    }

    /// Whether it compares with a set of real images.
    pub fn needs_reals(&self) -> bool {
        let alone = matches!(self.parameters, Parameters::InceptionScore { .. } | Parameters::Similarity { .. });
        self.counts().is_some() && !alone
    }

    /// Whether it has something to say of real images if they are there.
    pub fn uses_reals(&self) -> bool {
        self.needs_reals() || matches!(self.parameters, Parameters::Similarity { .. })
    }

    /// Whether pictures of equal number in both sets belong together.
    pub fn is_of_pairs(&self) -> bool {
        matches!(self.parameters, Parameters::Segmentation { .. } | Parameters::Identity { .. })
    }

    /// Whether a network looks at the pictures, one of those that serve distances between sets.
    pub fn uses_features(&self) -> bool {
        use Parameters::{Frechet, InceptionScore, Kernel, PrecisionRecall};
        matches!(self.parameters, Frechet { .. } | Kernel { .. } | PrecisionRecall { .. } | InceptionScore { .. })
    }

    fn is_of_equal_sets(&self) -> bool {
        self.is_of_pairs() || matches!(self.parameters, Parameters::SlicedWasserstein { .. })
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

impl Parameters {
    fn counts_mut(&mut self) -> Option<&mut Counts> {
        match self {
            Self::Frechet { counts, .. }
            | Self::Kernel { counts, .. }
            | Self::PrecisionRecall { counts, .. }
            | Self::InceptionScore { counts, .. }
            | Self::SlicedWasserstein { counts, .. }
            | Self::Similarity { counts }
            | Self::Segmentation { counts, .. }
            | Self::Identity { counts } => Some(counts),
            Self::PathLength(_) | Self::Separability(_) => None,
        }
    }
}
