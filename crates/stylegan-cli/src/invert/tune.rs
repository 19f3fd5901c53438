//! A copy of the network, tuned to one picture (`--tune`).

use super::files::whole;
use super::picture::Picture;
use super::plan::Plan;
use super::targets::Target;
use super::watch::Watch;
use crate::exit::wrong;
use crate::latents::Latents;
use crate::models::TUNED_FROM;
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata, prefix, save};
use stylegan_core::picture::{to_pictures, write_png};
use stylegan_core::{Condition, Model, NetworkConfig};
use stylegan_train::inversion::{TuneOptions, Tuner};

/// Tunes the network to a picture whose styles are found, unless that is done already. One that was cut short
/// starts again from the styles.
pub(super) fn tune(plan: &Plan, picture: &Picture, target: &Target, watch: &mut Watch) -> anyhow::Result<()> {
    let (network, files, distance) = (&plan.network, &picture.files, plan.distance()?);
    let published = TuneOptions::default();
    // Distances of other networks have other sizes, and none at which a picture is known to be near enough.
    let enough = if distance.name().starts_with("lpips") { published.enough } else { 0. };
    let options = TuneOptions { enough, ..published };
    let Some(styles) = whole(&files.styles).and_then(|file| file.content_hash().map(str::to_owned)) else {
        wrong!("{} is not whole any more; remove it and give the command again", files.styles.display());
    };
    let by = format!("{} steps of {}, {} {}", options.steps, options.lr, distance.name(), distance.hash());
    let provenance = [
        (TUNED_FROM, plan.network_hash()),
        ("tuned_to_picture", &picture.name),
        ("tuned_to_styles", &styles),
        ("tuned_by", &by),
    ];
    let is_of_it = |file: Checkpoint| {
        let found = file.metadata().map(|metadata| &metadata.extra);
        found.is_some_and(|found| provenance.iter().all(|(name, value)| found.get(*name).is_some_and(|v| v == value)))
    };
    if files.tuned.is_file() && whole(&files.network).is_some_and(is_of_it) {
        return Ok(());
    }
    let pivot = Latents::open(&files.styles, network)?.styles(network, 0, 1)?;
    let steps = options.steps;
    let mut tuner = Tuner::new(network.model(), distance, &target.image, &pivot, options)?;
    if let Some(kept) = plan.kept(picture)? {
        tuner.compare_within(&kept)?;
    }
    watch.begin(&format!("{}, tuning", picture.name), 0, steps);
    while !tuner.is_done() {
        let report = tuner.step()?;
        watch.step(report.step, report.distance);
    }
    watch.end();
    let model = network.model();
    let mut metadata = model.metadata().cloned().unwrap_or_default();
    metadata.kind = Kind::Release;
    metadata.networks = [(prefix::G_EMA.to_owned(), NetworkConfig::Generator(model.config().clone()))].into();
    let origin = metadata.source.map_or_else(String::new, |source| format!(", from {source}"));
    metadata.source = Some(format!("stylegan invert --tune{origin}"));
    metadata.extra.extend(provenance.map(|(name, value)| (name.to_owned(), value.to_owned())));
    write(picture, &tuner, &metadata)?;
    let tuned = Model::load(&files.network, network.model().params().device())?;
    let image = tuned.sampler().images(&pivot, Condition::None, &[0])?;
    Ok(write_png(&files.tuned, &to_pictures(&image)?[0], &picture.text(network, Some(&tuned)))?)
}

fn write(picture: &Picture, tuner: &Tuner, metadata: &Metadata) -> anyhow::Result<()> {
    let vars = tuner.params().vars().into_iter();
    let tensors: Vec<_> =
        vars.map(|(name, var)| (format!("{}.{name}", prefix::G_EMA), var.as_detached_tensor())).collect();
    Ok(save(&picture.files.network, metadata, &tensors)?)
}
