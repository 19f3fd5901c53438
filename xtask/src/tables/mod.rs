//! `cargo xtask eval --table N`: the runs at hand beside a table of the StyleGAN paper, or painters side by side.

pub(crate) mod agreement;
pub(crate) mod cell;
mod classes;
pub(crate) mod columns;
pub(crate) mod evaluation;
mod inversion;
mod kept;
mod painters;
pub(crate) mod render;

use crate::cargo::root;
use crate::failure::{Failure, Result};
use crate::papers::Table;
use crate::program::Program;
use crate::say::print;
use cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;

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
        name => name.and_then(|n| n.parse().ok()).filter(|n| of_stylegan(*n).is_some()).map(Which::StyleGan),
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

/// A table of the StyleGAN paper.
fn of_stylegan(number: u8) -> Option<&'static Table> {
    Table::find(&format!("sg1-table{number}"))
}

/// Evaluates the runs that are found for the table and prints them beside the paper's numbers.
fn of_paper(number: u8, options: &[OsString]) -> Result<()> {
    let Some(table) = of_stylegan(number) else { return Ok(()) };
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
    let mut cells = Vec::new();
    for (row, run) in table.rows.iter().zip(&runs) {
        let found = match run {
            Some(run) => columns::measure(&Program::default(), table, row, run, options)?,
            None => vec![None; table.columns.len()],
        };
        cells.push(found.into_iter().map(|number| Cell::of(number.into_iter().collect())).collect());
    }
    let name = |run: &PathBuf| run.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<Option<String>> = runs.iter().map(|run| run.as_ref().and_then(name)).collect();
    print(&format!("Table {number}: {}\n\n{}", table.title, render::render(table, &names, &cells, &[])));
    if table.columns.iter().any(|column| column.metric == Some("ls_?")) && !columns::has_classifier(options) {
        print("Separability needs a classifier of the pictures' classes: --classifier FILE (stylegan classifier).\n");
    }
    Ok(())
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
}
