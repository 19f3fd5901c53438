//! `stylegan interpolate`: a walk from seed to seed, as frames or as a film.

use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::film::{FPS, Film, Format, frame_name, usual_zoom};
use crate::gif;
use crate::network::{Network, NetworkArgs};
use crate::numbers::{Numbers, count, whole};
use crate::status::{Progress, say};
use crate::writer::Text;
use candle_core::Tensor;
use clap::ValueEnum;
use std::path::PathBuf;
use stylegan_core::latent::{arc, lerp};
use stylegan_core::picture::{enlarge, to_pictures};

/// Walk from seed to seed, as frames or as a film
///
/// Frames in a folder are as large as the network makes them; films of small pictures are enlarged
/// to about 256 pixels. Browsers show no more than 50 frames a second of a .gif: of faster ones some
/// frames are left out, so that the film keeps its length.
///
/// Films ending in .mp4, .webm, .mkv or .mov need ffmpeg; .gif and animated .png are written without
/// it.
///
/// Examples:
///   stylegan interpolate --network runs/avatars-32 --seeds 0-7 --out walk.mp4
///   stylegan interpolate --network runs/avatars-32 --seeds 3,9 --frames 30 --space z --out walk.gif
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// Seeds to visit, in this order; at least two.
    ///
    /// Example: --seeds 0-7
    #[arg(long, value_name = "LIST")]
    seeds: Numbers,

    /// Frames from one seed to the next.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = whole::<u32>(1..=100_000))]
    frames: u32,

    /// Frames per second of a film [default: 30]
    #[arg(long, value_name = "HZ", value_parser = whole::<u32>(1..=100))]
    fps: Option<u32>,

    /// Where the path runs: straight lines between styles (w), or great circles between latents (z).
    #[arg(long, value_enum, default_value_t = Space::W)]
    space: Space,

    /// Ends at the last seed; otherwise the walk returns to the first, so that a film can loop.
    #[arg(long)]
    open: bool,

    /// Enlarges the frames this many times, without smoothing [default: films to about 256 pixels,
    /// frames in a folder not at all]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=64))]
    zoom: Option<u32>,

    /// A folder (frame000000.png, ...), or a film: .mp4, .webm, .mkv, .mov, .gif or .png (animated).
    #[arg(long, value_name = "FOLDER|FILE", default_value = "out")]
    out: PathBuf,
}

/// Where interpolation happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Space {
    /// Straight lines between styles.
    W,
    /// Great circles between latents.
    Z,
}

pub(crate) fn run(args: Args) -> Outcome {
    let seeds = &args.seeds.0;
    if seeds.len() < 2 {
        wrong!("--seeds: a walk needs at least two seeds, there is {}", seeds.len());
    }
    let format = Format::of(&args.out)?;
    if let (Format::Frames, Some(_)) = (format, args.fps) {
        wrong!("--fps is for films, and --out {} is none; leave it out", args.out.display());
    }
    let fps = args.fps.unwrap_or(FPS);
    args.network.check_idle()?;
    let network = Network::open(&args.network)?;
    destination::check(&args.out, &[network.file()])?;
    let stops = Stops::new(&network, seeds, args.space)?;
    let legs = if args.open { seeds.len() - 1 } else { seeds.len() };
    let frames = legs * args.frames as usize + usize::from(args.open);
    if format == Format::Frames {
        destination::check_names(&args.out, (0..frames).map(frame_name), &[network.file()])?;
    }
    let [h, w] = network.size();
    let zoom = args.zoom.unwrap_or(match format {
        Format::Frames => 1,
        _ => usual_zoom([h, w]),
    });
    if format == Format::Gif && fps > gif::MAX_FPS {
        say(&format!(
            "a GIF has at most {} frames a second: some of the {fps} are left out, the film keeps its length",
            gif::MAX_FPS
        ));
    }
    let mut text = network.text();
    text.extend(about(&args.seeds, args.space, args.frames as usize));
    let size = [h as u32 * zoom, w as u32 * zoom];
    let mut film = Film::create(&args.out, format, size, fps, frames, text)?;
    let progress = Progress::new("walking", frames);
    let all: Vec<usize> = (0..frames).collect();
    for batch in all.chunks(network.batch()) {
        let rows = batch
            .iter()
            .map(|&frame| {
                let (leg, step) = (frame / args.frames as usize, frame % args.frames as usize);
                stops.between(leg % seeds.len(), (leg + 1) % seeds.len(), step as f64 / f64::from(args.frames))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let ws = stops.styles(&network, &Tensor::cat(&rows, 0)?)?;
        // One index for all frames: fresh noise would flicker from frame to frame.
        for picture in to_pictures(&network.synthesize(&ws, &vec![0; batch.len()])?)? {
            film.push(enlarge(&picture, zoom))?;
        }
        progress.advance(batch.len());
    }
    let shown = film.shown();
    film.finish()?;
    drop(progress);
    say(&format!("{} in {}", count(shown as u64, "frame"), args.out.display()));
    Ok(Ending::Done)
}

/// What the file of a walk says of it, with so many frames from each seed to the next.
pub(crate) fn about(seeds: &Numbers, space: Space, frames: usize) -> Text {
    let space = match space {
        Space::W => "w",
        Space::Z => "z",
    };
    vec![
        ("stylegan:walk", seeds.to_string()),
        ("stylegan:walk-space", space.to_owned()),
        ("stylegan:walk-frames", frames.to_string()),
    ]
}

/// The places that the walk visits.
struct Stops {
    /// Latents `[n, z_dim]` or style rows `[n, num_ws, w_dim]`.
    rows: Tensor,
    space: Space,
}

impl Stops {
    fn new(network: &Network, seeds: &[u32], space: Space) -> anyhow::Result<Self> {
        let z = network.latents(seeds)?;
        let rows = match space {
            Space::Z => z,
            Space::W => network.styles(&z, network.labels(seeds.len())?.as_ref())?,
        };
        Ok(Stops { rows, space })
    }

    /// The place at `t` in [0, 1) between two stops, `[1, ...]`.
    fn between(&self, a: usize, b: usize, t: f64) -> anyhow::Result<Tensor> {
        let (a, b) = (self.rows.narrow(0, a, 1)?, self.rows.narrow(0, b, 1)?);
        Ok(match self.space {
            Space::W => lerp(&a, &b, &[t])?,
            Space::Z => arc(&a, &b, &[t])?,
        })
    }

    fn styles(&self, network: &Network, rows: &Tensor) -> anyhow::Result<Tensor> {
        match self.space {
            Space::W => Ok(rows.clone()),
            Space::Z => network.styles(rows, network.labels(rows.dims()[0])?.as_ref()),
        }
    }
}
