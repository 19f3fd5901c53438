//! Whether what was typed goes on with the run that a folder holds.

use crate::exit::wrong;
use crate::numbers::count;
use crate::shell::quote;
use crate::whole_path::whole_path;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_train::checkpoints;
use stylegan_train::config::RecipeConfig;
use stylegan_train::data::Dataset;

/// What a run began with. Refuses to go on with one that began with other networks.
pub(crate) fn check_begun_with<'a>(from: &Path, stored: &'a RecipeConfig, out: &Path) -> anyhow::Result<&'a Path> {
    let typed = whole_path(from)?;
    let begun = match stored {
        RecipeConfig::Gan(config) => config.transfer.as_ref().map(|transfer| &transfer.from),
        RecipeConfig::Spade(config) => config.transfer.as_ref().map(|transfer| &transfer.from),
        RecipeConfig::Encoder(_) => None,
    };
    match begun.map(Path::new) {
        // A run has had newer checkpoints since.
        Some(begun) if begun == typed || begun.parent() == Some(&typed) => Ok(begun),
        begun => wrong!(
            "--from {}: the run in {} began with {}; leave --from out to go on, or start again with --new",
            from.display(),
            out.display(),
            begun.map_or_else(|| "random networks".to_owned(), |begun| begun.display().to_string())
        ),
    }
}

/// Refuses to go on with a run under another configuration. The length of the run, what it writes,
/// where its pictures are and how many shards are handled at once may change: no step depends on them. So may how precise
/// products are, of which the run itself says a word.
pub(crate) fn check_same(given: &RecipeConfig, stored: &RecipeConfig, out: &Path) -> anyhow::Result<()> {
    let plain = |config: &RecipeConfig| -> anyhow::Result<toml::Table> {
        let mut table: toml::Table = config.decisive().to_toml()?.parse()?;
        table.remove("kimg");
        table.remove("precision");
        Ok(table)
    };
    let differences = differences("", &plain(stored)?, &plain(given)?);
    if let [first, others @ ..] = &differences[..] {
        let more = match others.len() {
            0 => String::new(),
            n => format!(" (and {} more)", count(n as u64, "difference")),
        };
        wrong!(
            "--out {}: the run there has {first}{more}; go on with `stylegan train --out {}`, or start again with --new",
            out.display(),
            quote(out)
        );
    }
    Ok(())
}

/// Refuses pictures or labels that the networks of a run were not made for.
pub(crate) fn check_set(pictures: &Dataset, stored: &RecipeConfig, out: &Path) -> anyhow::Result<()> {
    let ([h, w], [eh, ew]) = (pictures.image_size(), stored.img_size());
    let (set, out) = (&stored.data().set, out.display());
    if [h, w] != [eh, ew] {
        wrong!(
            "--data {set}: has pictures of {w}x{h} pixels, and the networks of the run in {out} are of {ew}x{eh}; build the set \
             at that size (`stylegan data build`), or start another run with another --out"
        );
    }
    match stored {
        RecipeConfig::Gan(config) if ![0, pictures.label_dim()].contains(&config.generator.c_dim()) => wrong!(
            "--data {set}: has labels of width {}, and the run in {out} is of labels of width {}; name a set with such labels, or \
             start another run with another --out",
            pictures.label_dim(),
            config.generator.c_dim()
        ),
        _ => Ok(()),
    }
}

/// Refuses a length that is behind the run already: nothing would happen, as if all were well.
pub(crate) fn check_not_past(given: &RecipeConfig, stored: &RecipeConfig, out: &Path) -> anyhow::Result<()> {
    let images = |path: &PathBuf| Some(Checkpoint::open(path).ok()?.metadata()?.images);
    let newest = checkpoints::list(out)?.iter().find_map(images).unwrap_or(0) as f64 / 1000.;
    // A run that is done may be one batch past its length.
    if given.kimg() < stored.kimg() && given.kimg() < newest {
        wrong!(
            "--kimg {}: the run in {} is at {newest} kimg already; give more to go on, or --new to start again",
            given.kimg(),
            out.display()
        );
    }
    Ok(())
}

/// Each key whose value differs, with both values: `seed = 1, not 2`. A table that one of them lacks is one difference.
fn differences(path: &str, a: &toml::Table, b: &toml::Table) -> Vec<String> {
    let shown = |value: &toml::Value| if value.is_table() { "settings of its own".into() } else { value.to_string() };
    let of = |key: &String| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (a.get(key), b.get(key)) {
            (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => differences(&path, a, b),
            (a, b) if a == b => vec![],
            (Some(a), Some(b)) => vec![format!("{path} = {}, not {}", shown(a), shown(b))],
            (Some(toml::Value::Table(_)), None) => vec![format!("[{path}], and this one has not")],
            (None, Some(toml::Value::Table(_))) => vec![format!("no [{path}], and this one has")],
            (Some(a), None) => vec![format!("{path} = {}, and this one has none", shown(a))],
            (None, Some(b)) => vec![format!("no {path}, and this one has {}", shown(b))],
            (None, None) => vec![],
        }
    };
    a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stylegan_train::config::read_recipe;

    #[test]
    fn differences_are_named_and_lengths_are_free() -> anyhow::Result<()> {
        let read = |text: &str| read_recipe(text, "test", &[]);
        let stored = read("kimg = 10\n[schedule]\nstable_kimg = 5\n")?;
        let longer = read(
            "kimg = 20\n[schedule]\nstable_kimg = 5\n[output]\ntick_kimg = 1\n[data]\nset = 'x'\n[precision]\nproducts = 'bf16'\n",
        )?;
        check_same(&longer, &stored, Path::new("runs/a"))?;
        let other = read("kimg = 10\n[schedule]\nstable_kimg = 6\n")?;
        let error = check_same(&other, &stored, Path::new("runs/a")).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("schedule.stable_kimg = 5.0, not 6.0") && error.contains("--new"), "{error}");
        assert!(error.len() < 200 && !error.contains("more"), "{error}");
        let augmented = read("kimg = 10\n[schedule]\nstable_kimg = 6\n[augment]\npipe = 'bgc'\n")?;
        let error =
            check_same(&stored, &augmented, Path::new("runs/a")).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("has [augment], and this one has not (and 1 difference more)"), "{error}");
        let painter = read("recipe = 'spade'\nkimg = 10\n")?;
        let error = check_same(&painter, &stored, Path::new("runs/a")).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("the run there has "), "{error}");
        Ok(())
    }
}
