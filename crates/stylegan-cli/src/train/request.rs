//! What is to be trained: as it is typed, and what that means.

use super::generator;
use crate::configs::Source;
use crate::earlier_run::Found;
use crate::exit::wrong;
use crate::pictures;
use crate::same_run::{check_begun_with, check_not_past, check_same};
use crate::starting_point::{self, StartingPoint, conditional};
use crate::status::say;
use crate::transfer::Transfer;
use crate::whole_path::whole_path;
use anyhow::Context;
use std::path::{Path, PathBuf};
use stylegan_train::checkpoints;
use stylegan_train::config::{Override, RecipeConfig};
use stylegan_train::data::Dataset;

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

    /// How several processes add up what each found: exactly as one does, or by their library, faster, and within 1e-5
    /// [default: the configuration's, exact]
    ///
    /// Example: --reduction fast
    #[arg(long, value_name = "exact|fast", value_parser = ["exact", "fast"])]
    reduction: Option<String>,

    /// Changes a setting of the configuration; may be given several times. --list-settings lists them.
    ///
    /// Example: --set schedule.lr=0.002 --set data.mirror=false
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Where built-in sets are kept once they are made [default: data/ in the folder of the run]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Asked {
    /// The configuration that was named.
    pub(super) fn named(&self) -> anyhow::Result<Option<Source>> {
        self.config.as_deref().map(Source::of).transpose()
    }
}

/// What the arguments mean.
pub(super) struct Request {
    pub(super) config: RecipeConfig,
    pub(super) out: PathBuf,
    /// Whether the folder holds a run.
    pub(super) held: bool,
    /// Said where the configuration is not one that was named or is in its place.
    pub(super) note: Option<String>,
    /// Where built-in sets are kept.
    pub(super) data_dir: PathBuf,
    /// The set with its place, where it had a say in the configuration.
    pub(super) pictures: Option<(PathBuf, Dataset)>,
}

impl Request {
    /// What is asked for, in a folder that may hold a run already; `new` passes that run over.
    pub(super) fn of(asked: &Asked, folder: Option<&Path>, new: bool) -> anyhow::Result<Self> {
        let out = folder.map(Path::to_path_buf).unwrap_or_default();
        let data_dir = asked.data_dir.clone().unwrap_or_else(|| out.join("data"));
        let (mut overrides, typed) = (vec![], overrides(asked)?);
        let (found, mut note) = if folder.is_some() { Found::in_folder(&out, new)? } else { (Found::Nothing, None) };
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
        let mut source = match (asked.named()?, &found, &asked.data) {
            (Some(named), ..) => named,
            (None, Found::Run(stored), _) => Source::of_run(stored)?,
            (None, Found::WithoutConfig, _) => wrong!(
                "{}, and the checkpoints do not hold the settings; give the file that the run was started with by --config",
                note.unwrap_or_default()
            ),
            (None, Found::Nothing, Some(set)) => {
                let start = StartingPoint::for_set(set, &typed)?;
                overrides = start.overrides;
                pictures = start.pictures.map(|pictures| (set.into(), pictures));
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
                RecipeConfig::Gan(config) => {
                    let [h, w] = config.generator.img_size();
                    let (own, side) = (h.max(w), transfer.side());
                    if asked.config.is_some() && own != side {
                        say(&format!(
                            "note: the networks of --from are of {side} pixels, {} is for {own}: {side} it is; `stylegan convert \
                             --network all --resize-net {own}` makes networks of that size of them",
                            source.name
                        ));
                    }
                    overrides.extend(transfer.overrides(&config)?);
                }
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
        let stored = match &found {
            Found::Run(stored) if !new => Some(stored),
            _ => None,
        };
        let of_networks = |text: &&String| ["generator.", "discriminator."].iter().any(|table| text.starts_with(table));
        let mut config = match (source.read(&overrides), asked.set.iter().find(of_networks)) {
            (Err(_), Some(text)) if stored.is_some() && asked.config.is_none() => wrong!(
                "--set {text}: the networks of the run in {} stay as they are; leave it out, or start another run with another \
                 --out",
                out.display()
            ),
            (config, _) => config?,
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
            // Said before a built-in set is built.
            starting_point::check_can_have_classes(&config.data().set)?;
            let set = pictures.map_or_else(|| open(&config, &data_dir), Ok)?;
            if let Some((transfer, classes)) = transfer.as_ref().map(|transfer| (transfer, set.1.label_dim()))
                && ![0, transfer.c_dim()].contains(&classes)
            {
                wrong!(
                    "--cond: {} has labels of width {classes}, and the networks of --from take {}; leave --cond out, or begin \
                     with networks that were trained with such labels",
                    config.data().set,
                    match transfer.c_dim() {
                        0 => "none".to_owned(),
                        width => format!("labels of width {width}"),
                    }
                );
            }
            overrides.extend(conditional(&set.1, &config.data().set)?);
            config = source.read(&overrides)?;
            pictures = Some(set);
        }
        // A run without a checkpoint has nothing that another configuration would spoil.
        if let (Some(_), Some(stored)) = (&asked.config, stored)
            && !checkpoints::list(&out)?.is_empty()
        {
            check_same(&config, stored, &out)?;
            if let (RecipeConfig::Encoder(config), RecipeConfig::Encoder(stored)) = (&mut config, stored.as_ref())
                && config.generator_hash.is_empty()
            {
                // The run goes on with the generator that it has.
                (config.generator, config.generator_hash) = (stored.generator.clone(), stored.generator_hash.clone());
            }
        }
        if let Some(stored) = stored {
            check_not_past(&config, stored, &out)?;
        }
        let held = !matches!(found, Found::Nothing);
        Ok(Request { config, out, held, note, data_dir, pictures })
    }
}

/// The set that a configuration names, and where it is.
pub(super) fn open(config: &RecipeConfig, data_dir: &Path) -> anyhow::Result<(PathBuf, Dataset)> {
    let data = config.data();
    if data.set.is_empty() {
        wrong!("no pictures to train on: name a folder, a ZIP file, avatars or earth with --data");
    }
    pictures::say_which(&data.set);
    let place = pictures::place(&data.set, config.img_size(), data.count, data_dir)?;
    let set = pictures::open_at(&place, data.preprocess)?.with_cache(data.cache_mib << 20);
    Ok((place, set))
}

/// The configuration and the pictures of a run that would begin now, with a sentence where the configuration
/// is not one that was named.
pub(crate) fn of_new_run(asked: &Asked) -> anyhow::Result<(RecipeConfig, Dataset, Option<String>)> {
    let Request { mut config, note, data_dir, pictures, .. } = Request::of(asked, None, true)?;
    generator::find(&mut config)?;
    let (_, pictures) = pictures.map_or_else(|| open(&config, &data_dir), Ok)?;
    Ok((config, pictures, note))
}

/// Width of the labels that pictures are made of.
pub(super) fn c_dim(config: &RecipeConfig) -> usize {
    match config {
        RecipeConfig::Gan(config) => config.generator.c_dim(),
        RecipeConfig::Spade(_) | RecipeConfig::Encoder(_) => 0,
    }
}

/// The settings given beside the configuration, in the order of their strength.
fn overrides(asked: &Asked) -> anyhow::Result<Vec<Override>> {
    let mut all = asked.set.iter().map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut set = |option: String, key: &str, value: toml::Value| -> anyhow::Result<()> {
        all.push(Override::of_option(&option, &format!("{key}={value}"))?);
        Ok(())
    };
    if let Some(kimg) = asked.kimg {
        set(format!("--kimg {kimg}"), "kimg", kimg.into())?;
    }
    if let Some(seed) = asked.seed {
        let value = i64::try_from(seed).context("--seed: seeds go up to 2^63 - 1")?;
        set(format!("--seed {seed}"), "seed", value.into())?;
    }
    if let Some(reduction) = &asked.reduction {
        set(format!("--reduction {reduction}"), "shards.reduction", reduction.clone().into())?;
    }
    if let Some(name) = &asked.data {
        // A run can be gone on with from another folder, so paths are kept whole.
        let name =
            if pictures::is_built_in(name) { name.clone() } else { whole_path(Path::new(name))?.display().to_string() };
        set(format!("--data {name}"), "data.set", name.into())?;
    }
    Ok(all)
}
