//! How near pictures are found again, as `stylegan invert` says in its measures.

use super::cell::Cell;
use super::kept::{Kept, question};
use crate::failure::Result;
use crate::measured::{Measured, pick};
use crate::papers::SEARCH;
use crate::program::Program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What measures count where larger is better: similarities.
const LARGER: [&str; 2] = ["classifier", "arcface"];

/// The metric of columns of perceptual distance, and the network that is built in, by which losses see.
const LPIPS: &str = "lpips";
const BUILT_IN: &str = "stlpips";

/// The numbers of an encoder's run, with the file that has them; in the space [`SEARCH`] those of its generator, whose styles are
/// searched for. Of `asked`, options of `stylegan eval`, weights of feature networks count.
pub(super) fn measured(
    program: &Program,
    run: &Path,
    space: &str,
    options: &[&str],
    asked: &[OsString],
) -> Result<(Vec<Measured>, PathBuf)> {
    let options: Vec<OsString> = options.iter().map(OsString::from).chain(features(asked)).collect();
    let kept = Kept { run: run.into(), name: format!("inverted-{space}"), question: question(&options) };
    if !kept.is_current() {
        // Into a new folder: what is there would be taken for done, and the time that it took is not known.
        kept.replace(&[""], |new| {
            let mut args: Vec<OsString> = vec!["invert".into(), "--network".into(), run.into()];
            if space != SEARCH {
                args.extend(["--encoder".into(), run.into()]);
            }
            args.extend(["--out".into(), new.file("").into()]);
            args.extend(options);
            program.run(&args).map(|()| ((), true))
        })?;
    }
    let measures = kept.file("").join("measures.json");
    Ok((means(&std::fs::read_to_string(&measures).unwrap_or_default()), measures))
}

/// The options that bring weights of feature networks.
fn features(options: &[OsString]) -> Vec<OsString> {
    let is_value = |i: usize| i > 0 && options[i - 1] == "--features";
    let is_own = |i: usize| options[i] == "--features" || options[i].to_string_lossy().starts_with("--features=");
    (0..options.len()).filter(|i| is_own(*i) || is_value(*i)).map(|i| options[i].clone()).collect()
}

/// The number of a column's metric; that of perceptual distance by a network whose weights were given, else by the one that is
/// built in.
pub(super) fn of_column<'a>(numbers: &'a [Measured], metric: &str) -> Option<&'a Measured> {
    let built_in = || pick(numbers, &format!("{}{BUILT_IN}", metric.strip_suffix(LPIPS)?));
    pick(numbers, metric).or_else(built_in)
}

/// Who judged, for the page.
pub(super) fn judges(cells: &[Vec<Option<Cell>>]) -> String {
    let measured = cells.iter().flatten().flatten().flat_map(Cell::trainings).map(|number| number.metric.as_str());
    let by = measured.filter(|metric| *metric == BUILT_IN || metric.starts_with(LPIPS)).collect::<Vec<_>>();
    let looks = match by.first() {
        Some(&BUILT_IN) => format!(
            "LPIPS is by {BUILT_IN}, by which losses and searches see as well: --features FILE with published weights has another \
             judge"
        ),
        Some(network) => format!("LPIPS is by {network}, by which neither losses nor searches have seen"),
        None => return String::new(),
    };
    format!(
        "\nWho judges: identity is in the eyes of a classifier of rear hair, of half the width and from another seed than the \
         classifier of hair by which losses see; {looks}.\n"
    )
}

/// The means of a file of measures, with their intervals.
fn means(json: &str) -> Vec<Measured> {
    let number = |object: &str, key: &str| -> Option<f64> {
        let (_, rest) = object.split_once(&format!("\"{key}\":"))?;
        rest.split([',', '}']).next()?.trim().parse().ok()
    };
    // A name, and an object with a mean and no other object in it.
    let of = |(before, rest): (&str, &str)| {
        let object = rest.split('}').next()?;
        let name = before.trim_end().strip_suffix(':')?.trim_end().strip_suffix('"')?.rsplit('"').next()?;
        let value = number(object, "mean").filter(|_| !object.contains('{'))?;
        let (low, high) = (number(object, "low").unwrap_or(value), number(object, "high").unwrap_or(value));
        Some(Measured { low, high, larger: LARGER.contains(&name), ..Measured::exact(name, value) })
    };
    json.match_indices('{').filter_map(|(at, _)| of((&json[..at], &json[at + 1..]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::cell::Cell;

    #[test]
    fn means_are_read() {
        let json = r#"{
  "classifier": { "high": 0.6, "low": 0.4, "mean": 0.5 },
  "each": [ { "mse": 0.1, "name": "a" }, { "mse": 0.3, "name": "b" } ],
  "mse": {
    "high": 0.25,
    "low": 0.15,
    "mean": 2.0e-1
  },
  "networks": { "stlpips": "abc" },
  "seconds_per_picture": { "mean": 3.5 }
}"#;
        let found = means(json);
        let names: Vec<&str> = found.iter().map(|n| n.metric.as_str()).collect();
        assert_eq!(names, ["classifier", "mse", "seconds_per_picture"]);
        assert!(found[0].larger && !found[1].larger);
        assert_eq!((found[1].value, found[1].low, found[2].high), (0.2, 0.15, 3.5));
        assert_eq!(means(""), []);
    }

    /// A network that no loss has seen by judges where there is one, and the page says which it was.
    #[test]
    fn other_networks_judge_where_they_are_given() {
        let of = |names: &[&str]| names.iter().map(|name| Measured::exact(name, 1.)).collect::<Vec<_>>();
        let judge = |names: &[&str]| {
            let numbers = of(names);
            of_column(&numbers, "lpips").map(|number| number.metric.clone()).unwrap_or_default()
        };
        assert_eq!(judge(&["mse", "stlpips", "lpips-vgg16"]), "lpips-vgg16");
        assert_eq!((judge(&["mse", "stlpips"]), judge(&["mse"])), ("stlpips".into(), String::new()));
        let numbers = of(&["face_stlpips", "stlpips"]);
        assert_eq!(of_column(&numbers, "face_lpips").map(|number| number.metric.as_str()), Some("face_stlpips"));
        let page = |name: &str| judges(&[vec![Cell::of(of(&[name]))]]);
        assert!(page("stlpips").contains("losses and searches see as well") && page("mse").is_empty());
        assert!(page("lpips-alex").contains("by lpips-alex, by which neither"), "{}", page("lpips-alex"));
        let options = ["--count", "9", "--features", "vgg16.pt", "--features=faces.pth"].map(OsString::from);
        assert_eq!(features(&options), ["--features", "vgg16.pt", "--features=faces.pth"].map(OsString::from));
    }
}
