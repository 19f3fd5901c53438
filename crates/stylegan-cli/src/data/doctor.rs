//! `stylegan data doctor`: everything that is wrong with a set.

use super::classes::{ClassFolder, Classes};
use super::size::SIDES;
use crate::configs::Source;
use crate::exit::{Ending, Outcome, wrong};
use crate::numbers::{Numbers, classes, count, whole};
use crate::pictures::path_alone;
use crate::shell::quote;
use crate::status::{Progress, print};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use stylegan_core::printable;
use stylegan_train::config::MapClasses;
use stylegan_train::data::doctor::{Report, examine};
use stylegan_train::data::{CLASS_FILE, ClassTable, Files, Finding, Labels, Problem, Severity};

/// Files of a kind that are shown unless all are.
const EXAMPLES: usize = 3;

/// List the bad files of a data set, with the remedy
///
/// All pictures, labels and label maps are read. Files with the same fault stand together, broken
/// ones first, three of a kind. The last line says what `stylegan data build` would make of the
/// set. Exit code 2 if anything is wrong.
///
/// Examples:
///   stylegan data doctor photos/
///   stylegan data doctor streets/ --config spade/cityscapes-512x256
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Folder or ZIP of pictures.
    #[arg(value_name = "SET")]
    set: PathBuf,

    /// Also looks in label maps for classes that the networks of this configuration do not know, which training would refuse:
    /// a file, or the name of a built-in one.
    ///
    /// Example: --config spade/avatars-64
    #[arg(long, value_name = "FILE.toml|NAME")]
    config: Option<PathBuf>,

    /// As --config, for a network of N classes, from 0 on.
    ///
    /// Example: --classes 10
    #[arg(long, value_name = "N", conflicts_with = "config", value_parser = whole::<u8>(1..=255))]
    classes: Option<u8>,

    /// Lists every bad file, not three of a kind.
    #[arg(long)]
    all: bool,
}

/// Runs `stylegan data doctor`.
pub(crate) fn run(args: Args) -> Outcome {
    path_alone(&args.set)?;
    let known = known(&args)?;
    let files = Files::open(&args.set)?;
    let progress = Progress::new("examining", files.names().len());
    let report = examine(&args.set, known.as_ref(), || progress.advance(1))?;
    drop(progress);
    let place = args.set.display();
    print(&groups(&report.findings, if args.all { usize::MAX } else { EXAMPLES }))?;
    let problems = report.findings.iter().filter(|finding| is_fault(&finding.problem)).count();
    print(&summary(&report, known.as_ref()))?;
    if let Some(known) = &known {
        print(&compared(&report, known, &place)?)?;
    }
    if matches!(report.labels, Labels::None)
        && let Ok(folders) = Classes::of(&files, ClassFolder::Only, "")
        && folders.names.len() > 1
    {
        let classes = printable(&folders.describe()).to_string();
        print(&format!("pictures lie in folders: --label-from-folders makes {classes} of them\n"))?;
    }
    if problems == 0 {
        print(&format!("{place}: {}, nothing is wrong\n", count(report.pictures as u64, "picture")))?;
    }
    print(&format!("{}\n", prospects(&report, &quote(&args.set))))?;
    match problems {
        0 => Ok(Ending::Done),
        n => wrong!("{place}: {} among {}", count(n as u64, "problem"), count(report.pictures as u64, "picture")),
    }
}

/// The classes that the networks know which maps are for, if it was said which.
fn known(args: &Args) -> anyhow::Result<Option<MapClasses>> {
    let Some(config) = &args.config else {
        let of = |count: u8| MapClasses { count: count.into(), setting: "--classes", none: Some(false) };
        return Ok(args.classes.map(of));
    };
    let source = Source::of(config)?;
    match source.read(&[])?.map_classes() {
        Some(known) => Ok(Some(known)),
        None => wrong!("--config {}: its networks read no label maps; leave it out", source.name),
    }
}

/// A word on maps that networks of the `known` classes are to read; refuses a set without maps.
fn compared(report: &Report, known: &MapClasses, place: impl std::fmt::Display) -> anyhow::Result<String> {
    let (count, setting) = (known.count, known.setting);
    if !report.maps {
        wrong!(
            "{place}: has no label maps, and networks of {setting} = {count} read them; put them into its folder labels/"
        );
    }
    let other = report.findings.iter().any(|finding| matches!(finding.problem, Problem::MapClass { .. }));
    Ok(if other { String::new() } else { format!("networks of {setting} = {count} know all classes of the maps\n") })
}

/// Whether it is more than a word of advice. A label or a map without its picture is a fault, and so are labels and names
/// that are not read, and a class that networks do not know, though the pictures can be used.
fn is_fault(problem: &Problem) -> bool {
    problem.severity() != Severity::Harmless
        || matches!(
            problem,
            Problem::LabelWithoutPicture
                | Problem::MoreLabelsWithoutPicture(_)
                | Problem::LabelsIgnored { .. }
                | Problem::ClassesIgnored { .. }
                | Problem::Misnamed(_)
                | Problem::ClassNames(_)
                | Problem::MapWithoutPicture
                | Problem::MapClass { .. }
        )
}

/// The findings by kind: how many, what to do, and the first `examples`.
fn groups(findings: &[Finding], examples: usize) -> String {
    let mut groups: BTreeMap<(Severity, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        groups.entry((finding.problem.severity(), finding.problem.heading())).or_default().push(finding);
    }
    let mut text = String::new();
    for ((_, heading), group) in groups {
        text.push_str(&format!("{heading}: {}; {}\n", group.len(), group[0].problem.remedy()));
        for finding in group.iter().take(examples) {
            text.push_str(&format!("  {}\n", finding.fault()));
        }
        if group.len() > examples {
            text.push_str(&format!("  … and {} more (--all lists them)\n", group.len() - examples));
        }
    }
    text
}

/// What there is besides, and what was not looked at.
fn summary(report: &Report, known: Option<&MapClasses>) -> String {
    let mut text = String::new();
    let labels = match &report.labels {
        Labels::None => "no labels".to_string(),
        Labels::Classes { count, .. } => classes(*count),
        Labels::Vectors { dim, .. } => format!("labels of {}", count(*dim as u64, "number")),
    };
    let maps = if report.maps { "label maps" } else { "no label maps" };
    let instances = if report.instances { ", instance maps" } else { "" };
    text.push_str(&format!("{labels}, {maps}{instances}\n"));
    text.push_str(&classes_without_pictures(&report.labels));
    text.push_str(&classes_of_maps(report, known));
    if report.turned > 0 {
        let pictures = count(report.turned as u64, "picture");
        text.push_str(&format!("{pictures} stored turned, with an orientation in EXIF data: read upright\n"));
    }
    if !report.unread.is_empty() {
        let endings = report.unread.iter().map(|(ending, n)| match ending.as_str() {
            "" => format!("{n} without an ending"),
            ending => format!("{n} .{ending}"),
        });
        text.push_str(&format!("not looked at: {}\n", endings.collect::<Vec<_>>().join(", ")));
    }
    text
}

/// A word on class numbers that no picture has.
pub(super) fn classes_without_pictures(labels: &Labels) -> String {
    let Labels::Classes { ids, count, .. } = labels else { return String::new() };
    let mut missing: BTreeSet<u32> = (0..*count as u32).collect();
    for id in ids {
        missing.remove(id);
    }
    match missing.len() {
        0 => String::new(),
        1 => format!(
            "class {} has no pictures; a network trained with labels still has a place for it\n",
            listed(missing)
        ),
        _ => format!(
            "classes {} have no pictures; a network trained with labels still has places for them\n",
            listed(missing)
        ),
    }
}

fn listed(classes: BTreeSet<u32>) -> String {
    Numbers(classes.into_iter().collect()).to_string()
}

/// Which classes the label maps have, and which they lack of those that networks know, where it is said: a network is
/// configured with so many.
fn classes_of_maps(report: &Report, known: Option<&MapClasses>) -> String {
    let Some((unlabelled, pixels)) = report.class_pixels.split_last().filter(|_| report.maps) else {
        return String::new();
    };
    let table = report.class_table.as_ref().map(ClassTable::classes);
    let Some(last) = pixels.iter().rposition(|&n| n > 0) else { return "label maps without a class\n".into() };
    let names = table.unwrap_or_default();
    // What networks take for no class is the last of theirs.
    let own = |known: &MapClasses| (known.count - usize::from(known.none == Some(true))).min(pixels.len());
    let expected = known.map_or(names.len().max(last + 1), own);
    let mut unused: BTreeSet<u32> =
        (0..expected).filter(|&class| pixels[class] == 0).map(|class| class as u32).collect();
    let nameless = unused.split_off(&(names.len() as u32));
    let mut unused: Vec<String> =
        unused.iter().map(|&class| format!("{class} ({})", printable(&names[class as usize].name))).collect();
    if !nameless.is_empty() {
        unused.push(listed(nameless));
    }
    let mut text = format!("label maps of classes 0 to {last}");
    if table.is_some() {
        text.push_str(&format!(", {} in {CLASS_FILE}", names.len()));
    }
    if !unused.is_empty() {
        text.push_str(&format!("; in no map: {}", unused.join(", ")));
    }
    if *unlabelled > 0 {
        let all: u64 = report.class_pixels.iter().sum();
        text.push_str(&format!("; without a class: {:.1} % of the pixels", 100.0 * *unlabelled as f64 / all as f64));
    }
    text + "\n"
}

/// What `stylegan data build` would make of the set.
fn prospects(report: &Report, set: &str) -> String {
    let build = |size: &str| format!("`stylegan data build {set} --size {size}`");
    if report.broken {
        return format!("{} would refuse the set until its labels, class table and maps can be read", build("N"));
    }
    let Some(shortest) = report.sides.first() else {
        return format!("{} could use none of the pictures", build("N"));
    };
    // At most one in twenty is shorter than this; of few, one.
    let (usable, few) = (report.usable, report.sides.len() < 40);
    let most = report.sides.get((report.sides.len() / 20).max(1)).unwrap_or(shortest);
    let [shortest, most] = [shortest, most].map(|&side| side.min(*SIDES.end() as usize));
    let few = if few { "one" } else { "at most 5 %" };
    let smallest = *SIDES.start() as usize;
    let enlarged = if most < smallest {
        "every --size enlarges some".to_owned()
    } else if shortest < smallest {
        format!("--size up to {most} enlarges {few}")
    } else if most > shortest {
        format!("--size up to {shortest} enlarges none, up to {most} {few}")
    } else {
        format!("--size up to {shortest} enlarges none")
    };
    let build = build(&usual_side(most).to_string());
    let what = if report.left_out == report.pictures - usable { "pictures" } else { "files" };
    match report.left_out {
        0 if usable == 1 => format!("{build} would take the one picture; {enlarged}"),
        0 => format!("{build} would take all {}; {enlarged}", count(usable as u64, "picture")),
        left => format!("{build} would take {usable} of {} {what} and leave out {left}; {enlarged}", usable + left),
    }
}

/// The largest size that networks usually have, a power of two, within `most` pixels, and no less than is built.
fn usual_side(most: usize) -> usize {
    most.checked_ilog2().map_or(1, |log| 1 << log).max(*SIDES.start() as usize)
}
