//! What a page asks for: states of its views, as JSON, checked before anything is computed.
//!
//! A page sends the whole state of a view, never a change of it, so that any state may be dropped for a
//! later one.

use super::moves::{Move, Subject, check_moves};
use super::scene::Scene;
use crate::picture_settings::{NoiseKind, PictureSettings, check_psi};
use serde::Deserialize;

/// The most bytes of a message from a page.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// The most seeds on either side of a table of mixes.
const MAX_SIDE: usize = 16;

/// The most thumbnails in one wish.
const MAX_THUMBNAILS: usize = 64;

/// The most steps of a search.
const MAX_STEPS: usize = 2000;

/// Steps of a search between two of its pictures.
pub(super) const STEPS_PER_PICTURE: usize = 5;

/// How far from its origin the pad reaches: all seeds of 32 bits, a hundred in a row.
const PAD_REACH: f64 = 5e7;

/// A state of a view and its number, counted by the page.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// Number of this state; every answer carries it.
    pub(super) seq: u32,
    /// What is to be shown.
    pub(super) state: State,
}

/// What a page says.
pub(super) enum Request {
    /// A view has a new state.
    Wish(Wish),
    /// Nothing more is wanted of a view.
    Stop(View),
}

/// A message as it comes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    seq: u32,
    state: Option<State>,
    stop: Option<View>,
}

/// The state of a view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "view", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum State {
    /// One picture, at a place of the pad of seeds.
    Picture {
        /// Network and settings.
        look: Look,
        /// Place on the pad.
        x: f64,
        /// Place on the pad; seed `x + 100 y` lies at whole numbers.
        y: f64,
    },
    /// A table of pictures that mix the styles of rows and columns.
    Mix {
        /// Network and settings.
        look: Look,
        /// Seeds of the rows.
        rows: Vec<u32>,
        /// Seeds of the columns.
        columns: Vec<u32>,
        /// Style rows that come from the columns.
        styles: Vec<usize>,
    },
    /// Small pictures of seeds.
    Thumbnails {
        /// Network and settings.
        look: Look,
        /// Their seeds.
        seeds: Vec<u32>,
        /// The longest that a side of them may be, in pixels.
        side: u32,
    },
    /// One picture, whose styles are moved along directions.
    Edit {
        /// Network and settings.
        look: Look,
        /// The picture that is edited.
        source: Subject,
        /// What its styles are moved by.
        moves: Vec<Move>,
    },
    /// The search for the styles of a picture, step after step.
    Invert {
        /// Network and settings.
        look: Look,
        /// The id of an uploaded picture.
        picture: String,
        /// Steps of the search.
        steps: usize,
    },
    /// A film that can go round and round.
    Film {
        /// Network and settings.
        look: Look,
        /// What it shows.
        scene: Scene,
        /// Frames from one of its stops to the next.
        steps: usize,
        /// Frames in a second.
        fps: u32,
    },
    /// A label map, painted.
    Paint {
        /// The network's name.
        network: String,
        /// The id of a map.
        map: String,
        /// The style it is painted in.
        style: Source,
    },
}

/// Where the styles of painted maps come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// A seed.
    Seed(u32),
    /// The id of an uploaded picture.
    Picture(String),
}

/// The network and the settings that steer it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    /// The network's name among those that the studio knows.
    pub(super) network: String,
    /// Truncation psi (StyleGAN, appendix B).
    pub(super) psi: f64,
    /// Truncates only so many style rows; `None` all.
    pub(super) cutoff: Option<usize>,
    /// Class of the pictures, from 0.
    pub(super) class: Option<usize>,
    /// Noise inputs.
    pub(super) noise: NoiseKind,
    /// Seed of fresh noise.
    pub(super) noise_seed: u64,
}

impl Look {
    /// The settings without the network.
    pub(super) fn settings(&self) -> PictureSettings {
        let &Look { network: _, psi, cutoff, class, noise, noise_seed } = self;
        PictureSettings { psi, cutoff, class, noise, noise_seed }
    }
}

/// Views in the order in which their states are worked on; the number stands in every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub(super) enum View {
    /// [`State::Picture`].
    Picture = 1,
    /// [`State::Mix`].
    Mix = 2,
    /// [`State::Thumbnails`].
    Thumbnails = 3,
    /// [`State::Edit`].
    Edit = 4,
    /// [`State::Paint`].
    Paint = 5,
    /// [`State::Invert`].
    Invert = 6,
    /// [`State::Film`].
    Film = 7,
}

impl Request {
    /// Reads a message of a page.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let found: Message = serde_json::from_str(text).map_err(|error| format!("the message is no wish: {error}"))?;
        match found {
            Message { seq, state: Some(state), stop: None } => {
                state.check()?;
                Ok(Request::Wish(Wish { seq, state }))
            }
            Message { state: None, stop: Some(view), .. } => Ok(Request::Stop(view)),
            _ => Err("the message is no wish: it has either a state or a view to stop".into()),
        }
    }
}

impl State {
    /// Reads a state alone, as links to pictures carry it.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let state: State = serde_json::from_str(text).map_err(|error| format!("this is no state: {error}"))?;
        state.check()?;
        Ok(state)
    }

    /// Which view it is of.
    pub(super) fn view(&self) -> View {
        match self {
            State::Picture { .. } => View::Picture,
            State::Mix { .. } => View::Mix,
            State::Thumbnails { .. } => View::Thumbnails,
            State::Edit { .. } => View::Edit,
            State::Paint { .. } => View::Paint,
            State::Invert { .. } => View::Invert,
            State::Film { .. } => View::Film,
        }
    }

    /// Network and settings; maps are painted without any.
    pub(super) fn look(&self) -> Option<&Look> {
        match self {
            State::Picture { look, .. }
            | State::Mix { look, .. }
            | State::Thumbnails { look, .. }
            | State::Edit { look, .. }
            | State::Invert { look, .. }
            | State::Film { look, .. } => Some(look),
            State::Paint { .. } => None,
        }
    }

    /// The network's name.
    pub(super) fn network(&self) -> &str {
        match self {
            State::Paint { network, .. } => network,
            _ => self.look().map_or("", |look| &look.network),
        }
    }

    /// How many pictures answer it.
    pub(super) fn cells(&self) -> usize {
        match self {
            State::Picture { .. } | State::Edit { .. } | State::Paint { .. } => 1,
            State::Invert { steps, .. } => steps.div_ceil(STEPS_PER_PICTURE),
            State::Mix { rows, columns, .. } => (rows.len() + 1) * (columns.len() + 1) - 1,
            State::Thumbnails { seeds, .. } => seeds.len(),
            State::Film { scene, steps, .. } => scene.stops() * steps,
        }
    }

    /// What can be said without the network.
    fn check(&self) -> Result<(), String> {
        self.look().map_or(Ok(()), |look| check_psi(look.psi))?;
        match self {
            State::Edit { moves, .. } => check_moves(moves),
            State::Film { scene, steps, fps, .. } => scene.check(*steps, *fps),
            State::Invert { steps, .. } if !(1..=MAX_STEPS).contains(steps) => {
                Err(format!("{steps} steps: a search has 1 to {MAX_STEPS}"))
            }
            State::Picture { x, y, .. } if !(x.abs() <= PAD_REACH && y.abs() <= PAD_REACH) => {
                Err(format!("the place ({x}, {y}) lies outside of the pad, which reaches {PAD_REACH} each way"))
            }
            State::Mix { rows, columns, .. } => {
                let fits = |seeds: &Vec<u32>| (1..=MAX_SIDE).contains(&seeds.len());
                match fits(rows) && fits(columns) {
                    true => Ok(()),
                    false => Err(format!(
                        "a table of {} by {}: 1 to {MAX_SIDE} seeds fit on each side",
                        rows.len(),
                        columns.len()
                    )),
                }
            }
            State::Thumbnails { seeds, side, .. }
                if !(1..=MAX_THUMBNAILS).contains(&seeds.len()) || !(8..=256).contains(side) =>
            {
                Err(format!(
                    "{} thumbnails of {side} pixels: 1 to {MAX_THUMBNAILS} of 8 to 256 pixels can be had at a time",
                    seeds.len()
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The four seeds around a place of the pad with their weights, those of weight 0 left out.
pub(super) fn corners(x: f64, y: f64) -> Vec<(u32, f64)> {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (x - left, y - top);
    let seed = |dx: i64, dy: i64| {
        // Seeds go round: left of 0 lies the last of all.
        let number = (left as i64 + dx) + 100 * (top as i64 + dy);
        number.rem_euclid(1 << 32) as u32
    };
    [
        (seed(0, 0), (1. - right_share) * (1. - bottom_share)),
        (seed(1, 0), right_share * (1. - bottom_share)),
        (seed(0, 1), (1. - right_share) * bottom_share),
        (seed(1, 1), right_share * bottom_share),
    ]
    .into_iter()
    .filter(|(_, weight)| *weight > 0.)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: &str = r#""look":{"network":"n","psi":1,"cutoff":null,"class":null,"noise":"const","noise_seed":0}"#;

    #[test]
    fn states_are_read_and_slips_are_named() {
        let picture = format!(r#"{{"seq":7,"state":{{"view":"picture",{LOOK},"x":3,"y":0.5}}}}"#);
        let wish = |text: &str| match Request::parse(text) {
            Ok(Request::Wish(wish)) => Some((wish.seq, wish.state.view())),
            _ => None,
        };
        assert_eq!(wish(&picture), Some((7, View::Picture)));
        assert!(matches!(Request::parse(r#"{"seq":8,"stop":"invert"}"#), Ok(Request::Stop(View::Invert))));
        for both in [r#"{"seq":8}"#.to_owned(), picture.replace("\"state\"", "\"stop\":\"mix\",\"state\"")] {
            assert!(Request::parse(&both).is_err(), "{both}");
        }
        let many = vec!["1"; 17].join(",");
        for (state, part) in [
            (r#"{"view":"drag"}"#.to_owned(), "drag"),
            (format!(r#"{{"view":"picture",{LOOK},"x":1e9,"y":0}}"#), "outside of the pad"),
            (format!(r#"{{"view":"picture",{LOOK},"x":1,"y":0,"z":0}}"#), "z"),
            (format!(r#"{{"view":"mix",{LOOK},"rows":[],"columns":[1],"styles":[0]}}"#), "0 by 1"),
            (format!(r#"{{"view":"mix",{LOOK},"rows":[{many}],"columns":[1],"styles":[0]}}"#), "17 by 1"),
            (format!(r#"{{"view":"thumbnails",{LOOK},"seeds":[1],"side":4096}}"#), "4096 pixels"),
            (format!(r#"{{"view":"thumbnails",{LOOK},"seeds":[-1],"side":64}}"#), "-1"),
            (format!(r#"{{"view":"invert",{LOOK},"picture":"p","steps":0}}"#), "0 steps"),
            (format!(r#"{{"view":"invert",{LOOK},"picture":"p","steps":1000000}}"#), "1000000 steps"),
            (format!(r#"{{"view":"edit",{LOOK},"source":{{"file":"/etc/passwd"}},"moves":[]}}"#), "file"),
            (
                format!(r#"{{"view":"film",{LOOK},"scene":{{"walk":{{"seeds":[1]}}}},"steps":9,"fps":20}}"#),
                "over 1 seeds",
            ),
            (
                format!(r#"{{"view":"film",{LOOK},"scene":{{"walk":{{"seeds":[{many}]}}}},"steps":9,"fps":20}}"#),
                "over 17 seeds",
            ),
            (
                format!(r#"{{"view":"film",{LOOK},"scene":{{"walk":{{"seeds":[1,2]}}}},"steps":241,"fps":20}}"#),
                "241 frames",
            ),
            (
                format!(r#"{{"view":"film",{LOOK},"scene":{{"walk":{{"seeds":[1,2]}}}},"steps":9,"fps":0}}"#),
                "0 a second",
            ),
            (
                format!(
                    r#"{{"view":"edit",{LOOK},"source":{{"seed":1}},"moves":[{{"by":"pca","rows":[],"direction":0,"strength":1e9}}]}}"#
                ),
                "move 0",
            ),
        ] {
            let error = State::parse(&state).err().unwrap_or_default();
            assert!(error.contains(part), "{state}: {error}");
        }
    }

    #[test]
    fn the_pad_blends_its_corners() {
        assert_eq!(corners(3., 2.), [(203, 1.)]);
        assert_eq!(corners(0.25, 0.), [(0, 0.75), (1, 0.25)]);
        assert_eq!(corners(-1., 0.), [(u32::MAX, 1.)]);
        let four = corners(0.5, -0.5);
        assert_eq!(four.iter().map(|(seed, _)| *seed).collect::<Vec<_>>(), [u32::MAX - 99, u32::MAX - 98, 0, 1]);
        assert_eq!(four.iter().map(|(_, weight)| weight).sum::<f64>(), 1.);
    }
}
