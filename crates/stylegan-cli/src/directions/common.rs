//! What all ways of finding directions share: the network, the style rows, the file.

use crate::destination;
use crate::device::DeviceArgs;
use crate::exit::{Ending, Outcome, wrong};
use crate::mix::{Styles as StyleRows, style_list};
use crate::network::{Network, NetworkArgs};
use crate::numbers::count;
use crate::precision::PrecisionArgs;
use crate::status::{Progress, print, say};
use candle_core::Tensor;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use stylegan_core::directions::{Direction, Directions};
use stylegan_core::printable;
use stylegan_metrics::directions::Styles;

/// Directions that are kept if nobody says how many.
const COUNT: usize = 10;

/// The options of every way.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CommonArgs {
    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows, the folder of a run:
    /// then its newest checkpoint, or a name: `stylegan models` lists those that come with the program.
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: PathBuf,

    /// Class of the styles: its name, or its number.
    #[arg(long, value_name = "NAME|N")]
    pub(super) class: Option<String>,

    /// Style rows that the directions move: numbers and inclusive ranges, or coarse (0-3: pose, shape), middle
    /// (4-7: features, hair) or fine (8 and up: colours) [default: all]
    ///
    /// Example: --rows 4-9
    #[arg(long, value_name = "LIST|NAME")]
    rows: Option<StyleRows>,

    /// Seed of the latents.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,

    #[command(flatten)]
    device: DeviceArgs,

    /// The file to write.
    #[arg(long, value_name = "FILE.safetensors", default_value = "directions.safetensors")]
    out: PathBuf,
}

/// The options of the ways that look at how styles lie.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SpreadArgs {
    #[command(flatten)]
    common: CommonArgs,

    /// Directions to keep [default: 10]
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// Styles that deviations are measured on.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    samples: usize,
}

/// What they mean.
pub(super) struct Common {
    pub(super) network: Network,
    pub(super) rows: Vec<usize>,
    out: PathBuf,
}

impl Common {
    /// Opens the network and tries the place of the file; `inputs` are read besides.
    pub(super) fn of(args: &CommonArgs, inputs: &[&Path]) -> anyhow::Result<Self> {
        if args.out.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("safetensors")) {
            wrong!("--out {}: directions are kept in a .safetensors file", args.out.display());
        }
        let (class, precision) = (args.class.as_deref(), PrecisionArgs::default());
        let network = Network::open(&NetworkArgs::plain(&args.network, class, args.device, precision))?;
        network.check_styles("a direction")?;
        let num_ws = network.generator().spec().num_ws;
        let rows = match &args.rows {
            Some(rows) => rows.rows("--rows", num_ws)?,
            None => (0..num_ws).collect(),
        };
        if rows.is_empty() {
            wrong!("--rows: this network has only {}", count(num_ws as u64, "style row"));
        }
        let inputs: Vec<&Path> = inputs.iter().copied().chain([network.file()]).collect();
        destination::file(&args.out, &inputs)?;
        Ok(Common { network, rows, out: args.out.clone() })
    }

    /// The network, how many directions are to be kept, and how its styles lie.
    pub(super) fn with_styles(args: &SpreadArgs) -> anyhow::Result<(Self, usize, Styles)> {
        let common = Self::of(&args.common, &[])?;
        let count = count_of(args.count, &common.network)?;
        let styles = common.styles(args.samples, args.common.seed)?;
        Ok((common, count, styles))
    }

    /// How the network's styles lie.
    pub(super) fn styles(&self, samples: usize, seed: u64) -> anyhow::Result<Styles> {
        if samples < 2 {
            wrong!("--samples {samples}: give at least 2, commonly 100000");
        }
        let label = self.network.labels(1)?;
        let progress = Progress::new("mapping latents", samples);
        let mut done = 0;
        let tell = &mut |now| {
            progress.advance(now - done);
            done = now;
        };
        Ok(Styles::new(self.network.generator(), label.as_ref(), samples, seed, tell)?)
    }

    /// Writes the directions and says what they are.
    pub(super) fn finish(&self, list: Vec<Direction>) -> Outcome {
        let lines = list.iter().map(|d| format!("{:<20} sigma {:.4}  {}\n", d.name, d.sigma, d.how));
        let table: String = lines.collect();
        let n = list.len() as u64;
        Directions { list, network: self.network.model().content_hash().map(str::to_owned) }.save(&self.out)?;
        print(&table)?;
        say(&format!("{} of style rows {} in {}", count(n, "direction"), style_list(&self.rows), self.out.display()));
        Ok(Ending::Done)
    }
}

/// Refuses blank names, by which nothing is found, and two directions of one name, which no file of directions holds;
/// `remedy` says how they get others.
pub(super) fn check_names<'a>(names: impl IntoIterator<Item = &'a String>, remedy: &str) -> anyhow::Result<()> {
    let mut known = HashSet::new();
    for (i, name) in names.into_iter().enumerate() {
        if name.trim().is_empty() {
            wrong!("the name of direction {i} would be blank; {remedy}");
        }
        if !known.insert(typable(name)) {
            wrong!("two directions would have the name {}; {remedy}", printable(&typable(name)));
        }
    }
    Ok(())
}

/// A name without what `--direction NAME=STRENGTH` cannot hold.
pub(super) fn typable(name: &str) -> String {
    name.replace([' ', '='], "-")
}

/// Images `[n, c, h, w]` of 1, 3 or 4 channels as networks see them that look at pictures: `[n, 3, h, w]`.
pub(crate) fn rgb(images: &Tensor) -> candle_core::Result<Tensor> {
    match images.dim(1)? {
        1 => Tensor::cat(&[images; 3], 1),
        _ => images.narrow(1, 0, 3)?.contiguous(),
    }
}

/// How many directions are looked for: as many as were asked for, if there are so many.
fn count_of(asked: Option<usize>, network: &Network) -> anyhow::Result<usize> {
    let w_dim = network.generator().spec().w_dim;
    match asked {
        None => Ok(COUNT.min(w_dim)),
        Some(asked) if (1..=w_dim).contains(&asked) => Ok(asked),
        Some(asked) => wrong!("--count {asked}: styles of {w_dim} numbers have 1 to {w_dim} directions"),
    }
}
