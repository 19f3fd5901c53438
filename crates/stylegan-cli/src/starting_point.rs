//! What a new run starts from where little was said: the configuration that suits a set of pictures.

use crate::configs::Source;
use crate::data::classes::are_classes;
use crate::data::recipe::Recipe;
use crate::exit::wrong;
use crate::numbers::{self, count};
use crate::pictures;
use crate::shell::quote;
use candle_core::{DType, Device};
use std::path::Path;
use stylegan_core::printable;
use stylegan_core::psp::PspEncoder;
use stylegan_core::spade::SpadeEncoder;
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, Params, build_discriminator, build_generator};
use stylegan_train::config::{Override, RecipeConfig};
use stylegan_train::data::{Dataset, Labels};

/// Pixels on the longer side up to which a run on a processor is worth while: its configuration learns small pictures first.
const SMALL: usize = 64;

/// The configuration for pictures up to so many pixels on their longer side, and that for all above.
const BY_SIZE: [(usize, &str); 4] =
    [(SMALL, "ada/auto-64"), (128, "ada/auto-128"), (256, "ada/auto-256"), (512, "ada/auto-512")];
const LARGE: &str = "ada/auto-1024";

/// Pixels that the configuration of small pictures begins with.
const BEGINS_AT: usize = 16;

/// The weight of R1 for `n` pixels and a batch `b` is `n / b` divided by this (StyleGAN2-ADA's `auto`).
pub(crate) const PIXELS_PER_R1: f64 = 5e3;

/// The half-life of the averaged generator in thousands of pictures, for each picture of a batch (the same).
const EMA_KIMG_PER_SAMPLE: f64 = 10. / 32.;

/// Names of classes that are listed; of more only the first are.
const LISTED_CLASSES: usize = 8;

/// A configuration with the settings that fit it to a set.
pub(crate) struct StartingPoint {
    pub(crate) source: Source,
    pub(crate) overrides: Vec<Override>,
    /// The set, where it had to be opened.
    pub(crate) pictures: Option<Dataset>,
    /// A sentence that says which configuration it is.
    pub(crate) note: String,
}

impl StartingPoint {
    /// The configuration of a built-in set, or the one for pictures of this set's size.
    /// What is typed comes after it.
    pub(crate) fn for_set(set: &str, typed: &[Override]) -> anyhow::Result<Self> {
        if pictures::is_built_in(set) {
            let name = if set == "avatars" { "avatars-32" } else { "earth-64" };
            let note = format!("no --config was given: {name} it is");
            return Ok(Self { source: built_in(name)?, overrides: vec![], pictures: None, note });
        }
        pictures::check_there(Path::new(set))?;
        let pictures = Dataset::open(set)?;
        let ([h, w], channels) = (pictures.image_size(), pictures.channels());
        let name = suitable(h.max(w));
        // Whether left and right may be exchanged is not for the size to say.
        let mut overrides = of_size([h, w]);
        overrides.extend([format!("generator.img_channels={channels}"), "data.mirror=false".into()]);
        let note = format!(
            "no --config was given: {name} it is, for pictures of {w}x{h} pixels with {}; where left and right \
             do not matter, --set data.mirror=true doubles the pictures",
            count(channels as u64, "channel")
        );
        let source = built_in(name)?;
        if h.max(w) > SMALL {
            overrides.extend(automatic(&source, [h, w], typed)?);
        }
        let of_set = |text: &String| Override::of_option(&format!("--data {set}"), text);
        let overrides = overrides.iter().map(of_set).collect::<Result<_, _>>()?;
        Ok(Self { source, overrides, pictures: Some(pictures), note })
    }
}

/// The settings for `[h, w]` pixels.
fn of_size([h, w]: [usize; 2]) -> Vec<String> {
    let mut settings = vec![format!("generator.img_size=[{h},{w}]")];
    if h.max(w) < BEGINS_AT {
        // There is nothing smaller to begin with.
        settings.extend(["schedule.start_resolution=4", "schedule.stable_kimg=0"].map(str::to_owned));
    }
    settings
}

/// StyleGAN2-ADA's choice of R1 and of the average's half-life for `[h, w]` pixels and the run's batch (its `auto`), which the
/// configuration has for the largest pictures that it suits, and for its own batch.
fn automatic(source: &Source, [h, w]: [usize; 2], typed: &[Override]) -> anyhow::Result<Vec<String>> {
    let size = parsed(&of_size([h, w]))?;
    let RecipeConfig::Gan(config) = source.read(&[&size, typed].concat())? else { return Ok(vec![]) };
    let batch = config.schedule.batch.get(config.resolution()?) as f64;
    Ok(vec![
        format!("loss.r1_gamma={}", (h * w) as f64 / (PIXELS_PER_R1 * batch)),
        format!("ema.kimg={}", EMA_KIMG_PER_SAMPLE * batch),
    ])
}

fn parsed(overrides: &[String]) -> anyhow::Result<Vec<Override>> {
    Ok(overrides.iter().map(|text| Override::parse(text)).collect::<Result<_, _>>()?)
}

/// Refuses classes of a set that is built without any.
pub(crate) fn check_can_have_classes(set: &str) -> anyhow::Result<()> {
    if pictures::is_built_in(set) {
        wrong!(
            "--cond: {set} has no classes as it is built; `stylegan data build {set} --label {}` makes a set with \
             classes, for --data",
            label_of(set)
        )
    }
    Ok(())
}

/// The settings with which a run uses the labels of its set; stored configurations name the width in both networks.
pub(crate) fn conditional(pictures: &Dataset, set: &str) -> anyhow::Result<Vec<Override>> {
    match pictures.label_dim() {
        0 if are_classes(pictures.names()) => wrong!(
            "--cond: {set} has no labels; they belong in its dataset.json, or `stylegan data build {} --size \
             N --label-from-folders` takes the names of folders",
            quote(set)
        ),
        0 => match Recipe::of(Path::new(set)).map(|recipe| recipe.builder) {
            Some(builder) if pictures::is_built_in(&builder) => wrong!(
                "--cond: {set} was built without labels; `stylegan data build {builder} --label {}` makes a set with classes",
                label_of(&builder)
            ),
            Some(_) => wrong!(
                "--cond: {set} was built without labels; build it again from pictures with a dataset.json, or from folders \
                 that are classes with --label-from-folders"
            ),
            None => wrong!("--cond: {set} has no labels; they belong in its dataset.json"),
        },
        classes => {
            let of = |network: &str| Override::parse(&format!("{network}.c_dim={classes}"));
            Ok(vec![of("generator")?, of("discriminator")?])
        }
    }
}

/// An attribute of a built-in set that can be its classes.
fn label_of(set: &str) -> &'static str {
    if set == "avatars" { "hair" } else { "cover" }
}

/// What a run works with, a line for each thing.
pub(crate) fn summary(config: &RecipeConfig, pictures: &Dataset) -> anyhow::Result<Vec<String>> {
    let ([h, w], data) = (pictures.image_size(), config.data());
    let mirrored = if data.mirror { ", mirrored at random" } else { "" };
    let channels = count(pictures.channels() as u64, "channel");
    let cut = if pictures.preprocess().is_some() { ", resized and cut as they are read" } else { "" };
    let mut lines =
        vec![format!("pictures: {} of {w}x{h} pixels with {channels}{cut}{mirrored}, {}", pictures.len(), data.set)];
    match (config, classes(pictures.labels())) {
        (RecipeConfig::Spade(config), _) => {
            let (classes, edges) = config.generator.map();
            let none = config.no_class().map(|class| format!(", of which {class} is none")).unwrap_or_default();
            let edges = if edges { ", with edges between instances" } else { "" };
            lines.push(format!("maps:     one for each picture, of {}{none}{edges}", numbers::classes(classes)));
        }
        (RecipeConfig::Encoder(config), _) => lines.push(format!("styles:   of {}", config.generator)),
        (RecipeConfig::Gan(_), None) => {}
        (RecipeConfig::Gan(config), Some(classes)) if config.generator.c_dim() == 0 => {
            lines.push(format!("labels:   {classes}, which this run does not use; --cond does"));
        }
        (RecipeConfig::Gan(_), Some(classes)) => lines.push(format!("labels:   {classes}")),
    }
    lines.push(format!("networks: {}", parameters(config)?));
    if let Some(precision) = config.precision().reduced() {
        lines.push(format!("products: {precision} in the convolutions of both networks, f32 in all else"));
    }
    lines.extend(config.idle_weights().into_iter().map(|sentence| format!("note:     {sentence}")));
    if let RecipeConfig::Gan(gan) = config
        && let (schedule, full) = (gan.schedule()?, gan.resolution()?)
        && let begin = schedule.at(0).resolution
        && begin < full
    {
        // At the last step that is taken.
        let end = schedule.at(((schedule.kimg() * 1e3) as u64).saturating_sub(1)).resolution;
        let how = match gan.generator {
            GeneratorConfig::StyleGan2(_) => "smaller networks, which larger ones take the place of",
            _ => "the smallest layers, and more fade in",
        };
        lines.push(format!("growth:   begins at {begin} pixels with {how}, up to {full}"));
        if end < full {
            lines.push(format!(
                "          but a run of {} kimg ends at {end} pixels: a longer run, a smaller schedule.stable_kimg or a larger \
                 schedule.start_resolution comes to {full}",
                schedule.kimg()
            ));
        }
    }
    Ok(lines)
}

/// What the labels of a set are; `None` without labels.
fn classes(labels: &Labels) -> Option<String> {
    match labels {
        Labels::None => None,
        Labels::Vectors { dim, .. } => Some(format!("{} a picture", count(*dim as u64, "number"))),
        Labels::Classes { count, names, .. } => {
            let listed = names.iter().take(LISTED_CLASSES).map(String::as_str).collect::<Vec<_>>().join(", ");
            let listed = printable(&listed);
            let more = if names.len() > LISTED_CLASSES { ", …" } else { "" };
            let names = if names.is_empty() { String::new() } else { format!(" ({listed}{more})") };
            Some(format!("{}{names}", numbers::classes(*count)))
        }
    }
}

/// Trained numbers in each network, in words.
fn parameters(config: &RecipeConfig) -> anyhow::Result<String> {
    let [g, d, e] = [(); 3].map(|()| Params::new(0, DType::F32, &Device::Cpu));
    let numbers = |params: &Params| match params.parameters().iter().map(|(_, var)| var.elem_count()).sum() {
        n @ 0..100_000 => format!("{n}"),
        n => format!("{:.2} M", n as f64 / 1e6),
    };
    let (generator, discriminator) = match config {
        RecipeConfig::Encoder(config) => {
            PspEncoder::new(&config.encoder, e.trainable())?;
            return Ok(format!("{} parameters in the encoder", numbers(&e)));
        }
        RecipeConfig::Gan(config) => (config.generator.clone(), config.discriminator.clone()),
        RecipeConfig::Spade(config) => {
            (config.generator.network(), DiscriminatorConfig::MultiscalePatch(config.discriminator.clone()))
        }
    };
    build_generator(&generator, g.trainable())?;
    build_discriminator(&discriminator, d.trainable())?;
    if let RecipeConfig::Spade(config) = config
        && let Some(encoder) = &config.encoder
    {
        SpadeEncoder::new(encoder, e.trainable())?;
    }
    let encoder = if e.vars().is_empty() { String::new() } else { format!(", {} in the encoder", numbers(&e)) };
    Ok(format!("{} parameters in the generator, {} in the discriminator{encoder}", numbers(&g), numbers(&d)))
}

/// The configuration for pictures of `side` pixels on their longer side.
fn suitable(side: usize) -> &'static str {
    BY_SIZE.iter().find(|(most, _)| side <= *most).map_or(LARGE, |(_, name)| *name)
}

/// The configuration of a StyleGAN2 with adaptive augmentation for pictures of `side` pixels.
pub(crate) fn adaptive(side: usize) -> anyhow::Result<Source> {
    built_in(suitable(side))
}

fn built_in(name: &str) -> anyhow::Result<Source> {
    Source::built_in(name).ok_or_else(|| anyhow::anyhow!("the built-in configuration {name} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_a_configuration_that_fits() -> anyhow::Result<()> {
        for side in [8usize, 16, 32, 48, 64, 128, 192, 256, 512, 1024] {
            for more in ["generator.img_channels=1", "generator.c_dim=3", "data.mirror=false"] {
                let settings = [of_size([side, side]), vec![more.to_owned()]].concat();
                built_in(suitable(side))?.read(&parsed(&settings)?)?;
            }
        }
        Ok(())
    }
    #[test]
    fn what_stylegan2_ada_chooses_follows_size_and_batch() -> anyhow::Result<()> {
        let of = |side: usize, typed: &[&str]| {
            let typed: Vec<String> = typed.iter().map(|text| (*text).to_owned()).collect();
            automatic(&built_in(suitable(side))?, [side, side], &parsed(&typed)?)
        };
        // The configurations' own sizes: what they have.
        for side in [128, 256, 512, 1024] {
            let RecipeConfig::Gan(own) = built_in(suitable(side))?.read(&[])? else { anyhow::bail!("no GAN") };
            let RecipeConfig::Gan(chosen) = built_in(suitable(side))?.read(&parsed(&of(side, &[])?)?)? else {
                anyhow::bail!("no GAN")
            };
            assert_eq!((own.loss, own.ema), (chosen.loss, chosen.ema), "{side}");
        }
        assert_eq!(of(96, &["schedule.batch=8"])?, ["loss.r1_gamma=0.2304", "ema.kimg=2.5"]);
        Ok(())
    }
}
