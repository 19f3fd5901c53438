//! Tables of the papers, and the runs that stand for their rows.

mod ada;
pub(crate) mod attributes;
mod psp;
pub(crate) mod released;
mod spade;
mod stylegan;

/// A table: its columns, and what `stylegan eval` calls them.
pub(crate) struct Table {
    /// What the claim that it is read from is called.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Who measures the rows.
    pub(crate) by: By,
    /// What the paper's numbers were measured on.
    pub(crate) setting: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: &'static [Row],
    /// What is claimed: a column, the row that is better in it, one that is worse; the one that says most first.
    pub(crate) expects: &'static [(usize, usize, usize)],
    /// Whether what the evaluation says of the real pictures and of the like stands below the rows.
    pub(crate) references: bool,
}

/// Who measures.
#[derive(Clone, Copy)]
pub(crate) enum By {
    /// `stylegan eval`.
    Eval,
    /// `stylegan paint --uniform`.
    Classes,
    /// `stylegan invert` with these pictures and options: rows with an encoder, and those whose space is [`SEARCH`].
    Inversion { encoders: &'static [&'static str], searches: &'static [&'static str] },
    /// `stylegan eval` of what painters and encoders make of this set; the row's space says of what in it.
    Pictures(&'static str),
}

/// A column.
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// The metric that is ours, nothing where the paper alone has one. `?` stands for the row's space, z or w.
    pub(crate) metric: Option<&'static str>,
    /// Options that this column's evaluation needs.
    pub(crate) options: &'static [&'static str],
}

/// A row.
pub(crate) struct Row {
    pub(crate) title: &'static str,
    /// The run's configuration: its path below configs/, or the name of one that configs/sg1/ has for the paper's
    /// pictures and configs/avatars-32/ for `cargo xtask reproduce`. The folder of a run of one's own holds this name.
    pub(crate) run: &'static str,
    /// The space of its path lengths and separability.
    pub(crate) space: &'static str,
    /// The paper's numbers, column by column; [`NONE`] where it has none.
    pub(crate) paper: &'static [f64],
}

/// The number of a generator's parameters, which `stylegan inspect` says.
pub(crate) const PARAMETERS: Column = column("parameters", Some("parameters"), &[]);

/// The space of rows whose styles are searched for, without an encoder.
pub(crate) const SEARCH: &str = "search";
/// Spaces of rows of [`By::Pictures`]: of those that paint label maps, of encoders of these, of encoders of what they were
/// trained to be shown of pictures, and how it begins of those that are shown smaller ones, with the factor behind it.
pub(crate) const PAINTER: &str = "painter";
pub(crate) const OF_MAPS: &str = "of-maps";
pub(crate) const OF_PICTURES: &str = "of-pictures";
pub(crate) const SMALLER: &str = "smaller-";

/// A number that a paper does not give.
pub(crate) const NONE: f64 = f64::NAN;

impl Table {
    /// The table of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Table> {
        Self::all().find(|table| table.name == name)
    }

    /// All tables.
    pub(crate) fn all() -> impl Iterator<Item = &'static Table> {
        stylegan::TABLES.iter().chain(&spade::TABLES).chain(&ada::TABLES).chain(&psp::TABLES)
    }
}

impl Column {
    /// Whether classifiers are asked what pictures show.
    pub(crate) fn needs_classifiers(&self) -> bool {
        self.metric.is_some_and(|metric| metric.starts_with("ls_") || metric.starts_with("combination_"))
    }

    /// What `stylegan eval --metrics` calls the metric of a row in this column; nothing where it is not ours.
    pub(crate) fn asks(&self, row: &Row) -> Option<String> {
        let metric = self.metric(row).filter(|_| !self.is_parameters())?;
        Some(match metric.split_once('_') {
            Some((asking @ ("ls" | "combination"), _)) => asking.into(),
            Some(("seen", metric)) => metric.into(),
            _ => metric,
        })
    }

    /// Whether it counts parameters, which is no measure of anything.
    pub(crate) fn is_parameters(&self) -> bool {
        self.metric == PARAMETERS.metric
    }

    /// The metric of a row in this column, as reports name it.
    pub(crate) fn metric(&self, row: &Row) -> Option<String> {
        self.metric.map(|metric| metric.replace('?', row.space))
    }
}

impl Row {
    /// The paper's number in a column, as it is printed.
    pub(crate) fn printed(&self, column: usize) -> String {
        self.paper.get(column).filter(|number| number.is_finite()).map(f64::to_string).unwrap_or_default()
    }
}

const fn column(title: &'static str, metric: Option<&'static str>, options: &'static [&'static str]) -> Column {
    Column { title, metric, options }
}

const fn row(title: &'static str, run: &'static str, space: &'static str, paper: &'static [f64]) -> Row {
    Row { title, run, space, paper }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::root;

    #[test]
    fn rows_have_a_number_in_each_column_and_a_configuration() {
        for table in Table::all() {
            for (column, better, worse) in table.expects {
                assert!(*column < table.columns.len() && (*better).max(*worse) < table.rows.len(), "{}", table.name);
            }
            for row in table.rows {
                assert_eq!(row.paper.len(), table.columns.len(), "{} {}", table.name, row.title);
                let folders: &[&str] =
                    if row.run.contains('/') { &["configs"] } else { &["configs/sg1", "configs/avatars-32"] };
                for folder in folders {
                    let config = root().join(folder).join(format!("{}.toml", row.run));
                    assert!(config.is_file(), "{}", config.display());
                }
            }
        }
    }

    /// A claim without a comparison would come out as nothing.
    #[test]
    fn tables_claim_something() {
        for table in Table::all() {
            assert!(!table.expects.is_empty(), "{}", table.name);
        }
    }

    #[test]
    fn columns_ask_for_what_reports_name() {
        let Some(table) = Table::find("sg1-table3") else { panic!("no such table") };
        let of =
            |column: usize| (table.columns[column].asks(&table.rows[0]), table.columns[column].metric(&table.rows[0]));
        assert_eq!(of(0), (Some("ppl_zfull".into()), Some("ppl_zfull".into())));
        assert_eq!(of(2), (Some("ls".into()), Some("ls_z".into())));
        let reached = column("1 sigma", Some("combination_?_1"), &[]);
        assert_eq!(reached.asks(&table.rows[0]).as_deref(), Some("combination"));
        assert_eq!(reached.metric(&table.rows[0]).as_deref(), Some("combination_z_1"));
        let seen = column("mIoU", Some("seen_miou"), &[]);
        assert_eq!(seen.asks(&table.rows[0]).as_deref(), Some("miou"));
        assert_eq!(PARAMETERS.asks(&table.rows[0]), None);
    }
}
