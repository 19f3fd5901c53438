//! The search for one picture's styles: saved on the way, gone on with to the same bytes.

use super::files::whole;
use super::found;
use super::picture::Picture;
use super::plan::Plan;
use super::settings::Settings;
use super::targets::Target;
use super::watch::Watch;
use crate::film::{Film, Format, usual_zoom};
use crate::signals::STOP;
use crate::status::say;
use candle_core::{Device, Tensor};
use image::RgbImage;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use stylegan_core::checkpoint::save;
use stylegan_core::picture::{enlarge, to_pictures};
use stylegan_core::printable;
use stylegan_train::inversion::{Projector, StyleStatistics};

/// The time after which the search is saved again: a power cut costs no more.
const SAVED_EVERY: Duration = Duration::from_secs(60);
/// Frames of a film, about.
const FRAMES: usize = 100;
/// Frames per second.
const FPS: u32 = 20;
/// The tensor of the styles on the way in a saved search.
const WAY: &str = "way";

/// How a search ended.
pub(super) enum Found {
    /// The styles are in their file, after so many seconds; of a search that was gone on with they are not known.
    All(Option<f64>),
    /// It was saved after so many steps.
    Interrupted(usize),
}

/// A search, and the styles that it came by.
struct Search<'a> {
    plan: &'a Plan,
    picture: &'a Picture,
    settings: &'a Settings,
    projector: Projector<'a>,
    /// Style rows `[1, num_ws, w_dim]`, for the film.
    way: Vec<Tensor>,
    distance: f64,
}

/// Looks for the styles of a picture and writes them.
pub(super) fn search(
    plan: &Plan,
    picture: &Picture,
    target: &Target,
    settings: &Settings,
    styles: &StyleStatistics,
    watch: &mut Watch,
) -> anyhow::Result<Found> {
    let (distance, started) = (plan.distance()?, Instant::now());
    let mut projector = Projector::new(plan.network.model(), styles, distance, &target.image, plan.options.clone())?;
    if let Some(kept) = plan.kept(picture)? {
        projector.compare_within(&kept)?;
    }
    if let Some(encoder) = &plan.encoder {
        projector.start_from(&encoder.rows(picture, &plan.network)?)?;
    }
    let mut search = Search { plan, picture, settings, projector, way: vec![], distance: f64::NAN };
    let earlier = search.take_up()?;
    watch.begin(&picture.name, search.projector.steps(), plan.options.steps);
    let mut saved = Instant::now();
    while !search.projector.is_done() {
        if STOP.load(Ordering::SeqCst) {
            search.save()?;
            return Ok(Found::Interrupted(search.projector.steps()));
        }
        if saved.elapsed() > SAVED_EVERY {
            search.save()?;
            saved = Instant::now();
        }
        if search.projector.steps().is_multiple_of(plan.options.steps.div_ceil(FRAMES)) {
            search.way.push(search.projector.rows()?);
        }
        let report = search.projector.step()?;
        search.distance = report.distance;
        watch.step(report.step, report.distance);
    }
    watch.end();
    let seconds = (!earlier).then(|| started.elapsed().as_secs_f64());
    search.write(target)?;
    Ok(Found::All(seconds))
}

impl Search<'_> {
    /// Goes on with what was saved, if it was begun with these settings, and says whether it was.
    fn take_up(&mut self) -> anyhow::Result<bool> {
        let path = &self.picture.files.unfinished;
        let Some(file) = whole(path).filter(|file| self.settings.made(file)) else { return Ok(false) };
        let steps = file.metadata().map_or(0, |metadata| metadata.step as usize);
        let rows = file.tensor(WAY, &Device::Cpu)?;
        self.way = (0..rows.dim(0)?).map(|i| rows.narrow(0, i, 1)).collect::<Result<_, _>>()?;
        self.projector.restore(steps, |name| Ok(file.tensor(name, &Device::Cpu)?))?;
        let name = printable(&self.picture.name);
        say(&format!("{name}: going on after step {steps} of {}", self.plan.options.steps));
        Ok(true)
    }

    fn save(&self) -> anyhow::Result<()> {
        let mut metadata = self.settings.metadata("an inversion that is not finished", &[]);
        metadata.step = self.projector.steps() as u64;
        let mut tensors = self.projector.state();
        let none = || self.projector.rows().and_then(|rows| Ok(rows.narrow(0, 0, 0)?));
        let way = if self.way.is_empty() { none()? } else { Tensor::cat(&self.way, 0)? };
        tensors.push((WAY.to_owned(), way));
        Ok(save(&self.picture.files.unfinished, &metadata, &tensors)?)
    }

    /// Writes what was found, the styles last.
    fn write(&self, target: &Target) -> anyhow::Result<()> {
        let rows = self.projector.rows()?;
        if self.plan.video {
            let mut way: Vec<&Tensor> = self.way.iter().collect();
            way.push(&rows);
            self.film(&to_pictures(&target.image)?[0], &way)?;
        }
        found::write(self.plan, self.picture, self.settings, &rows, Some(self.distance))
    }

    /// The picture at the left, and what the network makes of these styles at the right.
    fn film(&self, source: &RgbImage, way: &[&Tensor]) -> anyhow::Result<()> {
        let network = &self.plan.network;
        let [h, w] = network.size().map(|side| side as u32);
        let zoom = usual_zoom(network.size());
        let size = [h * zoom, 2 * w * zoom];
        let text = self.picture.text(network, None);
        let mut film = Film::create(&self.picture.files.film, Format::Gif, size, FPS, way.len(), text)?;
        for batch in way.chunks(network.batch()) {
            for picture in to_pictures(&network.synthesize(&Tensor::cat(batch, 0)?, &vec![0; batch.len()])?)? {
                let mut frame = RgbImage::new(2 * w, h);
                image::imageops::replace(&mut frame, source, 0, 0);
                image::imageops::replace(&mut frame, &picture, w.into(), 0);
                film.push(enlarge(&frame, zoom))?;
            }
        }
        film.finish()
    }
}
