//! `stylegan generate`: pictures from seeds or latents.

use crate::destination::{self, Destination, GRID};
use crate::exit::{Ending, Outcome, wrong};
use crate::latents::Latents;
use crate::layout::LayoutArgs;
use crate::network::{Network, NetworkArgs};
use crate::numbers::{GridSize, Numbers, count};
use crate::status::{Progress, say};
use crate::writer::{Text, Writer, write_images};
use candle_core::Tensor;
use image::{ImageBuffer, Pixel, PixelWithColorType, RgbImage};
use std::path::{Path, PathBuf};
use stylegan_core::picture::{Band, enlarge, to_pictures, to_transparent, write_png};

/// Make pictures from seeds or latents
///
/// A seed means what it means in the original tools: the latent of seed N is
/// numpy.random.RandomState(N).randn(z_dim).
///
/// Examples:
///   stylegan generate --network runs/avatars-32 --seeds 0-63 --grid --out faces.png
///   stylegan generate --network ffhq.safetensors --seeds 85,265,297 --trunc 0.7 --out out/
///   stylegan generate --network runs/c --all-classes --seeds 0-7 --out classes.png
///   stylegan generate --network a.safetensors --latents w.safetensors --out images.safetensors
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// Seeds: numbers and inclusive ranges.
    ///
    /// Example: --seeds 0-63,85,265
    #[arg(long, value_name = "LIST", default_value = "0-15", conflicts_with = "latents")]
    seeds: Numbers,

    /// Latents from a file instead of seeds: one tensor `z` (n x z_dim), `w` (n x w_dim) or `ws`
    /// (n x num_ws x w_dim), and `label` (n x c_dim, or n class numbers) if the network takes labels; in
    /// safetensors, or NumPy's .npz. Projectors' .npz and .npy (n x num_ws x w_dim) are read by any name.
    #[arg(long, value_name = "FILE")]
    latents: Option<PathBuf>,

    /// Puts all pictures into one, COLUMNS across and ROWS down [default: full rows, nearly square]
    ///
    /// Example: --grid 8x4
    #[arg(long, value_name = "COLUMNSxROWS", num_args = 0..=1, default_missing_value = "auto")]
    grid: Option<GridSize>,

    /// Every class instead of one: a sheet with a row for each, with the same seeds.
    #[arg(long, conflicts_with_all = ["class", "latents", "grid"])]
    all_classes: bool,

    #[command(flatten)]
    layout: LayoutArgs,

    /// A folder (one PNG per picture), a .png file (one picture, or a grid) or a .safetensors file
    /// (tensor `images` [n, c, h, w], f32, about -1 to 1).
    #[arg(long, value_name = "FOLDER|FILE", default_value = "out")]
    out: PathBuf,
}

/// What the arguments mean.
struct Plan {
    network: Network,
    latents: Latents,
    /// All pictures on one sheet, with so many columns.
    columns: Option<usize>,
    /// The classes in words, if each is to have a row of the sheet.
    classes: Option<Vec<String>>,
    layout: LayoutArgs,
    out: Destination,
}

impl Plan {
    fn of(args: &Args) -> anyhow::Result<Self> {
        let out = Destination::of(&args.out)?;
        args.network.check_idle()?;
        let network = Network::open(&args.network)?;
        let latents = match &args.latents {
            Some(path) => {
                let latents = Latents::open(path, &network)?;
                args.network.class.as_ref().map_or(Ok(()), |class| latents.check_class(class, path))?;
                latents
            }
            // A folder has one file per seed.
            None if matches!(out, Destination::Folder(_)) && args.grid.is_none() => {
                Latents::seeds(&args.seeds.distinct("--seeds"))
            }
            None => Latents::seeds(&args.seeds),
        };
        if let Some(GridSize::Fixed { columns, rows }) = args.grid
            && columns * rows < latents.len()
        {
            wrong!("--grid {columns}x{rows} has room for {}, there are {}", columns * rows, latents.len());
        }
        if let (Destination::Tensors(_), true) = (&out, args.all_classes) {
            wrong!("--all-classes makes a picture; give --out a .png file");
        }
        let grid = match (&out, args.grid) {
            (Destination::Tensors(_), Some(_)) => {
                wrong!("--grid makes a picture; leave it out, or give --out a .png file")
            }
            (Destination::Png(_), None) if latents.len() > 1 => Some(GridSize::Auto),
            (_, grid) => grid,
        };
        let classes = args.all_classes.then(|| network.classes());
        let rows = classes.as_ref().map_or(1, Vec::len);
        if rows == 0 {
            wrong!("--all-classes: {} was trained without labels", network.file().display());
        }
        let columns = match grid {
            _ if classes.is_some() => {
                args.layout.columns(latents.len() * rows, network.size())?;
                Some(latents.len())
            }
            None => None,
            Some(size) => {
                let columns = args.layout.columns(latents.len(), network.size())?;
                Some(if let GridSize::Fixed { columns, .. } = size { columns } else { columns })
            }
        };
        args.layout.check(&out)?;
        Ok(Plan { network, latents, columns, classes, layout: args.layout.clone(), out })
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    let mut plan = Plan::of(&args)?;
    let inputs: Vec<&Path> = [plan.network.file()].into_iter().chain(args.latents.as_deref()).collect();
    plan.out.prepare(&inputs)?;
    if let Destination::Folder(folder) = &plan.out {
        let names = (0..plan.latents.len()).map(|i| plan.latents.file_name(i));
        destination::check_names(folder, names.chain([GRID.to_owned()]), &inputs)?;
    }
    let n = plan.latents.len() * plan.classes.as_ref().map_or(1, Vec::len);
    match plan.out.clone() {
        Destination::Tensors(path) => {
            let mut batches = Vec::new();
            plan.each_batch(|_, images| {
                batches.push(images);
                Ok(())
            })?;
            write_images(&path, &batches)?;
            say(&format!("{} in {}", count(n as u64, "picture"), path.display()));
        }
        Destination::Png(path) => {
            match plan.columns {
                Some(columns) => plan.write_sheet(&path, columns)?,
                None if plan.has_alpha() => {
                    plan.each_picture(to_transparent, |i, picture| plan.write(&path, i, &picture))?
                }
                None => plan.each_picture(to_pictures, |i, picture| plan.write(&path, i, &picture))?,
            }
            say(&format!("{} in {}", count(n as u64, "picture"), path.display()));
        }
        Destination::Folder(folder) => match plan.columns {
            Some(columns) => {
                let path = folder.join(GRID);
                plan.write_sheet(&path, columns)?;
                say(&format!("{} in {}", count(n as u64, "picture"), path.display()));
            }
            None => {
                let mut writer = Writer::new()?;
                let path = |i| folder.join(plan.latents.file_name(i));
                if plan.has_alpha() {
                    plan.each_picture(to_transparent, |i, picture| writer.png(path(i), picture, plan.text(i, 1)))?;
                } else {
                    plan.each_picture(to_pictures, |i, picture| writer.png(path(i), picture, plan.text(i, 1)))?;
                }
                writer.finish()?;
                say(&format!("{} in {}", count(n as u64, "picture"), folder.display()));
            }
        },
    }
    Ok(Ending::Done)
}

/// Pictures of 8 bits with pixels of a kind.
type Picture<P> = ImageBuffer<P, Vec<u8>>;

impl Plan {
    /// Computes the pictures batch by batch; `f` receives the number of the first and `[n, c, h, w]`.
    fn each_batch(&self, mut f: impl FnMut(usize, Tensor) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let progress = Progress::new("generating", self.latents.len());
        let batch = self.network.batch();
        for start in (0..self.latents.len()).step_by(batch) {
            let len = batch.min(self.latents.len() - start);
            let indices: Vec<u64> = (start..start + len).map(|i| self.latents.index(i)).collect();
            let ws = self.latents.styles(&self.network, start, len)?;
            f(start, self.network.synthesize(&ws, &indices)?)?;
            progress.advance(len);
        }
        Ok(())
    }

    /// Whether pictures have transparent parts, which files of single ones keep.
    fn has_alpha(&self) -> bool {
        self.network.generator().spec().img_channels == 4
    }

    /// Computes the pictures one by one, each as large as its file, by `to`; `f` receives its number too.
    fn each_picture<P: Pixel<Subpixel = u8> + 'static>(
        &self,
        to: fn(&Tensor) -> stylegan_core::Result<Vec<Picture<P>>>,
        mut f: impl FnMut(usize, Picture<P>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let zoom = self.layout.zoom.unwrap_or(1);
        self.each_batch(|start, images| {
            let pictures = to(&images)?.into_iter().enumerate();
            pictures.into_iter().try_for_each(|(i, picture)| f(start + i, enlarge(&picture, zoom)))
        })
    }

    /// Writes picture `i` alone.
    fn write<P: PixelWithColorType<Subpixel = u8>>(
        &self,
        path: &Path,
        i: usize,
        picture: &Picture<P>,
    ) -> anyhow::Result<()> {
        Ok(write_png(path, picture, &self.text(i, 1))?)
    }

    /// Writes all pictures as one.
    fn write_sheet(&mut self, path: &Path, across: usize) -> anyhow::Result<()> {
        let n = self.latents.len();
        let captions: Vec<String> = (0..n).map(|i| self.latents.caption(i)).collect();
        let mut band = Band { title: self.network.heading(), across: across.min(n), ..Band::default() };
        let text = match self.classes.clone() {
            None => {
                band.pictures = self.pictures()?;
                band.captions = captions;
                self.text(0, n)
            }
            Some(classes) => {
                for class in 0..classes.len() {
                    self.network.set_class(Some(class));
                    band.pictures.extend(self.pictures()?);
                }
                self.network.set_class(None);
                let mut text = self.text(0, n);
                text.push(("stylegan:row-class", classes.join(", ")));
                (band.rows, band.columns) = (classes, captions);
                text
            }
        };
        Ok(write_png(path, &self.layout.sheet(vec![band]).draw(), &text)?)
    }

    /// All pictures, as a sheet takes them.
    fn pictures(&self) -> anyhow::Result<Vec<Option<RgbImage>>> {
        let mut pictures = Vec::with_capacity(self.latents.len());
        self.each_batch(|_, images| {
            pictures.extend(to_pictures(&images)?.into_iter().map(Some));
            Ok(())
        })?;
        Ok(pictures)
    }

    /// What a file says of the pictures `start..start + len`.
    fn text(&self, start: usize, len: usize) -> Text {
        let mut text = self.network.text();
        text.push(self.latents.text(start, len));
        text
    }
}
