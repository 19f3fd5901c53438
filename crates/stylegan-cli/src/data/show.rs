//! `stylegan data show`: what a set looks like and what it is.

use super::contact_sheet::contact_sheet;
use super::doctor::classes_without_pictures;
use super::recipe::Recipe;
use crate::destination;
use crate::exit::{Ending, Outcome};
use crate::layout::LayoutArgs;
use crate::numbers::{classes, count, whole};
use crate::pictures::{name_of_set, path_alone, say_notes};
use crate::status::{Progress, print, say};
use crate::writer::software;
use std::path::{Path, PathBuf};
use stylegan_core::picture::write_png;
use stylegan_core::printable;
use stylegan_train::data::{CLASS_FILE, Dataset, Labels};

/// Print what a data set is and write a contact sheet
///
/// Number of pictures, size, labels, content hash, and a PNG of pictures from all over the set,
/// each with its class below and its label map beside it, if there are any.
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
    #[arg(long, value_name = "N", default_value_t = 96, value_parser = whole::<u16>(1..=4096))]
    pictures: u16,

    #[command(flatten)]
    layout: LayoutArgs,
}

/// Runs `stylegan data show`.
pub(crate) fn run(args: Args) -> Outcome {
    path_alone(&args.set)?;
    let set = Dataset::open(&args.set)?;
    let out = args.out.clone().unwrap_or_else(|| beside(&args.set));
    // Beside a set that lies where nothing can be written there is no place for a sheet.
    let place = match (destination::file(&out, &[&args.set]), &args.out) {
        (Err(error), Some(_)) => return Err(error),
        (place, _) => place,
    };
    destination::ends_in(&out, "png", "a picture")?;
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
    line("maps", maps(&set))?;
    let progress = Progress::of_unknown_length("hashing");
    let hash = set.hash()?;
    drop(progress);
    line("content", hash.to_string())?;
    if let Some(recipe) = Recipe::of(&args.set) {
        line("built as", recipe.describe())?;
        if let Some(credit) = recipe.credit {
            line("credit", credit)?;
        }
    }
    if let Err(error) = place {
        say(&format!("note: no sheet: {error:#}; --out names a place for it"));
        return Ok(Ending::Done);
    }
    let text = [software(), ("stylegan:data", hash.to_owned())];
    write_png(&out, &contact_sheet(&set, args.pictures.into(), &args.layout)?.draw(), &text)?;
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

/// What maps there are.
fn maps(set: &Dataset) -> String {
    let named = set.class_table().map(|table| format!(", {} named in {CLASS_FILE}", table.classes().len()));
    match (set.has_maps(), set.has_instances()) {
        (false, false) => "none".to_owned(),
        (false, true) => "instance maps".to_owned(),
        (true, false) => format!("one per picture{}", named.unwrap_or_default()),
        (true, true) => format!("one per picture{}, and instance maps", named.unwrap_or_default()),
    }
}

/// What the labels are, as lines.
fn labels(set: &Dataset) -> Vec<String> {
    match set.labels() {
        Labels::None => vec!["none".to_string()],
        Labels::Vectors { dim, .. } => vec![format!("{} per picture", count(*dim as u64, "number"))],
        Labels::Classes { ids, count: classes_there, names } => {
            let mut pictures = vec![0usize; *classes_there];
            ids.iter().for_each(|&id| pictures[id as usize] += 1);
            let most = pictures.iter().copied().max().unwrap_or(1).max(1);
            let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
            // Class numbers may have gaps of thousands; a name tells what is lacking.
            let shown = pictures.iter().enumerate().filter(|(class, n)| **n > 0 || *class < names.len());
            let lines = shown.map(|(class, &n)| {
                let bar = "#".repeat((n * 40).div_ceil(most));
                let name = printable(names.get(class).map_or("", String::as_str));
                format!("{class:>5} {name:<width$} {n:>8} {bar}")
            });
            let without = classes_without_pictures(set.labels());
            let without = without.lines().map(str::to_owned);
            std::iter::once(classes(*classes_there)).chain(lines).chain(without).collect()
        }
    }
}
