//! The sets that the program makes itself: `avatars`, and `earth` with its two parts.

use super::avatars::{self, Avatars};
use super::combinations::Combination;
use super::earth::{self, Earth, Part};
use super::make::{Plan, is_there, make};
use super::recipe::Recipe;
use super::sketches;
use super::write::{Format, Sample};
use crate::exit::wrong;
use serde_json::Value;
use std::path::{Path, PathBuf};
use stylegan_train::data::{ClassTable, class_colour};

/// What combinations have between their words.
const SIGNS: [char; 3] = ['=', ',', '+'];

/// Pictures of `avatars` unless `--count` says otherwise.
const AVATARS: u64 = 10_000;

/// Which pictures of a built-in set, and how they are stored.
pub(super) struct Request<'a> {
    /// Width and height in pixels.
    pub(super) size: u32,
    /// The number of pictures; the set's usual one if it is not given.
    pub(super) count: Option<u64>,
    /// What avatars are drawn by, and which come first of earth.
    pub(super) seed: u64,
    /// The attribute that becomes the class, or the combination whose presence does.
    pub(super) label: Option<&'a str>,
    /// The most degrees that the heads of avatars are turned by.
    pub(super) turn: Option<f64>,
    /// Combinations that no avatar has.
    pub(super) without: &'a [Combination],
    /// Whether maps are sketches of the pictures.
    pub(super) sketches: bool,
    /// How the set is stored.
    pub(super) format: Format,
}

/// Builds the built-in set `name` at `target`. Returns the number of pictures, if it was not there.
pub(super) fn build(name: &str, target: &Path, request: &Request<'_>) -> anyhow::Result<Option<u64>> {
    match (name, Part::of(name)) {
        ("avatars", _) => avatars(target, request),
        (_, Some(part)) => earth(name, part, target, request),
        _ => wrong!(
            "there is no built-in set {name:?}; the built-in sets are avatars, earth, earth-train and earth-held"
        ),
    }
}

/// The built-in set `name` with `count` pictures (0 for its usual number) of
/// `size` pixels, built in `folder` on first use. Returns where it is.
pub(crate) fn built_in(name: &str, size: usize, count: usize, folder: &Path) -> anyhow::Result<PathBuf> {
    let size = u32::try_from(size)?;
    let count = (count > 0).then_some(count as u64);
    let request =
        Request { size, count, seed: 0, label: None, turn: None, without: &[], sketches: false, format: Format::Zip };
    let target = folder.join(file_name(name, &request) + ".zip");
    build(name, &target, &request)?;
    Ok(target)
}

/// A name that tells sets of other settings apart: `avatars-32`, `avatars-64-5000-seed3-hair`, `avatars-64-sketches`.
pub(super) fn file_name(name: &str, request: &Request<'_>) -> String {
    let count = request.count.map(|count| format!("-{count}")).unwrap_or_default();
    let seed = if request.seed == 0 { String::new() } else { format!("-seed{}", request.seed) };
    let label = request.label.map(|label| format!("-{}", label.replace(SIGNS, "-"))).unwrap_or_default();
    let turn = request.turn.map(|degrees| format!("-turn{degrees}")).unwrap_or_default();
    let word = |one: &Combination| format!("-without-{one}").replace(SIGNS, "-");
    let without: String = request.without.iter().map(word).collect();
    let sketches = if request.sketches { "-sketches" } else { "" };
    format!("{name}-{}{count}{seed}{label}{turn}{without}{sketches}", request.size)
}

fn avatars(target: &Path, request: &Request<'_>) -> anyhow::Result<Option<u64>> {
    let Request { size, seed, label, turn, without, sketches, format, .. } = *request;
    let count = request.count.unwrap_or(AVATARS);
    let mut recipe = Recipe::new("avatars", [size as usize; 2], count, seed);
    recipe.label = label.map(str::to_string);
    recipe.credit =
        Some("after \"ToonHead\" by Johan Melin, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)".to_string());
    recipe.turn = turn.map(|degrees| format!("turned by up to {degrees} degrees"));
    let each: Vec<String> = without.iter().map(|one| format!("without {one}")).collect();
    recipe.without = (!each.is_empty()).then(|| each.join(", "));
    recipe.maps = sketches.then(|| sketches::RECIPE.to_owned());
    let avatars = Avatars::new(size, seed, label)?.turned(turn).without(without)?;
    if is_there(target, format, &recipe)? {
        return Ok(None);
    }
    let classes = avatars.classes();
    let parts = || table(["background"].into_iter().chain(avatars::CLASSES));
    let class_table = Some(if sketches { sketches::class_table() } else { parts() });
    let plan = Plan { recipe, count, columns: avatars.columns(), classes, class_table };
    make(target, format, plan, |number| Ok(Ok(finished(avatars.draw(number)?, sketches).encode()?))).map(Some)
}

fn earth(name: &str, part: Part, target: &Path, request: &Request<'_>) -> anyhow::Result<Option<u64>> {
    let Request { size, seed, label, sketches, format, .. } = *request;
    if !(8..=part.largest()).contains(&size) {
        wrong!("{name} has crops of 8 to {} pixels, not {size}", part.largest());
    }
    if let Some(label) = label.filter(|label| *label != "cover") {
        wrong!("{name} has no attribute {label:?}; choose cover or none");
    }
    let earth = Earth::new(size, seed, label.is_some(), part)?;
    let count = request.count.unwrap_or(earth.len());
    if count > earth.len() {
        wrong!("{name} has {} crops of {size}x{size} pixels, not {count}", earth.len());
    }
    let mut recipe = Recipe::new(name, [size as usize; 2], count, seed);
    recipe.label = label.map(str::to_string);
    recipe.maps = sketches.then(|| sketches::RECIPE.to_owned());
    recipe.credit = Some("NASA Blue Marble Next Generation; MODIS land cover MCD12C1, 2019".to_string());
    if is_there(target, format, &recipe)? {
        return Ok(None);
    }
    let classes = if label.is_some() { earth::CLASSES.map(str::to_string).to_vec() } else { Vec::new() };
    let class_table = Some(if sketches { sketches::class_table() } else { table(earth::CLASSES) });
    let plan = Plan { recipe, count, columns: Earth::columns(), classes, class_table };
    make(target, format, plan, |number| Ok(Ok(finished(earth.cut(number)?, sketches).encode()?))).map(Some)
}

/// A sample as it becomes part of the set.
fn finished(sample: Sample, sketches: bool) -> Sample {
    if sketches { sketches::sketched(sample) } else { sample }
}

/// Classes of maps by name, in the colours that maps are shown in.
fn table<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    ClassTable::of_names((0u8..).zip(names).map(|(class, name)| (name, class_colour(class, None))))
}
