//! Metrics over training: the chart, its data, and what it says.

use crate::json::Json;

use super::asked::Asked;
use super::chart::{Chart, Curve, Panel, Point, draw};
use super::claim::{Claim, Curves, Line};
use super::run::{Run, Watched};
use super::section::Section;
use crate::failure::{Failure, Result};
use crate::measured::{Measured, metrics};
use crate::stats::over_training;
use crate::tables::cell::Cell;
use std::fmt::Write;

/// Points of a statistic that are drawn at most.
const STATISTICS: usize = 60;

/// A line of a chart with what was measured of each training: by thousands of pictures.
struct Found {
    line: &'static Line,
    trainings: Vec<Vec<(f64, Measured)>>,
}

/// The section of a chart, from what its runs kept while they trained.
pub(super) fn section(claim: &Claim, curves: &'static Curves, asked: &Asked) -> Result<Section> {
    let mut found = Vec::new();
    for line in curves.lines {
        let mut trainings = Vec::new();
        for run in Run::trainings(claim, line.config, &asked.seeds)? {
            if line.is_statistic() {
                let points = over_training(&run.folder(), line.metric, STATISTICS).into_iter();
                trainings.push(points.map(|(kimg, value)| (kimg, Measured::exact(line.metric, value))).collect());
                continue;
            }
            let watched = Watched::of(&run, std::iter::once(curves))?;
            trainings
                .push(watched.map(|watched| watched.found(&run, line.metric, asked)).transpose()?.unwrap_or_default());
        }
        found.push(Found { line, trainings });
    }
    if found.iter().flat_map(|found| &found.trainings).all(Vec::is_empty) {
        return Err(Failure::other(format!(
            "{}: its runs were trained without being measured on the way, and nothing is left to measure: move them away \
             and train them again",
            curves.title
        )));
    }
    let all: Vec<Option<(String, String)>> = curves.expects.iter().map(|pair| compared(&found, *pair)).collect();
    let unmeasured = all.iter().filter(|compared| compared.is_none()).count();
    let of_none = |(compared, pair): (Option<_>, &_)| compared.unwrap_or_else(|| not_compared(curves, *pair));
    let compared: Vec<(String, String)> = all.into_iter().zip(curves.expects).map(of_none).collect();
    let headline = compared.iter().map(|(short, _)| short.as_str()).collect::<Vec<_>>().join("; ");
    let mut text = text(curves, &found, &compared);
    for sentence in too_few(curves, &found) {
        text.push_str(&format!("\n{sentence}\n"));
    }
    Ok(Section {
        text,
        headline,
        files: vec![("svg", draw(&chart(curves, &found)))],
        reports: vec![],
        unmeasured,
        data: Json::object([
            ("chart", Json::text(curves.title)),
            ("lines", Json::List(found.iter().map(data).collect())),
        ]),
    })
}

fn chart(curves: &Curves, found: &[Found]) -> Chart {
    let panel = |number: usize| {
        let of = |found: &Found| {
            let curve = |points: &Vec<(f64, Measured)>| Curve {
                name: found.line.title.into(),
                colour: found.line.colour,
                dashed: found.line.dashed,
                points: points
                    .iter()
                    .map(|(across, n)| Point { across: *across, value: n.value, low: n.low, high: n.high })
                    .collect(),
            };
            found.trainings.iter().map(curve).collect::<Vec<_>>()
        };
        Panel {
            upward: curves.panels[number].upward.into(),
            across: "pictures seen in training (kimg = thousands)".into(),
            log: curves.panels[number].log,
            curves: found.iter().filter(|found| found.line.panel == number).flat_map(of).collect(),
            marks: curves.marks.iter().map(|(place, name)| (*place, (*name).to_owned())).collect(),
        }
    };
    Chart { title: curves.title.into(), panels: (0..curves.panels.len()).map(panel).collect() }
}

impl Found {
    /// Thousands of pictures at which something was measured.
    fn places(&self) -> Vec<f64> {
        each_once(self.trainings.iter().flatten().map(|(place, _)| *place))
    }

    /// What was measured there, over all trainings.
    fn at(&self, place: f64) -> Option<Cell> {
        let there = self.trainings.iter().flatten().filter(|(at, _)| *at == place);
        Cell::of(there.map(|(_, number)| number.clone()).collect())
    }
}

/// Numbers in order, each once.
fn each_once(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers
}

/// The same of two lines that were never measured at one place.
fn not_compared(curves: &Curves, (better, worse): (usize, usize)) -> (String, String) {
    let (better, worse) = (curves.lines[better].title, curves.lines[worse].title);
    (
        format!("{better} better than {worse}: not measured"),
        format!("Whether {better} is better than {worse} was not measured: they have no point in common."),
    )
}

/// At how many points one line is better than another, in a few words and in a sentence; nothing where no point is of both.
fn compared(found: &[Found], (better, worse): (usize, usize)) -> Option<(String, String)> {
    let (a, b) = (&found[better], &found[worse]);
    let pairs = a.places().into_iter().filter_map(|place| Some((place, a.at(place)?.is_better_than(&b.at(place)?))));
    let pairs: Vec<(f64, Option<bool>)> = pairs.collect();
    let count = |verdict| pairs.iter().filter(|(_, found)| *found == Some(verdict)).count();
    let (first, last) = (pairs.first()?, pairs.last()?);
    let (better, worse) = (a.line.title, b.line.title);
    let short = format!("{better} better than {worse} at {} of {} points", count(true), pairs.len());
    let sentence = format!(
        "{better} is better than {worse} outside the intervals at {} of {} points between {} and {} kimg, worse at {}.",
        count(true),
        pairs.len(),
        first.0,
        last.0,
        count(false)
    );
    Some((short, sentence))
}

/// A sentence for each line that lacks points: they cannot be measured any more.
fn too_few(curves: &Curves, found: &[Found]) -> Vec<String> {
    let lacking = |found: &&Found| {
        !found.line.is_statistic() && found.trainings.iter().any(|training| training.len() < curves.points)
    };
    let sentence = |found: &Found| {
        let there: Vec<String> = found.trainings.iter().map(|training| training.len().to_string()).collect();
        format!(
            "{}: {} of {} points. A run is measured while it trains: it went on without, or was measured with other options than \
             now. Move its folder away and train it again for the whole line.",
            found.line.title,
            there.join(" and "),
            curves.points
        )
    };
    found.iter().filter(lacking).map(sentence).collect()
}

/// The chart, what it says, and its numbers.
fn text(curves: &Curves, found: &[Found], compared: &[(String, String)]) -> String {
    let mut text = format!("![{}]({{svg}})\n", curves.title);
    // Writing to a String cannot fail.
    for (i, (_, sentence)) in compared.iter().enumerate() {
        let _ = writeln!(text, "{}- {sentence}", if i == 0 { "\n" } else { "" });
    }
    let found: Vec<&Found> = found.iter().filter(|found| !found.line.is_statistic()).collect();
    let places = each_once(found.iter().flat_map(|found| found.places()));
    let _ = write!(text, "\n| kimg |");
    for found in &found {
        let _ = write!(text, " {} ({}) |", found.line.title, found.line.metric);
    }
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(found.len()));
    for place in places {
        let _ = write!(text, "| {place} |");
        for found in &found {
            let _ = write!(text, " {} |", found.at(place).map(|cell| cell.text()).unwrap_or_default());
        }
        text.push('\n');
    }
    let measured = found.iter().flat_map(|found| found.trainings.iter().flatten()).map(|(_, number)| number);
    let _ = write!(
        text,
        "\nMeasured: {}. Bands are 95 % intervals over pictures; each training has its own line.\n",
        metrics(measured).join(", ")
    );
    text
}

fn data(found: &Found) -> Json {
    let point = |(kimg, n): &(f64, Measured)| {
        Json::object([
            ("kimg", Json::Number(*kimg)),
            ("value", Json::Number(n.value)),
            ("low", Json::Number(n.low)),
            ("high", Json::Number(n.high)),
        ])
    };
    let training = |points: &Vec<(f64, Measured)>| Json::List(points.iter().map(point).collect());
    let metric = found.trainings.iter().flatten().next().map_or(found.line.metric, |(_, number)| &number.metric);
    Json::object([
        ("line", Json::text(found.line.title)),
        ("metric", Json::text(metric)),
        ("trainings", Json::List(found.trainings.iter().map(training).collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::claim::Axes;

    const fn line(title: &'static str) -> Line {
        Line { title, config: "table1-f", panel: 0, metric: "fid", colour: 0, dashed: false }
    }

    static CURVES: Curves = Curves {
        title: "FID over training",
        panels: &[Axes { upward: "FID", log: false }],
        lines: &[line("F"), line("A")],
        points: 2,
        options: &[],
        marks: &[],
        expects: &[(0, 1)],
    };

    #[test]
    fn lines_are_compared_point_by_point() {
        let number = |value: f64| Measured { low: value - 1., high: value + 1., ..Measured::exact("fid-x", value) };
        let training = |values: [f64; 2]| vec![(10., number(values[0])), (20., number(values[1]))];
        let found = [
            Found { line: &CURVES.lines[0], trainings: vec![training([50., 10.]), training([54., 11.])] },
            Found { line: &CURVES.lines[1], trainings: vec![training([50.5, 30.])] },
        ];
        let (short, sentence) = compared(&found, (0, 1)).unwrap_or_default();
        assert_eq!(short, "F better than A at 1 of 2 points");
        assert!(sentence.contains("at 1 of 2 points between 10 and 20 kimg, worse at 0."), "{sentence}");
        let text = text(&CURVES, &found, &[(short, sentence)]);
        let row = "| 20 | 10.5: 10.0 (9.00 to 11.0), 11.0 (10.0 to 12.0) | 30.0 (29.0 to 31.0) |\n";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("Measured: fid-x."));
        assert_eq!(chart(&CURVES, &found).panels[0].curves.len(), 3);
        assert!(too_few(&CURVES, &found).is_empty());
        let short = [Found { line: &CURVES.lines[0], trainings: vec![vec![(20., number(10.))]] }];
        assert!(too_few(&CURVES, &short)[0].starts_with("F: 1 of 2 points."));
        assert!(data(&found[0]).to_string().contains("\"metric\": \"fid-x\""));
        assert_eq!(
            compared(
                &[
                    Found { line: &CURVES.lines[0], trainings: vec![] },
                    Found { line: &CURVES.lines[1], trainings: vec![] }
                ],
                (0, 1)
            ),
            None
        );
        assert_eq!(not_compared(&CURVES, (0, 1)).0, "F better than A: not measured");
    }
}
