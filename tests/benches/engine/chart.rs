//! Whole works as bars: ours beside every peer, the shorter the better.

use crate::report::{Line, milliseconds, whole_works};

/// Widths and heights in pixels.
const NAMES: f64 = 240.0;
const BARS: f64 = 380.0;
const NUMBERS: f64 = 170.0;
const BAR: f64 = 13.0;
const GAP: f64 = 14.0;
const TOP: f64 = 34.0;

/// A colour for each side that can be read on white and on black.
const COLOURS: [(&str, &str); 10] = [
    ("ours", "#d9730d"),
    ("torch", "#7a8ba3"),
    ("torch-channels-last", "#9aa9bd"),
    ("torch-bf16", "#b8a27a"),
    ("onnxruntime", "#5f9ea0"),
    ("openvino", "#6a7fc1"),
    ("openvino-default", "#b87a9c"),
    ("mnn", "#8f7ab8"),
    ("ncnn", "#7fa36a"),
    ("", "#999999"),
];

/// The bars as an SVG picture; each work's longest bar fills the width. Of `machine` the threads are said.
pub(crate) fn svg(lines: &[Line], machine: &str) -> String {
    let mut y = TOP;
    let mut body = String::new();
    for work in whole_works(lines) {
        let mut sides = vec![("ours", work[0].seconds)];
        sides.extend(work.iter().filter_map(|line| Some((line.peer.as_deref()?, line.peer_seconds?))));
        let longest = sides.iter().map(|side| side.1).fold(0.0, f64::max);
        let middle = y + BAR * sides.len() as f64 / 2.0 + 4.0;
        body.push_str(&format!(
            "<text x=\"{}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\n",
            NAMES - 10.0,
            work[0].name
        ));
        for (name, seconds) in sides {
            let width = BARS * seconds / longest;
            let weight = if name == "ours" { " font-weight=\"bold\"" } else { "" };
            body.push_str(&format!(
                "<rect x=\"{NAMES}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\"{weight}>{} ms {name}</text>\n",
                BAR - 2.0,
                colour(name),
                NAMES + width + 5.0,
                y + BAR - 4.0,
                milliseconds(seconds),
            ));
            y += BAR;
        }
        y += GAP;
    }
    let width = NAMES + BARS + NUMBERS;
    let threads = machine.split(", ").find(|part| part.ends_with(" threads"));
    let threads = threads.map(|threads| format!(", {threads}")).unwrap_or_default();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {y:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>text {{ fill: #333 }} @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} }}</style>\n\
         <text x=\"{NAMES}\" y=\"20\">milliseconds{threads}, shorter is better</text>\n{body}</svg>\n"
    )
}

fn colour(name: &str) -> &'static str {
    COLOURS.iter().find(|(own, _)| *own == name || own.is_empty()).map_or("#999999", |(_, colour)| colour)
}
