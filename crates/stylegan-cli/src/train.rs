//! `stylegan train`: starts a run, or goes on with the one that the folder holds.

use crate::configs::{self, Source};
use crate::earlier_run::{Found, set_aside};
use crate::evaluate::Evaluator;
use crate::exit::{Ending, Outcome, wrong};
use crate::same_run::{check_begun_with, check_not_past, check_same};
use crate::shell::quote;
use crate::signals;
use crate::starting_point::{self, StartingPoint, conditional};
use crate::status::{print, say};
use crate::train_status::{Follower, TrainStatus};
use crate::transfer::Transfer;
use crate::{destination, local_copy, pictures, ranks, settings};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stylegan_train::config::{Override, RecipeConfig, read_recipe};
use stylegan_train::data::Dataset;
use stylegan_train::recipe::RunConfig;
use stylegan_train::{Observer, RunFolder, Session, checkpoints};

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

    /// Starts again. A run that the folder holds is moved aside, not removed.
    #[arg(long)]
    new: bool,

    /// Prints the configuration with everything resolved, as TOML, and stops.
    #[arg(long)]
    print_config: bool,

    /// Lists the built-in configurations and stops.
    #[arg(long)]
    list_configs: bool,

    /// Lists all settings with their published values and what they mean, and stops.
    #[arg(long)]
    list_settings: bool,
}

/// What is to be trained.
#[derive(Debug, clap::Args)]
pub(crate) struct Asked {
    /// Configuration of the run: a file, or the name of a built-in one [default: the one that suits the
    /// size of the pictures]
    ///
    /// Example: --config avatars-32
    #[arg(long, value_name = "FILE.toml|NAME")]
    config: Option<PathBuf>,

    /// Pictures: a folder, a ZIP file, or a built-in set (avatars, earth), which is made on first
    /// use [default: what the configuration or the run says]
    ///
    /// Example: --data faces.zip
    #[arg(long, value_name = "SET")]
    data: Option<String>,

    /// Length of the run in thousands of real pictures shown [default: the configuration's]
    ///
    /// Example: --kimg 400
    #[arg(long, value_name = "N")]
    kimg: Option<f64>,

    /// Seed of weights, latents, noise and data order [default: the configuration's]
    ///
    /// Example: --seed 7
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Begins with the networks of a checkpoint, a run or a released file, in place of random ones (transfer
    /// learning); the configuration's networks are those of the file.
    ///
    /// Example: --data faces.zip --from stylegan2-ffhq-256.pkl --set transfer.freeze_d=10
    #[arg(long, value_name = "FILE|RUN")]
    from: Option<PathBuf>,

    /// Trains with the classes (or other labels) of the set, so that pictures of a class can be asked for.
    #[arg(long)]
    cond: bool,

    /// Changes a setting of the configuration; may be given several times. --list-settings lists them.
    ///
    /// Example: --set schedule.lr=0.002 --set data.mirror=false
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Where built-in sets are kept once they are made [default: data/ in the folder of the run]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Args {
    /// The folder of the run, where there is to be one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.out.as_deref()
    }
}

/// What the arguments mean.
struct Plan {
    config: RecipeConfig,
    out: PathBuf,
    /// Whether the folder holds a run.
    held: bool,
    /// Said where the configuration is not one that was named or is in its place.
    note: Option<String>,
    /// Where built-in sets are kept.
    data_dir: PathBuf,
    /// The set, where it had a say in the configuration.
    pictures: Option<Dataset>,
}

impl Plan {
    /// What is asked for, in a folder that may hold a run already; `new` passes that run over.
    fn of(asked: &Asked, folder: Option<&Path>, new: bool) -> anyhow::Result<Self> {
        let out = folder.map(Path::to_path_buf).unwrap_or_default();
        let data_dir = asked.data_dir.clone().unwrap_or_else(|| out.join("data"));
        let (mut overrides, typed) = (vec![], overrides(asked)?);
        let (found, mut note) = if folder.is_some() { Found::in_folder(&out)? } else { (Found::Nothing, None) };
        let mut pictures = None;
        let transfer = match (&asked.from, &found) {
            (Some(from), Found::Run(stored)) if !new => {
                let begun = check_begun_with(from, stored, &out)?;
                // A configuration that was named says the same of the run only together with them.
                asked.config.as_ref().map(|_| Transfer::of(begun)).transpose()?
            }
            (Some(from), _) => Some(Transfer::of(from)?),
            (None, _) => None,
        };
        let mut source = match (&asked.config, &found, &asked.data) {
            (Some(given), ..) => Source::of(given)?,
            (None, Found::Run(stored), _) => Source::of_run(stored)?,
            (None, Found::WithoutConfig, _) => wrong!(
                "{}, and the checkpoints do not hold the settings; give the file that the run was started with by --config",
                note.unwrap_or_default()
            ),
            (None, Found::Nothing, Some(set)) => {
                let start = StartingPoint::for_set(set)?;
                overrides = start.overrides;
                pictures = start.pictures;
                note = Some(start.note);
                start.source
            }
            (None, Found::Nothing, None) if folder.is_none() => Source::published(),
            (None, Found::Nothing, None) => wrong!(
                "--out {}: this folder holds no run to go on with; start one with --data (a set of pictures) or \
                 --config (`stylegan train --list-configs`)",
                out.display()
            ),
        };
        if let Some(transfer) = &transfer {
            if asked.config.is_none() && transfer.paints_maps() {
                wrong!(
                    "--from {}: these networks paint label maps; name a configuration of such (--config spade/earth-64, say)",
                    asked.from.as_deref().unwrap_or(Path::new("")).display()
                );
            }
            if asked.config.is_none() && transfer.is_stylegan2() {
                source = starting_point::adaptive(transfer.side())?;
                note = Some(format!("no --config was given: {} it is, with the networks of --from", source.name));
            }
            match source.read(&[])? {
                RecipeConfig::Gan(_) if transfer.paints_maps() => {
                    wrong!("--from: its networks paint label maps, and {} is of networks that do not", source.name)
                }
                RecipeConfig::Gan(config) => overrides.extend(transfer.overrides(&config)?),
                RecipeConfig::Spade(_) => overrides.extend(transfer.overrides_of_painter(&source.name)?),
                RecipeConfig::Encoder(_) => wrong!(
                    "--from: {} is of the recipe \"encoder\", whose runs begin with random encoders; leave --from out",
                    source.name
                ),
            }
            if let Some(licence) = &transfer.licence {
                say(&format!(
                    "the networks of --from are under the licence {licence}; so is what this run makes of them"
                ));
            }
        }
        overrides.extend(typed);
        let mut config = source.read(&overrides)?;
        let stored = match &found {
            Found::Run(stored) if !new => Some(stored),
            _ => None,
        };
        if let (true, RecipeConfig::Spade(_)) = (asked.cond, &config) {
            wrong!("--cond: networks that paint label maps take the maps of the set, not its labels; leave it out");
        }
        if let (true, RecipeConfig::Encoder(_)) = (asked.cond, &config) {
            wrong!("--cond: encoders look at pictures, not at their labels; leave it out");
        }
        if asked.cond && asked.config.is_none() && stored.is_some() {
            if c_dim(&config) == 0 {
                wrong!(
                    "--cond: the run in {} was started without labels; start again with --data, --cond and --new",
                    out.display()
                );
            }
        } else if asked.cond {
            let set = pictures.map_or_else(|| open(&config, &data_dir), Ok)?;
            overrides.extend(conditional(&set, &config.data().set)?);
            config = source.read(&overrides)?;
            pictures = Some(set);
        }
        // A run without a checkpoint has nothing that another configuration would spoil.
        if let (Some(_), Some(stored)) = (&asked.config, stored)
            && !checkpoints::list(&out)?.is_empty()
        {
            check_same(&config, stored, &out)?;
        }
        if let Some(stored) = stored {
            check_not_past(&config, stored, &out)?;
        }
        let held = !matches!(found, Found::Nothing);
        Ok(Plan { config, out, held, note, data_dir, pictures })
    }
}

/// The set that a configuration names.
fn open(config: &RecipeConfig, data_dir: &Path) -> anyhow::Result<Dataset> {
    let data = config.data();
    if data.set.is_empty() {
        wrong!("no pictures to train on: name a folder, a ZIP file, avatars or earth with --data");
    }
    let set = pictures::open(&data.set, config.img_size(), data.count, data.preprocess, data_dir)?;
    Ok(set.with_cache(data.cache_mib << 20))
}

/// The configuration and the pictures of a run that would begin now, with a sentence where the configuration
/// is not one that was named.
pub(crate) fn of_new_run(asked: &Asked) -> anyhow::Result<(RecipeConfig, Dataset, Option<String>)> {
    let Plan { config, note, data_dir, pictures, .. } = Plan::of(asked, None, true)?;
    let pictures = pictures.map_or_else(|| open(&config, &data_dir), Ok)?;
    Ok((config, pictures, note))
}

/// Width of the labels that pictures are made of.
fn c_dim(config: &RecipeConfig) -> usize {
    match config {
        RecipeConfig::Gan(config) => config.generator.c_dim(),
        RecipeConfig::Spade(_) | RecipeConfig::Encoder(_) => 0,
    }
}

/// The settings given beside the configuration, in the order of their strength.
fn overrides(asked: &Asked) -> anyhow::Result<Vec<Override>> {
    let mut all = asked.set.iter().map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut set = |key: &str, value: toml::Value| -> anyhow::Result<()> {
        all.push(Override::parse(&format!("{key}={value}"))?);
        Ok(())
    };
    if let Some(kimg) = asked.kimg {
        set("kimg", kimg.into())?;
    }
    if let Some(seed) = asked.seed {
        set("seed", i64::try_from(seed).context("--seed: seeds go up to 2^63 - 1")?.into())?;
    }
    if let Some(name) = &asked.data {
        // A run can be gone on with from another folder, so paths are kept whole.
        let name =
            if pictures::is_built_in(name) { name.clone() } else { std::path::absolute(name)?.display().to_string() };
        set("data.set", name.into())?;
    }
    Ok(all)
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

/// Takes the folder of the run that the arguments mean, and opens its pictures.
fn prepare(args: &Args) -> anyhow::Result<(Begun, Dataset)> {
    let Plan { config, out, held, note, data_dir, pictures } = Plan::of(&args.asked, args.out.as_deref(), args.new)?;
    match (&note, config.data().set.is_empty()) {
        (Some(note), true) => wrong!("{note} but for the pictures: name them with --data"),
        (Some(note), false) => say(note),
        (None, _) => {}
    }
    let set = Some(Path::new(&config.data().set)).filter(|_| !pictures::is_built_in(&config.data().set));
    destination::later_folder(&out, set.as_slice())?;
    let run = RunFolder::open(&out)?;
    let pictures = pictures.map_or_else(|| open(&config, &data_dir), Ok)?;
    let what = What { config: config.to_toml()?, out, data_dir, goes_on: held && !args.new };
    Ok((Begun { what, run, moves_aside: held && args.new }, pictures))
}

impl Begun {
    /// Makes room for the run, and says how it goes from here on.
    fn with_pictures(self, config: &RecipeConfig, pictures: &Arc<Dataset>) -> anyhow::Result<(RunFolder, TrainStatus)> {
        let Self { what, mut run, moves_aside } = self;
        let evaluator = Evaluator::of(config, pictures, &what.data_dir)?;
        let mut summary = starting_point::summary(config, pictures)?;
        summary.extend(ranks::summary());
        let status = TrainStatus::new(&what.out, config, summary, evaluator)?;
        if moves_aside {
            config.settings(pictures)?;
            run = set_aside(run)?;
        }
        Ok((run, status))
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    if args.list_configs {
        print(&configs::list())?;
        return Ok(Ending::Done);
    }
    if args.list_settings {
        print(&settings::list())?;
        return Ok(Ending::Done);
    }
    if args.print_config {
        let plan = Plan::of(&args.asked, args.out.as_deref(), args.new)?;
        plan.note.iter().for_each(|note| say(note));
        print(&plan.config.to_toml()?)?;
        return Ok(Ending::Done);
    }
    // Rank 0 finds out what is to be done; the others open the pictures, once a built-in set is made.
    let world = ranks::world();
    let own = ranks::agree((world.rank() == 0).then(|| prepare(&args)).transpose())?;
    let (begun, opened) = own.map_or((None, None), |(begun, pictures)| (Some(begun), Some(pictures)));
    let what = ranks::share(begun.as_ref().map(|begun| begun.what.clone()))?;
    let config = &read_recipe(&what.config, "the configuration of rank 0", &[])?;
    let data = config.data();
    let pictures = if data.copy_to.is_empty() || pictures::is_built_in(&data.set) {
        ranks::agree(opened.map_or_else(|| open(config, &what.data_dir), Ok))?
    } else {
        let copy = local_copy::of(Path::new(&data.set), Path::new(&data.copy_to))?;
        ranks::agree(Dataset::open(copy).map_err(anyhow::Error::from))?.with_cache(data.cache_mib << 20)
    };
    let pictures = Arc::new(pictures);
    let out = &what.out;
    let own = begun.map(|begun| begun.with_pictures(config, &pictures)).transpose();
    let begun = ranks::agree(own)?;
    let helps = if begun.is_none() { Evaluator::of(config, &pictures, &what.data_dir) } else { Ok(None) };
    let mut follower = Follower::new(ranks::agree(helps)?);
    let (run, mut status) = match begun {
        Some((run, status)) => (run, Some(status)),
        None => (RunFolder::of_rank_0(out), None),
    };
    let session = Session {
        config,
        dataset: &pictures,
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
                (RecipeConfig::Encoder(_), _) => {
                    format!("invert --network {0} --encoder {0} --out inverted picture.png", quote(out))
                }
                (_, 0) => format!("generate --network {} --grid --out faces.png", quote(out)),
                _ => format!("generate --network {} --all-classes --out faces.png", quote(out)),
            };
            say(&format!("look at it: stylegan {look}"));
            say(&format!("train on:   stylegan train --out {} --kimg {}", quote(out), config.kimg() * 2.0));
            Ok(Ending::Done)
        }
        stylegan_train::Outcome::Interrupted { checkpoint } => Ok(Ending::Interrupted(format!(
            "interrupted and saved {}; go on with: stylegan train --out {}",
            checkpoint.display(),
            quote(out)
        ))),
    }
}
