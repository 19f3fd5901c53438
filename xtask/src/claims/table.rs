//! A table of a paper beside what the claim's runs gave.

use crate::json::Json;

use super::asked::Asked;
use super::jobs::in_parallel;
use super::judges;
use super::run::Run;
use super::section::Section;
use crate::failure::Result;
use crate::measured::Measured;
use crate::papers::attributes;
use crate::papers::{Row, Table};
use crate::tables::agreement::headline;
use crate::tables::cell::Cell;
use crate::tables::columns::{measure, references};
use crate::tables::render::render;

/// Measures the runs of a table, several at once.
pub(super) fn section(table: &'static Table, asked: &Asked) -> Result<Section> {
    let mut questions: Vec<(&'static Row, Run)> = Vec::new();
    for row in table.rows {
        for seed in &asked.seeds {
            questions.push((row, Run::of(row.run, seed)?));
        }
    }
    let judges = judges::of(table);
    let words = attributes::options(&judges);
    let options = asked.evaluation(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let answers =
        in_parallel(&questions, asked.jobs, |(row, run)| measure(&asked.program, table, row, &run.folder(), &options))?;
    let references = match questions.first().filter(|_| table.references) {
        Some((_, run)) => references(&asked.program, table, &run.folder(), &options)?,
        None => vec![],
    };
    let of_rows: Vec<&[Vec<Option<Measured>>]> = answers.chunks(asked.seeds.len()).collect();
    let cells: Vec<Vec<Option<Cell>>> = of_rows.iter().map(|trainings| cells(table, trainings)).collect();
    let names: Vec<Option<String>> =
        questions.chunks(asked.seeds.len()).map(|runs| Some(names(runs.iter().map(|(_, run)| run)))).collect();
    let mut text = format!("## {}\n\n{}", sentence(table.title), render(table, &names, &cells, &references));
    let mut data = data(table, &names, &cells);
    if !judges.is_empty() {
        let rows = questions.chunks(asked.seeds.len()).filter(|_| judges::separates(table));
        let rows = rows.map(|runs| (runs[0].0, runs.iter().map(|(_, run)| run.clone()).collect()));
        let (of_judges, numbers) = judges::section(&judges, &rows.collect::<Vec<_>>(), &asked.program)?;
        text = format!("{text}\n{of_judges}");
        data = Json::object([("table", data), ("attributes", numbers)]);
    }
    Ok(Section { text, headline: headline(table, &cells), files: vec![], data })
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
fn names<'a>(runs: impl Iterator<Item = &'a Run>) -> String {
    runs.map(Run::name).collect::<Vec<_>>().join(", ")
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
