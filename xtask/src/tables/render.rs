//! A table as Markdown: ours beside the paper's, and what may be compared.

use super::agreement::{agreements, claimed};
use super::cell::Cell;
use super::inversion;
use crate::measured::{Measured, metrics};
use crate::papers::{By, Row, Table};
use std::fmt::Write;

/// What stands below the rows: a name, and a number for each column.
pub(crate) type Reference = (String, Vec<Option<Measured>>);

/// Whom a segmenter is asked about beside the painters: a ceiling and a floor.
pub(crate) const REFERENCES: [&str; 2] = ["real pictures", "mean colour of each class"];

/// The table with its cells, row by row; `runs` are the names of the runs that rows stand for.
pub(crate) fn render(
    table: &Table,
    runs: &[Option<String>],
    cells: &[Vec<Option<Cell>>],
    references: &[Reference],
) -> String {
    let mut text = String::from("| row | run |");
    // Writing to a String cannot fail.
    for column in table.columns {
        if column.metric.is_some() {
            let _ = write!(text, " {}: ours, 95 % interval |", column.title);
        }
        let _ = write!(text, " {}: paper |", column.title);
    }
    text.push_str("\n|---|---|");
    for column in table.columns {
        text.push_str(if column.metric.is_some() { "---|---|" } else { "---|" });
    }
    text.push('\n');
    for ((row, run), found) in table.rows.iter().zip(runs).zip(cells) {
        let _ = write!(text, "| {} | {} |", row.title, run.as_deref().unwrap_or("none yet"));
        for (i, (column, found)) in table.columns.iter().zip(found).enumerate() {
            if column.metric.is_some() {
                let _ = write!(text, " {} |", found.as_ref().map(Cell::text).unwrap_or_default());
            }
            let _ = write!(text, " {} |", row.printed(i));
        }
        text.push('\n');
    }
    for (name, found) in references {
        let _ = write!(text, "| {name} | |");
        for (column, found) in table.columns.iter().zip(found) {
            let ours = column.metric.map(|_| found.as_ref().map(Measured::text).unwrap_or_default());
            let _ = write!(text, "{} |", ours.map_or_else(String::new, |ours| format!(" {ours} |")));
        }
        text.push('\n');
    }
    for (i, claimed) in claimed(table, cells).iter().enumerate() {
        let _ = writeln!(text, "{}- {claimed}.", if i == 0 { "\nWhat is claimed:\n\n" } else { "" });
    }
    for (i, agreement) in agreements(table, cells).iter().enumerate() {
        let _ = writeln!(text, "{}{agreement}", if i == 0 { "\nAll rows, in the paper's order:\n\n" } else { "" });
    }
    text.push_str(&of_the_ceiling(table, cells, references));
    if let By::Inversion { .. } = table.by {
        text.push_str(&inversion::judges(cells));
    }
    let several = cells.iter().flatten().flatten().any(|cell| cell.trainings().len() > 1);
    let among = if several {
        ", over all trainings of a row, reach"
    } else {
        " reach, which are of one training over pictures: another seed of a row may end outside them"
    };
    let _ = write!(
        text,
        "\nThe paper's numbers: {}. Ours: {}. Ours compare with ours, down a column, as far as the intervals{among}. They \
             compare with the paper's only where data, resolution, length of training and feature network are the same: a name that \
             ends in a network (-stlpips, -classifier) says that it is not the paper's.\n",
        table.setting,
        metrics(cells.iter().flatten().flatten().flat_map(Cell::trainings)).join(", ")
    );
    text
}

/// How much each row reaches of what the same judge says of the real pictures, in the first column that is of both.
fn of_the_ceiling(table: &Table, cells: &[Vec<Option<Cell>>], references: &[Reference]) -> String {
    let Some((_, ceiling)) = references.iter().find(|(name, _)| name == REFERENCES[0]) else { return String::new() };
    let Some((column, most)) = ceiling.iter().enumerate().find_map(|(i, found)| Some((i, found.as_ref()?.value)))
    else {
        return String::new();
    };
    let reached = |(row, cells): (&Row, &Vec<Option<Cell>>)| {
        Some(format!("{} reaches {:.0} %", row.title, 100. * cells[column].as_ref()?.mean() / most))
    };
    let rows: Vec<String> = table.rows.iter().zip(cells).filter_map(reached).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("\nOf the {} of the {} (the ceiling) {}.\n", table.columns[column].title, REFERENCES[0], rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::cell::cell;

    #[test]
    fn ours_stand_beside_the_papers() {
        let Some(table) = Table::find("sg1-table1") else { panic!("no such table") };
        let mut cells = vec![vec![None; 2]; 6];
        cells[5][1] = cell(&[(12.3, 11., 14.)], false);
        cells[0][1] = cell(&[(22.3, 21., 24.), (24.3, 23., 26.)], false);
        let runs: Vec<_> = (0..6).map(|i| (i == 5).then(|| "table1-f".into())).collect();
        let text =
            render(table, &runs, &cells, &[("real pictures".into(), vec![None, Some(Measured::exact("fid", 2.))])]);
        assert!(text.contains("| F mixing regularisation | table1-f | 5.17 | 12.3 (11.0 to 14.0) | 4.4 |"), "{text}");
        assert!(text.contains(
            "| A Progressive GAN | none yet | 7.79 | 23.3: 22.3 (21.0 to 24.0), 24.3 (23.0 to 26.0) | 8.04 |"
        ));
        assert!(text.contains("- FID: of 1 pair of rows, 1 is in the paper's order"), "{text}");
        assert!(text.contains("| real pictures | | | 2.00 | |\n"), "{text}");
        assert!(
            text.contains("Of the FID of the real pictures (the ceiling) A Progressive GAN reaches 1165 %, F mixing"),
            "{text}"
        );
        assert!(text.contains("Ours: fid.") && text.contains("over all trainings"), "{text}");
    }
}
