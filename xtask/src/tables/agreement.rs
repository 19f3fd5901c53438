//! What of a table agrees with the paper: what is claimed of two rows, and all pairs of rows, by the intervals.

use super::cell::Cell;
use crate::papers::{Column, Table};
use std::fmt;

/// Reversed pairs that are named; of more the number is said.
const NAMED: usize = 4;

/// Numbers of a paper that are nearer to each other than this, in parts, are in no order: published FIDs of one network
/// differ so from one measurement to the next.
const NEAR: f64 = 0.02;

/// What is claimed of two rows in a column, with what came out.
pub(crate) struct Claimed<'a> {
    column: &'static str,
    /// Title and cell of the row that is said to be better; no cell where nothing was measured.
    better: (&'static str, Option<&'a Cell>),
    /// Those of the other.
    worse: (&'static str, Option<&'a Cell>),
}

impl Claimed<'_> {
    /// Whether both rows were measured.
    fn is_measured(&self) -> bool {
        self.better.1.is_some() && self.worse.1.is_some()
    }

    /// Whether it holds outside the intervals; nothing where they overlap, and where a row was not measured.
    fn holds(&self) -> Option<bool> {
        self.better.1?.is_better_than(self.worse.1?)
    }
}

impl fmt::Display for Claimed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.holds() {
            Some(true) => "holds",
            Some(false) => "the other way round",
            None if self.is_measured() => "not told apart",
            None => "not measured",
        };
        let text = |cell: Option<&Cell>| cell.map_or_else(|| "–".into(), Cell::text);
        let ((better, a), (worse, b)) = (self.better, self.worse);
        write!(f, "{}: {better} {}, {worse} {}: {verdict}", self.column, text(a), text(b))
    }
}

/// What is claimed of the rows, also of those that were not measured.
pub(crate) fn claimed<'a>(table: &Table, cells: &'a [Vec<Option<Cell>>]) -> Vec<Claimed<'a>> {
    let of = |&(column, better, worse): &(usize, usize, usize)| {
        let row = |row: usize| (table.rows[row].title, cells[row][column].as_ref());
        Claimed { column: table.columns[column].title, better: row(better), worse: row(worse) }
    };
    table.expects.iter().map(of).collect()
}

/// How much of what is claimed was not measured.
pub(crate) fn unmeasured(table: &Table, cells: &[Vec<Option<Cell>>]) -> usize {
    claimed(table, cells).iter().filter(|claimed| !claimed.is_measured()).count()
}

/// What came out, in a few words: how many claims hold, and the numbers of the first; where nothing is claimed how many pairs
/// are in the paper's order.
pub(crate) fn headline(table: &Table, cells: &[Vec<Option<Cell>>]) -> String {
    let claimed = claimed(table, cells);
    let Some(first) = claimed.first() else {
        return agreements(table, cells).iter().map(Agreement::short).collect::<Vec<_>>().join("; ");
    };
    let holding = claimed.iter().filter(|claimed| claimed.holds() == Some(true)).count();
    match (claimed.len(), unmeasured(table, cells)) {
        (1, _) => first.to_string(),
        (all, 0) => format!("{holding} of {all} comparisons hold; {first}"),
        (all, none) => format!("{holding} of {all} comparisons hold, {none} not measured; {first}"),
    }
}

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
    fn short(&self) -> String {
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
        for (better, worse) in in_order(table, i, cells) {
            let found = cells[better][i].as_ref().zip(cells[worse][i].as_ref());
            match found.filter(|(a, b)| !a.is_exact() || !b.is_exact()).map(|(a, b)| a.is_better_than(b)) {
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

/// Pairs of rows of which the first is the better one by the paper's numbers.
fn in_order(table: &Table, column: usize, cells: &[Vec<Option<Cell>>]) -> Vec<(usize, usize)> {
    let larger = cells.iter().filter_map(|row| row[column].as_ref()).any(|cell| cell.trainings()[0].larger);
    // A number that stands in two rows of one run is counted once.
    let is_first = |row: &usize| {
        let of = |row: usize| (table.rows[row].run, table.rows[row].paper[column], &cells[row][column]);
        !(0..*row).any(|earlier| of(earlier) == of(*row))
    };
    let rows: Vec<usize> = (0..table.rows.len()).filter(is_first).collect();
    let pairs = rows.iter().flat_map(|a| rows.iter().map(move |b| (*a, *b)));
    let is_better = |(a, b): &(usize, usize)| {
        let (a, b) = (table.rows[*a].paper[column], table.rows[*b].paper[column]);
        (if larger { a > b } else { a < b }) && (a - b).abs() > NEAR * a.abs().max(b.abs())
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
        assert_eq!(headline(&TABLE, &cells), "FID 1 of 3, 1 against");
        let larger = [one(20., true), one(14., true), one(10., true), one(1., true)];
        assert!(agreement(&TABLE, &larger).contains("3 are in the paper's order"), "{}", agreement(&TABLE, &larger));
        assert_eq!(agreement(&TABLE, &[vec![None], vec![None], vec![None], one(1., false)]), "");
        // A run that stands for two rows says nothing of their order.
        let shared = [one(20., false), one(20., false), vec![None], vec![None]];
        assert_eq!(agreement(&TABLE, &shared), "");
    }
    #[test]
    fn what_is_claimed_is_said_with_its_numbers() {
        let one = |value: f64| vec![cell(&[(value, value - 1., value + 1.)], false)];
        let cells = [one(20.), one(14.), one(18.5), one(1.)];
        let expecting = Table { expects: &[(0, 3, 0), (0, 2, 1), (0, 2, 0)], ..TABLE };
        let said: Vec<String> = claimed(&expecting, &cells).iter().map(Claimed::to_string).collect();
        assert_eq!(
            said,
            [
                "FID: D 1.00 (0 to 2.00), A 20.0 (19.0 to 21.0): holds",
                "FID: C 18.5 (17.5 to 19.5), B 14.0 (13.0 to 15.0): the other way round",
                "FID: C 18.5 (17.5 to 19.5), A 20.0 (19.0 to 21.0): not told apart"
            ]
        );
        assert_eq!(headline(&expecting, &cells), format!("1 of 3 comparisons hold; {}", said[0]));
        // What was not measured is said to be so; the paper's order is counted all the same.
        let without = [one(20.), vec![None], one(18.5), one(1.)];
        assert_eq!(claimed(&expecting, &without)[1].to_string(), "FID: C 18.5 (17.5 to 19.5), B –: not measured");
        assert_eq!(unmeasured(&expecting, &without), 1);
        assert_eq!(headline(&expecting, &without), format!("1 of 3 comparisons hold, 1 not measured; {}", said[0]));
        assert!(agreement(&expecting, &cells).contains("of 3 pairs"));
    }

    #[test]
    fn pairs_that_say_nothing_are_not_counted() {
        let one = |value: f64| vec![cell(&[(value, value - 0.5, value + 0.5)], false)];
        // 4.42 and 4.40 are one number for a paper; a number of one run in two rows is one number.
        const NEAR: Table = Table {
            rows: &[
                row("A", &[4.42]),
                row("B", &[4.4]),
                Row { title: "C", run: "c", space: "z", paper: &[9.] },
                Row { title: "D", run: "c", space: "w", paper: &[9.] },
            ],
            ..TABLE
        };
        assert!(agreement(&NEAR, &[one(1.), one(2.), one(3.), one(3.)]).contains("of 2 pairs"));
        let exact = |value: f64| vec![cell(&[(value, value, value)], false)];
        assert_eq!(agreement(&TABLE, &[exact(3.), exact(2.), exact(1.), vec![None]]), "");
    }
}
