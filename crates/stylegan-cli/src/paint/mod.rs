//! `stylegan paint`: pictures of label maps.

mod class_colours;
pub(crate) mod facts;
mod maps;
pub(crate) mod painter;
mod painting;
mod sheet;
pub(crate) mod styles;
mod truths;
mod uniform;

use crate::destination::{self, Destination};
use crate::device::DeviceArgs;
use crate::exit::{Ending, Outcome, wrong};
use crate::layout::LayoutArgs;
use crate::numbers::{Numbers, count};
use crate::pictures::name_of;
use crate::precision::PrecisionArgs;
use crate::status::{print, say};
use crate::writer::{Text, Writer, write_images};
use candle_core::{Device, Tensor};
use clap::ArgGroup;
use class_colours::ClassColours;
use image::RgbImage;
use maps::Maps;
use painter::Painter;
use painting::Painting;
use std::path::{Path, PathBuf};
use stylegan_core::picture::{enlarge, to_pictures, write_png};
use styles::Styles;

/// Paint label maps with a SPADE or pix2pixHD network
///
/// A map is a PNG file that says which class each pixel is to show: by its number (grey, or the place
/// in a palette), or by its colour, where a classes.json beside the maps or in the folder above gives
/// colours to classes. Maps are resized to the network's size by nearest neighbours. `stylegan inspect`
/// lists the classes of a network. Styles, of --seeds or of --style, have networks that were trained
/// with them, as spade/earth-64-styles is; the others paint each map in one way.
///
/// Examples:
///   stylegan paint --network runs/earth-64 --map map.png --out picture.png
///   stylegan paint --network runs/earth-64-styles --map maps/ --seeds 0-3 --out sheet.png
///   stylegan paint --network runs/earth-64-styles --map maps/ --style dusk.jpg --style noon.jpg
///       --out sheet.png
///   stylegan paint --network runs/earth-64 --map set/labels/ --truth set/ --beside runs/other
///       --out sheet.png
///   stylegan paint --network latest_net_G.pth --map maps/ --instances instances/ --out out/
///   stylegan paint --network runs/earth-64 --uniform --out classes.png
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, group(ArgGroup::new("maps").args(["map", "uniform"]).required(true)))]
pub(crate) struct Args {
    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows (latest_net_G.pth), the folder of a run:
    /// then its newest checkpoint, or a name: `stylegan models` lists those that come with the program.
    ///
    /// Example: --network runs/earth-64
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: PathBuf,

    /// A map, or a folder of maps.
    #[arg(long, value_name = "FILE.png|FOLDER")]
    map: Option<PathBuf>,

    /// In place of --map a map of each class alone; also prints how far apart their pictures are from
    /// class to class (and with --truth from those of a set).
    #[arg(long, conflicts_with = "instances")]
    uniform: bool,

    /// Instance maps, for networks that read the edges between things: a PNG file of any numbers or
    /// colours, or a folder of files with the maps' names.
    #[arg(long, value_name = "FILE.png|FOLDER")]
    instances: Option<PathBuf>,

    /// A picture whose style the maps are painted in, by the network's image encoder; may be given
    /// several times.
    #[arg(long, value_name = "PICTURE", conflicts_with = "seeds")]
    style: Vec<PathBuf>,

    /// The file or run that holds the image encoder [default: that of the network]
    ///
    /// Example: --encoder latest_net_E.pth
    #[arg(long, value_name = "FILE|RUN", requires = "style")]
    encoder: Option<PathBuf>,

    /// Seeds of styles: numbers and inclusive ranges [default: 0, for networks with styles]
    ///
    /// Example: --seeds 0-3
    #[arg(long, value_name = "LIST", alias = "seed")]
    seeds: Option<Numbers>,

    /// The pictures that the maps are of, as a column of the sheet: a folder or ZIP file with pictures of the maps' names.
    /// With --uniform a set with label maps: also prints how far the colour of each class is from that in the set.
    ///
    /// Example: --truth held-back/
    #[arg(long, value_name = "FOLDER|ZIP")]
    truth: Option<PathBuf>,

    /// Another network that paints the same maps, as a column of the sheet, in the style of seed 0 if it has styles; may be
    /// given several times.
    ///
    /// Example: --beside runs/pix2pixhd
    #[arg(long, value_name = "FILE|RUN", conflicts_with = "uniform")]
    beside: Vec<PathBuf>,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(flatten)]
    precision: PrecisionArgs,

    #[command(flatten)]
    layout: LayoutArgs,

    /// A folder (one PNG per map and style, in folders as the maps), a .png file (one picture; a sheet of several, beside their
    /// maps) or a .safetensors file (tensor `images` [n, c, h, w], f32, about -1 to 1).
    #[arg(long, value_name = "FOLDER|FILE", default_value = "out")]
    out: PathBuf,
}

/// What the arguments mean.
struct Plan {
    painting: Painting,
    /// What other networks paint of the same maps.
    beside: Vec<Painting>,
    /// What the maps are of.
    truths: Option<Vec<RgbImage>>,
    /// What colours classes have, where each is painted alone.
    colours: Option<ClassColours>,
    layout: LayoutArgs,
    out: Destination,
}

pub(crate) fn run(args: Args) -> Outcome {
    let plan = Plan::of(&args)?;
    let n = plan.painting.len();
    let place = match &plan.out {
        Destination::Tensors(path) => {
            let mut batches = Vec::new();
            plan.painting.each_batch(|_, images| {
                batches.push(images);
                Ok(())
            })?;
            write_images(path, &batches)?;
            path
        }
        Destination::Png(path) if n == 1 && !plan.has_columns() => {
            plan.each_picture(|i, picture| Ok(write_png(path, &picture, &plan.text(&[i]))?))?;
            path
        }
        Destination::Png(path) => {
            sheet::write(&plan, path)?;
            path
        }
        Destination::Folder(folder) => {
            let mut writer = Writer::new()?;
            plan.each_picture(|i, picture| {
                let file = folder.join(plan.file_name(i));
                file.parent().map(destination::make).transpose()?;
                writer.png(file, picture, plan.text(&[i]))
            })?;
            writer.finish()?;
            folder
        }
    };
    say(&format!("{} in {}", count(n as u64, "picture"), place.display()));
    if args.uniform {
        print(&plan.between_classes()?)?;
    }
    Ok(Ending::Done)
}

impl Plan {
    fn of(args: &Args) -> anyhow::Result<Self> {
        let out = Destination::of(&args.out)?;
        args.layout.check(&out)?;
        let device = args.device.chosen()?;
        let painter = Painter::open(&args.network, &device, args.precision)?;
        let maps = match &args.map {
            Some(map) => Maps::open(map, args.instances.as_deref(), &painter)?,
            None => Maps::uniform(&painter)?,
        };
        let styles = match &args.style[..] {
            [] => Styles::seeds(args.seeds.as_ref(), &painter)?,
            files => Styles::pictures(files, args.encoder.as_ref().unwrap_or(&args.network), &painter)?,
        };
        let painting = Painting { name: name_of(&args.network, "network"), painter, maps, styles };
        let beside =
            args.beside.iter().map(|network| other(network, &device, args)).collect::<anyhow::Result<Vec<_>>>()?;
        let [h, w] = painting.painter.size();
        let (columns, colours) = if args.uniform { (None, args.truth.as_ref()) } else { (args.truth.as_ref(), None) };
        let truths = columns.map(|set| truths::read(set, &painting.maps.all, [h, w])).transpose()?;
        let classes: Vec<u32> = painting.maps.all.iter().filter_map(|map| map.classes.first().copied()).collect();
        let colours = colours.map(|set| ClassColours::of_set(set, &classes)).transpose()?;
        let plan = Plan { painting, beside, truths, colours, layout: args.layout.clone(), out };
        if plan.has_columns() && !matches!(plan.out, Destination::Png(_)) {
            wrong!("--truth and --beside are columns of a sheet; give --out a .png file");
        }
        if let (Destination::Png(_), n @ 2..) = (&plan.out, plan.cells()) {
            plan.layout.columns(n, [h, w])?;
        }
        let given = [&args.map, &args.instances, &args.encoder, &args.truth].into_iter().flatten();
        let mut inputs: Vec<&Path> = given.chain(&args.style).map(PathBuf::as_path).collect();
        inputs.extend(plan.paintings().map(|painting| painting.painter.file()));
        if let Destination::Folder(folder) = &plan.out {
            destination::check_names(folder, (0..plan.painting.len()).map(|i| plan.file_name(i)), &inputs)?;
        }
        plan.out.prepare(&inputs)?;
        Ok(plan)
    }

    /// What all networks paint.
    fn paintings(&self) -> impl Iterator<Item = &Painting> {
        std::iter::once(&self.painting).chain(&self.beside)
    }

    /// Whether a sheet has columns beside those of maps and styles.
    fn has_columns(&self) -> bool {
        self.truths.is_some() || !self.beside.is_empty()
    }

    /// Pictures that a sheet has, with maps.
    fn cells(&self) -> usize {
        let maps = self.painting.maps.all.len();
        2 * self.painting.len() + maps * (self.beside.len() + usize::from(self.truths.is_some()))
    }

    /// The place of a picture in the folder of all: that of its map below `--map`.
    fn file_name(&self, i: usize) -> PathBuf {
        let (map, style) = self.painting.pair(i);
        let map = &self.painting.maps.all[map];
        map.folder.join(format!("{}{}.png", map.stem, self.painting.styles.suffix(style)))
    }

    /// What a file says of these pictures.
    fn text(&self, pictures: &[usize]) -> Text {
        let Painting { painter, maps: all, styles: of_styles, .. } = &self.painting;
        let mut text = painter.text();
        let (mut maps, mut styles): (Vec<_>, Vec<_>) = pictures.iter().map(|&i| self.painting.pair(i)).unzip();
        maps.dedup();
        styles.sort_unstable();
        styles.dedup();
        let name = |&map: &usize| all.all[map].file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        text.push(("stylegan:map", maps.iter().map(name).collect::<Vec<_>>().join(", ")));
        text.extend(of_styles.text(&styles));
        text
    }

    /// How far apart the pictures of maps are, in the first style.
    fn between_classes(&self) -> anyhow::Result<String> {
        let mut pictures = Vec::new();
        self.painting.each_batch(|start, images| {
            for i in 0..images.dim(0)? {
                if self.painting.pair(start + i).1 == 0 {
                    pictures.push(images.narrow(0, i, 1)?);
                }
            }
            Ok(())
        })?;
        let names: Vec<String> = self.painting.maps.all.iter().map(|map| map.stem.clone()).collect();
        let device = self.painting.painter.model().params().device();
        uniform::table(&Tensor::cat(&pictures, 0)?, &names, device, self.colours.as_ref())
    }

    /// Paints the pictures one by one, each as large as its file; `f` receives its number too.
    fn each_picture(&self, mut f: impl FnMut(usize, RgbImage) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let zoom = self.layout.zoom.unwrap_or(1);
        self.painting.each_batch(|start, images| {
            let mut pictures = to_pictures(&images)?.into_iter().enumerate();
            pictures.try_for_each(|(i, picture)| f(start + i, enlarge(&picture, zoom)))
        })
    }
}

/// Another network that paints the same maps, on a device.
fn other(network: &Path, device: &Device, args: &Args) -> anyhow::Result<Painting> {
    let painter = Painter::open(network, device, args.precision)?;
    let instances = args.instances.as_deref().filter(|_| painter.spec().edges);
    let Some(map) = &args.map else { wrong!("--beside: give --map as well") };
    let maps = Maps::open(map, instances, &painter)?;
    let styles = Styles::seeds(None, &painter)?;
    Ok(Painting { name: name_of(network, "network"), painter, maps, styles })
}
