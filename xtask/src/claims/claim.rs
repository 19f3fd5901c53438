//! What a claim is: what it rests on, and what is shown of it.

use crate::papers::attributes::Attribute;

/// A claim of a paper.
pub(super) struct Claim {
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    /// What must be there before its runs are trained and measured.
    pub(super) needs: &'static [Need],
    pub(super) parts: &'static [Part],
}

/// What others need.
pub(super) enum Need {
    /// A trained network: a configuration.
    Run(&'static str),
    /// A file or folder that `stylegan` makes; in the words of the command line `{file}` stands for it.
    File { path: &'static str, args: &'static str },
    /// Classifiers of these attributes of the drawn faces at 32x32.
    Classifiers(fn() -> Vec<Attribute>),
}

/// What is shown.
pub(super) enum Part {
    /// A table of a paper, by its name.
    Table(&'static str),
    /// Metrics over training, as a chart.
    Curves(Curves),
    /// Pictures of a network.
    Pictures(Pictures),
}

/// Metrics over training.
pub(super) struct Curves {
    pub(super) title: &'static str,
    pub(super) panels: &'static [Axes],
    pub(super) lines: &'static [Line],
    /// Times that a run is measured, evenly over its length.
    pub(super) points: usize,
    /// Options of the measurements.
    pub(super) options: &'static [&'static str],
    /// Places in thousands of pictures that are marked, and what they are.
    pub(super) marks: &'static [(f64, &'static str)],
    /// What is claimed: a line that is better, and one that is worse.
    pub(super) expects: &'static [(usize, usize)],
}

/// A panel of a chart.
pub(super) struct Axes {
    /// What is measured, with its unit.
    pub(super) upward: &'static str,
    pub(super) log: bool,
}

/// A metric of a run.
pub(super) struct Line {
    pub(super) title: &'static str,
    pub(super) config: &'static str,
    pub(super) panel: usize,
    /// As `stylegan eval --metrics` calls it, or a statistic of `stats.jsonl`.
    pub(super) metric: &'static str,
    /// The number of its colour: that of the run.
    pub(super) colour: usize,
    pub(super) dashed: bool,
}

/// Pictures of a network.
pub(super) struct Pictures {
    /// The configuration of the network, where no other is asked for.
    pub(super) config: &'static str,
    pub(super) each: &'static [Picture],
}

/// A picture that `stylegan` makes.
pub(super) struct Picture {
    pub(super) title: &'static str,
    /// The file, below the folder of the claim.
    pub(super) file: &'static str,
    /// The words of the command line; `{network}` stands for the network, `{out}` for the folder of the claim, `{run:CONFIG}`
    /// for the run of another configuration.
    pub(super) args: &'static str,
    /// Where in the network's folder the command leaves the picture, of one that makes more than pictures; it is copied from
    /// there.
    pub(super) made: Option<&'static str>,
}

impl Line {
    /// Whether it is of what the run says of itself.
    pub(super) fn is_statistic(&self) -> bool {
        self.metric.contains('/')
    }
}
