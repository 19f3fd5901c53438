//! A chart as SVG.

use super::axis::{Axis, label};
use super::{Chart, Curve, Panel};
use std::fmt::Write;

/// Widths and heights in pixels.
const WIDTH: f64 = 800.;
const PLOT: f64 = 260.;
const LEFT: f64 = 50.;
const RIGHT: f64 = 16.;
const TOP: f64 = 36.;
const LINE: f64 = 20.;
const BOTTOM: f64 = 50.;

/// Surface, text, faint text, grid and the colours of curves, in light and in dark; colours differ for the colour-blind too.
const STYLE: &str = "\
<style>
svg { --surface: #fcfcfb; --ink: #0b0b0b; --faint: #52514e; --grid: #e1e0d9; --c0: #2a78d6; --c1: #eb6834; --c2: #1baf7a; --c3: #4a3aa7 }
@media (prefers-color-scheme: dark) {
svg { --surface: #1a1a19; --ink: #ffffff; --faint: #c3c2b7; --grid: #383835; --c0: #3987e5; --c1: #d95926; --c2: #199e70; --c3: #9085e9 }
}
.surface { fill: var(--surface) }
text { fill: var(--faint) }
.title { fill: var(--ink); font-weight: 600; font-size: 15px }
.axis { fill: var(--ink) }
.grid { stroke: var(--grid); stroke-width: 1 }
.mark { stroke: var(--faint); stroke-dasharray: 2 3 }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round }
.dashed { stroke-dasharray: 6 4 }
.band { fill-opacity: 0.16 }
.c0 { stroke: var(--c0); fill: var(--c0) } .c1 { stroke: var(--c1); fill: var(--c1) }
.c2 { stroke: var(--c2); fill: var(--c2) } .c3 { stroke: var(--c3); fill: var(--c3) }
.curve.c0, .curve.c1, .curve.c2, .curve.c3 { fill: none }
.band.c0, .band.c1, .band.c2, .band.c3 { stroke: none }
</style>
";

/// Points that a curve may have to have a dot at each.
const DOTTED: usize = 20;

/// Colours that there are.
const COLOURS: usize = 4;

/// The chart as the text of an SVG file.
pub(in crate::claims) fn draw(chart: &Chart) -> String {
    let names = chart.panels.iter().map(|panel| legend(panel).len()).max().unwrap_or_default() as f64;
    let top = TOP + LINE + names * LINE;
    let height = top + PLOT + BOTTOM;
    let width = WIDTH / chart.panels.len().max(1) as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n<title>{0}</title>\n{STYLE}\
         <rect class=\"surface\" width=\"{WIDTH}\" height=\"{height}\"/>\n<text class=\"title\" x=\"{LEFT}\" y=\"22\">{0}</text>\n",
        escaped(&chart.title)
    );
    for (i, panel) in chart.panels.iter().enumerate() {
        let _ = writeln!(text, "<g transform=\"translate({:.1} 0)\">", width * i as f64);
        draw_panel(&mut text, panel, width, top);
        text.push_str("</g>\n");
    }
    text + "</svg>\n"
}

/// The names of curves, each once, with the first curve of that name.
fn legend(panel: &Panel) -> Vec<&Curve> {
    let mut named: Vec<&Curve> = Vec::new();
    for curve in &panel.curves {
        if !named.iter().any(|other| other.name == curve.name) {
            named.push(curve);
        }
    }
    named
}

// Writing to a String cannot fail.
fn draw_panel(text: &mut String, panel: &Panel, width: f64, top: f64) {
    let points = || panel.curves.iter().flat_map(|curve| &curve.points);
    let heights = points().flat_map(|point| [point.value, point.low, point.high]);
    let upward = if panel.log { Axis::logarithmic(heights) } else { Axis::from_zero(heights) };
    let across = Axis::from_zero(points().map(|point| point.across));
    let (left, right, bottom) = (LEFT, width - RIGHT, top + PLOT);
    let x = |number: f64| left + (right - left) * across.place(number);
    let y = |number: f64| bottom - PLOT * upward.place(number);
    for tick in upward.ticks() {
        let (y, label) = (y(tick), label(tick));
        let _ = writeln!(
            text,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{label}</text>",
            left - 7.,
            y + 4.5,
        );
    }
    for tick in across.ticks() {
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(tick),
            bottom + 18.,
            label(tick)
        );
    }
    let _ = writeln!(
        text,
        "<text class=\"axis\" x=\"{left}\" y=\"{:.1}\">{}</text><text class=\"axis\" x=\"{right}\" y=\"{:.1}\" \
         text-anchor=\"end\">{}</text>",
        TOP + 12.,
        escaped(&panel.upward),
        bottom + 38.,
        escaped(&panel.across)
    );
    for (i, (place, name)) in panel.marks.iter().filter(|(place, _)| across.holds(*place)).enumerate() {
        let x = x(*place);
        let _ = writeln!(
            text,
            "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             font-size=\"11\">{}</text>",
            x + 4.,
            bottom - 6. - 13. * i as f64,
            escaped(name)
        );
    }
    for (i, curve) in legend(panel).into_iter().enumerate() {
        let (y, class) = (TOP + LINE * (i + 1) as f64 + 10., class(curve));
        let _ = writeln!(
            text,
            "<path class=\"curve {class}\" d=\"M{left} {:.1} h24\"/><text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            y - 4.,
            left + 32.,
            escaped(&curve.name)
        );
    }
    for curve in &panel.curves {
        draw_curve(text, curve, &x, &y);
    }
}

fn draw_curve(text: &mut String, curve: &Curve, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) {
    let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
        points.map(|(across, up)| format!("{:.1},{:.1}", x(across), y(up))).collect::<Vec<_>>().join(" ")
    };
    let colour = curve.colour % COLOURS;
    let ends =
        curve.points.iter().map(|p| (p.across, p.high)).chain(curve.points.iter().rev().map(|p| (p.across, p.low)));
    let band = path(&mut { ends });
    let line = path(&mut curve.points.iter().map(|p| (p.across, p.value)));
    let _ = writeln!(
        text,
        "<polygon class=\"band c{colour}\" points=\"{band}\"/><polyline class=\"curve {}\" points=\"{line}\"/>",
        class(curve)
    );
    for point in curve.points.iter().filter(|_| curve.points.len() <= DOTTED) {
        let _ = writeln!(
            text,
            "<circle class=\"c{colour}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{}: {} at {}</title></circle>",
            x(point.across),
            y(point.value),
            escaped(&curve.name),
            crate::measured::short(point.value),
            label(point.across)
        );
    }
}

/// The classes of a curve's line.
fn class(curve: &Curve) -> String {
    format!("c{}{}", curve.colour % COLOURS, if curve.dashed { " dashed" } else { "" })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::chart::Point;

    #[test]
    fn curves_lie_between_axes_with_names() {
        let point = |across: f64, value: f64| Point { across, value, low: value * 0.9, high: value * 1.1 };
        let curve = |name: &str, values: [f64; 2]| Curve {
            name: name.into(),
            colour: 0,
            dashed: false,
            points: vec![point(10., values[0]), point(90., values[1])],
        };
        let panel = Panel {
            upward: "FID".into(),
            across: "pictures seen (kimg)".into(),
            log: true,
            curves: vec![curve("A & B", [200., 20.]), curve("A & B", [180., 25.]), curve("F", [100., 6.])],
            marks: vec![(12., "32x32".into()), (500., "never".into())],
        };
        let text = draw(&Chart { title: "a <b>".into(), panels: vec![panel] });
        assert!(text.contains("<title>a &lt;b&gt;</title>") && text.contains("prefers-color-scheme: dark"));
        assert_eq!((text.matches("<polyline").count(), text.matches("<polygon").count()), (3, 3));
        assert!(
            text.contains(">pictures seen (kimg)</text>")
                && text.contains(">FID</text>")
                && text.contains(">100</text>")
        );
        // Trainings of one name have one entry.
        assert_eq!(text.matches("A &amp; B</text>").count(), 1);
        assert!(text.contains(">32x32</text>") && !text.contains("never"));
        // Larger is higher, later is further right.
        let points: Vec<f64> = text
            .split("<polyline")
            .nth(1)
            .and_then(|rest| rest.split("points=\"").nth(1)?.split('"').next())
            .map(|points| points.split([' ', ',']).filter_map(|n| n.parse().ok()).collect())
            .unwrap_or_default();
        assert!(points.len() == 4 && points[0] < points[2] && points[1] < points[3], "{points:?}");
    }

    #[test]
    fn nothing_to_draw_is_drawn() {
        let panel = Panel { upward: String::new(), across: String::new(), log: false, curves: vec![], marks: vec![] };
        assert!(draw(&Chart { title: String::new(), panels: vec![panel] }).ends_with("</svg>\n"));
    }
}
