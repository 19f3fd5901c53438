//! `cargo xtask eval --table N`: the runs at hand beside a table of a paper, or painters side by side.

pub(crate) mod agreement;
pub(crate) mod cell;
mod classes;
pub(crate) mod columns;
pub(crate) mod evaluation;
mod inversion;
mod kept;
mod made;
mod painters;
pub(crate) mod render;

use crate::cargo::root;
use crate::failure::{Failure, Result};
use crate::papers::{By, Table};
use crate::program::Program;
use crate::say::print;
use cell::Cell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Of a paper, as it was typed: 1 to 4 of the StyleGAN paper, others with the paper's name before the number.
    Paper(String),
    /// Networks that paint label maps, whichever they are.
    Painters,
}

const JOINED: &str = "--table=";

const TABLES: &str = "1, 2, 3 or 4: the tables of the StyleGAN paper; spade3: of the SPADE paper; psp1 or psp2: of the \
                      pixel2style2pixel paper; or spade1: networks that paint label maps";

/// The table that a command line asks for with `eval --table N`, and its other options.
pub(crate) fn asked_for(args: &[OsString]) -> Result<Option<(Which, Vec<OsString>)>> {
    if args.first().is_none_or(|verb| verb != "eval") {
        return Ok(None);
    }
    let joined = |arg: &OsString| arg.to_str().is_some_and(|arg| arg.starts_with(JOINED));
    let Some(at) = args.iter().position(|arg| arg == "--table" || joined(arg)) else { return Ok(None) };
    let (typed, behind) = match args[at].to_str().and_then(|arg| arg.strip_prefix(JOINED)) {
        Some(typed) => (Some(typed), at + 1),
        None => (args.get(at + 1).and_then(|n| n.to_str()), at + 2),
    };
    let which = match typed {
        Some("spade1") => Some(Which::Painters),
        typed => typed.filter(|typed| named(typed).is_some()).map(|typed| Which::Paper(typed.into())),
    };
    let others: Vec<OsString> = args[1..at].iter().chain(args.get(behind..).unwrap_or_default()).cloned().collect();
    match which {
        Some(which) => Ok(Some((which, others))),
        None if typed.is_some_and(asks_for_help) => Ok(Some((Which::Painters, vec!["--help".into()]))),
        None => Err(Failure::wrong(format!("--table takes {TABLES}"))),
    }
}

/// Evaluates the runs of a table and prints it.
pub(crate) fn run(which: Which, options: &[OsString]) -> Result<()> {
    if options.iter().filter_map(|option| option.to_str()).any(asks_for_help) {
        print(&format!("cargo xtask eval --table TABLE [OPTIONS]\n\nTABLE is {TABLES}. The options are those of:\n\n"));
        return Program::default().run(["eval", "--help"]);
    }
    match which {
        Which::Paper(typed) => of_paper(&typed, options),
        Which::Painters => painters::run(options),
    }
}

fn asks_for_help(word: &str) -> bool {
    word == "--help" || word == "-h"
}

/// The table that is typed so.
fn named(typed: &str) -> Option<&'static Table> {
    let at = typed.find(|c: char| c.is_ascii_digit())?;
    let paper = match &typed[..at] {
        "" => "sg1",
        paper @ ("spade" | "psp") => paper,
        _ => return None,
    };
    Table::find(&format!("{paper}-table{}", &typed[at..]))
}

/// Evaluates the runs that are found for the table and prints them beside the paper's numbers.
fn of_paper(typed: &str, options: &[OsString]) -> Result<()> {
    let Some(table) = named(typed) else { return Ok(()) };
    let folders = [PathBuf::from("runs"), root().join("runs")];
    let runs: Vec<Option<PathBuf>> = table.rows.iter().map(|row| find(&folders, row.run)).collect();
    if runs.iter().all(Option::is_none) {
        let names: Vec<String> = table.rows.iter().map(|row| folder_name(row.run)).collect();
        return Err(Failure::wrong(format!(
            "no run for table {typed} below runs/: its rows are runs whose folders are named after {} \
             (configs/ has the configurations; runs/avatars-table1-f, say)",
            names.join(", ")
        )));
    }
    if let Some(missing) = missing(table) {
        return Err(Failure::wrong(format!(
            "{missing}, which the rows of table {typed} are measured with, is not there; `cargo xtask reproduce {}` makes it",
            table.name
        )));
    }
    let program = Program::default();
    evaluation::check_options(&program, options)?;
    let mut cells = Vec::new();
    for (row, run) in table.rows.iter().zip(&runs) {
        let found = match run {
            Some(run) => columns::measure(&program, table, row, run, options)?.numbers,
            None => vec![None; table.columns.len()],
        };
        cells.push(found.into_iter().map(|number| Cell::of(number.into_iter().collect())).collect());
    }
    let name = |run: &PathBuf| run.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<Option<String>> = runs.iter().map(|run| run.as_ref().and_then(name)).collect();
    let references = match table.rows.iter().zip(&runs).find_map(|(row, run)| Some((row, run.as_ref()?))) {
        Some((_, run)) if table.references => columns::references(&program, table, run, options)?.0,
        _ => vec![],
    };
    print(&format!("Table {typed}: {}\n\n{}", table.title, render::render(table, &names, &cells, &references)));
    if table.columns.iter().any(|column| column.metric == Some("ls_?")) && !columns::has_classifier(options) {
        print("Separability needs a classifier of the pictures' classes: --classifier FILE (stylegan classifier).\n");
    }
    Ok(())
}

/// What the folder of a row's run is named after.
fn folder_name(run: &str) -> String {
    run.replace('/', "-")
}

/// A set or a network that the table's measurements read, and that is not there.
fn missing(table: &Table) -> Option<&'static str> {
    let own: [&[&str]; 2] = match table.by {
        By::Inversion { encoders, searches } => [encoders, searches],
        By::Eval | By::Classes | By::Pictures(_) => [&[], &[]],
    };
    let words = own.into_iter().chain(table.columns.iter().map(|column| column.options)).flatten();
    words.copied().find(|word| word.starts_with("runs/") && !Path::new(word).exists())
}

/// The run of the configuration `run`: one whose folder's name holds that; of several, the last by name. Configurations that
/// begin alike are many in folders of `configs/`, whose runs are told by their whole name and their seed.
fn find(folders: &[PathBuf], run: &str) -> Option<PathBuf> {
    let (name, whole) = (folder_name(run), run.contains('/'));
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let runs = entries.filter_map(|entry| Some(entry.ok()?.path()));
    // "table1-b" is not meant by "table1-b2", nor "mix0" by "mix00".
    let named = |path: &PathBuf| {
        let stem = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        stem.find(&name).is_some_and(|at| {
            let rest = &stem[at + name.len()..];
            if whole {
                rest.is_empty() || rest.starts_with("-seed")
            } else {
                !rest.starts_with(|c: char| c.is_alphanumeric())
            }
        })
    };
    runs.filter(|run| named(run) && run.join("config.toml").is_file()).max()
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
        assert_eq!(
            asked("eval --count 9 --table 3 --seed 1"),
            Some((Which::Paper("3".into()), words("--count 9 --seed 1")))
        );
        assert_eq!(asked("eval --table psp2"), Some((Which::Paper("psp2".into()), vec![])));
        let name = |typed: &str| named(typed).map(|table| table.name);
        assert_eq!([name("4"), name("spade3"), name("psp1")], ["sg1-table4", "spade-table3", "psp-table1"].map(Some));
        assert_eq!([name("5"), name("spade1"), name("sg13"), name("psp")], [None; 4]);
        assert_eq!(asked("eval --table spade1"), Some((Which::Painters, vec![])));
        assert_eq!(asked("eval --table=3 --count=9"), Some((Which::Paper("3".into()), words("--count=9"))));
        assert_eq!(asked("eval --table --help").map(|(_, options)| options), Some(words("--help")));
        assert_eq!(asked("eval --network x"), None);
        assert!(asked_for(&words("eval --table 5")).is_err() && asked_for(&words("eval --table")).is_err());
    }

    #[test]
    fn runs_are_found_by_the_end_of_a_word() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-tables-{}", std::process::id()));
        for run in [
            "avatars-table2-mix0",
            "avatars-table2-mix00",
            "table2-mix0-seed2",
            "psp-avatars-64-invert",
            "psp-avatars-64-invert-id",
            "psp-avatars-64-invert-seed2",
        ] {
            std::fs::create_dir_all(folder.join(run))?;
            std::fs::write(folder.join(run).join("config.toml"), "")?;
        }
        std::fs::create_dir_all(folder.join("z-table2-mix0"))?;
        let found = |run: &str| find(std::slice::from_ref(&folder), run);
        let (first, whole, none) = (found("table2-mix0"), found("psp/avatars-64-invert"), found("psp/avatars-64"));
        std::fs::remove_dir_all(&folder)?;
        assert_eq!(first, Some(folder.join("table2-mix0-seed2")));
        assert_eq!((whole, none), (Some(folder.join("psp-avatars-64-invert-seed2")), None));
        Ok(())
    }
}
