//! `stylegan data show`: what a set looks like and what it is.

use super::recipe::Recipe;
use crate::destination;
use crate::exit::{Ending, Outcome};
use crate::pictures::{name_of_set, say_notes};
use crate::status::print;
use image::RgbImage;
use std::path::{Path, PathBuf};
use stylegan_core::printable;
use stylegan_train::data::{Dataset, Labels};
use stylegan_train::picture;

/// Pictures on a sheet are shrunk to this many pixels a side.
const LARGEST_CELL: u32 = 1024;

/// Print what a data set is and write a contact sheet
///
/// Number of pictures, size, labels, content hash, and a PNG of pictures from all over the set
/// (and of their label maps below, if there are any).
///
/// Example:
///   stylegan data show data/avatars-64.zip
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Folder or ZIP of pictures.
    #[arg(value_name = "SET")]
    set: PathBuf,

    /// The contact sheet [default: the name of the set with -sheet.png]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,

    /// Pictures on the sheet.
    #[arg(long, value_name = "N", default_value_t = 96, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pictures: u16,
}

/// Runs `stylegan data show`.
pub(crate) fn run(args: Args) -> Outcome {
    let out = args.out.unwrap_or_else(|| beside(&args.set));
    let set = Dataset::open(&args.set)?;
    destination::file(&out, &[&args.set])?;
    say_notes(&set);
    let [h, w] = set.image_size();
    let line = |name: &str, value: String| print(&format!("  {name:<9} {value}\n"));
    print(&format!("{}\n", args.set.display()))?;
    line("pictures", set.len().to_string())?;
    let colours = match set.channels() {
        1 => "grey",
        3 => "RGB",
        _ => "RGB with alpha",
    };
    line("size", format!("{w}x{h} pixels, {colours}"))?;
    if set.turned() > 0 {
        line("turned", format!("{} not stored upright, and read upright as they ask for", set.turned()))?;
    }
    for (i, text) in labels(&set).into_iter().enumerate() {
        line(if i == 0 { "labels" } else { "" }, text)?;
    }
    line("maps", if set.has_maps() { "one per picture".to_string() } else { "none".to_string() })?;
    line("content", set.hash()?.to_string())?;
    if let Some(recipe) = Recipe::of(&args.set) {
        line("built as", recipe.describe())?;
        if let Some(credit) = recipe.credit {
            line("credit", credit)?;
        }
    }
    picture::write_png(&out, &sheet(&set, args.pictures.into())?)?;
    line("sheet", out.display().to_string())?;
    Ok(Ending::Done)
}

/// Beside the set, its name with `-sheet.png` for its ending.
fn beside(set: &Path) -> PathBuf {
    let sheet = format!("{}-sheet.png", name_of_set(set));
    // `.` and `..` have no name of their own that could be replaced.
    match (set.file_name(), std::fs::canonicalize(set)) {
        (None, Ok(whole)) => whole.with_file_name(sheet),
        _ => set.with_file_name(sheet),
    }
}

/// What the labels are, as lines.
fn labels(set: &Dataset) -> Vec<String> {
    match set.labels() {
        Labels::None => vec!["none".to_string()],
        Labels::Vectors { dim, .. } => vec![format!("{dim} numbers per picture")],
        Labels::Classes { ids, count, names } => {
            let mut pictures = vec![0usize; *count];
            ids.iter().for_each(|&id| pictures[id as usize] += 1);
            let most = pictures.iter().copied().max().unwrap_or(1).max(1);
            let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
            let lines = pictures.iter().enumerate().map(|(class, &n)| {
                let bar = "#".repeat((n * 40).div_ceil(most));
                let name = printable(names.get(class).map_or("", String::as_str));
                format!("{class:>5} {name:<width$} {n:>8} {bar}")
            });
            std::iter::once(format!("{count} classes")).chain(lines).collect()
        }
    }
}

/// Pictures from all over the set, and their label maps below.
fn sheet(set: &Dataset, count: usize) -> anyhow::Result<RgbImage> {
    let count = count.min(set.len());
    let chosen: Vec<usize> = (0..count).map(|i| i * set.len() / count).collect();
    let mut pictures = Vec::with_capacity(count);
    for batch in set.batches(&chosen) {
        pictures.extend(picture::to_pictures(&batch?)?.into_iter().map(small));
    }
    let cells = if set.has_maps() { 2 * count } else { count };
    let columns = picture::sheet_columns(cells, set.image_size()).min(count);
    if set.has_maps() {
        // Whole rows, so that the maps start a row of their own.
        let (w, h) = pictures[0].dimensions();
        let blank = RgbImage::from_pixel(w, h, image::Rgb([255; 3]));
        pictures.resize(count.next_multiple_of(columns), blank);
        let [h, w] = set.image_size().map(|side| side as u32);
        for index in chosen {
            let map = set.map(index)?;
            pictures.push(small(RgbImage::from_fn(w, h, |x, y| color(map[(y * w + x) as usize]))));
        }
    }
    Ok(picture::grid(&pictures, columns, 2))
}

/// A picture no larger than it is worth on a sheet.
fn small(picture: RgbImage) -> RgbImage {
    let (w, h) = picture.dimensions();
    let factor = w.max(h).div_ceil(LARGEST_CELL);
    if factor <= 1 { picture } else { image::imageops::thumbnail(&picture, (w / factor).max(1), (h / factor).max(1)) }
}

/// Colours that are far from each other for classes that are near: three bits for each channel in
/// turn, the highest first, as the PASCAL VOC colour map does.
fn color(class: u8) -> image::Rgb<u8> {
    let bit = |i: u8| (class >> i) & 1;
    let channel = |c: u8| bit(c) << 7 | bit(c + 3) << 6 | if c < 2 { bit(c + 6) << 5 } else { 0 };
    image::Rgb([channel(0), channel(1), channel(2)])
}
