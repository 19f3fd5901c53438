//! `cargo xtask eval --table spade1`: networks that paint label maps, side by side as in Table 1 of the SPADE paper
//! (Park et al. 2019).

use super::columns::parameters;
use super::render::REFERENCES;
use crate::defaults::value;
use crate::failure::{Failure, Result};
use crate::measured::{Measured, metrics, numbers, pick};
use crate::program::Program;
use crate::say::print;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;

/// The metrics of the table's columns, as `stylegan eval` calls them.
const COLUMNS: [(&str, &str); 3] = [("mIoU", "seen_miou"), ("accuracy", "seen_accuracy"), ("FID", "fid")];

/// Evaluates each `--network` of the options and prints one row for each, below those of real pictures and of one colour
/// for each class.
pub(super) fn run(options: &[OsString]) -> Result<()> {
    let (runs, options) = networks(options);
    if runs.is_empty() || value(&options, "--segmenter").is_none() {
        return Err(Failure::wrong(
            "--table spade1 takes the runs and a segmenter: --network RUN, once or more, and --segmenter FILE (stylegan \
             segmenter)",
        ));
    }
    let (program, mut rows) = (Program::default(), Vec::new());
    for (i, run) in runs.iter().enumerate() {
        // The real pictures are the same for all.
        let mut args: Vec<&OsStr> = ["eval", "--metrics", "miou,fid", "--network"].map(OsStr::new).into();
        args.extend([run.as_os_str()].into_iter().chain((i > 0).then(|| OsStr::new("--no-floor"))));
        args.extend(options.iter().map(OsString::as_os_str));
        let numbers = numbers(&program.said(&args)?);
        if i == 0 {
            for subject in REFERENCES {
                let own = numbers.iter().filter(|n| n.subject.as_deref() == Some(subject)).cloned();
                rows.push((subject.to_owned(), String::new(), own.collect::<Vec<_>>()));
            }
        }
        let baseline = |n: &Measured| {
            n.metric.contains("_floor") || rows[..2].iter().any(|(name, ..)| n.subject.as_ref() == Some(name))
        };
        let own = numbers.iter().filter(|n| !baseline(n)).cloned().collect();
        let inspected = program.said([OsStr::new("inspect"), run])?;
        rows.push((run.to_string_lossy().into_owned(), parameters(&inspected), own));
    }
    print(&render(&rows));
    Ok(())
}

/// The networks that options name, and the other options.
fn networks(options: &[OsString]) -> (Vec<OsString>, Vec<OsString>) {
    let (mut runs, mut others, mut options) = (vec![], vec![], options.iter());
    while let Some(option) = options.next() {
        match option.to_str().and_then(|option| option.strip_prefix("--network=")) {
            Some(run) => runs.push(run.into()),
            None if option == "--network" => runs.extend(options.next().cloned()),
            None => others.push(option.clone()),
        }
    }
    (runs, others)
}

fn render(rows: &[(String, String, Vec<Measured>)]) -> String {
    let mut text = String::from("| pictures of | parameters |");
    // Writing to a String cannot fail.
    for (title, _) in COLUMNS {
        let _ = write!(text, " {title}, 95 % interval |");
    }
    text.push_str("\n|---|---|---|---|---|\n");
    let mut shown: Vec<&Measured> = Vec::new();
    for (name, parameters, numbers) in rows {
        let _ = write!(text, "| {name} | {parameters} |");
        for (_, metric) in COLUMNS {
            let found = pick(numbers, metric);
            shown.extend(found);
            let _ = write!(text, " {} |", found.map(Measured::text).unwrap_or_default());
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "\nMeasured: {}. The real pictures' row is a ceiling: what the segmenter finds in pictures that do show the maps. \
         One colour for each class, the mean of its pixels, is a floor.\n",
        metrics(shown.into_iter()).join(", ")
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stand_below_real_pictures() {
        let printed = "| metric | of | value | 95 % interval | better |\n|---|---|---|---|---|\n\
                       | fid-stlpips | run/a | 12.3 | 11 to 14 | smaller |\n\
                       | fid_floor-stlpips | the real pictures | 1 | 0 to 2 | smaller |\n\
                       | seen_miou-earth | run/a | 0.3 | 0.2 to 0.4 | larger |\n\
                       | seen_miou-earth | real pictures | 0.5 | 0.4 to 0.6 | larger |\n\n`earth`: a network.\n";
        let found = numbers(printed);
        assert_eq!((found.len(), found[3].subject.as_deref()), (4, Some("real pictures")));
        let rows = [
            ("real pictures".to_owned(), String::new(), found[3..].to_vec()),
            (
                "run/a".to_owned(),
                parameters("  D  1 parameters, {}\n  G_ema         26 219 parameters, {}\n"),
                found[..3].to_vec(),
            ),
        ];
        let text = render(&rows);
        assert!(text.contains("| real pictures |  | 0.500 (0.400 to 0.600) |  |  |"), "{text}");
        assert!(text.contains("| run/a | 26 219 | 0.300 (0.200 to 0.400) |  | 12.3 (11.0 to 14.0) |"), "{text}");
        assert!(text.contains("Measured: fid-stlpips, seen_miou-earth."), "{text}");
        let words: Vec<OsString> = "--network a --count 9 --network b".split(' ').map(Into::into).collect();
        let (runs, others) = networks(&words);
        assert_eq!((runs, others), (vec!["a".into(), "b".into()], vec!["--count".into(), "9".into()]));
    }
}
