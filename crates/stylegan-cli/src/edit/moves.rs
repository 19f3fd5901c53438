//! What styles are moved by, as typed and as vectors.

use crate::exit::wrong;
use crate::mix::style_list;
use crate::models;
use crate::network::Network;
use crate::status::{Progress, say};
use crate::writer::Text;
use candle_core::Tensor;
use std::path::PathBuf;
use std::str::FromStr;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::directions::{Direction, Directions, channel_weights};
use stylegan_core::{StyleOffsets, printable};
use stylegan_metrics::directions::{Styles, conditioned};

/// Styles that the deviation along what is left of a direction is measured on: it is known to within a part in a hundred.
const SAMPLES: usize = 10_000;

/// A direction as it is typed: `smile=2`, or `smile` for one that is varied.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    name: String,
    strength: Option<f64>,
}

impl FromStr for Wish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, strength)) = text.rsplit_once('=') else {
            return Ok(Wish { name: text.to_owned(), strength: None });
        };
        if name.trim().is_empty() {
            return Err("there is no name before the =; write NAME=2 or NAME=-1.5".to_owned());
        }
        match strength.trim().parse::<f64>() {
            Ok(strength) if strength.is_finite() => Ok(Wish { name: name.to_owned(), strength: Some(strength) }),
            _ => Err(format!("{strength:?} is no strength; write NAME=2 or NAME=-1.5")),
        }
    }
}

/// Strengths from one to another: `-3..3`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    from: f64,
    to: f64,
}

impl Span {
    /// `n` strengths, at least two, from one end to the other.
    pub(crate) fn strengths(self, n: usize) -> Vec<f64> {
        let part = |i: usize| i as f64 / (n - 1).max(1) as f64;
        (0..n).map(|i| self.from * (1. - part(i)) + self.to * part(i)).collect()
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        match ends {
            Some((from, to)) if from != to && f64::is_finite(from) && f64::is_finite(to) => Ok(Span { from, to }),
            _ => Err(format!("{text:?} is no range of strengths; write FROM..TO, such as -3..3")),
        }
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

/// The directions that styles are moved along.
pub(crate) struct Moves {
    /// Each with its strength; those without are varied.
    moves: Vec<(Direction, Option<f64>)>,
    /// Rows in place of the directions' own.
    rows: Option<Vec<usize>>,
    /// The names of those along which nothing changes.
    kept: Vec<String>,
    /// SHA-256 of the contents of the files that have them; none of those that come with the network.
    files: Vec<String>,
    /// What styles follow rows by, for directions in style space.
    weights: Vec<Tensor>,
}

/// The styles of a picture.
#[derive(Clone)]
pub(crate) struct Styled {
    /// Style rows `[1, num_ws, w_dim]`.
    pub(crate) ws: Tensor,
    /// What is added to channels of what layers make of them.
    pub(crate) offsets: StyleOffsets,
}

impl Moves {
    /// The directions of these names in the files, or that come with the network, less what is to be kept.
    pub(crate) fn find(
        network: &Network,
        files: &[PathBuf],
        wishes: &[Wish],
        keep: &[String],
        rows: Option<Vec<usize>>,
    ) -> anyhow::Result<Self> {
        let (known, hashes) = read(network, files)?;
        let find = |name: &str| -> anyhow::Result<Direction> {
            if let Some(direction) = known.iter().find(|direction| direction.name == name) {
                return Ok(direction.clone());
            }
            let own = if files.is_empty() { None } else { models::directions(network.model())? };
            if own.is_some_and(|(_, own)| own.list.iter().any(|direction| direction.name == name)) {
                wrong!(
                    "there is no direction {name} in the files of --directions; {name} comes with the network: leave \
                     --directions out to move along it"
                );
            }
            let names: Vec<&str> = known.iter().map(|direction| direction.name.as_str()).collect();
            wrong!("there is no direction {name}, but there are {}", printable(&names.join(", ")))
        };
        let numbers = |direction: &Direction| direction.vector.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
        let vectors = keep.iter().map(|name| Ok(numbers(&find(name)?))).collect::<anyhow::Result<Vec<_>>>()?;
        let kept: Vec<&[f64]> = vectors.iter().map(Vec::as_slice).collect();
        let spread = if kept.is_empty() { None } else { Some(spread(network)?) };
        let num_ws = network.generator().spec().num_ws;
        let (mut moves, mut weights) = (Vec::new(), vec![]);
        for Wish { name, strength } in wishes {
            let mut direction = find(name)?;
            if let (None, Some(row)) = (&rows, direction.rows.iter().find(|row| **row >= num_ws)) {
                wrong!("--direction {name} moves style row {row}, this network has 0 to {}; choose --rows", num_ws - 1);
            }
            if let (Some(channel), &[row]) = (direction.channel, &direction.rows[..]) {
                let is = format!("{name} is channel {channel} of style row {row}");
                if rows.is_some() {
                    wrong!("--rows: {is} and moves there alone; leave --rows out");
                }
                if !kept.is_empty() {
                    wrong!("--keep {}: {is}, of which no part can be left out; leave --keep out", keep.join(","));
                }
                if weights.is_empty() {
                    weights = channel_weights(network.model())?;
                }
                direction.offsets(&weights, 0.)?;
            }
            if let Some(styles) = &spread {
                let Ok(vector) = conditioned(&numbers(&direction), &kept) else {
                    wrong!("--keep {}: nothing of {name} is left beside it", keep.join(","));
                };
                // It is another direction, along which styles deviate by other sigmas.
                direction.sigma = styles.deviation(&vector);
                direction.vector = vector.iter().map(|v| *v as f32).collect();
            }
            moves.push((direction, *strength));
        }
        Ok(Moves { moves, rows, kept: keep.to_vec(), files: hashes, weights })
    }

    /// Whether there are directions without a strength.
    pub(crate) fn vary(&self) -> bool {
        self.moves.iter().any(|(_, strength)| strength.is_none())
    }

    /// The name of a direction in style space, if one is among them.
    pub(crate) fn channel(&self) -> Option<&str> {
        self.moves.iter().find(|(direction, _)| direction.channel.is_some()).map(|(direction, _)| &direction.name[..])
    }

    /// Style rows `[1, num_ws, w_dim]` moved, along directions without a strength by `strength`.
    pub(crate) fn apply(&self, ws: &Tensor, strength: f64) -> anyhow::Result<Styled> {
        let mut styled = Styled { ws: ws.clone(), offsets: StyleOffsets::new() };
        for (direction, own) in &self.moves {
            let strength = own.unwrap_or(strength);
            match direction.channel {
                Some(_) => styled.offsets = styled.offsets.plus(&direction.offsets(&self.weights, strength)?)?,
                None => styled.ws = direction.apply(&styled.ws, strength, self.rows.as_deref())?,
            }
        }
        Ok(styled)
    }

    /// In words, as they are typed; `varied` stands for the strength of those without.
    pub(crate) fn text(&self, varied: &str) -> String {
        let one = |(direction, own): &(Direction, Option<f64>)| {
            format!("{}={}", direction.name, own.map_or_else(|| varied.to_owned(), |strength| strength.to_string()))
        };
        let moves = self.moves.iter().map(one).collect::<Vec<_>>().join(", ");
        let rows = self.rows.iter().map(|rows| format!("style rows {}", style_list(rows)));
        let kept = Some(&self.kept).filter(|kept| !kept.is_empty()).map(|kept| format!("keeping {}", kept.join(", ")));
        match rows.chain(kept).collect::<Vec<_>>().join("; ") {
            how if how.is_empty() => moves,
            how => format!("{moves} ({how})"),
        }
    }

    /// What the file of a picture says of them; `varied` as in [`text`](Self::text).
    pub(crate) fn about(&self, varied: &str) -> Text {
        let files = Some(&self.files).filter(|files| !files.is_empty());
        let files = files.map(|files| ("stylegan:directions", files.join(", ")));
        [("stylegan:edit", self.text(varied))].into_iter().chain(files).collect()
    }
}

/// How a network's styles lie.
fn spread(network: &Network) -> anyhow::Result<Styles> {
    let _progress = Progress::of_unknown_length("mapping latents");
    let label = network.labels(1)?;
    Ok(Styles::new(network.generator(), label.as_ref(), SAMPLES, 0, &mut |_| {})?)
}

/// All directions of the files, if they are of styles as wide as the network's, and the hashes of these; without files those that
/// come with it.
fn read(network: &Network, files: &[PathBuf]) -> anyhow::Result<(Vec<Direction>, Vec<String>)> {
    if files.is_empty() {
        let Some((_, directions)) = models::directions(network.model())? else {
            wrong!(
                "--directions: {} comes without directions; find some with `stylegan directions`, and give their file",
                network.file().display()
            );
        };
        return Ok((directions.list, vec![]));
    }
    let w_dim = network.generator().spec().w_dim;
    let (mut known, mut hashes): (Vec<Direction>, Vec<String>) = Default::default();
    for file in files {
        crate::network::check_exists(file)?;
        let checkpoint = Checkpoint::open(file)?;
        let found = Directions::read(&checkpoint)?;
        hashes.extend(checkpoint.content_hash().map(str::to_owned));
        let name = file.display();
        if let Some(other) = found.list.iter().find(|direction| direction.vector.len() != w_dim) {
            wrong!(
                "--directions {name} is of styles of {} numbers, this network's have {w_dim}; find directions in this network",
                other.vector.len()
            );
        }
        if let (Some(of), Some(own)) = (&found.network, network.model().content_hash())
            && of != own
            && models::tuned_from(network.model()) != Some(of.as_str())
        {
            say(&format!("note: the directions of {name} were found in another network; a tuned copy shares them"));
        }
        for direction in found.list {
            if known.iter().any(|other| other.name == direction.name) {
                wrong!("--directions {name}: there are two of name {}; give one file of them", direction.name);
            }
            known.push(direction);
        }
    }
    Ok((known, hashes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_and_spans_are_read() {
        let wish = |name: &str, strength| Ok(Wish { name: name.into(), strength });
        assert_eq!("smile=2".parse(), wish("smile", Some(2.)));
        assert_eq!("a=b=-1.5".parse(), wish("a=b", Some(-1.5)));
        assert_eq!("age".parse(), wish("age", None));
        assert!("=2".parse::<Wish>().is_err_and(|error| error.contains("no name")));
        assert!("age=old".parse::<Wish>().is_err() && "age=inf".parse::<Wish>().is_err());
        let span: Result<Span, String> = "-3..3".parse();
        assert_eq!(span.map(|span| span.strengths(4)), Ok(vec![-3., -1., 1., 3.]));
        for text in ["3", "1..1", "..", "a..b", "0..inf"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
