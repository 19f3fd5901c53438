//! Protocols as data: what exactly a number was measured with, and where that comes from.

mod table;

use crate::extractor::{LABEL_MAPS, PIXELS};
use crate::metric::{Kind, Metric, Needs, RealsRole};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

pub use crate::metric::Counts;
pub use table::{Parameters, protocols};

/// What the ids of the crate's own protocols begin with.
const OWN: &str = "stylegan-rs.";

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

impl Protocol {
    /// The protocol of this id; a name without origin means the crate's own.
    ///
    /// ```
    /// use stylegan_metrics::protocol::Protocol;
    /// assert_eq!(Protocol::find("fid")?.id, "stylegan-rs.fid");
    /// assert_eq!(Protocol::find("sg1.ppl_wend")?.network, "lpips-vgg16");
    /// let error = Protocol::find("recall").err().ok_or("recall is a part of pr")?;
    /// assert!(error.to_string().ends_with("did you mean pr?"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An id that is not in the table; the message lists the table and names what is nearest.
    pub fn find(name: &str) -> Result<Self> {
        let all = protocols();
        let own = format!("{OWN}{name}");
        all.iter().find(|p| p.id == name || p.id == own).cloned().ok_or_else(|| Error::Unknown {
            what: "metric",
            name: name.into(),
            known: all.iter().map(Self::short_id).collect::<Vec<_>>().join(", "),
            nearest: nearest(name, &all).to_owned(),
        })
    }

    /// The same with this many generated images or pairs, and as many real ones where sets must be of equal
    /// size; [`Self::changed`] says so.
    #[must_use]
    pub fn with_samples(mut self, samples: usize) -> Self {
        let changed = self.parameters.set_count(Some(samples));
        changed.into_iter().for_each(|name| self.note(name));
        self
    }

    /// The same with all generated images that there are.
    #[must_use]
    pub fn with_all(mut self) -> Self {
        let changed = self.parameters.set_count(None);
        changed.into_iter().for_each(|name| self.note(name));
        self
    }

    /// Remembers that a parameter is not the published one.
    pub(crate) fn note(&mut self, name: &str) {
        if !self.changed.iter().any(|c| c == name) {
            self.changed.push(name.into());
        }
    }

    /// Whether it is one of the crate's own, which no paper or program has published.
    pub fn is_own(&self) -> bool {
        self.id.starts_with(OWN)
    }

    /// The metric with its parameters.
    pub(crate) fn metric(&self) -> &dyn Metric {
        self.parameters.metric()
    }

    /// What it is measured of.
    pub(crate) fn kind(&self) -> Kind<'_> {
        self.parameters.kind()
    }

    /// What must be there to measure it.
    pub fn needs(&self) -> Needs {
        self.metric().needs()
    }

    /// The sizes of the sets whose images it looks at, nothing for those that draw their own.
    pub fn counts(&self) -> Option<Counts> {
        self.parameters.counts()
    }

    /// How many generated images or pairs enter; nothing is all there are.
    pub(crate) fn count(&self) -> Option<usize> {
        self.parameters.count()
    }

    /// Whether it compares with a set of real images.
    pub fn needs_reals(&self) -> bool {
        matches!(self.needs().reals, RealsRole::Compared | RealsRole::Paired)
    }

    /// Whether it has something to say of real images if they are there.
    pub fn uses_reals(&self) -> bool {
        self.needs().reals != RealsRole::Unused
    }

    /// Whether images of equal number in both sets belong together.
    pub fn is_of_pairs(&self) -> bool {
        let needs = self.needs();
        needs.reals == RealsRole::Paired || needs.truths
    }

    /// The id without the crate's own origin: what is typed.
    fn short_id(&self) -> &str {
        self.id.strip_prefix(OWN).unwrap_or(&self.id)
    }

    /// What its numbers are called, less the network's name: the last part of the id, or the metric's own name
    /// where a published protocol was changed, so that a smaller count never carries a published name.
    pub(crate) fn short_name(&self) -> &str {
        let published = !self.is_own();
        if published && !self.changed.is_empty() {
            return self.metric().name();
        }
        self.id.rsplit('.').next().unwrap_or(&self.id)
    }

    /// The metric's name as measured with feature network `network`. The protocol's own name stands for the
    /// network it was published with and parameters that are all as published; any other number has the name of
    /// its network behind it.
    ///
    /// ```
    /// use stylegan_metrics::protocol::Protocol;
    /// assert_eq!(Protocol::find("ppl_wend")?.name("stlpips"), "ppl_wend-stlpips");
    /// let fid = Protocol::find("sg1.fid50k")?;
    /// assert_eq!(fid.name("inception-2015-12-05"), "fid50k");
    /// assert_eq!(fid.with_samples(200).name("inception-2015-12-05"), "fid-inception-2015-12-05");
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    pub fn name(&self, network: &str) -> String {
        self.named(self.short_name(), network)
    }

    /// `short` with the network's name behind it, unless the number is as published or no network made it.
    pub(crate) fn named(&self, short: &str, network: &str) -> String {
        let published = network == self.network && self.changed.is_empty();
        let looks_at_pixels = [PIXELS, LABEL_MAPS].contains(&network) && network == self.network;
        if published || looks_at_pixels { short.to_owned() } else { format!("{short}-{network}") }
    }
}

/// The id that `name` most likely means: of the metric that has a number of this name, of a published protocol
/// whose origin was left out, the first that begins with it, or the one that differs in the fewest letters.
fn nearest<'a>(name: &str, all: &'a [Protocol]) -> &'a str {
    let name = name.trim().to_lowercase();
    let holds_it = |p: &&Protocol| p.metric().numbers().contains(&name.as_str());
    let ends_in_it = |p: &&Protocol| p.id.rsplit('.').next() == Some(name.as_str());
    let letters = |p: &&Protocol| strsim::damerau_levenshtein(p.short_id(), &name);
    let begins_with_it = |p: &&Protocol| p.short_id().starts_with(&name);
    let found = all.iter().find(holds_it).or_else(|| all.iter().find(ends_in_it));
    let found = found.or_else(|| all.iter().find(begins_with_it));
    found.or_else(|| all.iter().min_by_key(letters)).map_or("", Protocol::short_id)
}
