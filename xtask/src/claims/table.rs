//! A table of a paper beside what the claim's runs gave.

use crate::json::Json;

use super::asked::Asked;
use super::claim::Claim;
use super::judges;
use super::run::Run;
use super::section::Section;
use crate::failure::Result;
use crate::measured::Measured;
use crate::papers::attributes;
use crate::papers::{By, Row, Table};
use crate::tables::agreement::{headline, unmeasured};
use crate::tables::cell::Cell;
use crate::tables::columns::{Answer, measure, references};
use crate::tables::render::render;
use std::path::Path;

/// Measures the runs of a table, several at once; times alone, with all threads.
pub(super) fn section(claim: &Claim, table: &'static Table, asked: &Asked) -> Result<Section> {
    let of_row = |row: &'static Row| Ok((row, Run::trainings(claim, row.run, &asked.seeds)?));
    let rows: Vec<(&'static Row, Vec<Run>)> = table.rows.iter().map(of_row).collect::<Result<_>>()?;
    let questions: Vec<(&'static Row, &Run)> =
        rows.iter().flat_map(|(row, runs)| runs.iter().map(|run| (*row, run))).collect();
    let judges = judges::of(table);
    let words = attributes::options(&judges);
    let options = asked.evaluation(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let ask =
        |(row, run): &(&'static Row, &Run), asked: &Asked| measure(&asked.program, table, row, &run.folder(), &options);
    let answers: Vec<Answer> = match table.by {
        By::Inversion { .. } => questions.iter().map(|question| ask(question, asked)).collect::<Result<_>>()?,
        _ => asked.each(&questions, ask)?,
    };
    let (below, of_below) = match questions.first().filter(|_| table.references) {
        Some((_, run)) => references(&asked.program, table, &run.folder(), &options)?,
        None => (vec![], vec![]),
    };
    let read =
        questions.iter().zip(&answers).flat_map(|((_, run), answer)| answer.files.iter().map(|file| (*run, file)));
    let of_below = questions.first().into_iter().flat_map(|(_, run)| of_below.iter().map(|file| (*run, file)));
    let reports = read.chain(of_below).map(|(run, file)| (kept_as(run, file), file.clone())).collect();
    let mut answers = answers.into_iter().map(|answer| answer.numbers);
    let cells: Vec<Vec<Option<Cell>>> =
        rows.iter().map(|(_, runs)| cells(table, &answers.by_ref().take(runs.len()).collect::<Vec<_>>())).collect();
    let names: Vec<Option<String>> = rows.iter().map(|(_, runs)| Some(names(runs))).collect();
    let mut text = format!("## {}\n\n{}", sentence(table.title), render(table, &names, &cells, &below));
    let mut data = data(table, &names, &cells);
    if !judges.is_empty() {
        let rows: &[_] = if judges::separates(table) { &rows } else { &[] };
        let (of_judges, numbers) = judges::section(&judges, table, rows, &asked.program)?;
        text = format!("{text}\n{of_judges}");
        data = Json::object([("table", data), ("attributes", numbers)]);
    }
    let (headline, unmeasured) = (headline(table, &cells), unmeasured(table, &cells));
    Ok(Section { text, headline, files: vec![], reports, unmeasured, data })
}

/// What a report of a run is called beside those of others.
fn kept_as(run: &Run, report: &Path) -> String {
    let own = report.strip_prefix(run.folder()).unwrap_or(report);
    let parts: Vec<_> = own.iter().map(|part| part.to_string_lossy()).collect();
    format!("{}-{}", run.name(), parts.join("-"))
}

/// A title with a capital letter.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// The cells of a row, of what was measured of each training.
fn cells(table: &Table, trainings: &[Vec<Option<Measured>>]) -> Vec<Option<Cell>> {
    let of = |column: usize| Cell::of(trainings.iter().filter_map(|numbers| numbers[column].clone()).collect());
    (0..table.columns.len()).map(of).collect()
}

/// The runs of a row.
fn names(runs: &[Run]) -> String {
    runs.iter().map(Run::name).collect::<Vec<_>>().join(", ")
}

fn data(table: &Table, runs: &[Option<String>], cells: &[Vec<Option<Cell>>]) -> Json {
    let number = |n: &Measured| {
        Json::object([
            ("metric", Json::text(&n.metric)),
            ("value", Json::Number(n.value)),
            ("low", Json::Number(n.low)),
            ("high", Json::Number(n.high)),
        ])
    };
    let rows = table.rows.iter().zip(runs).zip(cells).map(|((row, run), cells)| {
        let columns = table.columns.iter().zip(cells).enumerate().map(|(i, (column, cell))| {
            let ours = cell.iter().flat_map(Cell::trainings).map(number).collect();
            let paper = Json::Number(row.paper.get(i).copied().unwrap_or(f64::NAN));
            (column.title.to_owned(), Json::object([("paper", paper), ("ours", Json::List(ours))]))
        });
        Json::object([
            ("row", Json::text(row.title)),
            ("run", Json::text(run.as_deref().unwrap_or_default())),
            ("columns", Json::Object(columns.collect())),
        ])
    });
    Json::object([("table", Json::text(table.title)), ("rows", Json::List(rows.collect()))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::numbers;

    #[test]
    fn trainings_of_a_row_share_its_cells() {
        let Some(table) = Table::find("sg1-table3") else { panic!("no such table") };
        let of = |value: &str| {
            let text =
                format!("| metric | value | 95 % interval |\n|---|---|---|\n| ppl_zfull-x | {value} | 1 to 9 |\n");
            vec![numbers(&text).pop(), None, None]
        };
        let row = cells(table, &[of("4"), of("6")]);
        assert_eq!(row[0].as_ref().map(Cell::mean), Some(5.));
        assert_eq!(row[1], None);
        let mut all = vec![vec![None; 3]; 5];
        all[0] = row;
        let text = data(table, &[const { None }; 5], &all).to_string();
        assert!(text.contains("{\"metric\": \"ppl_zfull-x\", \"value\": 4, \"low\": 1, \"high\": 9}"), "{text}");
        assert!(text.contains("\"paper\": 412"));
    }
}
