//! Axes: where numbers lie, and which of them are written.

/// An axis from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

/// Numbers that an axis has about.
const TICKS: f64 = 5.;

impl Axis {
    /// From 0, or a round number below, to a round number that is no less than all of these.
    pub(super) fn from_zero(numbers: impl Iterator<Item = f64>) -> Self {
        let (mut lowest, mut highest) = (0f64, 0f64);
        for number in numbers.filter(|n| n.is_finite()) {
            (lowest, highest) = (lowest.min(number), highest.max(number));
        }
        if lowest == highest {
            highest = 1.;
        }
        let step = step(highest - lowest);
        let round = |number: f64| (number / step - 1e-9).ceil() * step;
        Self { low: -round(-lowest), high: round(highest), log: false }
    }

    /// Logarithmic, around all of these that are above 0.
    pub(super) fn logarithmic(numbers: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0f64);
        for number in numbers.filter(|n| n.is_finite() && *n > 0.) {
            (low, high) = (low.min(number), high.max(number));
        }
        if high == 0. {
            (low, high) = (1., 10.);
        }
        Self { low: low / 1.1, high: high * 1.1, log: true }
    }

    /// Where a number lies, 0 at the low end and 1 at the high one; numbers beyond lie on the ends.
    pub(super) fn place(&self, number: f64) -> f64 {
        let place = if self.log {
            (number.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (number - self.low) / (self.high - self.low)
        };
        place.clamp(0., 1.)
    }

    pub(super) fn holds(&self, number: f64) -> bool {
        (self.low..=self.high).contains(&number)
    }

    /// The numbers that are written beside it.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if !self.log {
            let step = step(self.high - self.low);
            let places = (self.low / step).round() as i64..=(self.high / step + 1e-9).floor() as i64;
            return places.map(|place| place as f64 * step).collect();
        }
        let decades = || self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        // As many as there is room for: on few decades more within each.
        let within = |steps: &[f64]| {
            let all = decades().flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
            all.filter(|number| self.holds(*number)).collect::<Vec<_>>()
        };
        let choices: [&[f64]; 4] = [&[1.], &[1., 3.], &[1., 2., 5.], &[1., 1.5, 2., 3., 4., 5., 7.]];
        choices.map(within).into_iter().find(|ticks| ticks.len() >= 4).unwrap_or_else(|| within(choices[3]))
    }
}

/// A round distance between numbers over a range of `length`.
fn step(length: f64) -> f64 {
    let rough = length / TICKS;
    let decade = 10f64.powf(rough.log10().floor());
    [1., 2., 5., 10.].map(|n| n * decade).into_iter().find(|step| *step >= rough * 0.999).unwrap_or(rough)
}

/// A number as an axis shows it.
pub(super) fn label(number: f64) -> String {
    let digits = if number == 0. { 0. } else { (1. - number.abs().log10().floor()).clamp(0., 6.) };
    let text = format!("{number:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_round() {
        let axis = Axis::from_zero([3., 90.].into_iter());
        assert_eq!(axis.ticks(), [0., 20., 40., 60., 80., 100.]);
        assert_eq!((axis.place(50.), axis.place(-1.)), (0.5, 0.));
        let small = Axis::from_zero([0.09].into_iter());
        assert_eq!(
            small.ticks().into_iter().map(label).collect::<Vec<_>>(),
            ["0", "0.02", "0.04", "0.06", "0.08", "0.1"]
        );
        assert_eq!(Axis::from_zero(std::iter::empty()).ticks().len(), 6);
        let signs = Axis::from_zero([-0.3, 0.6].into_iter());
        assert_eq!(
            signs.ticks().into_iter().map(label).collect::<Vec<_>>(),
            ["-0.4", "-0.2", "0", "0.2", "0.4", "0.6"]
        );
        assert!((signs.place(0.) - 0.4).abs() < 1e-9);
    }

    #[test]
    fn decades_are_equally_long() {
        let axis = Axis::logarithmic([6., 300.].into_iter());
        assert_eq!(axis.ticks(), [10., 30., 100., 300.]);
        assert!((axis.place(20.) - axis.place(10.) - (axis.place(200.) - axis.place(100.))).abs() < 1e-9);
        assert!(axis.holds(6.) && !axis.holds(400.));
        let narrow = Axis::logarithmic([1.2, 4.].into_iter());
        assert!(narrow.ticks().len() >= 3, "{:?}", narrow.ticks());
        assert!(Axis::logarithmic([0.].into_iter()).ticks().len() > 1);
        assert_eq!([0.5, 12., 0.00002, 1500.].map(label), ["0.5", "12", "0.00002", "1500"]);
    }
}
