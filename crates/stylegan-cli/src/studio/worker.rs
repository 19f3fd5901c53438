//! The worker: the one thread that computes. It takes portions of the queue and answers them.

use super::cells;
use super::filming::Filming;
use super::films::Films;
use super::frame::{Place, frame, trouble};
use super::networks::{Network, Networks, Open};
use super::order::{MadeFile, Order, Wanted};
use super::queue::{Made, Portion, Queue, Work};
use super::search::Search;
use super::uploads::Uploads;
use super::wish::State;
use crate::exit::sentence;
use crate::invert::picture_encoder::PictureEncoder;
use anyhow::Context;
use axum::extract::ws::Message;
use image::RgbImage;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use stylegan_metrics::features::FeatureNetworks;

/// What pictures are compared by in searches: the distance of the official projector, where its weights are given.
const DISTANCE: &str = "lpips-vgg16";

/// What the thread has at hand.
struct Worker<'a> {
    networks: Networks,
    uploads: Arc<Uploads>,
    films: Arc<Films>,
    /// What pictures are compared by.
    distances: &'a FeatureNetworks,
    /// What searches start from.
    encoder: Option<&'a PictureEncoder>,
    /// One for each page at most.
    searches: Vec<Search<'a>>,
    /// The same.
    filming: Vec<Filming>,
}

/// Starts the thread: searches compare pictures by one of `distances` and start from what `encoder` finds.
///
/// # Errors
/// When the system has no thread.
pub(super) fn start(
    networks: Networks,
    uploads: Arc<Uploads>,
    films: Arc<Films>,
    queue: Arc<Queue>,
    distances: FeatureNetworks,
    encoder: Option<PictureEncoder>,
) -> anyhow::Result<()> {
    let work = move || {
        let (distances, encoder) = (&distances, encoder.as_ref());
        let mut worker = Worker { networks, uploads, films, distances, encoder, searches: vec![], filming: vec![] };
        loop {
            match queue.next() {
                Work::Cells(portion) => worker.paint(&queue, &portion),
                Work::Download(order) => worker.download(&queue, order),
            }
        }
    };
    std::thread::Builder::new().name("worker".into()).spawn(work).context("no thread for the studio's pictures")?;
    Ok(())
}

impl Worker<'_> {
    fn paint(&mut self, queue: &Queue, portion: &Portion) {
        let began = Instant::now();
        // Work that nobody waits for any more holds memory.
        self.searches.retain(|search| search.task.is_wanted(queue));
        self.filming.retain(|film| film.task.is_wanted(queue));
        let state = &portion.wish.state;
        let answers = (state.view(), portion.wish.seq);
        let result = guarded(|| {
            let framed = |cell: usize, picture: &RgbImage| {
                let (view, seq) = answers;
                let milliseconds = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
                frame(Place { view, seq, cell, cells: state.cells(), milliseconds }, portion.format, picture)
            };
            let (cells, pictures) = self.pictures(portion, &|network, preview| {
                if let Ok(frame) = framed(portion.cells.start, preview) {
                    queue.show(portion, frame, network);
                }
                queue.is_wanted(portion.page, &portion.wish)
            })?;
            cells.zip(&pictures).map(|(cell, picture)| framed(cell, picture)).collect::<anyhow::Result<Vec<_>>>()
        });
        let made = match result {
            Ok(frames) => Made::Frames(frames),
            // Given up on the way, or of no interest.
            Err(_) if !queue.is_wanted(portion.page, &portion.wish) => Made::Frames(vec![]),
            Err(problem) => {
                Made::Trouble(trouble(Some(answers), &self.networks.without_places(state.network(), &problem)))
            }
        };
        // Also in trouble: with what the page is told of the network it can ask for something that fits.
        let open = self.networks.known(state.network());
        queue.deliver(portion, made, open.map(|open| (open.number, &open.about)));
    }

    /// The first pictures of a portion, and which they are; a single large one is shown on the way.
    fn pictures(
        &mut self,
        portion: &Portion,
        show: &dyn Fn((u64, &Message), &RgbImage) -> bool,
    ) -> anyhow::Result<(Range<usize>, Vec<RgbImage>)> {
        let state = &portion.wish.state;
        let first = portion.cells.start;
        let bound = |number| is_bound(&self.searches, &self.filming, number);
        let Open { number, network, about, .. } = self.networks.find(state.network(), bound)?;
        let preview = |picture: RgbImage| show((*number, &*about), &picture);
        let (searches, filming) = (&mut self.searches, &mut self.filming);
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
            (State::Edit { .. }, Network::Styles(network, edits)) => {
                edits.picture(network, state, &self.uploads, &preview)?
            }
            (State::Invert { picture, look, .. }, Network::Styles(network, _)) => {
                let known = match searches.iter().position(|search| search.task.has(portion, *number)) {
                    Some(known) => known,
                    None if first == 0 => {
                        let distance = self.distances.distance(DISTANCE);
                        let distance = distance.context("no network here compares pictures")?;
                        let search = Search::begin(portion, *number, network, &self.uploads, distance, self.encoder)?;
                        searches.push(search);
                        searches.len() - 1
                    }
                    None => anyhow::bail!("the network has changed during the search: begin it again"),
                };
                let rows = searches[known].go_on()?;
                self.uploads.keep_found(network.hash(), picture, rows.clone());
                if first + 1 == state.cells() {
                    searches.remove(known);
                }
                let shown = network.pictures(&rows, &[0], look)?.pop();
                shown.context("no picture was made")?
            }
            (State::Film { .. }, Network::Styles(network, edits)) => {
                let known = match filming.iter().position(|film| film.task.has(portion, *number)) {
                    Some(known) => known,
                    None if first == 0 => {
                        filming.push(Filming::begin(portion, *number, network, edits, &self.uploads)?);
                        filming.len() - 1
                    }
                    None => anyhow::bail!("the network has changed during the film: begin it again"),
                };
                let cells = first..portion.cells.end.min(first + network.batch());
                let pictures = filming[known].frames(network, cells.clone())?;
                if cells.end == state.cells() {
                    self.films.keep(state.clone(), filming.remove(known).finish()?);
                }
                return Ok((cells, pictures));
            }
            (_, Network::Styles(network, _)) => {
                let cells = first..portion.cells.end.min(first + network.batch());
                return Ok((cells.clone(), cells::pictures(network, state, cells, &preview)?));
            }
        };
        Ok((first..first + 1, vec![one]))
    }

    fn download(&mut self, queue: &Queue, mut order: Order) {
        let made = match guarded(|| self.file(&order.what, &mut order.so_far)) {
            Ok(None) => return queue.go_on(order),
            Ok(Some(file)) => Ok(file),
            Err(problem) => Err(self.networks.without_places(order.what.network(), &problem)),
        };
        // Whoever asked may have gone.
        let _ = order.reply.send(made);
    }

    /// The file of an order; `None` where there is more to be made than was done now.
    fn file(&mut self, what: &Wanted, (by, so_far): &mut (u64, Vec<RgbImage>)) -> anyhow::Result<Option<MadeFile>> {
        let bound = |number| is_bound(&self.searches, &self.filming, number);
        let open = self.networks.find(what.network(), bound)?;
        // A newer checkpoint makes all of them.
        if *by != open.number {
            (*by, *so_far) = (open.number, vec![]);
        }
        let uploads = &self.uploads;
        let whole = match (what, &mut open.network) {
            (Wanted::Picture(state, None | Some(0)), Network::Maps(network)) => network.download(state, uploads),
            (Wanted::Picture(state @ State::Edit { .. }, None | Some(0)), Network::Styles(network, edits)) => {
                edits.download(network, state, uploads)
            }
            (Wanted::Picture(state, cell), Network::Styles(network, _)) => {
                return cells::download(network, state, *cell, so_far);
            }
            (Wanted::Styles(state @ State::Picture { .. }), Network::Styles(network, _)) => {
                cells::styles(network, state)
            }
            (Wanted::Styles(state), Network::Styles(network, edits)) => edits.styles(network, state, uploads),
            (Wanted::Directions(look, wanted), Network::Styles(network, edits)) => {
                edits.list(network, look, wanted, uploads)
            }
            (_, Network::Maps(_)) => anyhow::bail!("this network paints maps and has no such file"),
        };
        whole.map(Some)
    }
}

/// Whether something that is being made goes on with the open network of this number.
fn is_bound(searches: &[Search<'_>], filming: &[Filming], network: u64) -> bool {
    searches.iter().any(|search| search.task.is_by(network)) || filming.iter().any(|film| film.task.is_by(network))
}

/// The result of `f`, or a sentence; a panic is one, too.
fn guarded<T>(f: impl FnOnce() -> anyhow::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| sentence(&error)),
        Err(_) => Err("this is a bug of stylegan: the picture could not be computed".to_owned()),
    }
}
