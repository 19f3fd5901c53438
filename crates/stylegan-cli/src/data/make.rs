//! Makes a set picture by picture.

use super::recipe::{self, Recipe};
use super::write::{Entry, Format, SetWriter};
use crate::exit::wrong;
use crate::numbers::count;
use crate::status::{Progress, say};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use stylegan_train::data::{CLASS_FILE, Files, Finding, INSTANCE_FOLDER, LABEL_FILE, MAP_FOLDER};

/// Pictures that are made before they are written, so that memory stays bounded.
const CHUNK: u64 = 256;

/// Whether the set at `target` was built by this recipe and is stored so; an error if something else is there.
pub(super) fn is_there(target: &Path, format: Format, recipe: &Recipe) -> anyhow::Result<bool> {
    if std::fs::symlink_metadata(target).is_err() {
        return Ok(false);
    }
    match Recipe::of(target) {
        Some(found) if found.asks_for_the_same(recipe) => match (format, target.is_dir()) {
            (Format::Folder, true) | (Format::Zip, false) => {
                check_whole(target, &found)?;
                Ok(true)
            }
            (_, is_folder) => wrong!(
                "{} is there as a {}, built by the same settings; remove it or name another place with --out",
                target.display(),
                if is_folder { "folder" } else { "ZIP file" }
            ),
        },
        Some(found) if found.is_of_other_pictures(recipe) => {
            wrong!("{} was built from other pictures; remove it or name another place with --out", target.display())
        }
        Some(found) => wrong!(
            "{} was built by other settings ({}); remove it or name another place with --out",
            target.display(),
            found.describe()
        ),
        None if is_torn(target) => wrong!(
            "{} exists and is a truncated or damaged ZIP file; remove it or name another place with --out",
            target.display()
        ),
        None => wrong!(
            "{} exists and was not built by this command; remove it or name another place with --out",
            target.display()
        ),
    }
}

/// Refuses a set from which pictures were taken since.
fn check_whole(target: &Path, recipe: &Recipe) -> anyhow::Result<()> {
    let (built, found) = (recipe.pictures(), Files::open(target).map_or(0, |files| files.names().len() as u64));
    if found != built {
        wrong!(
            "{} was built by the same settings, of {}, and has {found} now; remove it or name another place with --out",
            target.display(),
            count(built, "picture")
        );
    }
    Ok(())
}

/// Whether a file begins as a ZIP file does and cannot be opened as one.
fn is_torn(path: &Path) -> bool {
    let head = || {
        let mut head = [0; 2];
        let file = path.is_file().then(|| File::open(path).ok()).flatten();
        file?.read_exact(&mut head).ok().filter(|()| head == *b"PK")
    };
    head().is_some() && File::open(path).is_ok_and(|file| zip::ZipArchive::new(file).is_err())
}

/// What is written besides the pictures.
pub(super) struct Plan {
    pub(super) recipe: Recipe,
    pub(super) count: u64,
    pub(super) columns: Vec<&'static str>,
    pub(super) classes: Vec<String>,
    /// What the values of label maps are, if the source says so.
    pub(super) class_table: Option<Value>,
}

/// Makes pictures in parallel and writes them in order. Those that cannot be made are reported and
/// left out. Returns the number of pictures written; if that is 0, nothing is.
pub(super) fn make(
    target: &Path,
    format: Format,
    plan: Plan,
    one: impl Fn(u64) -> anyhow::Result<Result<Entry, Finding>> + Sync,
) -> anyhow::Result<u64> {
    let mut set = SetWriter::create(target, format)?;
    let mut labels = Vec::new();
    let mut table = format!("file,{}\n", plan.columns.join(","));
    let mut written = 0u64;
    let progress = Progress::new("building", plan.count as usize);
    for start in (0..plan.count).step_by(CHUNK as usize) {
        let numbers = start..(start + CHUNK).min(plan.count);
        let made = numbers.into_par_iter().map(|number| {
            let entry = one(number);
            progress.advance(1);
            entry
        });
        for entry in made.collect::<anyhow::Result<Vec<_>>>()? {
            let entry = match entry {
                Ok(entry) => entry,
                Err(finding) => {
                    left_out(&finding);
                    continue;
                }
            };
            let stem = format!("{:05}/img{written:08}", written / 1000);
            let name = format!("{stem}.{}", entry.extension);
            set.add(&name, &entry.picture)?;
            if let Some(map) = &entry.map {
                set.add(&format!("{MAP_FOLDER}/{stem}.png"), map)?;
            }
            if let Some(instances) = &entry.instances {
                set.add(&format!("{INSTANCE_FOLDER}/{stem}.png"), instances)?;
            }
            table.push_str(&name);
            for value in &entry.attributes {
                table.push(',');
                table.push_str(&csv(value));
            }
            table.push('\n');
            labels.extend(entry.label.map(|label| json!([name, label])));
            written += 1;
        }
    }
    drop(progress);
    if written == 0 {
        return Ok(0);
    }
    if !labels.is_empty() {
        let mut file = json!({ "labels": labels });
        if !plan.classes.is_empty() {
            file["classes"] = Value::from(plan.classes);
        }
        set.add(LABEL_FILE, serde_json::to_string(&file)?.as_bytes())?;
    }
    if let Some(table) = plan.class_table {
        set.add(CLASS_FILE, serde_json::to_string_pretty(&table)?.as_bytes())?;
    }
    set.add("attributes.csv", table.as_bytes())?;
    set.add(recipe::FILE, serde_json::to_string_pretty(&plan.recipe.of_written(written))?.as_bytes())?;
    set.finish()?;
    Ok(written)
}

/// Says that a file is left out, and why.
pub(super) fn left_out(finding: &Finding) {
    say(&format!("left out: {finding}"));
}

/// A value of a table, quoted if it has to be.
fn csv(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_string()
    }
}
