//! `stylegan data build`: makes a set, once.

use super::built_in::{self, Request, file_name};
use super::classes::{ClassFolder, Classes};
use super::combinations::Combination;
use super::make::{Plan, is_there, left_out, make};
use super::pictures::{Pictures, Recast};
use super::recipe::Recipe;
use super::sample;
use super::size::Size;
use super::sketches;
use super::write::Format;
use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::numbers::{count, whole};
use crate::pictures::{check_there, is_built_in, name_of_set, say_which};
use crate::status::{Progress, print, say};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use stylegan_core::printable;
use stylegan_core::stylegan2::StyleGan2Config;
use stylegan_train::data::resize;
use stylegan_train::data::{Files, LABEL_FILE, Labels};

/// Make a data set
///
/// SOURCE is `avatars` (drawn faces with known attributes and label maps), `earth` (satellite
/// photographs with land cover; `earth-train` and `earth-held` are parts of it that have no pixel in
/// common, to learn from and to measure on), or a folder or ZIP of pictures of any size. The same
/// settings give the same bytes; a set that is there already is kept. Files that cannot be used are
/// named and left out.
///
/// Examples:
///   stylegan data build avatars --size 32
///   stylegan data build avatars --size 64 --label hair --out data/hair.zip
///   stylegan data build avatars --size 64 --turn 25
///   stylegan data build avatars --size 64 --sketches
///   stylegan data build earth --size 64
///   stylegan data build earth-held --size 64 --count 8 --format folder
///   stylegan data build photos/ --size 128 --crop center --label-from-folders
///   stylegan data build photos/ --size 256x192 --count 5000 --seed 1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// avatars, earth, earth-train, earth-held, or a folder or ZIP of pictures.
    #[arg(value_name = "avatars|earth|FOLDER|ZIP")]
    source: String,

    /// Width and height of every picture, in pixels: one number for squares, or 64x48.
    #[arg(long, value_name = "N|WxH", default_value = "64")]
    size: Size,

    /// Number of pictures, drawn at random from a folder or ZIP [default: 10000 avatars, all of
    /// earth, all of a folder]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=10_000_000))]
    count: Option<u64>,

    /// What avatars are drawn by, which come first of earth, and which are drawn with --count
    /// [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// As many pictures of each class, of a folder or ZIP with classes.
    #[arg(long)]
    balance: bool,

    /// What of each picture of a folder or ZIP is kept [default: center]
    #[arg(long, value_enum)]
    crop: Option<Crop>,

    /// How pictures of a folder or ZIP are resized [default: box]
    #[arg(long, value_enum)]
    filter: Option<Filter>,

    /// Channels of the pictures of a folder or ZIP: 1 (grey), 3 (RGB), 4 (RGB with alpha)
    /// [default: 3, what is transparent laid over white]
    #[arg(long, value_name = "1|3|4", value_parser = channels)]
    channels: Option<usize>,

    /// What becomes the class: an attribute of avatars (hair, rearHair, beard, eyes, eyebrows,
    /// mouth, clothes, skinColor, hairColor, clothesColor, background), cover of earth, or none. With
    /// values, as --without takes them, there are two classes: avatars that have all of it are 1.
    ///
    /// Example: --label hair=bun+spiky
    #[arg(long, value_name = "ATTRIBUTE[=VALUES,…]", default_value = "none")]
    label: String,

    /// Turns the heads of avatars to a side, each by another angle of at most so many degrees. The same settings without
    /// it give, under the same names, the same heads from the front.
    ///
    /// Example: --turn 25
    #[arg(long, value_name = "DEGREES", value_parser = whole::<u8>(1..=30))]
    turn: Option<u8>,

    /// Leaves a combination out that avatars would have: attributes with one value or several, joined by +. Those that
    /// would have all of it are drawn again. May be given several times.
    ///
    /// Example: --without beard=fullBeard+longBeard,rearHair=longStraight+longWavy
    #[arg(long, value_name = "ATTRIBUTE=VALUES,…")]
    without: Vec<Combination>,

    /// Label maps that are sketches of the pictures, in 8 levels from line to paper, in place of other maps: what encoders of
    /// sketches are shown (`task.input = "sketch"`), for painters to learn from the same pairs.
    #[arg(long)]
    sketches: bool,

    /// The folder that a picture of a folder or ZIP lies in is its class. Folders around all
    /// pictures do not count; where several are left, first or last says which it is.
    #[arg(long, value_name = "only|first|last", value_enum, hide_possible_values = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "only")]
    label_from_folders: Option<ClassFolder>,

    /// How the set is stored [default: zip; folder where --out ends in / or is a folder]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Where the set goes [default: in data/, named after the settings: data/avatars-32.zip]
    #[arg(long, value_name = "FILE|FOLDER")]
    out: Option<PathBuf>,
}

fn channels(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        "4" => Ok(4),
        _ => Err("expected 1 (grey), 3 (RGB) or 4 (RGB with alpha)".to_string()),
    }
}

/// What of a picture of another aspect is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Crop {
    /// All of it, stretched.
    None,
    /// The largest part of the right aspect in the middle.
    Center,
    /// As center, then laid onto a black square (the StyleGAN tools' center-crop-wide).
    Wide,
}

/// How pictures are resized.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Filter {
    /// The mean of the pixels covered.
    Box,
    /// Lanczos with three lobes, sharper: what StyleGAN2-ADA's tools do unless told otherwise.
    Lanczos,
}

/// Runs `stylegan data build`.
pub(crate) fn run(args: Args) -> Outcome {
    let format = format(&args)?;
    let ending = if format == Format::Zip { ".zip" } else { "" };
    let (target, built) = if is_built_in(&args.source) {
        let request = request(&args, format)?;
        let name = file_name(&args.source, &request) + ending;
        let target = args.out.clone().unwrap_or_else(|| Path::new("data").join(name));
        say_which(&args.source);
        let built = built_in::build(&args.source, &target, &request)?;
        (target, built)
    } else {
        let target = args.out.clone().unwrap_or_else(|| Path::new("data").join(name_of(&args) + ending));
        let built = pictures(&target, format, &args)?;
        (target, built)
    };
    let Size { mut width, mut height } = args.size;
    if args.crop == Some(Crop::Wide) {
        (width, height) = (width.max(height), width.max(height));
    }
    match built {
        Some(built) => {
            let pictures = count(built, "picture");
            print(&format!("{}: {pictures} of {width}x{height} pixels\n", target.display()))?;
        }
        None => print(&format!("{}: already there, built by the same settings\n", target.display()))?,
    }
    // Grids of pictures for other purposes may have any size.
    let network = StyleGan2Config { img_size: [height, width].map(|side| side as usize), ..Default::default() };
    if let Err(error) = network.validate() {
        say(&format!("note: no style-based network is trained on pictures of {width}x{height} pixels: {error}"));
    }
    Ok(Ending::Done)
}

/// How the set is stored: as --format says, or as the name of its place does.
fn format(args: &Args) -> anyhow::Result<Format> {
    let Some(out) = &args.out else { return Ok(args.format.unwrap_or(Format::Zip)) };
    let ends_in_zip = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    let is_folder = out.to_string_lossy().ends_with(std::path::is_separator) || out.is_dir();
    match args.format {
        Some(Format::Folder) if ends_in_zip && !is_folder => {
            wrong!("--format folder --out {}: a folder is written; leave .zip out of its name", out.display())
        }
        None if is_folder => Ok(Format::Folder),
        None | Some(Format::Zip) if !ends_in_zip => wrong!(
            "--out {}: a ZIP file is written; let its name end in .zip, or have a folder with --format folder",
            out.display()
        ),
        format => Ok(format.unwrap_or(Format::Zip)),
    }
}

/// What the arguments ask of a built-in set.
fn request(args: &Args, format: Format) -> anyhow::Result<Request<'_>> {
    let without_effect = [
        ("--crop", args.crop.is_some()),
        ("--filter", args.filter.is_some()),
        ("--channels", args.channels.is_some()),
        ("--balance", args.balance),
        ("--label-from-folders", args.label_from_folders.is_some()),
    ];
    if let Some((option, _)) = without_effect.iter().find(|(_, given)| *given) {
        wrong!("{option} is for pictures of a folder or ZIP; {} are made as they are", args.source);
    }
    if args.size.width != args.size.height {
        wrong!("--size {}: {} are squares; give one number", args.size, args.source);
    }
    if args.source != "avatars" {
        only_of_avatars(args)?;
    }
    let label = (args.label != "none").then_some(args.label.as_str());
    let (count, seed, turn) = (args.count, args.seed.unwrap_or(0), args.turn.map(f64::from));
    let (size, without, sketches) = (args.size.width, &args.without, args.sketches);
    Ok(Request { size, count, seed, label, turn, without, sketches, format })
}

/// Refuses what only avatars can be.
fn only_of_avatars(args: &Args) -> anyhow::Result<()> {
    if args.turn.is_some() || !args.without.is_empty() {
        let option = if args.turn.is_some() { "--turn" } else { "--without" };
        wrong!("{option} is for avatars, which are drawn; leave it out for {}", args.source);
    }
    Ok(())
}

/// A name that tells sets of other settings apart: `photos-64`, `photos-64x48-500-seed3-grey`.
fn name_of(args: &Args) -> String {
    let name = name_of_set(Path::new(&args.source));
    let count = args.count.map(|count| format!("-{count}")).unwrap_or_default();
    let seed = args.seed.filter(|&seed| seed != 0).map(|seed| format!("-seed{seed}")).unwrap_or_default();
    let balance = if args.balance { "-balanced" } else { "" };
    let channels = match args.channels {
        Some(1) => "-grey",
        Some(4) => "-alpha",
        _ => "",
    };
    let sketches = if args.sketches { "-sketches" } else { "" };
    format!("{name}-{}{count}{seed}{balance}{channels}{sketches}", args.size)
}

fn pictures(target: &Path, format: Format, args: &Args) -> anyhow::Result<Option<u64>> {
    let source = Path::new(&args.source);
    only_of_avatars(args)?;
    if args.label != "none" {
        wrong!("--label is for avatars and earth; a folder of pictures has --label-from-folders or a {LABEL_FILE}");
    }
    if args.seed.is_some() && args.count.is_none() && !args.balance {
        wrong!("--seed draws pictures of a folder or ZIP together with --count or --balance; without, all are taken");
    }
    check_there(source)?;
    match destination::check(target, &[source]) {
        Err(error) if args.out.is_none() => wrong!("{error}; --out names another"),
        checked => checked?,
    }
    let files = Files::open(source)?;
    let folders = args.label_from_folders.map(|which| Classes::of(&files, which, &args.source)).transpose()?;
    let other_labels = folders.is_some() && *files.labels() != Labels::None;
    let classes_found = folders.as_ref().map(Classes::describe);
    let label = folders.is_some().then_some(match args.label_from_folders {
        None | Some(ClassFolder::Only) => "folders",
        Some(ClassFolder::First) => "folders, the first",
        Some(ClassFolder::Last) => "folders, the last",
    });
    let (recast, resize) = recast(args);
    let channels = Some(recast.channels).filter(|&channels| channels != 3);
    let size = recast.size;
    let pictures = Pictures::new(files, recast, folders, source)?;
    let seed = args.seed.unwrap_or(0);
    // Those that turn out to be unusable count as well.
    let (expected, sample) = choose(&pictures, args, seed, &|_| true)?;
    let asked = if sample.is_some() { expected.len() } else { pictures.len() };
    let mut recipe = Recipe::new("pictures", size, asked as u64, seed);
    recipe.label = label.map(str::to_string);
    recipe.maps = args.sketches.then(|| sketches::RECIPE.to_owned());
    recipe.resize = Some(resize);
    recipe.channels = channels;
    recipe.sample = sample.map(str::to_string);
    recipe.source = Some(pictures.hash());
    if is_there(target, format, &recipe)? {
        return Ok(None);
    }
    classes_found.into_iter().for_each(|classes| say(&printable(&classes).to_string()));
    if other_labels {
        say(&format!("note: folders are the classes (--label-from-folders); the labels in {LABEL_FILE} are left out"));
    }
    pictures.notes().for_each(|note| say(&format!("note: {note}")));
    if args.seed.is_some() && sample.is_none() {
        say(&format!("note: --seed draws nothing here: all {} are taken", count(expected.len() as u64, "picture")));
    }
    let chosen = match sample {
        None => expected,
        Some(_) => {
            let progress = Progress::new("looking at pictures", expected.len());
            let looked = |picture| {
                let usable = pictures.can_be_made(picture);
                progress.advance(usize::from(usable));
                usable
            };
            choose(&pictures, args, seed, &looked)?.0
        }
    };
    pictures.left_out().iter().for_each(left_out);
    let classes = pictures.class_names().to_vec();
    let class_table = pictures.class_table();
    let plan = Plan { recipe, count: chosen.len() as u64, columns: vec!["source"], classes, class_table };
    let written = make(target, format, plan, |number| pictures.make(chosen[number as usize]))?;
    if written == 0 {
        wrong!("{}: none of the pictures can be used; `stylegan data doctor` says why", source.display());
    }
    say_lost_classes(&pictures, &chosen);
    let left = pictures.left_out().len() as u64;
    match sample {
        _ if left == 0 => {}
        Some(_) => say(&format!("left out: {} in all", count(left, "file"))),
        None => say(&format!("left out: {left} of {}", count(written + left, "file"))),
    }
    if pictures.enlarged() > 0 {
        let enlarged = count(pictures.enlarged(), "picture");
        say(&format!("note: enlarged: {enlarged} of fewer than {} pixels", args.size));
    }
    if let Some(asked) = args.count.filter(|&asked| written < asked) {
        let why = if args.balance { ", as many of each class" } else { "; there are no more that can be used" };
        say(&format!("note: {written} of the {asked} asked for{why}"));
    }
    Ok(Some(written))
}

/// Says which classes of the source have no picture in the set that was made of those that were `chosen`.
fn say_lost_classes(pictures: &Pictures, chosen: &[usize]) {
    let usable: HashSet<usize> = pictures.candidates().into_iter().collect();
    let made: HashSet<u32> = chosen
        .iter()
        .filter(|picture| usable.contains(picture))
        .filter_map(|&picture| pictures.class(picture))
        .collect();
    let mut lost: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for picture in 0..pictures.len() {
        let Some(class) = pictures.class(picture).filter(|class| !made.contains(class)) else { continue };
        let (all, left) = lost.entry(class).or_default();
        *all += 1;
        *left += u64::from(usable.contains(&picture));
    }
    for (class, (all, left)) in lost {
        let name = pictures.class_names().get(class as usize).map_or_else(|| class.to_string(), Clone::clone);
        let why = match left {
            0 => format!("all {all} were left out"),
            _ => format!("none of {all} was drawn"),
        };
        say(&printable(&format!("note: class {name} has no pictures: {why}")).to_string());
    }
}

/// What becomes of each picture, and how the recipe says it.
fn recast(args: &Args) -> (Recast, String) {
    let (filter, filter_name) = match args.filter.unwrap_or(Filter::Box) {
        Filter::Box => (resize::Filter::Box, "box"),
        Filter::Lanczos => (resize::Filter::Lanczos, "lanczos"),
    };
    let (crop, bars, crop_name) = match args.crop.unwrap_or(Crop::Center) {
        Crop::None => (resize::Crop::None, false, "none"),
        Crop::Center => (resize::Crop::Center, false, "center"),
        Crop::Wide => (resize::Crop::Center, true, "wide"),
    };
    let size = [args.size.height as usize, args.size.width as usize];
    let (channels, sketches) = (args.channels.unwrap_or(3), args.sketches);
    let recast = Recast { size, channels, filter, crop, bars, sketches };
    (recast, format!("filter {filter_name}, crop {crop_name}"))
}

/// The pictures that are taken, of those that are usable where they are drawn, and how the recipe calls a choice.
fn choose(
    pictures: &Pictures,
    args: &Args,
    seed: u64,
    is_usable: &(dyn Fn(usize) -> bool + Sync),
) -> anyhow::Result<(Vec<usize>, Option<&'static str>)> {
    let candidates = pictures.candidates();
    let count = args.count.map(|count| count as usize);
    if args.balance {
        let chosen = sample::balanced(&candidates, |picture| pictures.class(picture), count, seed, is_usable)?;
        return Ok((chosen, Some("as many of each class")));
    }
    Ok(match count {
        Some(count) if count < candidates.len() => {
            (sample::uniform(&candidates, count, seed, is_usable), Some("drawn at random"))
        }
        _ => (candidates, None),
    })
}
