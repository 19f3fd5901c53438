//! What was measured of a row in a column, over one training or several.

use crate::measured::{Measured, short};

/// The numbers of a cell, one for each training; at least one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell(Vec<Measured>);

impl Cell {
    /// Nothing where nothing was measured.
    pub(crate) fn of(trainings: Vec<Measured>) -> Option<Self> {
        (!trainings.is_empty()).then_some(Self(trainings))
    }

    /// The number of each training.
    pub(crate) fn trainings(&self) -> &[Measured] {
        &self.0
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().map(|n| n.value).sum::<f64>() / self.0.len() as f64
    }

    /// The ends of what the intervals of all trainings cover, with what lies between them.
    pub(crate) fn reach(&self) -> (f64, f64) {
        let low = self.0.iter().map(|n| n.low).fold(f64::INFINITY, f64::min);
        (low, self.0.iter().map(|n| n.high).fold(f64::NEG_INFINITY, f64::max))
    }

    /// Whether it is what it is, without an interval.
    pub(crate) fn is_exact(&self) -> bool {
        self.reach() == (self.mean(), self.mean())
    }

    /// Whether this is better than `other`, outside the reach of both; nothing where they overlap.
    pub(crate) fn is_better_than(&self, other: &Self) -> Option<bool> {
        let ((low, high), (other_low, other_high)) = (self.reach(), other.reach());
        let smaller = if high < other_low {
            true
        } else if other_high < low {
            false
        } else {
            return None;
        };
        Some(smaller != self.0[0].larger)
    }

    /// The number with its interval; of several trainings the mean, and each with its interval.
    pub(crate) fn text(&self) -> String {
        let each: Vec<String> = self.0.iter().map(Measured::text).collect();
        match &each[..] {
            [one] => one.clone(),
            several => format!("{}: {}", short(self.mean()), several.join(", ")),
        }
    }
}

#[cfg(test)]
pub(crate) fn cell(numbers: &[(f64, f64, f64)], larger: bool) -> Option<Cell> {
    let number = |&(value, low, high)| Measured { low, high, larger, ..Measured::exact("fid", value) };
    Cell::of(numbers.iter().map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trainings_widen_a_cell() {
        let text = |numbers: &[(f64, f64, f64)]| cell(numbers, false).map(|cell| cell.text()).unwrap_or_default();
        assert_eq!(text(&[(6.5, 6., 7.)]), "6.50 (6.00 to 7.00)");
        assert_eq!(text(&[(6.5, 6., 7.), (8.5, 8., 9.)]), "7.50: 6.50 (6.00 to 7.00), 8.50 (8.00 to 9.00)");
        assert_eq!(text(&[]), "");
        let better = |a: &[(f64, f64, f64)], b: &[(f64, f64, f64)], larger| {
            cell(a, larger).zip(cell(b, larger)).and_then(|(a, b)| a.is_better_than(&b))
        };
        let (low, middle, high) = ((1., 0.5, 1.5), (2., 1.4, 2.6), (3., 2.5, 3.5));
        assert_eq!(better(&[low], &[high], false), Some(true));
        assert_eq!(better(&[high], &[low], false), Some(false));
        assert_eq!(better(&[low], &[high], true), Some(false));
        assert_eq!(better(&[low], &[middle], false), None);
        // What one training says, another takes back.
        assert_eq!(better(&[low, high], &[middle], false), None);
    }
}
