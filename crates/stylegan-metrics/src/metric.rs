//! What every metric says of itself, and the words in which it does.

use crate::Result;
use crate::cache::Makers;
use crate::extractor::{Extractor, Features};
use crate::feature_table::FeatureTable;
use crate::features::{Classifier, FeatureNetwork, FeatureNetworks, NetworkId};
use crate::generator_source::GeneratorSource;
use crate::interval::Estimate;
use serde::{Deserialize, Serialize};

/// A metric with its parameters. The rest of the crate, and the command, ask it; none of them knows one metric
/// from another.
pub(crate) trait Metric {
    /// Its name, less the network's: `fid`.
    fn name(&self) -> &'static str;

    /// The names of its numbers where they are not its own, so that who asks for one of them is told.
    fn numbers(&self) -> &'static [&'static str] {
        &[]
    }

    /// What must be there.
    fn needs(&self) -> Needs;
}

/// What a metric is measured of.
pub(crate) enum Kind<'a> {
    /// Of sets of images.
    Sets(&'a dyn SetMetric),
    /// Of a generator itself.
    Generator(&'a dyn GeneratorMetric),
}

/// A metric of sets of images: each image becomes a row of numbers, and the tables are compared.
pub(crate) trait SetMetric {
    /// What makes the rows, with the network called `published` or another at hand: a row of features of each image,
    /// unless the metric looks at something else.
    ///
    /// # Errors
    /// What is missing.
    fn extractor<'a>(
        &'a self,
        networks: &'a FeatureNetworks,
        published: &str,
        _seed: u64,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        Features::of(networks, published)
    }

    /// The numbers; `name` is what the protocol calls the metric.
    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>>;

    /// The parameter that cannot be as asked for with sets of these sizes.
    fn adapted(&self, _sets: &Sets) -> Option<&'static str> {
        None
    }
}

/// A metric of a generator, which draws images of its own.
pub(crate) trait GeneratorMetric {
    /// The numbers; `name` is what the protocol calls the metric. Nothing on ranks that only help.
    fn measure(&self, name: &str, source: &GeneratorSource, context: &mut Context) -> Result<Option<GeneratorNumbers>>;

    /// Whether the images are of single latents without truncation, whatever is asked for.
    fn draws_plainly(&self) -> bool;
}

/// What a metric of a generator works with.
pub(crate) struct Context<'a, 'p> {
    pub(crate) networks: &'a FeatureNetworks,
    pub(crate) classifiers: &'a [Classifier],
    /// The feature network that the protocol was published with.
    pub(crate) published: &'a str,
    pub(crate) makers: Makers<'a>,
    pub(crate) seed: u64,
    pub(crate) progress: &'a mut Progress<'p>,
}

/// The numbers of a metric of a generator.
pub(crate) struct GeneratorNumbers {
    /// What looked at the images.
    pub(crate) network: NetworkId,
    /// Images, or pairs of them.
    pub(crate) generated: usize,
    pub(crate) numbers: Vec<Number>,
}

/// The tables that a metric compares.
pub(crate) struct Sets<'a> {
    /// Of the real set, where it is compared with.
    pub(crate) real: Option<&'a FeatureTable>,
    pub(crate) generated: &'a FeatureTable,
    /// Height and width of the images, where they were read.
    pub(crate) size: Option<[usize; 2]>,
    /// The network that made the rows, if one did.
    pub(crate) network: Option<&'a dyn FeatureNetwork>,
    pub(crate) seed: u64,
}

impl<'a> Sets<'a> {
    /// The table of the real set, for `metric`.
    pub(crate) fn real(&self, metric: &str) -> Result<&'a FeatureTable> {
        let missing = "a set of real images";
        self.real.ok_or_else(|| crate::Error::Missing { metric: metric.into(), missing })
    }
}

/// A measured number.
pub(crate) struct Number {
    /// The metric's name or a part of it: `fid50k`, `swd_64`, `recall`.
    pub(crate) name: String,
    pub(crate) estimate: Estimate,
    pub(crate) unit: &'static str,
    pub(crate) better: Direction,
}

impl Number {
    pub(crate) fn new(name: impl Into<String>, estimate: Estimate, unit: &'static str, better: Direction) -> Self {
        Self { name: name.into(), estimate, unit, better }
    }
}

/// Which way a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Distances and path lengths.
    Smaller,
    /// Precision and the like.
    Larger,
    /// Neither: it should be like that of the real set.
    Like,
}

/// What a metric needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Who can be measured.
    pub subject: SubjectKind,
    /// What the real images are for.
    pub reals: RealsRole,
    /// Whether both sets must hold as many images.
    pub equal_sets: bool,
    /// Whether each image must have its truth by number: what it is to be, or the label map that it is to show.
    pub truths: bool,
    /// Whether the images are label maps: grey, levels are class numbers.
    pub label_maps: bool,
    /// Whether the feature network must know classes.
    pub classes: bool,
    /// Whether there must be classifiers.
    pub classifiers: bool,
    /// The fewest images of each set, or pairs.
    pub images: usize,
    /// The smallest side of an image, in pixels.
    pub side: usize,
}

impl Needs {
    /// Any subject, any size, no real images.
    pub(crate) const fn images(images: usize) -> Self {
        let (subject, reals) = (SubjectKind::Any, RealsRole::Unused);
        Self {
            subject,
            reals,
            equal_sets: false,
            truths: false,
            label_maps: false,
            classes: false,
            classifiers: false,
            images,
            side: 1,
        }
    }
}

/// Who can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// Whatever has images.
    Any,
    /// Sets of images, no generator.
    Images,
    /// Generators.
    Generator,
    /// Generators whose latents are mapped to styles.
    Mapping,
}

/// What real images are to a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealsRole {
    /// Nothing.
    Unused,
    /// Another set to measure, for comparison, if they are there.
    Beside,
    /// The other side of a distance.
    Compared,
    /// Partners: images of equal number belong together.
    Paired,
}

/// How many images enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Generated images; none is all there are, which only sets of images can do.
    pub fakes: Option<usize>,
    /// Real images; none is all there are.
    pub reals: Option<usize>,
    /// Whether `reals` is a bound: fewer are as published.
    pub at_most: bool,
}

impl Counts {
    /// Takes another number of generated images, with `equal_sets` of real ones too; returns the parameter's name
    /// if it is another.
    pub(crate) fn set(&mut self, count: Option<usize>, equal_sets: bool) -> Option<&'static str> {
        if equal_sets {
            self.reals = count;
        }
        (std::mem::replace(&mut self.fakes, count) != count).then_some("fakes")
    }
}

/// Told what is being done, and how many images or pairs of it are done out of how many (0 out of 0 where
/// nothing is counted).
pub type Progress<'a> = dyn FnMut(&str, usize, usize) + 'a;
