//! What of a table agrees with the paper: pairs of rows, by the intervals.

use super::cell::Cell;
use crate::papers::{Column, Table};
use std::fmt;

/// Reversed pairs that are named; of more the number is said.
const NAMED: usize = 4;

/// What came out of a column's pairs of rows.
pub(crate) struct Agreement {
    column: &'static str,
    /// Pairs in the paper's order, outside the intervals.
    same: usize,
    /// Pairs that cannot be told apart.
    open: usize,
    /// Pairs that are the other way round: the titles of the row that is better here, and of the other.
    reversed: Vec<(&'static str, &'static str)>,
}

impl Agreement {
    fn pairs(&self) -> usize {
        self.same + self.open + self.reversed.len()
    }

    /// In a few words.
    pub(crate) fn short(&self) -> String {
        let against = match self.reversed.len() {
            0 => String::new(),
            n => format!(", {n} against"),
        };
        format!("{} {} of {}{against}", self.column, self.same, self.pairs())
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let are = |n: usize| if n == 1 { "is" } else { "are" };
        write!(
            f,
            "- {}: of {} pair{} of rows, {} {} in the paper's order outside the intervals, {} cannot be told apart, {} {} the \
             other way round",
            self.column,
            self.pairs(),
            if self.pairs() == 1 { "" } else { "s" },
            self.same,
            are(self.same),
            self.open,
            self.reversed.len(),
            are(self.reversed.len()),
        )?;
        for (n, (better, worse)) in self.reversed.iter().take(NAMED).enumerate() {
            write!(f, "{} {better} is better here than {worse}", if n == 0 { ":" } else { ";" })?;
        }
        match self.reversed.len().saturating_sub(NAMED) {
            0 => write!(f, "."),
            more => write!(f, "; and {more} more."),
        }
    }
}

/// For each column that is measured, how many pairs of rows that the paper tells apart are in its order.
pub(crate) fn agreements(table: &Table, cells: &[Vec<Option<Cell>>]) -> Vec<Agreement> {
    let of = |(i, column): (usize, &Column)| {
        let mut agreement = Agreement { column: column.title, same: 0, open: 0, reversed: vec![] };
        for (better, worse) in expected(table, i, cells) {
            let found = cells[better][i].as_ref().zip(cells[worse][i].as_ref());
            match found.map(|(a, b)| a.is_better_than(b)) {
                Some(Some(true)) => agreement.same += 1,
                Some(Some(false)) => agreement.reversed.push((table.rows[worse].title, table.rows[better].title)),
                Some(None) => agreement.open += 1,
                None => {}
            }
        }
        (agreement.pairs() > 0).then_some(agreement)
    };
    let measured = |(_, column): &(usize, &Column)| column.metric.is_some() && !column.is_parameters();
    table.columns.iter().enumerate().filter(measured).filter_map(of).collect()
}

/// Pairs of rows of which the first is the better one, by what the table expects or by the paper's numbers.
fn expected(table: &Table, column: usize, cells: &[Vec<Option<Cell>>]) -> Vec<(usize, usize)> {
    if !table.expects.is_empty() {
        return table.expects.iter().filter(|pair| pair.0 == column).map(|pair| (pair.1, pair.2)).collect();
    }
    let larger = cells.iter().filter_map(|row| row[column].as_ref()).any(|cell| cell.trainings()[0].larger);
    let rows = 0..table.rows.len();
    let pairs = rows.clone().flat_map(|a| rows.clone().map(move |b| (a, b)));
    let is_better = |(a, b): &(usize, usize)| {
        let (a, b) = (table.rows[*a].paper[column], table.rows[*b].paper[column]);
        if larger { a > b } else { a < b }
    };
    // Rows of one run differ in nothing but their numbers in the paper.
    let is_one = |(a, b): &(usize, usize)| cells[*a][column].is_some() && cells[*a][column] == cells[*b][column];
    pairs.filter(is_better).filter(|pair| !is_one(pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::papers::{By, NONE, Row};
    use crate::tables::cell::cell;

    const fn row(title: &'static str, paper: &'static [f64]) -> Row {
        Row { title, run: "", space: "w", paper }
    }

    const TABLE: Table = Table {
        name: "t",
        title: "",
        by: By::Eval,
        setting: "",
        columns: &[Column { title: "FID", metric: Some("fid"), options: &[] }],
        rows: &[row("A", &[8.]), row("B", &[5.]), row("C", &[4.]), row("D", &[NONE])],
        expects: &[],
        references: false,
    };

    fn agreement(table: &Table, cells: &[Vec<Option<Cell>>]) -> String {
        agreements(table, cells).iter().map(|agreement| format!("{agreement}\n")).collect()
    }

    #[test]
    fn pairs_are_counted_by_their_intervals() {
        let one = |value: f64, larger| vec![cell(&[(value, value - 1., value + 1.)], larger)];
        let cells = [one(20., false), one(14., false), one(18.5, false), one(1., false)];
        assert_eq!(
            agreement(&TABLE, &cells),
            "- FID: of 3 pairs of rows, 1 is in the paper's order outside the intervals, 1 cannot be told apart, 1 is the \
             other way round: B is better here than C.\n"
        );
        let short: Vec<String> = agreements(&TABLE, &cells).iter().map(Agreement::short).collect();
        assert_eq!(short, ["FID 1 of 3, 1 against"]);
        let larger = [one(20., true), one(14., true), one(10., true), one(1., true)];
        assert!(agreement(&TABLE, &larger).contains("3 are in the paper's order"), "{}", agreement(&TABLE, &larger));
        let expecting = Table { expects: &[(0, 3, 0)], ..TABLE };
        assert!(agreement(&expecting, &cells).contains("of 1 pair of rows, 1 is in"));
        assert_eq!(agreement(&TABLE, &[vec![None], vec![None], vec![None], one(1., false)]), "");
        // A run that stands for two rows says nothing of their order.
        let shared = [one(20., false), one(20., false), vec![None], vec![None]];
        assert_eq!(agreement(&TABLE, &shared), "");
    }
}
