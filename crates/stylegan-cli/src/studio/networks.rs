//! The networks that are open: those that were used last, each with its newest checkpoint.

use super::edits::Edits;
use super::frame::json;
use super::library::{Entry, Library};
use super::map_network::MapNetwork;
use super::stamp::Stamp;
use super::style_network::StyleNetwork;
use crate::assumed::tell_assumed;
use crate::network::open_model;
use anyhow::Context;
use axum::extract::ws::Message;
use candle_core::Device;
use std::path::MAIN_SEPARATOR;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stylegan_core::Precision;

/// Networks that are kept open: two pages may work with different ones.
const KEPT: usize = 2;

/// How long an open network is taken for the newest: a run that trains writes others.
const FRESH: Duration = Duration::from_secs(1);

/// All that are open.
pub(super) struct Networks {
    library: Arc<Library>,
    /// What they compute on.
    device: Device,
    precision: Precision,
    /// The network used last stands at the end.
    open: Vec<Open>,
    opened: u64,
}

/// An open network.
pub(super) struct Open {
    name: String,
    /// Counted over all networks that were opened.
    pub(super) number: u64,
    /// The network itself.
    pub(super) network: Network,
    /// What pages are told of it.
    pub(super) about: Message,
    entry: Entry,
    stamp: Option<Stamp>,
    /// When its file was last known to be the newest.
    checked: Instant,
}

/// The two kinds of networks that there are.
pub(super) enum Network {
    /// It makes pictures of latents.
    Styles(Box<StyleNetwork>, Edits),
    /// It paints maps.
    Maps(Box<MapNetwork>),
}

impl Networks {
    /// None is open yet; all will compute on `device`, in `precision`.
    pub(super) fn new(library: Arc<Library>, device: Device, precision: Precision) -> Self {
        Self { library, device, precision, open: vec![], opened: 0 }
    }

    /// The network of this name: opened now, or again where its run has saved a newer checkpoint since, unless work that
    /// has begun is `bound` to the open one, by its number.
    ///
    /// # Errors
    /// When there is no such network, or its file is damaged.
    pub(super) fn find(&mut self, name: &str, bound: impl Fn(u64) -> bool) -> anyhow::Result<&mut Open> {
        let known = self.open.iter().position(|open| open.name == name).map(|at| self.open.remove(at));
        let open = match known {
            Some(open) if open.checked.elapsed() < FRESH || bound(open.number) => open,
            Some(open) if Stamp::of(&open.entry.path) == open.stamp => Open { checked: Instant::now(), ..open },
            outdated => {
                drop(outdated);
                let entry = self.library.find(name).filter(|entry| entry.has_network);
                let entry = entry.with_context(|| format!("there is no network {name:?} here any more"))?;
                self.read(name, entry, bound)?
            }
        };
        self.open.push(open);
        self.open.last_mut().context("a network was opened")
    }

    /// The open network of this name, as it is.
    pub(super) fn known(&self, name: &str) -> Option<&Open> {
        self.open.iter().find(|open| open.name == name)
    }

    /// A sentence about a network that names it and no place on this computer: whoever sees the page need not know those.
    pub(super) fn without_places(&self, name: &str, sentence: &str) -> String {
        let known = self.known(name).map(|open| open.entry.clone());
        let Some(entry) = known.or_else(|| self.library.find(name)) else { return sentence.to_owned() };
        let path = entry.path.display().to_string();
        sentence.replace(&format!("{path}{MAIN_SEPARATOR}"), &format!("{name}: ")).replace(&path, name)
    }

    fn read(&mut self, name: &str, entry: Entry, bound: impl Fn(u64) -> bool) -> anyhow::Result<Open> {
        let stamp = Stamp::of(&entry.path);
        // Room first: two large networks may be all that fits.
        if self.open.len() >= KEPT {
            self.open.remove(dispensable(self.open.iter().map(|open| open.number), bound));
        }
        let (file, foreign, model) = open_model(&entry.path, &self.device)?;
        let model = model.in_precision(self.precision);
        tell_assumed(&model, file.display());
        let (network, mut about) = match model.config().map() {
            Some(_) => {
                let network = MapNetwork::new((file, foreign), model, entry.classes()?)?;
                let about = network.description();
                (Network::Maps(Box::new(network)), about)
            }
            None => {
                let network = StyleNetwork::new(model);
                let edits = Edits::of(network.model())?;
                let mut about = network.description();
                about["directions"] = edits.own().into();
                (Network::Styles(Box::new(network), edits), about)
            }
        };
        self.opened += 1;
        about["type"] = "network".into();
        about["name"] = name.into();
        about["precision"] = self.precision.to_string().into();
        let (name, about) = (name.to_owned(), json(&about));
        Ok(Open { name, number: self.opened, network, about, entry, stamp, checked: Instant::now() })
    }
}

/// Which of the open networks goes first: the one that was not used for the longest time, of those that no work is bound to.
fn dispensable(mut open: impl Iterator<Item = u64>, bound: impl Fn(u64) -> bool) -> usize {
    open.position(|number| !bound(number)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_searched_in_goes_last() {
        let goes = |bound: &[u64]| dispensable([7, 3].into_iter(), |number| bound.contains(&number));
        assert_eq!((goes(&[]), goes(&[3]), goes(&[7]), goes(&[3, 7])), (0, 0, 1, 0));
    }
}
