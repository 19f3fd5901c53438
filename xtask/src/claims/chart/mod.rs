//! Charts of curves: SVG that is read at 800 pixels, in light and in dark.

mod axis;
mod svg;

pub(super) use svg::draw;

/// Panels side by side.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

/// One pair of axes and what is drawn between them.
pub(super) struct Panel {
    /// What the upward axis counts, with its unit.
    pub(super) upward: String,
    /// What the other axis counts, with its unit.
    pub(super) across: String,
    /// Whether the upward axis is logarithmic.
    pub(super) log: bool,
    pub(super) curves: Vec<Curve>,
    /// Places across that are marked by a vertical line, and what they are.
    pub(super) marks: Vec<(f64, String)>,
}

/// A line through points.
pub(super) struct Curve {
    pub(super) name: String,
    /// The number of its colour, the same for what belongs together.
    pub(super) colour: usize,
    pub(super) dashed: bool,
    pub(super) points: Vec<Point>,
}

/// A number with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) across: f64,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}
