//! `stylegan edit`: pictures moved along directions.

mod draw;
pub(crate) mod moves;
mod plan;

use crate::exit::{Ending, Outcome};
use crate::layout::LayoutArgs;
use crate::mix::Styles;
use crate::network::NetworkArgs;
use crate::numbers::{Numbers, whole};
use moves::{Span, Wish};
use plan::Plan;
use std::path::PathBuf;

/// Change pictures along directions
///
/// Styles of seeds or of inverted pictures are moved along directions that `stylegan directions` found,
/// after truncation. Strengths count sigmas, the deviation of styles along a direction: 2 is much, 3 is
/// extreme. With --strip the directions without a strength run through its range.
///
/// Examples:
///   stylegan edit --network avatars-64 --seeds 0-3 --direction blond-hair=2 --out blond.png
///   stylegan edit --network runs/faces --seeds 0-7 --directions d.safetensors --direction smile=2
///       --out smile.png
///   stylegan edit --network runs/faces --latents inverted/photo.safetensors --directions d.safetensors
///       --direction smile --keep age,glasses --rows 4-9 --strip -3..3 --out strip.png
///   stylegan edit --network runs/faces --seeds 3 --directions d.safetensors --direction pc-0
///       --strip -2..2 --out a.gif
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// Seeds: numbers and inclusive ranges.
    #[arg(long, value_name = "LIST", default_value = "0-3", conflicts_with = "latents")]
    seeds: Numbers,

    /// Latents from files instead of seeds, one after the other: those of `stylegan invert`, or as `stylegan
    /// generate --latents` takes them.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    latents: Vec<PathBuf>,

    /// Files of directions [default: those that come with the network, which `stylegan models NAME` lists]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    directions: Vec<PathBuf>,

    /// A direction and its strength in sigmas; may be given several times. Without a strength it is the one that
    /// --strip varies.
    ///
    /// Example: --direction smile=2 --direction age=-1.5
    #[arg(long, value_name = "NAME[=STRENGTH]", required = true)]
    direction: Vec<Wish>,

    /// Directions along which nothing may change: the others are moved at right angles to them, and count the sigmas of what
    /// is left of them.
    ///
    /// Example: --keep age,glasses
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    keep: Vec<String>,

    /// Style rows that move: numbers and inclusive ranges, coarse, middle or fine [default: those of the direction]
    ///
    /// Example: --rows 4-9
    #[arg(long, value_name = "LIST|NAME")]
    rows: Option<Styles>,

    /// Every picture in a row over these strengths, or a film through them.
    ///
    /// Example: --strip -3..3
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    strip: Option<Span>,

    /// Pictures of a strip, or frames of a film from one end to the other [default: 7 and 60]
    #[arg(long, value_name = "N", requires = "strip", value_parser = whole::<u32>(2..=10_000))]
    steps: Option<u32>,

    /// Frames per second of a film [default: 30]
    #[arg(long, value_name = "HZ", value_parser = whole::<u32>(1..=100))]
    fps: Option<u32>,

    #[command(flatten)]
    layout: LayoutArgs,

    /// A folder (a file per picture, NAME-edited.png or NAME-strip.png), a .png file (one sheet), a film (.mp4, .webm, .mkv, .mov or .gif, with --strip), or
    /// a .safetensors file (the moved styles as tensor ws, for --latents).
    #[arg(long, value_name = "FOLDER|FILE", default_value = "out")]
    out: PathBuf,
}

pub(crate) fn run(args: Args) -> Outcome {
    let plan = Plan::of(&args)?;
    plan.draw()?;
    Ok(Ending::Done)
}
