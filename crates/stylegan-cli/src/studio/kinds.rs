//! What networks are for, as the headers of their files say, so that each room offers those that it can use.

use super::stamp::Stamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::{GeneratorConfig, NetworkConfig};

/// Networks whose kind is remembered.
const MAX_KNOWN: usize = 2000;

/// What a network makes pictures of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of styles, which can be mixed and moved.
    Styles,
    /// Of latents alone.
    Latents,
    /// Of label maps.
    Maps,
    /// It makes none: an encoder, a classifier, a segmenter.
    Nothing,
}

impl Kind {
    /// As pages know it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Styles => "styles",
            Kind::Latents => "latents",
            Kind::Maps => "maps",
            Kind::Nothing => "nothing",
        }
    }

    /// By the header of a checkpoint; `None` for files that do not name their networks, as those of other programs, which are
    /// known when they are opened.
    fn read(file: &Path) -> Option<Self> {
        let checkpoint = Checkpoint::open(file).ok()?;
        let networks = &checkpoint.metadata()?.networks;
        if networks.is_empty() {
            return None;
        }
        let generator = [prefix::G_EMA, prefix::G, ""].into_iter().find_map(|prefix| networks.get(prefix));
        Some(match generator {
            Some(NetworkConfig::Generator(config)) if config.map().is_some() => Kind::Maps,
            Some(NetworkConfig::Generator(GeneratorConfig::Pggan(_))) => Kind::Latents,
            Some(NetworkConfig::Generator(_)) => Kind::Styles,
            _ => Kind::Nothing,
        })
    }
}

/// The kinds of networks that were asked for.
#[derive(Default)]
pub(super) struct Kinds {
    known: Mutex<BTreeMap<PathBuf, (Stamp, Option<Kind>)>>,
}

impl Kinds {
    /// That of the network of a file or of a run's newest checkpoint, as far as its header says.
    pub(super) fn of(&self, path: &Path) -> Option<Kind> {
        let stamp = Stamp::of(path)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, kind)) = known.get(path).filter(|(known, _)| *known == stamp) {
            return *kind;
        }
        let kind = Kind::read(&stamp.file);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(path.to_path_buf(), (stamp, kind));
        kind
    }
}
