//! `stylegan data build`: makes a set, once.

use super::avatars::{ATTRIBUTES, Avatars};
use super::earth::{self, Earth};
use super::folder::Pictures;
use super::recipe::{self, Recipe};
use super::write::{Entry, Format, SetWriter};
use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::status::{Progress, print, say};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use stylegan_train::data::resample;
use stylegan_train::data::{Finding, LABEL_FILE, MAP_FOLDER};

/// Pictures that are made before they are written, so that memory stays bounded.
const CHUNK: u64 = 256;
/// Pictures of `avatars` unless `--count` says otherwise.
const AVATARS: u64 = 10_000;

/// Make a data set
///
/// SOURCE is `avatars` (drawn faces with known attributes and label maps), `earth` (satellite
/// photographs with land cover), or a folder or ZIP of pictures of any size. The same settings
/// give the same bytes; a set that is there already is kept.
///
/// Examples:
///   stylegan data build avatars --size 32
///   stylegan data build avatars --size 64 --label hair --out data/hair.zip
///   stylegan data build earth --size 64
///   stylegan data build photos/ --size 128 --crop center --label-from-folders
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// avatars, earth, or a folder or ZIP of pictures.
    #[arg(value_name = "avatars|earth|FOLDER|ZIP")]
    source: String,

    /// Width and height of every picture, in pixels.
    #[arg(long, value_name = "PIXELS", default_value_t = 64, value_parser = clap::value_parser!(u32).range(4..=4096))]
    size: u32,

    /// Number of pictures [default: 10000 avatars, all of earth, all of a folder]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    count: Option<u64>,

    /// What avatars are drawn by, and which come first of earth.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// What of each picture is kept, for a folder of pictures.
    #[arg(long, value_enum, default_value = "center")]
    crop: Crop,

    /// How pictures of a folder are resized.
    #[arg(long, value_enum, default_value = "box")]
    filter: Filter,

    /// What becomes the class: an attribute of avatars (hair, rearHair, beard, eyes, eyebrows,
    /// mouth, clothes, skinColor, hairColor, clothesColor, background), cover of earth, or none.
    #[arg(long, value_name = "ATTRIBUTE", default_value = "none")]
    label: String,

    /// The folder that a picture lies in is its class.
    #[arg(long)]
    label_from_folders: bool,

    /// How the set is stored.
    #[arg(long, value_enum, default_value = "zip")]
    format: Format,

    /// Where the set goes [default: in data/, named after the settings: data/avatars-32.zip]
    #[arg(long, value_name = "FILE|FOLDER")]
    out: Option<PathBuf>,
}

/// What of a picture of another aspect is kept.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Crop {
    /// All of it, stretched.
    None,
    /// The largest square in the middle.
    Center,
}

/// How pictures are resized.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Filter {
    /// The mean of the pixels covered, as the StyleGAN tools do.
    Box,
    /// Lanczos with three lobes, sharper.
    Lanczos,
}

/// Runs `stylegan data build`.
pub(crate) fn run(args: Args) -> Outcome {
    let source = Path::new(&args.source);
    let name = match args.source.as_str() {
        "avatars" | "earth" => args.source.clone(),
        _ => source.file_stem().map_or_else(|| "pictures".to_string(), |stem| stem.to_string_lossy().into_owned()),
    };
    let label = (args.label != "none").then_some(args.label.as_str());
    let target = args.out.clone().unwrap_or_else(|| {
        let ending = if args.format == Format::Zip { ".zip" } else { "" };
        Path::new("data").join(file_name(&name, args.size, args.count, args.seed, label) + ending)
    });
    let built = match args.source.as_str() {
        "avatars" => avatars(&target, args.format, args.size, args.count.unwrap_or(AVATARS), args.seed, label)?,
        "earth" => earth(&target, args.format, args.size, args.count, args.seed, label)?,
        _ => pictures(&target, &args, source)?,
    };
    match built {
        Some(count) => print(&format!("{}: {count} pictures of {1}x{1} pixels\n", target.display(), args.size))?,
        None => print(&format!("{}: already there, built by the same settings\n", target.display()))?,
    }
    Ok(Ending::Done)
}

/// The built-in set `name` (`avatars` or `earth`) with `count` pictures (0 for its usual number) of
/// `size` pixels, built in `folder` on first use. Returns where it is.
pub(crate) fn built_in(name: &str, size: usize, count: usize, folder: &Path) -> anyhow::Result<PathBuf> {
    let size = u32::try_from(size)?;
    let count = (count > 0).then_some(count as u64);
    let target = folder.join(file_name(name, size, count, 0, None) + ".zip");
    match name {
        "avatars" => avatars(&target, Format::Zip, size, count.unwrap_or(AVATARS), 0, None)?,
        "earth" => earth(&target, Format::Zip, size, count, 0, None)?,
        _ => wrong!("there is no built-in set {name:?}; the built-in sets are avatars and earth"),
    };
    Ok(target)
}

/// A name that tells sets of other settings apart: `avatars-32`, `avatars-64-5000-seed3-hair`.
fn file_name(name: &str, size: u32, count: Option<u64>, seed: u64, label: Option<&str>) -> String {
    let count = count.map(|count| format!("-{count}")).unwrap_or_default();
    let seed = if seed == 0 { String::new() } else { format!("-seed{seed}") };
    let label = label.map(|label| format!("-{label}")).unwrap_or_default();
    format!("{name}-{size}{count}{seed}{label}")
}

fn avatars(
    target: &Path,
    format: Format,
    size: u32,
    count: u64,
    seed: u64,
    label: Option<&str>,
) -> anyhow::Result<Option<u64>> {
    if let Some(label) = label.filter(|label| !ATTRIBUTES.iter().any(|attribute| attribute.name() == *label)) {
        wrong!("avatars have no attribute {label:?}; choose one of {}, none", Avatars::columns().join(", "));
    }
    let mut recipe = Recipe::new("avatars", size as usize, count, seed);
    recipe.label = label.map(str::to_string);
    recipe.credit =
        Some("after \"ToonHead\" by Johan Melin, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)".to_string());
    if is_there(target, &recipe)? {
        return Ok(None);
    }
    let avatars = Avatars::new(size, seed, label)?;
    let classes = avatars.classes();
    let plan = Plan { recipe, count, columns: Avatars::columns(), classes };
    write(target, format, plan, |number| Ok(Ok(avatars.draw(number)?.encode()?)))
}

fn earth(
    target: &Path,
    format: Format,
    size: u32,
    count: Option<u64>,
    seed: u64,
    label: Option<&str>,
) -> anyhow::Result<Option<u64>> {
    if !(8..=512).contains(&size) {
        wrong!("earth has crops of 8 to 512 pixels, not {size}");
    }
    if let Some(label) = label.filter(|label| *label != "cover") {
        wrong!("earth has no attribute {label:?}; choose cover or none");
    }
    let earth = Earth::new(size, seed, label.is_some())?;
    let count = count.unwrap_or(earth.len());
    if count > earth.len() {
        wrong!("earth has {} crops of {size}x{size} pixels, not {count}", earth.len());
    }
    let mut recipe = Recipe::new("earth", size as usize, count, seed);
    recipe.label = label.map(str::to_string);
    recipe.credit = Some("NASA Blue Marble Next Generation; MODIS land cover MCD12C1, 2019".to_string());
    if is_there(target, &recipe)? {
        return Ok(None);
    }
    let classes = if label.is_some() { earth::CLASSES.map(str::to_string).to_vec() } else { Vec::new() };
    let plan = Plan { recipe, count, columns: Earth::columns(), classes };
    write(target, format, plan, |number| Ok(Ok(earth.cut(number)?.encode()?)))
}

fn pictures(target: &Path, args: &Args, source: &Path) -> anyhow::Result<Option<u64>> {
    if args.label != "none" {
        wrong!("--label is for avatars and earth; a folder of pictures has --label-from-folders or a {LABEL_FILE}");
    }
    let (filter, filter_name) = match args.filter {
        Filter::Box => (resample::Filter::Box, "box"),
        Filter::Lanczos => (resample::Filter::Lanczos, "lanczos"),
    };
    let (crop, crop_name) = match args.crop {
        Crop::None => (resample::Crop::None, "none"),
        Crop::Center => (resample::Crop::Center, "center"),
    };
    destination::check(target, &[source])?;
    let pictures = Pictures::open(source, [args.size as usize; 2], filter, crop, args.label_from_folders)?;
    let count = args.count.unwrap_or(u64::MAX).min(pictures.len());
    let mut recipe = Recipe::new("pictures", args.size as usize, count, 0);
    recipe.label = args.label_from_folders.then(|| "folders".to_string());
    recipe.resize = Some(format!("filter {filter_name}, crop {crop_name}"));
    recipe.source = Some(pictures.hash()?);
    if is_there(target, &recipe)? {
        return Ok(None);
    }
    pictures.others().for_each(|finding| left_out(&finding));
    let plan = Plan { recipe, count, columns: vec!["source"], classes: pictures.classes().to_vec() };
    write(target, args.format, plan, |number| pictures.make(number))
}

/// Whether the set at `target` was built by this recipe; an error if something else is there.
fn is_there(target: &Path, recipe: &Recipe) -> anyhow::Result<bool> {
    if !target.exists() {
        return Ok(false);
    }
    match Recipe::of(target) {
        Some(found) if found == *recipe => Ok(true),
        Some(found) => wrong!(
            "{} was built by other settings ({}); remove it or name another place with --out",
            target.display(),
            found.describe()
        ),
        None => wrong!(
            "{} exists and was not built by this command; remove it or name another place with --out",
            target.display()
        ),
    }
}

/// What is written besides the pictures.
struct Plan {
    recipe: Recipe,
    count: u64,
    columns: Vec<&'static str>,
    classes: Vec<String>,
}

/// Makes pictures in parallel and writes them in order. Those that cannot be made are reported and
/// left out. Returns the number of pictures written.
fn write(
    target: &Path,
    format: Format,
    plan: Plan,
    make: impl Fn(u64) -> anyhow::Result<Result<Entry, Finding>> + Sync,
) -> anyhow::Result<Option<u64>> {
    let mut set = SetWriter::create(target, format)?;
    let mut labels = Vec::new();
    let mut table = format!("file,{}\n", plan.columns.join(","));
    let mut written = 0u64;
    let progress = Progress::new("building", plan.count as usize);
    for start in (0..plan.count).step_by(CHUNK as usize) {
        let numbers = start..(start + CHUNK).min(plan.count);
        let made = numbers.into_par_iter().map(|number| {
            let entry = make(number);
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
        wrong!("{}: none of the pictures can be used", target.display());
    }
    if !labels.is_empty() {
        let mut file = json!({ "labels": labels });
        if !plan.classes.is_empty() {
            file["classes"] = Value::from(plan.classes);
        }
        set.add(LABEL_FILE, serde_json::to_string(&file)?.as_bytes())?;
    }
    set.add("attributes.csv", table.as_bytes())?;
    set.add(recipe::FILE, serde_json::to_string_pretty(&plan.recipe)?.as_bytes())?;
    set.finish()?;
    Ok(Some(written))
}

fn left_out(finding: &Finding) {
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
