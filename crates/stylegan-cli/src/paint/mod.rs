//! `stylegan paint`: pictures of label maps.

mod maps;
pub(crate) mod painter;
pub(crate) mod styles;
mod uniform;

use crate::destination::{self, Destination};
use crate::exit::{Ending, Outcome};
use crate::layout::LayoutArgs;
use crate::map_picture::{beside, map_picture};
use crate::numbers::{Numbers, count};
use crate::precision::PrecisionArgs;
use crate::status::{Progress, print, say};
use crate::writer::{Text, Writer, write_images};
use candle_core::Tensor;
use image::RgbImage;
use maps::Maps;
use painter::Painter;
use std::path::{Path, PathBuf};
use stylegan_core::picture::{Band, enlarge, to_pictures, write_png};
use styles::Styles;

/// The most letters of a name that stand beside a row.
const HEADING: usize = 24;

/// Paint label maps with a SPADE or pix2pixHD network
///
/// A map is a PNG file that says which class each pixel is to show: by its number (grey, or the place
/// in a palette), or by its colour, where a classes.json beside the maps or in the folder above gives
/// colours to classes. Maps are resized to the network's size by nearest neighbours. `stylegan inspect`
/// lists the classes of a network. Styles, of --seeds or of --style, have networks that were trained with them, as
/// spade/earth-64-styles is; the others paint each map in one way.
///
/// Examples:
///   stylegan paint --network runs/earth-64 --map map.png --out picture.png
///   stylegan paint --network earth-64-spade --map maps/ --seeds 0-3 --out sheet.png
///   stylegan paint --network runs/earth-64-styles --map maps/ --style dusk.jpg --style noon.jpg --out sheet.png
///   stylegan paint --network latest_net_G.pth --map maps/ --instances instances/ --out out/
///   stylegan paint --network runs/earth-64 --uniform --out classes.png
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows (latest_net_G.pth), the folder of a run:
    /// then its newest checkpoint, or a name: `stylegan models` lists those that come with the program.
    ///
    /// Example: --network runs/earth-64
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: PathBuf,

    /// A map, or a folder of maps.
    #[arg(long, value_name = "FILE.png|FOLDER", required_unless_present = "uniform")]
    map: Option<PathBuf>,

    /// In place of --map a map of each class alone; also prints how far apart their pictures are from
    /// class to class.
    #[arg(long, conflicts_with_all = ["map", "instances"])]
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

    #[command(flatten)]
    precision: PrecisionArgs,

    #[command(flatten)]
    layout: LayoutArgs,

    /// A folder (one PNG per map and style), a .png file (one picture; a sheet of several, beside their
    /// maps) or a .safetensors file (tensor `images` [n, c, h, w], f32, about -1 to 1).
    #[arg(long, value_name = "FOLDER|FILE", default_value = "out")]
    out: PathBuf,
}

/// What the arguments mean: every map in every style.
struct Plan {
    painter: Painter,
    maps: Maps,
    styles: Styles,
    layout: LayoutArgs,
    out: Destination,
}

pub(crate) fn run(args: Args) -> Outcome {
    let plan = Plan::of(&args)?;
    let n = plan.len();
    let place = match &plan.out {
        Destination::Tensors(path) => {
            let mut batches = Vec::new();
            plan.each_batch(|_, images| {
                batches.push(images);
                Ok(())
            })?;
            write_images(path, &batches)?;
            path
        }
        Destination::Png(path) if n == 1 => {
            plan.each_picture(|i, picture| Ok(write_png(path, &picture, &plan.text(&[i]))?))?;
            path
        }
        Destination::Png(path) => {
            plan.write_sheet(path)?;
            path
        }
        Destination::Folder(folder) => {
            let mut writer = Writer::new()?;
            plan.each_picture(|i, picture| writer.png(folder.join(plan.file_name(i)), picture, plan.text(&[i])))?;
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
        let painter = Painter::open(&args.network, args.precision)?;
        let maps = match &args.map {
            Some(map) => Maps::open(map, args.instances.as_deref(), &painter)?,
            None => Maps::uniform(&painter)?,
        };
        let styles = match &args.style[..] {
            [] => Styles::seeds(args.seeds.as_ref(), &painter)?,
            files => Styles::pictures(files, args.encoder.as_ref().unwrap_or(&args.network), &painter)?,
        };
        let plan = Plan { painter, maps, styles, layout: args.layout.clone(), out };
        let [h, w] = plan.painter.size();
        if let (Destination::Png(_), n @ 2..) = (&plan.out, plan.len()) {
            plan.layout.columns(2 * n, [h, w])?;
        }
        let given = [&args.map, &args.instances, &args.encoder].into_iter().flatten();
        let mut inputs: Vec<&Path> = given.chain(&args.style).map(PathBuf::as_path).collect();
        inputs.push(plan.painter.file());
        if let Destination::Folder(folder) = &plan.out {
            (0..plan.len()).try_for_each(|i| destination::check(&folder.join(plan.file_name(i)), &inputs))?;
        }
        plan.out.prepare(&inputs)?;
        Ok(plan)
    }

    /// How many pictures there are.
    fn len(&self) -> usize {
        self.maps.all.len() * self.styles.len()
    }

    /// The map and the style of a picture.
    fn pair(&self, i: usize) -> (usize, usize) {
        (i / self.styles.len(), i % self.styles.len())
    }

    fn file_name(&self, i: usize) -> String {
        let (map, style) = self.pair(i);
        format!("{}{}.png", self.maps.all[map].stem, self.styles.suffix(style))
    }

    /// What a file says of these pictures.
    fn text(&self, pictures: &[usize]) -> Text {
        let mut text = self.painter.text();
        let (mut maps, mut styles): (Vec<_>, Vec<_>) = pictures.iter().map(|&i| self.pair(i)).unzip();
        maps.dedup();
        styles.sort_unstable();
        styles.dedup();
        let name =
            |&map: &usize| self.maps.all[map].file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        text.push(("stylegan:map", maps.iter().map(name).collect::<Vec<_>>().join(", ")));
        text.extend(self.styles.text(&styles));
        text
    }

    /// How far apart the pictures of maps are, in the first style.
    fn between_classes(&self) -> anyhow::Result<String> {
        let mut pictures = Vec::new();
        self.each_batch(|start, images| {
            for i in 0..images.dim(0)? {
                if self.pair(start + i).1 == 0 {
                    pictures.push(images.narrow(0, i, 1)?);
                }
            }
            Ok(())
        })?;
        let names: Vec<String> = self.maps.all.iter().map(|map| map.stem.clone()).collect();
        uniform::table(&Tensor::cat(&pictures, 0)?, &names)
    }

    /// Paints the pictures batch by batch; `f` receives the number of the first and `[n, c, h, w]`.
    fn each_batch(&self, mut f: impl FnMut(usize, Tensor) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let progress = Progress::new("painting", self.len());
        let all: Vec<usize> = (0..self.len()).collect();
        for pictures in all.chunks(self.painter.batch()) {
            let (maps, styles): (Vec<_>, Vec<_>) = pictures.iter().map(|&i| self.pair(i)).unzip();
            let (classes, edges) = self.maps.batch(&maps)?;
            let z = self.styles.latents(&styles)?;
            f(pictures[0], self.painter.paint(&classes, edges.as_ref(), z.as_ref())?)?;
            progress.advance(pictures.len());
        }
        Ok(())
    }

    /// Paints the pictures one by one, each as large as its file; `f` receives its number too.
    fn each_picture(&self, mut f: impl FnMut(usize, RgbImage) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let zoom = self.layout.zoom.unwrap_or(1);
        self.each_batch(|start, images| {
            let mut pictures = to_pictures(&images)?.into_iter().enumerate();
            pictures.try_for_each(|(i, picture)| f(start + i, enlarge(&picture, zoom)))
        })
    }

    /// Writes all pictures as one: beside their maps, or as a table of maps and styles (Park et al. 2019, figure 1).
    fn write_sheet(&self, path: &Path) -> anyhow::Result<()> {
        let mut painted = Vec::with_capacity(self.len());
        self.each_batch(|_, images| {
            painted.extend(to_pictures(&images)?);
            Ok(())
        })?;
        let [h, w] = self.painter.size();
        let shown = |map: &maps::Map| map_picture(&map.labels.classes, [h, w], self.maps.table.as_ref());
        let names = || self.maps.all.iter().map(|map| shortened(&map.stem));
        let maps = self.maps.all.iter().map(shown);
        let band = match (self.styles.len(), self.styles.shown()) {
            (1, None) => Band {
                across: self.layout.columns(self.len(), [h, 2 * w])?,
                pictures: maps.zip(&painted).map(|(map, picture)| Some(beside(&map, picture))).collect(),
                captions: names().collect(),
                ..Band::default()
            },
            (across, above) => {
                let mut pictures = Vec::new();
                let mut rows: Vec<String> = names().collect();
                if let Some(above) = above {
                    rows.insert(0, String::new());
                    pictures.push(None);
                    pictures.extend(above.iter().cloned().map(Some));
                }
                for (map, row) in maps.zip(painted.chunks(across)) {
                    pictures.push(Some(map));
                    pictures.extend(row.iter().cloned().map(Some));
                }
                let captions = (0..across).map(|style| shortened(&self.styles.caption(style)));
                let columns = std::iter::once(String::new()).chain(captions).collect();
                Band { across: across + 1, columns, rows, pictures, ..Band::default() }
            }
        };
        let all: Vec<usize> = (0..self.len()).collect();
        Ok(write_png(path, &self.layout.sheet(vec![band]).draw(), &self.text(&all))?)
    }
}

/// A name as headings show it.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(HEADING) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
