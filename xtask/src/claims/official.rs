//! `cargo xtask reproduce official --weights DIR`: the official protocols on files that the user has, ours beside the
//! published number.

use crate::json::Json;

use super::asked::Asked;
use super::page;
use crate::failure::{Failure, Result};
use crate::measured::{Measured, numbers, short};
use crate::papers::released::{CLASSIFIERS, INCEPTION, LPIPS, Published, RELEASED, Released};
use crate::say::print;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Published spreads within which a number passes: they are standard deviations, and two hold 95 % of measurements.
const SPREADS: f64 = 2.;

/// What came out for a published number.
enum Verdict {
    /// Files that are missing, each by the names that it may have.
    Missing(Vec<String>),
    /// It could not be measured: `stylegan eval` has said why.
    Failed,
    /// It was measured otherwise than was published, and the report names it so.
    Otherwise(Measured),
    Compared {
        ours: Measured,
        passes: bool,
    },
}

/// The files of a folder that protocols need.
struct Files {
    folder: PathBuf,
    features: Vec<PathBuf>,
    classifiers: Vec<PathBuf>,
}

pub(super) fn run(asked: &Asked) -> Result<()> {
    // Nothing is trained, and networks are measured one after another.
    let (seeds, jobs) = (asked.seeds != [None], asked.jobs > 1);
    asked.refuse(&[
        ("--network", asked.network.is_some()),
        ("--kimg", asked.kimg.is_some()),
        ("--seed", seeds),
        ("--jobs", jobs),
    ])?;
    let Some(folder) = asked.weights.as_ref().filter(|folder| folder.is_dir()) else {
        return Err(Failure::wrong(
            "reproduce official: --weights FOLDER names the folder of released files (docs/weights.md says where they are)",
        ));
    };
    asked.check_options()?;
    let files = Files::of(folder);
    let mut rows: Vec<(&Released, &Published, Verdict)> = Vec::new();
    for released in &RELEASED {
        let found = measure(released, &files, asked)?;
        rows.extend(released.numbers.iter().zip(found).map(|(number, verdict)| (released, number, verdict)));
    }
    let out = page::folder(asked);
    let text = format!(
        "# Released networks by the official protocols\n\n`{}`\n\n{}\n\n{}",
        asked.command(),
        page::machine(),
        render(&rows)
    );
    page::save(&out, "official.json", &format!("{}\n", data(&rows, asked)))?;
    page::save(&out, "official.md", &text)?;
    print(&format!("\n{text}"));
    let count = |of: fn(&Verdict) -> bool| rows.iter().filter(|(.., verdict)| of(verdict)).count();
    let measured = count(|verdict| !matches!(verdict, Verdict::Missing(_)));
    let failed = count(|verdict| matches!(verdict, Verdict::Compared { passes: false, .. } | Verdict::Failed));
    match (measured, failed) {
        (0, _) => {
            Err(Failure::wrong(format!("{}: nothing could be measured; the table names the files", folder.display())))
        }
        (_, 0) => Ok(()),
        (measured, failed) => {
            Err(Failure::other(format!("official: {failed} of {measured} numbers that were measured fail")))
        }
    }
}

impl Files {
    fn of(folder: &Path) -> Self {
        let all = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_classifier =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(CLASSIFIERS.0));
        let mut classifiers: Vec<PathBuf> = all.filter(is_classifier).collect();
        classifiers.sort_unstable();
        let mut files = Self { folder: folder.into(), features: vec![], classifiers };
        files.features = [INCEPTION, LPIPS].iter().filter_map(|names| files.find(names)).collect();
        files
    }

    /// The first of these names that is there.
    fn find(&self, names: &[&str]) -> Option<PathBuf> {
        names.iter().map(|name| self.folder.join(name)).find(|path| path.exists())
    }

    /// What is missing for a number of a network.
    fn missing(&self, released: &Released, number: &Published) -> Vec<String> {
        let protocol = number.asks.split_once('.').map_or(number.asks, |(_, protocol)| protocol);
        let mut needs = vec![released.files];
        needs.extend(protocol.starts_with("fid").then_some(released.sets));
        needs.extend((protocol.starts_with("fid") || protocol.starts_with("is")).then_some(INCEPTION));
        needs.extend(protocol.starts_with("ppl").then_some(LPIPS));
        let absent = needs.into_iter().filter(|names| self.find(names).is_none());
        let mut missing: Vec<String> = absent.map(|names| names.join(" or ")).collect();
        if protocol == "ls" && self.classifiers.len() < CLASSIFIERS.1 {
            missing.push(format!("{}00-….pkl to {:02}-….pkl", CLASSIFIERS.0, CLASSIFIERS.1 - 1));
        }
        missing
    }
}

/// What came out for each number of a network; those with the same options are measured together.
fn measure(released: &Released, files: &Files, asked: &Asked) -> Result<Vec<Verdict>> {
    let missing: Vec<Vec<String>> = released.numbers.iter().map(|number| files.missing(released, number)).collect();
    let mut groups: BTreeMap<&[&str], Vec<&str>> = BTreeMap::new();
    for (number, _) in released.numbers.iter().zip(&missing).filter(|(_, missing)| missing.is_empty()) {
        let group = groups.entry(number.options).or_default();
        if !group.contains(&number.asks) {
            group.push(number.asks);
        }
    }
    let mut found = BTreeMap::new();
    for (options, metrics) in groups {
        let (printed, _) = asked.program.answer(arguments(released, files, asked, &metrics, options))?;
        found.insert(options, numbers(&printed));
    }
    let of = |(number, missing): (&Published, Vec<String>)| match missing.is_empty() {
        true => verdict(number, found.get(number.options).map_or(&[], Vec::as_slice)),
        false => Verdict::Missing(missing),
    };
    Ok(released.numbers.iter().zip(missing).map(of).collect())
}

fn arguments(released: &Released, files: &Files, asked: &Asked, metrics: &[&str], options: &[&str]) -> Vec<OsString> {
    let network = files.find(released.files).unwrap_or_default();
    let stem = network.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let report = page::folder(asked).join("official").join(format!("{stem}{}.json", options.concat()));
    let mut args: Vec<OsString> =
        ["eval", "--no-floor", "--metrics", &metrics.join(","), "--network"].map(Into::into).into();
    args.extend([network.into(), "--out".into(), report.into()]);
    args.extend(files.find(released.sets).into_iter().flat_map(|set| ["--data".into(), set.into()]));
    args.extend(files.features.iter().flat_map(|file| ["--features".into(), file.into()]));
    if metrics.iter().any(|metric| metric.ends_with(".ls")) {
        args.extend(files.classifiers.iter().flat_map(|file| ["--classifier".into(), file.into()]));
    }
    // What was typed comes last, and may shorten a trial.
    let typed = asked.options.iter().any(|option| option == "--count");
    let own: Vec<&str> = if typed { vec![] } else { options.to_vec() };
    args.extend(asked.evaluation(&own));
    args
}

fn verdict(number: &Published, found: &[Measured]) -> Verdict {
    // The metric alone, without what a report says behind it.
    let metric = number.metric.split('-').next().unwrap_or_default().trim_end_matches("50k");
    let same = found.iter().find(|n| n.metric == number.metric);
    let Some(ours) = same.or_else(|| found.iter().find(|n| n.metric.starts_with(metric))) else {
        return Verdict::Failed;
    };
    if ours.metric != number.metric {
        return Verdict::Otherwise(ours.clone());
    }
    let passes = if number.spread.is_finite() {
        (ours.value - number.value).abs() <= SPREADS * number.spread
    } else {
        (ours.low..=ours.high).contains(&number.value)
    };
    Verdict::Compared { ours: ours.clone(), passes }
}

impl Verdict {
    fn ours(&self) -> Option<&Measured> {
        match self {
            Verdict::Otherwise(ours) | Verdict::Compared { ours, .. } => Some(ours),
            Verdict::Missing(_) | Verdict::Failed => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Verdict::Missing(files) => format!("missing: {}", files.join("; ")),
            Verdict::Failed => "could not be measured".into(),
            Verdict::Otherwise(ours) => format!("not as published: `{}`", ours.metric),
            Verdict::Compared { passes: true, .. } => "pass".into(),
            Verdict::Compared { passes: false, .. } => "FAIL".into(),
        }
    }
}

fn render(rows: &[(&Released, &Published, Verdict)]) -> String {
    let mut text = String::from(
        "| network | protocol | ours, 95 % interval | published | spread | |\n|---|---|---|---|---|---|\n",
    );
    for (released, number, verdict) in rows {
        let spread = if number.spread.is_finite() { short(number.spread) } else { "none published".into() };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | `{}`{} | {} | {} | {spread} | {} |",
            released.title,
            number.asks,
            if number.metric.starts_with("ls") { format!(" {}", &number.metric[3..4]) } else { String::new() },
            verdict.ours().map(Measured::text).unwrap_or_default(),
            number.value,
            verdict.text()
        );
    }
    let _ = write!(
        text,
        "\nA number passes within {SPREADS} published spreads (standard deviations over measurements) of the published one; \
         where no spread was published, if our 95 % interval holds it. Spreads are those of StyleGAN2's FFHQ network, of \
         StyleGAN's path lengths in proportion. Real pictures are not mirrored, as the official programs do for networks that \
         were trained on mirrored ones.\n"
    );
    text
}

fn data(rows: &[(&Released, &Published, Verdict)], asked: &Asked) -> Json {
    let row = |(released, number, verdict): &(&Released, &Published, Verdict)| {
        let ours = verdict.ours();
        let of = |part: fn(&Measured) -> f64| Json::Number(ours.map_or(f64::NAN, part));
        Json::object([
            ("network", Json::text(released.title)),
            ("protocol", Json::text(number.asks)),
            ("metric", Json::text(ours.map_or(number.metric, |ours| &ours.metric))),
            ("value", of(|n| n.value)),
            ("low", of(|n| n.low)),
            ("high", of(|n| n.high)),
            ("published", Json::Number(number.value)),
            ("spread", Json::Number(number.spread)),
            ("verdict", Json::text(verdict.text())),
        ])
    };
    Json::object([
        ("claim", Json::text("official")),
        ("command", Json::text(asked.command())),
        ("machine", Json::text(page::machine())),
        ("rows", Json::List(rows.iter().map(row).collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(metric: &str, value: f64) -> Measured {
        Measured { low: value - 1., high: value + 1., ..Measured::exact(metric, value) }
    }

    #[test]
    fn numbers_pass_within_the_published_spread() {
        let [stylegan, .., _] = &RELEASED;
        let (fid, separability) = (&stylegan.numbers[0], &stylegan.numbers[6]);
        let said = |published: &Published, found: &[Measured]| verdict(published, found).text();
        assert_eq!(said(fid, &[number("fid50k", 4.46)]), "pass");
        assert_eq!(said(fid, &[number("fid50k", 4.50)]), "FAIL");
        assert_eq!(said(fid, &[number("fid-stlpips", 4.4159)]), "not as published: `fid-stlpips`");
        assert_eq!(said(fid, &[]), "could not be measured");
        assert_eq!(said(separability, &[number("ls_z-classifier", 3.7), number("ls_w-classifier", 4.7)]), "pass");
        assert_eq!(said(separability, &[number("ls_w-classifier", 5.)]), "FAIL");
        let path = &stylegan.numbers[2];
        assert_eq!(said(path, &[number("ppl_zfull", 233.), number("ppl_wfull", 233.)]), "pass");
    }

    #[test]
    fn missing_files_are_named() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-official-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("images1024x1024"))?;
        for file in [RELEASED[0].files[0], INCEPTION[1], "celebahq-classifier-00-male.pkl"] {
            std::fs::write(folder.join(file), "")?;
        }
        let files = Files::of(&folder);
        let missing: Vec<Vec<String>> =
            RELEASED[0].numbers.iter().map(|number| files.missing(&RELEASED[0], number)).collect();
        let of_other = files.missing(&RELEASED[1], &RELEASED[1].numbers[0]);
        std::fs::remove_dir_all(&folder)?;
        assert!(missing[0].is_empty(), "{:?}", missing[0]);
        assert_eq!(missing[2], ["vgg16.pt or vgg16_zhang_perceptual.pth or lpips_vgg.safetensors"]);
        assert_eq!(missing[6], ["celebahq-classifier-00-….pkl to 39-….pkl"]);
        assert_eq!(of_other.len(), 2, "{of_other:?}");
        assert_eq!((files.features.len(), files.classifiers.len()), (1, 1));
        Ok(())
    }
}
