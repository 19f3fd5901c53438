//! `stylegan invert`: the styles of which a network makes given pictures.

mod edited;
mod encode;
mod encoder;
mod encoder_run;
mod files;
mod found;
mod mask;
mod measures;
mod origin;
mod picture;
pub(crate) mod picture_encoder;
mod plan;
mod reconstructions;
mod search;
mod settings;
mod sheet;
pub(crate) mod targets;
mod tune;
mod variants;
mod watch;

use crate::device::DeviceArgs;
use crate::edit::moves::Wish;
use crate::exit::{Ending, Outcome};
use crate::mix::Styles;
use crate::numbers::{Numbers, count};
use crate::precision::PrecisionArgs;
use crate::signals::{self, Reaction, STOP};
use crate::status::{Progress, say};
use clap::ValueEnum;
use plan::Plan;
use search::Found;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use stylegan_core::printable;
use stylegan_train::inversion::StyleStatistics;
use watch::Watch;

/// What comes after a signal.
const SAVING: &str = "saving after this step";

/// Find the styles of pictures
///
/// For each picture the styles are looked for of which the network makes it again, by the optimisation
/// of StyleGAN2's projector, or by an encoder. Pictures must look like those that the network was
/// trained on: the same things, framed alike. They are turned upright, cropped around the centre and
/// resized as `stylegan data build` does it.
///
/// OUT gets, for each picture NAME, the styles NAME.safetensors (what --latents of other verbs takes)
/// and NAME-reconstruction.png, sheet.png of all, and measures.json: how near they came, each and in
/// the mean. What is there already is not done again. Ctrl-C saves: the same command goes on, to the
/// same bytes.
///
/// Examples:
///   stylegan invert --network runs/faces --out inverted photo.jpg
///   stylegan invert --network runs/faces --space w+ --steps 500 --video --out inverted photos/
///   stylegan invert --network runs/faces --tune --out inverted photo.jpg
///   stylegan invert --network avatars-64 --space w+ --direction blond-hair=2 --out blond photos/
///   stylegan invert --network runs/faces --mask hole.png --out completed photo.jpg
///   stylegan invert --network psp_ffhq_encode.pt --encoder psp_ffhq_encode.pt --out inverted aligned/
///   stylegan invert --network restyle.pt --encoder restyle.pt --iterations 5 --out inverted aligned/
///   stylegan invert --network runs/encoder --encoder runs/encoder --out inverted photos/
///   stylegan invert --network runs/encoder --encoder runs/encoder --mix-rows 8-17 --alpha 0.5
///       --out faces maps/
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Pictures (PNG, JPEG, WebP), or folders or ZIP files of them.
    #[arg(value_name = "PICTURE|FOLDER|ZIP", required = true)]
    pictures: Vec<PathBuf>,

    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows, the folder of a run:
    /// then its newest checkpoint, or a name: `stylegan models` lists those that come with the program.
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: PathBuf,

    /// Class of the pictures: its name, or its number. Networks trained with labels need one.
    #[arg(long, value_name = "NAME|N")]
    class: Option<String>,

    /// An encoder that was trained for the network: the folder of its run, a checkpoint with a network E, or a released
    /// .pt file of pixel2style2pixel, e4e or ReStyle. It finds the styles of a picture at once; with --steps the search starts from
    /// them. One that was trained on sketches, small or masked pictures is shown such a version of each picture, one of
    /// label maps takes those as files.
    ///
    /// Example: --encoder psp_ffhq_encode.pt
    #[arg(long, value_name = "FILE|RUN")]
    encoder: Option<PathBuf>,

    /// Passes of an encoder of ReStyle, which looks at the picture and at what it found so far [default: 5]
    #[arg(long, value_name = "N", requires = "encoder")]
    iterations: Option<usize>,

    /// By how much pictures are made smaller for an encoder of small pictures: one of the factors that it was trained with
    /// [default: the largest]
    #[arg(long, value_name = "N", requires = "encoder", conflicts_with = "prepared")]
    factor: Option<usize>,

    /// The files are what the encoder was trained on already: sketches, small pictures, pictures with grey holes.
    #[arg(long, requires = "encoder")]
    prepared: bool,

    /// What of pictures is hidden: a file of a picture's size, white where it is, or a folder or ZIP file of those under the
    /// pictures' names; one file is for all pictures. An encoder that was trained on masked pictures is shown the rest, in
    /// place of what --seed would leave; a search compares the rest alone.
    ///
    /// Example: --mask hole.png
    #[arg(long, value_name = "FILE|FOLDER|ZIP", conflicts_with = "prepared")]
    mask: Option<PathBuf>,

    /// Where styles are looked for [default: w, with --encoder w+]
    #[arg(long, value_enum)]
    space: Option<Space>,

    /// Steps of the search [default: 1000, with --encoder none]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,

    /// Seed of noise maps and noise on styles, and of what is hidden from an encoder of masked pictures.
    #[arg(long, value_name = "N", default_value_t = 303)]
    seed: u64,

    /// Weights of an LPIPS network, as `stylegan eval` takes them: with NVIDIA's vgg16.pt pictures are compared
    /// as in the official projector [default: the network that is built in]; with ArcFace's the measures have the
    /// likeness of faces.
    #[arg(long, value_name = "FILE")]
    features: Vec<PathBuf>,

    /// What the search compares pictures by, of the networks at hand: the measures then have one that it did not see by
    /// [default: lpips-vgg16 where its weights are given, else stlpips]
    ///
    /// Example: --features vgg16.pt --distance stlpips
    #[arg(long, value_name = "NAME")]
    distance: Option<String>,

    /// A classifier of `stylegan classifier`, by whose features the measures say how alike pictures and reconstructions
    /// are, where no network for faces can be had: one of the set's labels, another than an encoder learned by.
    ///
    /// Example: --classifier hair.safetensors
    #[arg(long, value_name = "FILE")]
    classifier: Option<PathBuf>,

    /// Also measures the part alone where aligned photographs have the face, rows 35 to 223 and columns 32 to 220 of 256:
    /// face_mse, and face_ before the name of each network that compares pictures. Losses of encoders for frontal views
    /// weigh the rest a hundred times less.
    #[arg(long)]
    face: bool,

    /// What the measures compare reconstructions with, in place of the pictures: pictures of the same names.
    ///
    /// Example: --truth frontal.zip
    #[arg(long, value_name = "PICTURE|FOLDER|ZIP")]
    truth: Option<PathBuf>,

    /// Also the reconstructions alone, in a folder under the names of the pictures, as `stylegan eval --images` compares them
    /// with these.
    #[arg(long, value_name = "FOLDER")]
    reconstructions: Option<PathBuf>,

    /// Also moves the network's weights until it makes the picture (pivotal tuning): NAME-network.safetensors,
    /// whose picture of the styles is NAME-tuned.png.
    #[arg(long)]
    tune: bool,

    /// Also a film of the way from the average to the picture: NAME.gif.
    #[arg(long)]
    video: bool,

    /// Also each picture moved along a direction, by so many sigmas, as `stylegan edit` does it; may be given several times:
    /// NAME-edited.png, beside source and reconstruction on the sheet.
    ///
    /// Example: --direction smile=2
    #[arg(long, value_name = "NAME=STRENGTH")]
    direction: Vec<Wish>,

    /// A file of directions; may be given several times [default: those that come with the network, which `stylegan
    /// models NAME` lists]
    #[arg(long, value_name = "FILE", requires = "direction")]
    directions: Vec<PathBuf>,

    /// Also variants of each picture, in which these style rows are those of seeds: NAME-variants.png, and their styles
    /// NAME-variants.safetensors. Numbers and inclusive ranges, coarse, middle or fine.
    ///
    /// Example: --mix-rows 8-17
    #[arg(long, value_name = "LIST|NAME")]
    mix_rows: Option<Styles>,

    /// How far these rows go: 0 leaves them the picture's, 1 makes them the seeds'.
    #[arg(long, value_name = "A", default_value_t = 1., requires = "mix_rows")]
    alpha: f64,

    /// The seeds of variants.
    #[arg(long, value_name = "LIST", default_value = "0-7", requires = "mix_rows")]
    mix_seeds: Numbers,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(flatten)]
    precision: PrecisionArgs,

    /// The folder for the results.
    #[arg(long, value_name = "FOLDER", default_value = "out")]
    out: PathBuf,
}

/// A space of styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Space {
    /// One style for all rows: what can be edited best.
    W,
    /// A style for each row: nearer to the picture.
    #[value(name = "w+")]
    WPlus,
}

/// What became of pictures.
#[derive(Default)]
struct Tally {
    /// How many had been done before.
    before: u64,
    /// How long the others took.
    seconds: Vec<f64>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let plan = Plan::of(&args)?;
    let mut watch = Watch::new(plan.pictures.len());
    let mut styles = None;
    let mut tally = Tally::default();
    signals::react(Reaction::Stop(SAVING));
    if let (Some(encoder), false) = (&plan.encoder, plan.search)
        && let Some(interrupted) = encode::all(&plan, encoder, &mut tally)?
    {
        return Ok(interrupted);
    }
    for picture in plan.pictures.iter().filter(|_| plan.search || plan.tune) {
        if STOP.load(Ordering::SeqCst) {
            return Ok(plan.interrupted(picture, 0));
        }
        let target = plan.target(picture)?;
        let settings = plan.settings(picture, &target)?;
        if plan.search && picture.files.are_done(&settings, plan.video) {
            tally.before += 1;
        } else if plan.search {
            let styles = match &mut styles {
                Some(styles) => styles,
                none => none.insert(plan.styles()?),
            };
            match search::search(&plan, picture, &target, &settings, styles, &mut watch)? {
                Found::All(taken) => tally.seconds.extend(taken),
                Found::Interrupted(steps) => return Ok(plan.interrupted(picture, steps)),
            }
        }
        if plan.tune {
            // Nothing of a tuning is saved, so that there is nothing to wait for.
            signals::react(Reaction::End);
            tune::tune(&plan, picture, &target, &mut watch)?;
            signals::react(Reaction::Stop(SAVING));
        }
        watch.next();
    }
    signals::react(Reaction::End);
    drop(watch);
    if let Some(edit) = &plan.edit {
        edit.write(&plan.network, &plan.pictures, plan.tune)?;
    }
    sheet::write(&plan)?;
    measures::write(&plan, &tally.seconds)?;
    reconstructions::write(&plan)?;
    if let Some(variants) = &plan.variants {
        for picture in &plan.pictures {
            let settings = plan.settings(picture, &plan.target(picture)?)?;
            variants.write(&plan.network, &picture.name, &picture.files, &settings)?;
        }
    }
    if tally.before > 0 {
        say(&format!("{} had been done before", count(tally.before, "picture")));
    }
    say(&format!("{} in {}", count(plan.pictures.len() as u64, "inverted picture"), plan.out.display()));
    Ok(Ending::Done)
}

impl Plan {
    /// Where the network's styles lie.
    fn styles(&self) -> anyhow::Result<StyleStatistics> {
        let _progress = Progress::of_unknown_length("averaging styles");
        let label = self.network.labels(1)?;
        Ok(StyleStatistics::new(self.network.model(), self.options.samples, label.as_ref())?)
    }

    fn interrupted(&self, picture: &picture::Picture, steps: usize) -> Ending {
        Ending::Interrupted(format!(
            "interrupted and saved in {}; the same command goes on with {} after {}",
            self.out.display(),
            printable(&picture.name),
            count(steps as u64, "step")
        ))
    }
}
