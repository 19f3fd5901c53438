//! Tables of numbers, as `stylegan eval` prints them and keeps them beside its reports.

/// A measured number with its 95 % interval.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Metric and feature network, such as `fid-stlpips`.
    pub(crate) metric: String,
    /// Whose it is; nothing where all are of one.
    pub(crate) subject: Option<String>,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Whether larger is better.
    pub(crate) larger: bool,
    /// Of how many pictures, in words; nothing where nobody said.
    pub(crate) counts: String,
}

impl Measured {
    /// A number that is what it is.
    pub(crate) fn exact(metric: &str, value: f64) -> Self {
        Self {
            metric: metric.into(),
            subject: None,
            value,
            low: value,
            high: value,
            larger: false,
            counts: String::new(),
        }
    }

    /// Value and interval, as they are printed.
    pub(crate) fn text(&self) -> String {
        if self.low == self.high {
            return short(self.value);
        }
        format!("{} ({} to {})", short(self.value), short(self.low), short(self.high))
    }
}

/// The numbers of a table, by the names of its columns.
pub(crate) fn numbers(text: &str) -> Vec<Measured> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = text.lines().filter(|line| line.starts_with("| "));
    let Some(head) = lines.next().map(cells) else { return vec![] };
    let at = |name: &str| head.iter().position(|column| column == name);
    let number = |line: &str| {
        let cells = cells(line);
        let cell = |name: &str| at(name).and_then(|i| cells.get(i)).cloned();
        let interval = cell("95 % interval")?;
        let (low, high) = interval.split_once(" to ")?;
        let count = |name: &str| cell(name).filter(|n| n.parse::<u64>().is_ok()).map(|n| format!("{n} {name}"));
        let counts: Vec<String> = ["generated", "real"].into_iter().filter_map(count).collect();
        Some(Measured {
            metric: cell("metric")?,
            subject: cell("of"),
            value: cell("value")?.parse().ok()?,
            low: low.parse().ok()?,
            high: high.parse().ok()?,
            larger: cell("better").as_deref() == Some("larger"),
            counts: counts.join(", "),
        })
    };
    lines.filter_map(number).collect()
}

/// The number of this metric, with whichever network's name behind it; its floor is another metric.
pub(crate) fn pick<'a>(numbers: &'a [Measured], metric: &str) -> Option<&'a Measured> {
    numbers
        .iter()
        .find(|n| n.metric == metric || n.metric.strip_prefix(metric).is_some_and(|rest| rest.starts_with('-')))
}

/// The metrics of these numbers with how many pictures they are of, each once, in order.
pub(crate) fn metrics<'a>(numbers: impl Iterator<Item = &'a Measured>) -> Vec<String> {
    let name =
        |n: &Measured| if n.counts.is_empty() { n.metric.clone() } else { format!("{} ({})", n.metric, n.counts) };
    let mut names: Vec<String> = numbers.map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Three significant digits; more before the point are kept.
pub(crate) fn short(value: f64) -> String {
    if value == 0. || !value.is_finite() {
        return format!("{value}");
    }
    let digits = (2. - value.abs().log10().floor()).clamp(0., 12.) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_by_the_names_of_columns() {
        let printed = "| metric | of | value | 95 % interval | better |\n|---|---|---|---|---|\n\
                       | fid-stlpips | run/a | 12.3 | 11 to 14 | smaller |\n\
                       | fid_floor-stlpips | the real pictures | 1 | 0 to 2 | smaller |\n\
                       | seen_miou-earth | real pictures | 0.5 | 0.4 to 0.6 | larger |\n\n`earth`: a network.\n";
        let found = numbers(printed);
        assert_eq!((found.len(), found[2].subject.as_deref()), (3, Some("real pictures")));
        assert!(found[2].larger && !found[0].larger && found[0].high == 14.);
        let printed = "| metric | value | 95 % interval | better | real | generated |\n|---|---|---|---|---|---|\n\
                       | ppl_wend-stlpips | 7 | 6 to 8 | smaller | – | 5000 |\n";
        let found = numbers(printed);
        assert_eq!(metrics(found.iter().chain(&found)), ["ppl_wend-stlpips (5000 generated)"]);
        assert_eq!(found[0].subject, None);
        assert_eq!(pick(&found, "ppl_wend").map(Measured::text).as_deref(), Some("7.00 (6.00 to 8.00)"));
        assert_eq!((pick(&found, "ppl_wfull"), pick(&found, "ppl")), (None, None));
        assert_eq!(pick(&numbers("| metric |\n"), "fid"), None);
    }

    #[test]
    fn three_digits_are_shown() {
        assert_eq!(
            [0.001234, 0.98765, 12.345, 412., 25_000., 0., -1.5].map(short),
            ["0.00123", "0.988", "12.3", "412", "25000", "0", "-1.50"]
        );
    }
}
