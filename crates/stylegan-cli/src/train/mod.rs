//! `stylegan train`: starts a run, or goes on with the one that the folder holds.

mod generator;
mod request;

pub(crate) use request::{Asked, of_new_run};

use crate::configs;
use crate::device::DeviceArgs;
use crate::earlier_run::set_aside;
use crate::evaluate::Evaluator;
use crate::exit::{Ending, Outcome, wrong};
use crate::plan::advice;
use crate::precision::say_if_slow;
use crate::same_run::check_set;
use crate::shell::quote;
use crate::signals;
use crate::starting_point;
use crate::status::{print, say};
use crate::train_status::{Follower, TrainStatus};
use crate::whole_path::whole_path;
use crate::{destination, local_copy, pictures, ranks, settings};
use candle_core::Device;
use request::{Request, c_dim, open};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stylegan_train::config::{Input, RecipeConfig, read_recipe};
use stylegan_train::data::{Dataset, Labels};
use stylegan_train::recipe::RunConfig;
use stylegan_train::{Observer, RunFolder, Session, checkpoints, folder};

/// Classes that a sheet with a row of each is readable with.
const FEW_CLASSES: usize = 64;

/// Train a network, or go on training
///
/// A run is a folder: config.toml, log.txt, stats.jsonl, TensorBoard events, sample grids and
/// checkpoints. A folder that holds a run is gone on with, bit for bit; Ctrl-C, SIGTERM or SIGHUP (a
/// closed terminal) finishes the step, saves, and ends with exit code 75.
///
/// Examples:
///   stylegan train --data faces.zip --out runs/a     # settings that suit the set
///   stylegan train --out runs/a                      # goes on
///   stylegan train --out runs/a --kimg 2000          # goes on, further than planned
///   stylegan train --config avatars-32 --out runs/b  # a built-in configuration
///   stylegan train --config avatars-64 --data faces.zip --cond --out runs/c
///       --set generator.channel_base=4096 --set loss.r1_gamma=1
///   stylegan train --config spade/earth-64 --out runs/d   # paints label maps
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,

    /// Folder of the run.
    ///
    /// Example: --out runs/avatars-32
    #[arg(long, value_name = "FOLDER", required_unless_present_any = ["print_config", "list_configs", "list_settings"])]
    out: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceArgs,

    /// Starts again. A run that the folder holds is moved aside, not removed.
    #[arg(long)]
    new: bool,

    /// Prints the configuration with everything resolved, as TOML, and stops.
    #[arg(long)]
    print_config: bool,

    /// Lists the built-in configurations and stops.
    #[arg(long)]
    list_configs: bool,

    /// Lists all settings with their published values and what they mean, and stops; with --config those of its recipe
    /// alone.
    #[arg(long)]
    list_settings: bool,
}

impl Args {
    /// The folder of the run, where there is to be one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.out.as_deref()
    }
}

/// What all ranks know of a run, from rank 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct What {
    /// The configuration, as TOML.
    config: String,
    out: PathBuf,
    data_dir: PathBuf,
    /// Whether there is a run to go on with.
    goes_on: bool,
}

/// A run that rank 0 is about to start or to go on with.
struct Begun {
    what: What,
    run: RunFolder,
    /// Whether an earlier run is in the way.
    moves_aside: bool,
}

/// Takes the folder of the run that the arguments mean, and opens its pictures; they come with their place.
fn prepare(args: &Args) -> anyhow::Result<(Begun, (PathBuf, Dataset))> {
    let Request { mut config, out, held, note, data_dir, pictures } =
        Request::of(&args.asked, args.out.as_deref(), args.new)?;
    match (&note, config.data().set.is_empty()) {
        (Some(note), true) => wrong!("{note} but for the pictures: name them with --data"),
        (Some(note), false) => say(note),
        (None, _) => {}
    }
    generator::find(&mut config)?;
    let set = Some(Path::new(&config.data().set)).filter(|_| !pictures::is_built_in(&config.data().set));
    destination::later_folder(&out, set.as_slice())?;
    check_config(&out)?;
    let run = RunFolder::open(&out)?;
    let pictures = pictures.map_or_else(|| open(&config, &data_dir), Ok)?;
    if held && !args.new {
        check_set(&pictures.1, &config, &out)?;
    }
    let what = What { config: config.to_toml()?, out, data_dir, goes_on: held && !args.new };
    Ok((Begun { what, run, moves_aside: held && args.new }, pictures))
}

/// Refuses a folder without checkpoints whose configuration no run has written: it would be replaced.
fn check_config(out: &Path) -> anyhow::Result<()> {
    let Some(Ok(found)) = folder::config(out) else { return Ok(()) };
    let path = out.join(folder::CONFIG);
    if checkpoints::list(out)?.is_empty() && std::fs::read_to_string(&path)? != found.to_toml()? {
        wrong!(
            "{} was not written by a run, and would be replaced by one with every setting; give it another name for --config, \
             or --out another folder",
            path.display()
        );
    }
    Ok(())
}

impl Begun {
    /// Makes room for the run, and says how it goes from here on.
    fn with_pictures(
        self,
        config: &RecipeConfig,
        pictures: &Arc<Dataset>,
        device: &Device,
    ) -> anyhow::Result<(RunFolder, TrainStatus)> {
        let Self { what, mut run, moves_aside } = self;
        let evaluator = Evaluator::of(config, pictures, device, &what.data_dir)?;
        let mut summary = starting_point::summary(config, pictures)?;
        summary.extend(ranks::summary());
        if !what.goes_on {
            summary.extend(advice::on(config, pictures)?.iter().map(|sentence| format!("note:     {sentence}")));
        }
        say_if_slow(config.precision(), device);
        let status = TrainStatus::new(&what.out, config, summary, evaluator)?;
        if moves_aside {
            config.settings(pictures)?;
            run = set_aside(run)?;
        }
        Ok((run, status))
    }
}

/// Words that only those say who see the same files as the set.
fn same_files(set: &Path) -> anyhow::Result<String> {
    let place = std::fs::canonicalize(set)?;
    let about = std::fs::metadata(&place)?;
    Ok(format!("{} {} {:?}", place.display(), about.len(), about.modified()?))
}

pub(crate) fn run(args: Args) -> Outcome {
    if args.list_configs {
        print(&configs::list())?;
        return Ok(Ending::Done);
    }
    if args.list_settings {
        let config = args.asked.named()?.map(|named| named.read(&[])).transpose()?;
        print(&settings::list(config.as_ref()))?;
        return Ok(Ending::Done);
    }
    if args.print_config {
        let request = Request::of(&args.asked, args.out.as_deref(), args.new)?;
        request.note.iter().for_each(|note| say(note));
        print(&request.config.to_toml()?)?;
        return Ok(Ending::Done);
    }
    // Rank 0 finds out what is to be done; the others open the pictures, once a built-in set is made.
    let world = ranks::world();
    let device = ranks::agree(args.device.chosen())?;
    let own = ranks::agree((world.rank() == 0).then(|| prepare(&args)).transpose())?;
    let (begun, opened) = own.map_or((None, None), |(begun, pictures)| (Some(begun), Some(pictures)));
    let what = ranks::share(begun.as_ref().map(|begun| begun.what.clone()))?;
    let config = &read_recipe(&what.config, "the configuration of rank 0", &[])?;
    ranks::agree(config.check_device(&device).map_err(anyhow::Error::from))?;
    let (data, data_dir) = (config.data(), &what.data_dir);
    let copies = !data.copy_to.is_empty() && !pictures::is_built_in(&data.set);
    let set = if copies {
        local_copy::of(Path::new(&data.set), Path::new(&data.copy_to))?
    } else {
        let known = opened.as_ref().map(|(place, _)| place.clone());
        let place = || known.map_or_else(|| pictures::place(&data.set, config.img_size(), data.count, data_dir), Ok);
        let thing = format!("{} of {}", data.set, whole_path(data_dir)?.display());
        if pictures::is_built_in(&data.set) { ranks::once_a_machine(&thing, place)? } else { place()? }
    };
    let open = || Ok(pictures::open_at(&set, data.preprocess)?.with_cache(data.cache_mib << 20));
    let opened = opened.filter(|_| !copies).map(|(_, pictures)| pictures);
    let pictures = Arc::new(ranks::agree(opened.map_or_else(open, Ok))?);
    if world.world_size() > 1 {
        // What checks that all have the same pictures; one of those that read the same files reads them for all.
        let hash = || Ok(pictures.hash()?.to_owned());
        pictures.take_hash(ranks::once_a_machine(&ranks::agree(same_files(&set))?, hash)?);
    }
    let out = &what.out;
    let own = begun.map(|begun| begun.with_pictures(config, &pictures, &device)).transpose();
    let begun = ranks::agree(own)?;
    let helps = if begun.is_none() { Evaluator::of(config, &pictures, &device, &what.data_dir) } else { Ok(None) };
    let mut follower = Follower::new(ranks::agree(helps)?);
    let (run, mut status) = match begun {
        Some((run, status)) => (run, Some(status)),
        None => (RunFolder::of_rank_0(out), None),
    };
    let session = Session {
        config,
        dataset: &pictures,
        device: &device,
        folder: &run,
        communicator: world,
        observer: status.as_mut().map_or(&mut follower, |status| status as &mut dyn Observer),
        stop: &signals::STOP,
    };
    let outcome = if what.goes_on { session.resume()? } else { session.start()? };
    drop(status);
    match outcome {
        stylegan_train::Outcome::Finished { checkpoint } => {
            say(&format!("finished after {} kimg: {}", config.kimg(), checkpoint.display()));
            let look = match (config, c_dim(config)) {
                (RecipeConfig::Spade(_), _) => {
                    format!("paint --network {} --map map.png --out painted.png", quote(out))
                }
                (RecipeConfig::Encoder(config), _) => {
                    let file = match config.task.input {
                        Input::Map => "map.png",
                        Input::Sketch => "picture.png   # or, with --prepared, a sketch",
                        Input::Picture | Input::Downscaled | Input::Masked => "picture.png",
                    };
                    format!("invert --network {0} --encoder {0} --out inverted {file}", quote(out))
                }
                (_, 0) => format!("generate --network {} --grid --out faces.png", quote(out)),
                (_, classes) if classes > FEW_CLASSES => {
                    format!("generate --network {} --class 0 --grid --out faces.png", quote(out))
                }
                _ => format!("generate --network {} --all-classes --out faces.png", quote(out)),
            };
            match pictures.labels() {
                // What a network of such labels is asked for stands in a file.
                Labels::Vectors { .. } if c_dim(config) > 0 => {
                    say(&format!("look at it: the last of fakes-*.png in {}", out.display()));
                }
                _ => say(&format!("look at it: stylegan {look}")),
            }
            let (kimg, device) = (config.kimg() * 2.0, args.device.again());
            say(&format!("train on:   stylegan train --out {} --kimg {kimg}{device}", quote(out)));
            Ok(Ending::Done)
        }
        stylegan_train::Outcome::Interrupted { checkpoint } => Ok(Ending::Interrupted(format!(
            "interrupted and saved {}; go on with: stylegan train --out {}{}",
            checkpoint.display(),
            quote(out),
            args.device.again()
        ))),
    }
}
