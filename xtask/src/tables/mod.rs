//! `cargo xtask eval --table N`: the runs at hand beside a table of the StyleGAN paper, or painters side by side.

mod painters;
mod paper;
mod reproduce;

pub(crate) use reproduce::run as reproduce;

use crate::cargo::{cargo, output, root};
use crate::failure::{Failure, Result};
use crate::say::print;
use paper::{Column, Row, TABLES, Table};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Of the StyleGAN paper, by its number.
    StyleGan(u8),
    /// Networks that paint label maps.
    Painters,
}

/// The table that a command line asks for with `eval --table N`, and its other options.
pub(crate) fn asked_for(args: &[OsString]) -> Result<Option<(Which, Vec<OsString>)>> {
    let Some(at) = args.iter().position(|arg| arg == "--table") else { return Ok(None) };
    if args.first().is_none_or(|verb| verb != "eval") {
        return Ok(None);
    }
    let which = match args.get(at + 1).and_then(|n| n.to_str()) {
        Some("spade1") => Some(Which::Painters),
        name => {
            let number = name.and_then(|n| n.parse().ok());
            number.filter(|n| TABLES.iter().any(|table| table.number == *n)).map(Which::StyleGan)
        }
    };
    let Some(which) = which else {
        return Err(Failure::wrong(
            "--table takes 1, 2, 3 or 4: the tables of the StyleGAN paper; or spade1: networks that paint label maps",
        ));
    };
    let others = args[1..at].iter().chain(&args[at + 2..]).cloned().collect();
    Ok(Some((which, others)))
}

/// Evaluates the runs of a table and prints it.
pub(crate) fn run(which: Which, options: &[OsString]) -> Result<()> {
    match which {
        Which::StyleGan(number) => of_paper(number, options),
        Which::Painters => painters::run(options),
    }
}

/// `stylegan` from its sources, for arguments behind it.
fn stylegan() -> Command {
    let mut command = cargo("run");
    command
        .args(["--release", "--quiet", "--package", "stylegan-cli", "--bin", "stylegan", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .arg("--");
    command
}

/// A table of the StyleGAN paper.
fn table(number: u8) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.number == number)
}

/// Evaluates the runs that are found for the table and prints them beside the paper's numbers.
fn of_paper(number: u8, options: &[OsString]) -> Result<()> {
    let Some(table) = table(number) else { return Ok(()) };
    let folders = [PathBuf::from("runs"), root().join("runs")];
    let runs: Vec<Option<PathBuf>> = table.rows.iter().map(|row| find(&folders, row.run)).collect();
    if runs.iter().all(Option::is_none) {
        let names: Vec<&str> = table.rows.iter().map(|row| row.run).collect();
        return Err(Failure::wrong(format!(
            "no run for table {number} below runs/: its rows are runs whose folders are named after {} \
             (configs/sg1/ has the configurations; runs/avatars-table1-f, say)",
            names.join(", ")
        )));
    }
    let cells = measure(table, &runs, options)?;
    print(&render(table, &runs, &cells, has_classifier(options)));
    Ok(())
}

fn has_classifier(options: &[OsString]) -> bool {
    options.iter().any(|option| option == "--classifier")
}

/// The cells of a table that have runs, row by row.
fn measure(table: &Table, runs: &[Option<PathBuf>], options: &[OsString]) -> Result<Vec<Vec<Option<Measured>>>> {
    let separable = has_classifier(options);
    let mut cells = Vec::new();
    for (row, run) in table.rows.iter().zip(runs) {
        let mut found = vec![None; table.columns.len()];
        if let Some(run) = run {
            // Columns that need the same options are measured together.
            let mut groups: BTreeMap<&[&str], Vec<usize>> = BTreeMap::new();
            for (i, column) in table.columns.iter().enumerate() {
                let wanted = column.metric.is_some_and(|metric| separable || !metric.starts_with("ls"));
                if wanted {
                    groups.entry(column.options).or_default().push(i);
                }
            }
            for (own, columns) in groups {
                let results =
                    evaluate(run, row, &columns.iter().map(|i| &table.columns[*i]).collect::<Vec<_>>(), own, options)?;
                for i in columns {
                    found[i] = table.columns[i].metric.and_then(|m| pick(&results, &metric(m, row)).cloned());
                }
            }
        }
        cells.push(found);
    }
    Ok(cells)
}

/// The run whose folder's name holds `name`; of several, the last by name.
fn find(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let runs = entries.filter_map(|entry| Some(entry.ok()?.path()));
    // "table1-b" is not meant by "table1-b2", nor "mix0" by "mix00".
    let named = |path: &PathBuf| {
        let stem = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        stem.find(name).is_some_and(|at| !stem[at + name.len()..].starts_with(|c: char| c.is_alphanumeric()))
    };
    runs.filter(|run| named(run) && run.join("config.toml").is_file()).max()
}

fn metric(metric: &str, row: &Row) -> String {
    metric.replace('?', row.space)
}

/// A result: its name, value and interval, as `stylegan eval` prints them.
#[derive(Clone, Debug, PartialEq)]
struct Measured {
    name: String,
    value: String,
    interval: String,
}

/// What `stylegan eval` says of these columns.
fn evaluate(run: &Path, row: &Row, columns: &[&Column], own: &[&str], options: &[OsString]) -> Result<Vec<Measured>> {
    let metrics: Vec<String> = columns
        .iter()
        .filter_map(|column| column.metric)
        .map(|m| if m.starts_with("ls") { "ls".into() } else { metric(m, row) })
        .collect();
    let report = run.join(format!("table-{}{}.json", row.space, own.concat()));
    let mut command = stylegan();
    command
        .args(["eval", "--no-floor", "--metrics", &metrics.join(","), "--network"])
        .arg(run)
        .arg("--out")
        .arg(report)
        .args(own)
        .args(options)
        .stderr(Stdio::inherit());
    let output = output(&mut command)?;
    let results = results(&String::from_utf8_lossy(&output.stdout));
    // A metric that fails says why and leaves its cells empty.
    if !output.status.success() && results.is_empty() {
        return Err(Failure::ended(output.status));
    }
    Ok(results)
}

/// The rows of the table that `stylegan eval` prints.
fn results(text: &str) -> Vec<Measured> {
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    text.lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .filter_map(|line| match &cells(line)[..] {
            [_, name, value, interval, ..] => {
                Some(Measured { name: name.clone(), value: value.clone(), interval: interval.clone() })
            }
            _ => None,
        })
        .collect()
}

/// The result of this metric, with whichever network's name behind it.
fn pick<'a>(results: &'a [Measured], metric: &str) -> Option<&'a Measured> {
    results.iter().find(|r| r.name == metric || r.name.strip_prefix(metric).is_some_and(|rest| rest.starts_with('-')))
}

/// Ours beside the paper's, and what may be compared.
fn render(table: &Table, runs: &[Option<PathBuf>], cells: &[Vec<Option<Measured>>], separable: bool) -> String {
    let mut text = format!("Table {}: {}\n\n| row | run |", table.number, table.title);
    // Writing to a String cannot fail.
    for column in table.columns {
        if column.metric.is_some() {
            let _ = write!(text, " {}: ours | 95 % |", column.title);
        }
        let _ = write!(text, " {}: paper |", column.title);
    }
    text.push_str("\n|---|---|");
    table
        .columns
        .iter()
        .for_each(|column| text.push_str(if column.metric.is_some() { "---|---|---|" } else { "---|" }));
    text.push('\n');
    let mut names: Vec<&str> = Vec::new();
    for ((row, run), found) in table.rows.iter().zip(runs).zip(cells) {
        let run = run.as_ref().and_then(|run| run.file_name()).map_or("none yet".into(), |name| name.to_string_lossy());
        let _ = write!(text, "| {} | {run} |", row.title);
        for ((column, found), paper) in table.columns.iter().zip(found).zip(row.paper) {
            if column.metric.is_some() {
                let (value, interval) = found.as_ref().map_or(("", ""), |m| (&m.value, &m.interval));
                let _ = write!(text, " {value} | {interval} |");
                names.extend(found.as_ref().map(|m| m.name.as_str()));
            }
            let _ = write!(text, " {paper} |");
        }
        text.push('\n');
    }
    names.sort_unstable();
    names.dedup();
    let _ = write!(
        text,
        "\nThe paper's numbers: {}. Ours: {}, on the pictures that each run was trained on.\n\
         What may be compared: ours with ours, down a column, as far as the intervals reach. Ours with the paper's only \
         where data, resolution, length of training and feature network are the same; a name that ends in a network \
         (-stlpips, -classifier) says that it is not the paper's. The order of rows is what both have in common.\n",
        table.setting,
        names.join(", "),
    );
    if !separable && table.columns.iter().any(|column| column.metric == Some("ls_?")) {
        text.push_str(
            "Separability needs a classifier of the pictures' classes: --classifier FILE (stylegan classifier).\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn tables_are_asked_for_by_number() {
        let asked = |line: &str| asked_for(&words(line)).ok().flatten();
        assert_eq!(asked("eval --count 9 --table 3 --seed 1"), Some((Which::StyleGan(3), words("--count 9 --seed 1"))));
        assert_eq!(asked("eval --table spade1"), Some((Which::Painters, vec![])));
        assert_eq!(asked("eval --network x"), None);
        assert!(asked_for(&words("eval --table 5")).is_err() && asked_for(&words("eval --table")).is_err());
    }

    #[test]
    fn rows_have_a_number_in_each_column_and_a_configuration() {
        for table in &TABLES {
            for row in table.rows {
                assert_eq!(row.paper.len(), table.columns.len(), "table {} {}", table.number, row.title);
                for folder in ["configs/sg1", "configs/avatars-32"] {
                    let config = root().join(folder).join(format!("{}.toml", row.run));
                    assert!(config.is_file(), "{}", config.display());
                }
            }
        }
    }

    #[test]
    fn runs_are_found_by_the_end_of_a_word() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-tables-{}", std::process::id()));
        for run in ["avatars-table2-mix0", "avatars-table2-mix00", "table2-mix0-seed2"] {
            std::fs::create_dir_all(folder.join(run))?;
            std::fs::write(folder.join(run).join("config.toml"), "")?;
        }
        std::fs::create_dir_all(folder.join("z-table2-mix0"))?;
        let found = find(std::slice::from_ref(&folder), "table2-mix0");
        std::fs::remove_dir_all(&folder)?;
        assert_eq!(found, Some(folder.join("table2-mix0-seed2")));
        Ok(())
    }

    #[test]
    fn printed_results_are_read_and_set_beside_the_paper() {
        let printed = "| metric | value | 95 % interval | better |\n|---|---|---|---|\n| fid-stlpips | 12.3 | 11 to 14 | \
                       smaller |\n| ppl_wend-stlpips | 7 | 6 to 8 | smaller |\n";
        let found = results(printed);
        assert_eq!(found.len(), 2);
        assert_eq!(pick(&found, "fid").map(|m| m.value.as_str()), Some("12.3"));
        assert_eq!(pick(&found, "ppl_wfull"), None);
        let mut cells = vec![vec![None; 2]; 6];
        cells[5][1] = pick(&found, "fid").cloned();
        let runs: Vec<_> = (0..6).map(|i| (i == 5).then(|| PathBuf::from("runs/table1-f"))).collect();
        let text = render(&TABLES[0], &runs, &cells, false);
        assert!(text.contains("| F mixing regularisation | table1-f | 5.17 | 12.3 | 11 to 14 | 4.4 |"), "{text}");
        assert!(text.contains("| A Progressive GAN | none yet | 7.79 |  |  | 8.04 |"), "{text}");
        assert!(text.contains("Ours: fid-stlpips"));
    }
}
