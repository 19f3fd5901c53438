//! The one thread that computes: it takes portions of the queue and answers them, with the networks that were
//! used last kept open.

use super::cells;
use super::edits::Edits;
use super::frame::{Place, frame, json, trouble};
use super::library::Library;
use super::map_network::MapNetwork;
use super::queue::{Made, MadeFile, Order, Portion, Queue, Wanted, Work};
use super::sampler::Sampler;
use super::search::Search;
use super::uploads::Uploads;
use super::wish::State;
use crate::device::load;
use crate::exit::sentence;
use crate::invert::picture_encoder::PictureEncoder;
use crate::network::verified_checkpoint;
use anyhow::Context;
use axum::extract::ws::Message;
use candle_core::Device;
use image::RgbImage;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use stylegan_metrics::features::FeatureNetworks;

/// Networks that are kept open: two pages may work with different ones.
const KEPT: usize = 2;

/// What pictures are compared by in searches: the distance of the official projector, where its weights are given.
const DISTANCE: &str = "lpips-vgg16";

/// The worker.
struct Painter<'a> {
    library: Arc<Library>,
    uploads: Arc<Uploads>,
    /// What pictures are compared by.
    distances: &'a FeatureNetworks,
    /// What searches start from.
    encoder: Option<&'a PictureEncoder>,
    /// What networks of styles compute on.
    device: Device,
    /// The network used last stands at the end.
    open: Vec<Open>,
    opened: u64,
    /// One for each page at most.
    searches: Vec<Search<'a>>,
}

/// An open network.
struct Open {
    name: String,
    number: u64,
    network: Network,
    /// What pages are told of it.
    about: Message,
}

/// The two kinds of networks that there are.
enum Network {
    /// It makes pictures of latents.
    Styles(Box<Sampler>, Edits),
    /// It paints maps.
    Maps(Box<MapNetwork>),
}

/// Starts the worker; searches compare pictures by one of `distances` and start from what `encoder` finds, and networks
/// compute on `device`.
///
/// # Errors
/// When the system has no thread.
pub(super) fn start(
    library: Arc<Library>,
    uploads: Arc<Uploads>,
    queue: Arc<Queue>,
    distances: FeatureNetworks,
    encoder: Option<PictureEncoder>,
    device: Device,
) -> anyhow::Result<()> {
    let work = move || {
        let (distances, encoder) = (&distances, encoder.as_ref());
        let mut painter =
            Painter { library, uploads, distances, encoder, device, open: vec![], opened: 0, searches: vec![] };
        loop {
            match queue.next() {
                Work::Cells(portion) => painter.paint(&queue, &portion),
                Work::Download(order) => painter.download(order),
            }
        }
    };
    std::thread::Builder::new().name("painter".into()).spawn(work).context("no thread for the studio's pictures")?;
    Ok(())
}

impl Painter<'_> {
    fn paint(&mut self, queue: &Queue, portion: &Portion) {
        let began = Instant::now();
        // Searches that nobody waits for any more hold memory.
        self.searches.retain(|search| queue.is_wanted(search.page, &search.wish));
        let state = &portion.wish.state;
        let answers = (state.view(), portion.wish.seq);
        let result = guarded(|| {
            let (cells, pictures) = self.pictures(portion)?;
            let milliseconds = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
            let frames = cells.zip(&pictures).map(|(cell, picture)| {
                let (view, seq) = answers;
                frame(Place { view, seq, cell, cells: state.cells(), milliseconds }, portion.format, picture)
            });
            frames.collect::<anyhow::Result<Vec<_>>>()
        });
        let made = match result {
            Ok(frames) => Made::Frames(frames),
            Err(problem) => Made::Trouble(trouble(Some(answers), &problem)),
        };
        // Also in trouble: with what the page is told of the network it can ask for something that fits.
        let open = self.open.last().filter(|open| open.name == state.network());
        queue.deliver(portion, made, open.map(|open| (open.number, &open.about)));
    }

    /// The first pictures of a portion, and which they are.
    fn pictures(&mut self, portion: &Portion) -> anyhow::Result<(Range<usize>, Vec<RgbImage>)> {
        let state = &portion.wish.state;
        let first = portion.cells.start;
        let at = self.network(state.network())?;
        let Open { number, network, .. } = &mut self.open[at];
        let one = match (state, network) {
            (State::Paint { .. }, Network::Maps(network)) => network.picture(state, &self.uploads)?,
            (State::Paint { .. }, Network::Styles(..)) => {
                anyhow::bail!(
                    "this network makes pictures of latents: maps are painted by a SPADE or pix2pixHD network"
                )
            }
            (_, Network::Maps(_)) => {
                anyhow::bail!("this network paints maps, which the room Paint is for; choose another network here")
            }
            (State::Edit { .. }, Network::Styles(sampler, edits)) => edits.picture(sampler, state, &self.uploads)?,
            (State::Invert { picture, look, .. }, Network::Styles(sampler, edits)) => {
                let known = self.searches.iter().position(|search| search.is_of(portion, *number));
                let known = match known {
                    Some(known) => known,
                    None if first == 0 => {
                        let distance = self.distances.distance(DISTANCE);
                        let distance = distance.context("no network here compares pictures")?;
                        let search = Search::begin(portion, *number, sampler, &self.uploads, distance, self.encoder)?;
                        self.searches.push(search);
                        self.searches.len() - 1
                    }
                    None => anyhow::bail!("the network has changed during the search: begin it again"),
                };
                let rows = self.searches[known].go_on()?;
                edits.keep(picture, rows.clone());
                if first + 1 == state.cells() {
                    self.searches.remove(known);
                }
                let shown = sampler.pictures(&rows, &[0], look)?.pop();
                shown.context("no picture was made")?
            }
            (_, Network::Styles(sampler, _)) => {
                let cells = first..portion.cells.end.min(first + sampler.batch());
                return Ok((cells.clone(), cells::pictures(sampler, state, cells)?));
            }
        };
        Ok((first..first + 1, vec![one]))
    }

    fn download(&mut self, order: Order) {
        let made = guarded(|| self.file(&order.what));
        // Whoever asked may have gone.
        let _ = order.reply.send(made);
    }

    fn file(&mut self, what: &Wanted) -> anyhow::Result<MadeFile> {
        let name = match what {
            Wanted::Picture(state, _) | Wanted::Styles(state) => state.network(),
            Wanted::Directions(look, _) => &look.network,
        };
        let at = self.network(name)?;
        let uploads = &self.uploads;
        match (what, &mut self.open[at].network) {
            (Wanted::Picture(state, None | Some(0)), Network::Maps(network)) => network.download(state, uploads),
            (Wanted::Picture(state @ State::Edit { .. }, None | Some(0)), Network::Styles(sampler, edits)) => {
                edits.download(sampler, state, uploads)
            }
            (Wanted::Picture(state, cell), Network::Styles(sampler, _)) => cells::download(sampler, state, *cell),
            (Wanted::Styles(state), Network::Styles(sampler, edits)) => edits.styles(sampler, state, uploads),
            (Wanted::Directions(look, wanted), Network::Styles(sampler, edits)) => {
                edits.list(sampler, look, wanted, uploads)
            }
            (_, Network::Maps(_)) => anyhow::bail!("this network paints maps and has no such file"),
        }
    }

    /// Where the network of this name stands among those that are open: last.
    fn network(&mut self, name: &str) -> anyhow::Result<usize> {
        if let Some(at) = self.open.iter().position(|open| open.name == name) {
            self.open[at..].rotate_left(1);
            return Ok(self.open.len() - 1);
        }
        let entry = self.library.find(name).filter(|entry| entry.has_network);
        let entry = entry.with_context(|| format!("there is no network {name:?} here any more"))?;
        // Room first: two large networks may be all that fits.
        if self.open.len() >= KEPT {
            self.open.remove(0);
        }
        let (file, foreign) = verified_checkpoint(&entry.path)?;
        let model = load(&file, &self.device)?;
        let (network, mut about) = match model.config().map() {
            Some(_) => {
                let network = MapNetwork::new((file, foreign), model, entry.classes()?)?;
                let about = network.description();
                (Network::Maps(Box::new(network)), about)
            }
            None => {
                let sampler = Sampler::new(model);
                let edits = Edits::of(sampler.model())?;
                let mut about = sampler.description();
                about["directions"] = edits.own().into();
                (Network::Styles(Box::new(sampler), edits), about)
            }
        };
        self.opened += 1;
        about["type"] = "network".into();
        about["name"] = name.into();
        self.open.push(Open { name: name.to_owned(), number: self.opened, network, about: json(&about) });
        Ok(self.open.len() - 1)
    }
}

/// The result of `f`, or a sentence; a panic is one, too.
fn guarded<T>(f: impl FnOnce() -> anyhow::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| sentence(&error)),
        Err(_) => Err("this is a bug of stylegan: the picture could not be computed".to_owned()),
    }
}
