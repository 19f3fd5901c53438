//! The pictures that a verb works with: a folder, a ZIP file, or a built-in set.

use crate::data::built_in::built_in;
use crate::exit::wrong;
use crate::meant;
use crate::network::check_exists_or;
use crate::status::say;
use std::path::{Path, PathBuf};
use stylegan_train::data::Dataset;
use stylegan_train::data::preprocess::Preprocess;

/// The sets that are made on first use.
const BUILT_IN: [&str; 4] = ["avatars", "earth", "earth-train", "earth-held"];

/// Whether `set` names a built-in set.
pub(crate) fn is_built_in(set: &str) -> bool {
    BUILT_IN.contains(&set)
}

/// Says which set is meant where a file or folder has the name of a built-in one.
pub(crate) fn say_which(set: &str) {
    if is_built_in(set) && Path::new(set).exists() {
        say(&format!("note: {set} is the built-in set here; the {set} in this folder is ./{set}"));
    }
}

/// Refuses the name of a built-in set where a verb reads a folder or file: the name alone means the built-in set to every
/// verb, `./earth` a folder. Refuses what is not there as well.
pub(crate) fn path_alone(set: &Path) -> anyhow::Result<()> {
    not_built_in(set)?;
    check_there(set)
}

/// Refuses the name of a built-in set, as [`path_alone`].
pub(crate) fn not_built_in(set: &Path) -> anyhow::Result<()> {
    let Some(name) = set.to_str().filter(|name| is_built_in(name)) else { return Ok(()) };
    let folder = if set.exists() { format!("; the {name} in this folder is ./{name}") } else { String::new() };
    wrong!(
        "{name} is a built-in set, which is made in the size that you choose: `stylegan data build {name} --size 64` makes \
         data/{name}-64.zip, to be named here{folder}"
    )
}

/// Refuses a set that is not there.
pub(crate) fn check_there(set: &Path) -> anyhow::Result<()> {
    check_there_or(set, "check its name, and from which folder the command is given")
}

/// As [`check_there`], with what to do unless a built-in set may be meant.
fn check_there_or(set: &Path, remedy: &str) -> anyhow::Result<()> {
    let remedy = || meant(set).unwrap_or_else(|| remedy.to_owned());
    check_exists_or(set, || format!("cannot read {}: it does not exist; {}", set.display(), remedy()))
}

/// Asks for the built-in set that may be meant by a path that is not there.
fn meant(set: &Path) -> Option<String> {
    let alike = meant::meant(set.file_name()?.to_str()?, BUILT_IN)?;
    Some(format!("did you mean the built-in set {alike}?"))
}

/// Opens a set for pictures of `[h, w]` pixels, resized and cut as `way` says; a built-in one is made in `folder` if it
/// is not there.
pub(crate) fn open(
    set: &str,
    size: [usize; 2],
    count: usize,
    way: Option<Preprocess>,
    folder: &Path,
) -> anyhow::Result<Dataset> {
    say_which(set);
    open_at(&place(set, size, count, folder)?, way)
}

/// Where a set for pictures of `[h, w]` pixels lies; a built-in one is made in `folder` if it is not there.
pub(crate) fn place(set: &str, [h, w]: [usize; 2], count: usize, folder: &Path) -> anyhow::Result<PathBuf> {
    // Built-in sets are square; the size that does not fit is named when it is compared.
    if is_built_in(set) { built_in(set, h.max(w), count, folder) } else { Ok(set.into()) }
}

/// Opens the set at a place, resized and cut as `way` says.
pub(crate) fn open_at(set: &Path, way: Option<Preprocess>) -> anyhow::Result<Dataset> {
    check_there_or(set, "check its name, or say with --data where the set is now")?;
    tracing::info!("reads {}", set.display());
    let dataset = Dataset::open_as(set, way)?;
    say_notes(&dataset);
    Ok(dataset)
}

/// Says what the user of a set may have meant otherwise.
pub(crate) fn say_notes(dataset: &Dataset) {
    const SAID: usize = 3;
    let notes: Vec<_> = dataset.notes().collect();
    notes.iter().take(SAID).for_each(|note| say(&format!("note: {note}")));
    if notes.len() > SAID {
        say(&format!("note: {} more of this kind; `stylegan data doctor` lists them", notes.len() - SAID));
    }
}

/// The name of a set without its ending, also where its path does not show it (`.`).
pub(crate) fn name_of_set(set: &Path) -> String {
    name_of(set, "pictures")
}

/// The name of a file without its ending, or of a folder, also where the path does not show it (`.`); `otherwise` where it has
/// none.
pub(crate) fn name_of(path: &Path, otherwise: &str) -> String {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let named = if path.file_name().is_some() { path } else { &whole };
    let name = if whole.is_dir() { named.file_name() } else { named.file_stem() };
    name.map_or_else(|| otherwise.to_owned(), |name| name.to_string_lossy().into_owned())
}
