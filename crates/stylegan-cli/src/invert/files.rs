//! The files that a picture's inversion leaves.

use super::settings::{self, Settings};
use crate::writer::is_own;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::Checkpoint;

/// Where the results of one picture go.
pub(super) struct Outputs {
    /// The styles.
    pub(super) styles: PathBuf,
    /// The picture that the network makes of them.
    pub(super) reconstruction: PathBuf,
    /// The search while it goes on.
    pub(super) unfinished: PathBuf,
    /// The film of it.
    pub(super) film: PathBuf,
    /// The tuned network.
    pub(super) network: PathBuf,
    /// What it makes of the styles.
    pub(super) tuned: PathBuf,
    /// What the network makes of the styles once they are moved.
    pub(super) edited: PathBuf,
    /// Styles of variants.
    pub(super) variant_styles: PathBuf,
    /// What the network makes of those.
    pub(super) variants: PathBuf,
}

impl Outputs {
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        let file = |rest: &str| folder.join(format!("{name}{rest}"));
        Self {
            styles: file(".safetensors"),
            reconstruction: file("-reconstruction.png"),
            unfinished: file("-unfinished.safetensors"),
            film: file(".gif"),
            network: file("-network.safetensors"),
            tuned: file("-tuned.png"),
            edited: file("-edited.png"),
            variant_styles: file("-variants.safetensors"),
            variants: file("-variants.png"),
        }
    }

    /// All that may be written.
    pub(super) fn all(&self) -> [&Path; 9] {
        let Self { styles, reconstruction, unfinished, film, network, tuned, edited, variant_styles, variants } = self;
        [styles, reconstruction, unfinished, film, network, tuned, edited, variant_styles, variants]
            .map(PathBuf::as_path)
    }

    /// Removes what was made of styles that are about to be replaced, where its file says that this program made it. Tuned networks
    /// stay: they took long, and name the styles that they are of.
    pub(super) fn remove_of_other_styles(&self) -> std::io::Result<()> {
        let pictures = [&self.edited, &self.variants].into_iter().filter(|picture| is_own(picture));
        let styles = Some(&self.variant_styles).filter(|styles| whole(styles).is_some_and(|file| settings::has(&file)));
        pictures.chain(styles).try_for_each(std::fs::remove_file)
    }

    /// Whether the styles were found by these settings, and shown. They are written last.
    pub(super) fn are_done(&self, settings: &Settings, film: bool) -> bool {
        let shown = self.reconstruction.is_file() && (!film || self.film.is_file());
        shown && whole(&self.styles).is_some_and(|file| settings.made(&file))
    }
}

/// The sheet of all pictures, and what they measure.
pub(super) const SHEET: &str = "sheet.png";
pub(super) const MEASURES: &str = "measures.json";

/// Where the reconstruction of the picture with this name in its set lies in a folder of reconstructions alone.
pub(super) fn alone(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension("png")
}

/// The file, if there is one that is whole.
pub(super) fn whole(path: &Path) -> Option<Checkpoint> {
    let file = path.is_file().then(|| Checkpoint::open(path).ok()).flatten()?;
    file.verify().is_ok_and(|known| known).then_some(file)
}
