//! The table of metrics and the table of protocols.

use super::{Counts, Protocol};
use crate::combination::Combination;
use crate::extractor::{LABEL_MAPS, PIXELS};
use crate::frechet::{Covariance, Fid};
use crate::identity::Identity;
use crate::inception_score::InceptionScore;
use crate::kernel::{KernelDistance, Kid};
use crate::likeness::Likeness;
use crate::metric::{Kind, Metric};
use crate::ms_ssim::MsSsim;
use crate::path_length::{PathLength, Sampling, Space};
use crate::precision_recall::Pr;
use crate::seen_maps::SeenMiou;
use crate::segmentation::Miou;
use crate::separability::Separability;
use crate::sliced_wasserstein::{SlicedWasserstein, Swd};
use serde::{Deserialize, Serialize};

/// Writes down the metrics that there are, each with its kind in reports and its parameters: of sets, whose sizes are its
/// `counts`, and of generators, with the parameter that says how many images or pairs it draws.
macro_rules! metrics {
    (
        sets { $($(#[$set_doc:meta])* $set:ident($set_parameters:ty),)* }
        generators { $($(#[$doc:meta])* $generator:ident($parameters:ty, $count:ident),)* }
    ) => {
        /// The parameters, by kind of metric.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum Parameters {
            $($(#[$set_doc])* $set($set_parameters),)*
            $($(#[$doc])* $generator($parameters),)*
        }

        impl Parameters {
            pub(crate) fn metric(&self) -> &dyn Metric {
                match self {
                    $(Self::$set(metric) => metric,)*
                    $(Self::$generator(metric) => metric,)*
                }
            }

            pub(super) fn kind(&self) -> Kind<'_> {
                match self {
                    $(Self::$set(metric) => Kind::Sets(metric),)*
                    $(Self::$generator(metric) => Kind::Generator(metric),)*
                }
            }

            pub(super) fn counts(&self) -> Option<Counts> {
                match self {
                    $(Self::$set(metric) => Some(metric.counts),)*
                    $(Self::$generator(_) => None,)*
                }
            }

            pub(super) fn count(&self) -> Option<usize> {
                match self {
                    $(Self::$set(metric) => metric.counts.fakes,)*
                    $(Self::$generator(metric) => Some(metric.$count),)*
                }
            }

            /// Takes another number of generated images or pairs, or all that there are; returns the parameter's name if
            /// that is not the number it had.
            pub(super) fn set_count(&mut self, count: Option<usize>) -> Option<&'static str> {
                match self {
                    $(Self::$set(metric) => {
                        let equal_sets = metric.needs().equal_sets;
                        metric.counts.set(count, equal_sets)
                    })*
                    $(Self::$generator(metric) => {
                        let count = count?;
                        (std::mem::replace(&mut metric.$count, count) != count).then_some(stringify!($count))
                    })*
                }
            }
        }
    };
}

metrics! {
    sets {
        /// Fréchet distance.
        Frechet(Fid),
        /// Kernel distance.
        Kernel(Kid),
        /// Precision, recall, density and coverage.
        PrecisionRecall(Pr),
        /// Inception Score.
        InceptionScore(InceptionScore),
        /// Sliced Wasserstein distance of patches, level by level and in the mean.
        SlicedWasserstein(Swd),
        /// Multi-scale structural similarity of pairs of generated images.
        Similarity(MsSsim),
        /// Agreement of label maps of equal number.
        Segmentation(Miou),
        /// Agreement of painted pictures with their label maps.
        SeenMaps(SeenMiou),
        /// Similarity of identities in pictures of equal number.
        Identity(Identity),
        /// Distance of pictures from what they are to be.
        Likeness(Likeness),
    }
    generators {
        /// Perceptual path length.
        PathLength(PathLength, pairs),
        /// Linear separability in Z and in W.
        Separability(Separability, samples),
        /// Edits towards a combination of two attributes, in Z and in W.
        Combination(Combination, samples),
    }
}

/// Generated images or pairs of the crate's own protocols, which are meant for small networks on a CPU.
const OWN_COUNT: usize = 5000;
const INCEPTION: &str = "inception-2015-12-05";
const LPIPS: &str = "lpips-vgg16";
/// Pictures of each set of the crate's own sliced Wasserstein distance: patches take memory.
const OWN_PATCHED: usize = 2048;
const OWN: &str = "stylegan-rs docs/metrics.md";
const PGGAN: &str = "Karras et al. 2018 (arXiv 1710.10196), tkarras/progressive_growing_of_gans 2504c3f metrics/";
const SG1: &str = "Karras et al. 2019 (arXiv 1812.04948), NVlabs/stylegan 1e0d5c7 metrics/";
const SG2: &str = "Karras et al. 2020 (arXiv 1912.04958), NVlabs/stylegan2 bf0fe0b metrics/metric_defaults.py";
const ADA: &str = "Karras et al. 2020 (arXiv 2006.06676), NVlabs/stylegan2-ada-pytorch d72cc7d metrics/";
const PYTORCH_FID: &str = "mseitzer/pytorch-fid b9c1811 (0.3.0)";
const TORCH_FIDELITY: &str = "toshas/torch-fidelity 5e211a9 (0.4.0) torch_fidelity/defaults.py";
const CLEAN_FID: &str = "Parmar et al. 2022 (arXiv 2104.11222), GaParmar/clean-fid 0.1.35, mode clean";

/// All protocols, the crate's own first.
pub fn protocols() -> Vec<Protocol> {
    use Covariance::{Population, Unbiased};
    use {Sampling::*, Space::*};
    let counts = |fakes, reals| Counts { fakes: Some(fakes), reals, at_most: false };
    let at_most = |fakes, reals| Counts { at_most: true, ..counts(fakes, Some(reals)) };
    let own = counts(OWN_COUNT, None);
    let all = Counts { fakes: None, reals: None, at_most: false };
    let fid = |counts, covariance| Parameters::Frechet(Fid { counts, covariance });
    let kid = |counts| Parameters::Kernel(Kid { counts, kernel: KernelDistance::default() });
    let pr = |counts| Parameters::PrecisionRecall(Pr { counts, neighbours: 3 });
    let is = |counts| Parameters::InceptionScore(InceptionScore { counts, splits: 10 });
    let ppl = |space, sampling, pairs, crop| {
        Parameters::PathLength(PathLength { pairs, crop, ..PathLength::new(space, sampling) })
    };
    let swd = |images, patches| {
        let swd = SlicedWasserstein { patches, ..SlicedWasserstein::default() };
        Parameters::SlicedWasserstein(Swd { counts: counts(images, Some(images)), swd })
    };
    let similarity = |images| Parameters::Similarity(MsSsim { counts: counts(images, Some(images)) });
    let ls = |samples| Parameters::Separability(Separability { samples, ..Separability::default() });
    let entry = |id: &str, network: &str, parameters, source: &str| Protocol {
        id: id.into(),
        network: network.into(),
        parameters,
        changed: vec![],
        source: source.into(),
    };
    vec![
        entry("stylegan-rs.fid", "any", fid(own, Unbiased), OWN),
        entry("stylegan-rs.kid", "any", kid(own), OWN),
        entry("stylegan-rs.pr", "any", pr(own), OWN),
        entry("stylegan-rs.is", "any", is(own), OWN),
        entry("stylegan-rs.ppl_zfull", "any", ppl(Z, Full, OWN_COUNT, false), OWN),
        entry("stylegan-rs.ppl_wfull", "any", ppl(W, Full, OWN_COUNT, false), OWN),
        entry("stylegan-rs.ppl_zend", "any", ppl(Z, End, OWN_COUNT, false), OWN),
        entry("stylegan-rs.ppl_wend", "any", ppl(W, End, OWN_COUNT, false), OWN),
        entry("stylegan-rs.ls", "any", ls(OWN_COUNT), OWN),
        entry("stylegan-rs.combination", "any", Parameters::Combination(Combination { samples: OWN_COUNT }), OWN),
        entry("stylegan-rs.swd", PIXELS, swd(OWN_PATCHED, 64), OWN),
        entry("stylegan-rs.ms_ssim", PIXELS, similarity(OWN_COUNT), OWN),
        entry("stylegan-rs.miou", LABEL_MAPS, Parameters::Segmentation(Miou { counts: all, ignored: Some(255) }), OWN),
        entry("stylegan-rs.seen_miou", "segmenter", Parameters::SeenMaps(SeenMiou { counts: all }), OWN),
        entry("stylegan-rs.lpips", "any", Parameters::Likeness(Likeness { counts: all }), OWN),
        entry("stylegan-rs.id", "any", Parameters::Identity(Identity { counts: all }), OWN),
        entry("pggan.swd16k", PIXELS, swd(16_384, 128), PGGAN),
        entry("pggan.ms_ssim", PIXELS, similarity(20_000), PGGAN),
        entry("sg1.fid50k", INCEPTION, fid(counts(50_000, Some(50_000)), Unbiased), SG1),
        entry("sg1.ppl_zfull", LPIPS, ppl(Z, Full, 100_000, true), SG1),
        entry("sg1.ppl_wfull", LPIPS, ppl(W, Full, 100_000, true), SG1),
        entry("sg1.ppl_zend", LPIPS, ppl(Z, End, 100_000, true), SG1),
        entry("sg1.ppl_wend", LPIPS, ppl(W, End, 100_000, true), SG1),
        entry("sg1.ls", "celebahq-classifiers", ls(200_000), SG1),
        entry("sg2.ppl2_wend", LPIPS, ppl(W, End, 50_000, false), SG2),
        entry("ada.fid50k_full", INCEPTION, fid(counts(50_000, None), Population), ADA),
        entry("ada.kid50k_full", INCEPTION, kid(at_most(50_000, 1_000_000)), ADA),
        entry("ada.pr50k3_full", "vgg16", pr(at_most(50_000, 200_000)), ADA),
        entry("ada.is50k", INCEPTION, is(counts(50_000, None)), ADA),
        entry("ada.ppl2_wend", LPIPS, ppl(W, End, 50_000, false), ADA),
        entry("pytorch-fid.fid", "inception-pytorch-fid", fid(all, Unbiased), PYTORCH_FID),
        entry("torch-fidelity.fid", INCEPTION, fid(all, Unbiased), TORCH_FIDELITY),
        entry("torch-fidelity.kid", INCEPTION, kid(all), TORCH_FIDELITY),
        entry("torch-fidelity.isc", INCEPTION, is(all), TORCH_FIDELITY),
        entry("torch-fidelity.prc", "vgg16-torch-fidelity", pr(all), TORCH_FIDELITY),
        entry("clean-fid.fid", "inception-clean-fid", fid(all, Unbiased), CLEAN_FID),
        entry("clean-fid.kid", "inception-clean-fid", kid(all), CLEAN_FID),
    ]
}
