//! `cargo xtask eval --table spade1`: networks that paint label maps, side by side as in Table 1 of the SPADE paper
//! (Park et al. 2019).

use super::stylegan;
use crate::cargo::output;
use crate::defaults::value;
use crate::failure::{Failure, Result};
use crate::say::print;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::process::Stdio;

/// The metrics of the table's columns, as `stylegan eval` calls them.
const COLUMNS: [(&str, &str); 3] = [("mIoU", "seen_miou"), ("accuracy", "seen_accuracy"), ("FID", "fid")];

/// A measured number with its interval, as `stylegan eval` prints them.
#[derive(Clone, Debug, PartialEq)]
struct Number {
    metric: String,
    /// Whose it is; nothing where all are of one.
    subject: Option<String>,
    value: String,
    interval: String,
}

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
    let mut rows = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        // The real pictures are the same for all.
        let mut args: Vec<&OsStr> = ["eval", "--metrics", "miou,fid", "--network"].map(OsStr::new).into();
        args.extend([run.as_os_str()].into_iter().chain((i > 0).then(|| OsStr::new("--no-floor"))));
        args.extend(options.iter().map(OsString::as_os_str));
        let numbers = numbers(&said(&args)?);
        if i == 0 {
            for subject in ["real pictures", "mean colour of each class"] {
                let own = numbers.iter().filter(|n| n.subject.as_deref() == Some(subject)).cloned();
                rows.push((subject.to_owned(), String::new(), own.collect::<Vec<_>>()));
            }
        }
        let baseline = |n: &Number| {
            n.metric.contains("_floor") || rows[..2].iter().any(|(name, ..)| n.subject.as_ref() == Some(name))
        };
        let own = numbers.iter().filter(|n| !baseline(n)).cloned().collect();
        let inspected = said(&[OsStr::new("inspect"), run])?;
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

/// What `stylegan` prints, given these arguments.
fn said(args: &[&OsStr]) -> Result<String> {
    let output = output(stylegan().args(args).stderr(Stdio::inherit()))?;
    if !output.status.success() {
        return Err(Failure::ended(output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The rows of a table that `stylegan eval` prints, by the names of its columns.
fn numbers(text: &str) -> Vec<Number> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = text.lines().filter(|line| line.starts_with("| "));
    let Some(head) = lines.next().map(cells) else { return vec![] };
    let at = |name: &str| head.iter().position(|column| column == name);
    let number = |line: &str| {
        let cells = cells(line);
        let cell = |name: &str| at(name).and_then(|i| cells.get(i)).cloned();
        Some(Number {
            metric: cell("metric")?,
            subject: cell("of"),
            value: cell("value")?,
            interval: cell("95 % interval")?,
        })
    };
    lines.filter_map(number).collect()
}

/// The number of the generator's parameters, as `stylegan inspect` prints it.
fn parameters(inspected: &str) -> String {
    let of = |prefix: &str| {
        let line = inspected.lines().find(|line| line.split_whitespace().next() == Some(prefix))?;
        let (count, _) = line.trim_start()[prefix.len()..].split_once("parameters")?;
        Some(count.trim().to_owned())
    };
    of("G_ema").or_else(|| of("G")).unwrap_or_default()
}

fn render(rows: &[(String, String, Vec<Number>)]) -> String {
    let mut text = String::from("| pictures of | parameters |");
    // Writing to a String cannot fail.
    for (title, _) in COLUMNS {
        let _ = write!(text, " {title} | 95 % |");
    }
    text.push_str("\n|---|---|---|---|---|---|---|---|\n");
    let mut names: Vec<&str> = Vec::new();
    for (name, parameters, numbers) in rows {
        let _ = write!(text, "| {name} | {parameters} |");
        for (_, metric) in COLUMNS {
            let is_of = |n: &&Number| n.metric.split('-').next() == Some(metric);
            let found = numbers.iter().find(is_of);
            names.extend(found.map(|n| n.metric.as_str()));
            let (value, interval) = found.map_or(("", ""), |n| (&n.value, &n.interval));
            let _ = write!(text, " {value} | {interval} |");
        }
        text.push('\n');
    }
    names.sort_unstable();
    names.dedup();
    let _ = write!(
        text,
        "\nMeasured: {}. The real pictures' row is a ceiling: what the segmenter finds in pictures that do show the maps. \
         One colour for each class, the mean of its pixels, is a floor.\n",
        names.join(", ")
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_by_the_names_of_columns() {
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
        assert!(text.contains("| real pictures |  | 0.5 | 0.4 to 0.6 |  |  |  |  |"), "{text}");
        assert!(text.contains("| run/a | 26 219 | 0.3 | 0.2 to 0.4 |  |  | 12.3 | 11 to 14 |"), "{text}");
        assert!(text.contains("Measured: fid-stlpips, seen_miou-earth."), "{text}");
        let words: Vec<OsString> = "--network a --count 9 --network b".split(' ').map(Into::into).collect();
        let (runs, others) = networks(&words);
        assert_eq!((runs, others), (vec!["a".into(), "b".into()], vec!["--count".into(), "9".into()]));
    }
}
