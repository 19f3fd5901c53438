//! Lists of numbers and sizes as they are typed: `0-63`, `85,265,297,849`, `8x4`.

use crate::status::say;
use std::collections::HashSet;
use std::fmt::{Display, Formatter};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The most numbers that one list may expand to; more is a slip of the finger.
const MAX_LEN: u64 = 10_000_000;

/// A list of whole numbers: single ones and inclusive ranges, separated by commas, in the order
/// given, as the original tools take them (`a,b,c-d`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbers(pub(crate) Vec<u32>);

impl Numbers {
    /// Each number once, where it stands first; says how many of `option` are left out so.
    pub(crate) fn distinct(&self, option: &str) -> Numbers {
        let mut known = HashSet::new();
        let distinct: Vec<u32> = self.0.iter().copied().filter(|number| known.insert(*number)).collect();
        let (all, repeats) = (self.0.len(), self.0.len() - distinct.len());
        if repeats > 0 {
            say(&format!("{option}: left out {repeats} of {all}, which had been given before"));
        }
        Numbers(distinct)
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = Vec::new();
        for part in text.split(',') {
            // What begins with a dash is no range, but below 0.
            let range = part.split_once('-').filter(|(first, _)| !first.trim().is_empty());
            let (first, last) = range.unwrap_or((part, part));
            let (first, last) = (number(first, text)?, number(last, text)?);
            if first > last {
                return Err(format!("the range {part} runs backwards; write {last}-{first}"));
            }
            if numbers.len() as u64 + u64::from(last - first) >= MAX_LEN {
                return Err(format!("{part} makes the list longer than {MAX_LEN} numbers"));
            }
            numbers.extend(first..=last);
        }
        Ok(Numbers(numbers))
    }
}

/// Writes the list shortly, with ranges where numbers follow one another: `0-3,85`.
impl Display for Numbers {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        for (i, run) in self.0.chunk_by(|a, b| a.checked_add(1) == Some(*b)).enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match run {
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                single => write!(f, "{comma}{}", single[0])?,
            }
        }
        Ok(())
    }
}

fn number(part: &str, text: &str) -> Result<u32, String> {
    let part = part.trim();
    part.parse().map_err(|_| {
        let what = if part.is_empty() { "an empty place".to_string() } else { format!("{part:?}") };
        format!("{what} in {text:?} is not a whole number from 0 to {}; write lists as 0-3,8,21", u32::MAX)
    })
}

/// Columns and rows of a grid: `8x4` is 8 pictures across and 4 down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GridSize {
    /// Full rows, between a square and 4:3.
    Auto,
    /// These columns and rows.
    Fixed {
        /// Pictures across.
        columns: usize,
        /// Pictures down.
        rows: usize,
    },
}

impl FromStr for GridSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(GridSize::Auto);
        }
        let size = text.split_once('x').and_then(|(c, r)| Some((c.parse().ok()?, r.parse().ok()?)));
        match size {
            Some((columns, rows)) if (1..=1000).contains(&columns) && (1..=1000).contains(&rows) => {
                Ok(GridSize::Fixed { columns, rows })
            }
            _ => Err(format!("{text:?} is not a grid; write COLUMNSxROWS, such as 8x4, each from 1 to 1000")),
        }
    }
}

/// Reads a whole number of this range, in the words of the range if it is none.
pub(crate) fn whole<T: TryFrom<u64>>(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
        let fitting = number.and_then(|number| T::try_from(number).ok());
        fitting.ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
    }
}

/// "1 picture", "3 pictures".
pub(crate) fn count(n: impl Into<u64>, noun: impl Display) -> String {
    let n = n.into();
    if n == 1 { format!("{n} {noun}") } else { format!("{n} {noun}s") }
}

/// "1 class", "3 classes".
pub(crate) fn classes(n: usize) -> String {
    format!("{n} {}", if n == 1 { "class" } else { "classes" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_their_order_and_ranges_are_inclusive() {
        assert_eq!("5,0-3,5".parse(), Ok(Numbers(vec![5, 0, 1, 2, 3, 5])));
        assert_eq!(Numbers(vec![5, 0, 1, 5, 0]).distinct("--seeds"), Numbers(vec![5, 0, 1]));
        assert_eq!("7".parse(), Ok(Numbers(vec![7])));
        assert_eq!("4294967295".parse(), Ok(Numbers(vec![u32::MAX])));
        assert_eq!(Numbers(vec![5, 0, 1, 2, 3, 5, u32::MAX, 0]).to_string(), "5,0-3,5,4294967295,0");
    }

    #[test]
    fn slips_are_named() {
        for (text, part) in [
            ("", "an empty place"),
            ("1,,2", "an empty place"),
            ("a-3", "\"a\""),
            ("-3", "\"-3\" in \"-3\" is not a whole number from 0"),
            ("9-3", "write 3-9"),
            ("4294967296", "4294967296"),
            ("0-4294967295", "longer than"),
            ("1.5", "\"1.5\""),
        ] {
            let error = text.parse::<Numbers>().err().unwrap_or_default();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn whole_numbers_are_told_their_range() {
        let read = whole::<u8>(1..=100);
        assert_eq!((read("1"), read("100")), (Ok(1), Ok(100)));
        for text in ["0", "101", "-1", "23.976", "nan", "", "1e1", "99999999999999999999"] {
            assert_eq!(read(text), Err("expected a whole number from 1 to 100".to_owned()), "{text}");
        }
    }

    #[test]
    fn grids_are_columns_by_rows() {
        assert_eq!("8x4".parse(), Ok(GridSize::Fixed { columns: 8, rows: 4 }));
        assert_eq!("auto".parse(), Ok(GridSize::Auto));
        for text in ["8", "0x4", "8x", "8x4x2", "1001x1"] {
            assert!(text.parse::<GridSize>().is_err(), "{text}");
        }
    }
}
