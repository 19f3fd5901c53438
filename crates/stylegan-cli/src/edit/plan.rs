//! What the arguments of `stylegan edit` mean.

use super::Args;
use super::moves::{Moves, Span};
use crate::destination::{self, Destination, is_folder};
use crate::exit::wrong;
use crate::film::{FPS, Format};
use crate::latents::Latents;
use crate::layout::LayoutArgs;
use crate::network::Network;
use crate::numbers::count;
use std::path::{Path, PathBuf};

/// Pictures of a strip.
const STRIP: u32 = 7;
/// Frames from one end of a film to the other.
const FRAMES: u32 = 60;

/// Where pictures go.
pub(super) enum Out {
    Still(Destination),
    Film(PathBuf, Format),
}

pub(super) struct Plan {
    pub(super) network: Network,
    /// What is edited; of files each with its name.
    pub(super) sources: Vec<(Option<String>, Latents)>,
    pub(super) moves: Moves,
    pub(super) span: Option<Span>,
    /// The strengths of the varied directions, or any one.
    pub(super) strengths: Vec<f64>,
    pub(super) fps: u32,
    pub(super) layout: LayoutArgs,
    /// The files that are read.
    pub(super) inputs: Vec<PathBuf>,
    pub(super) out: Out,
}

impl Plan {
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        let ending = args.out.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        let film = matches!(ending.as_deref(), Some("gif" | "mp4" | "webm" | "mkv" | "mov")) && !is_folder(&args.out);
        let out = match film {
            true => Out::Film(args.out.clone(), Format::of(&args.out)?),
            false => Out::Still(Destination::of(&args.out)?),
        };
        args.network.check_idle()?;
        let mut network = Network::open(&args.network)?;
        network.check_styles("editing")?;
        let num_ws = network.generator().spec().num_ws;
        let rows = args.rows.as_ref().map(|rows| rows.rows("--rows", num_ws)).transpose()?;
        if rows.as_ref().is_some_and(Vec::is_empty) {
            wrong!("--rows: this network has only {}", count(num_ws as u64, "style row"));
        }
        let moves = Moves::find(&network, &args.directions, &args.direction, &args.keep, rows)?;
        match (args.strip, moves.vary()) {
            (None, true) => wrong!("--direction needs a strength, NAME=2; or give --strip -3..3, which varies it"),
            (Some(_), false) => {
                wrong!("--strip varies directions without a strength, and each has one; write --direction NAME alone")
            }
            _ if matches!(&out, Out::Still(Destination::Tensors(_))) && moves.channel().is_some() => wrong!(
                "--out {}: {} moves a channel of what a layer makes of styles, which a file of styles cannot hold; give \
                 a picture or a folder",
                args.out.display(),
                moves.channel().unwrap_or_default()
            ),
            _ if !film && args.fps.is_some() => {
                wrong!("--fps is for films, and --out {} is none; leave it out", args.out.display())
            }
            (None, _) if film => wrong!("--out {}: a film needs --strip, such as --strip -3..3", args.out.display()),
            _ => {}
        }
        let sources = match &args.latents[..] {
            [] => vec![(None, Latents::seeds(&args.seeds.distinct("--seeds")))],
            files => {
                let open = |path: &PathBuf| {
                    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
                    Ok((name, Latents::open(path, &network)?))
                };
                files.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?
            }
        };
        check_class(&mut network, args, &sources)?;
        let steps = args.steps.unwrap_or(if film { FRAMES } else { STRIP }) as usize;
        let strengths = args.strip.map_or_else(|| vec![0.], |span| span.strengths(steps));
        let files =
            [network.file().to_path_buf()].into_iter().chain(args.latents.iter().chain(&args.directions).cloned());
        let files: Vec<PathBuf> = files.collect();
        let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        let pictures: usize = sources.iter().map(|(_, latents)| latents.len()).sum();
        match &out {
            Out::Still(Destination::Tensors(_)) => {}
            Out::Film(..) => drop(args.layout.columns(pictures, network.size())?),
            Out::Still(_) => drop(args.layout.columns(pictures * strengths.len().max(2), network.size())?),
        }
        match &out {
            Out::Still(out) => out.prepare(&inputs)?,
            Out::Film(path, _) => destination::check(path, &inputs)?,
        }
        let (span, fps, layout) = (args.strip, args.fps.unwrap_or(FPS), args.layout.clone());
        Ok(Plan { network, sources, moves, span, strengths, fps, layout, inputs: files, out })
    }
}

/// Refuses a class beside styles or labels, which are of a class of their own, but where what --keep leaves of a direction
/// is measured on styles of that class; then files say nothing of it.
fn check_class(network: &mut Network, args: &Args, sources: &[(Option<String>, Latents)]) -> anyhow::Result<()> {
    let Some(class) = &args.network.class else { return Ok(()) };
    let files = args.latents.iter().zip(sources);
    let own: Vec<_> = files.filter(|(_, (_, latents))| latents.has_class()).collect();
    let Some((file, (_, latents))) = own.first() else { return Ok(()) };
    if args.keep.is_empty() {
        return latents.check_class(class, file);
    }
    if own.len() < sources.len() {
        wrong!(
            "--class {class}: {} is of a class of its own, and other files of --latents are not; edit them one by one",
            file.display()
        );
    }
    network.set_class(None);
    Ok(())
}
