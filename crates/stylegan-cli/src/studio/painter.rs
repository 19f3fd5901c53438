//! The studio's one worker: it opens networks and computes pictures, on a thread of its own.

use super::cells;
use super::frame::{Place, frame, json, trouble};
use super::library::Library;
use super::queue::{Made, Order, Portion, Queue, Work};
use super::sampler::Sampler;
use super::wish::State;
use crate::exit::sentence;
use anyhow::Context;
use axum::extract::ws::Message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Networks that are kept open: two pages may work with different ones.
const KEPT: usize = 2;

/// The worker.
struct Painter {
    library: Arc<Library>,
    /// The network used last stands at the end.
    open: Vec<Open>,
    opened: u64,
}

/// An open network.
struct Open {
    name: String,
    number: u64,
    sampler: Sampler,
    /// What pages are told of it.
    about: Message,
}

/// Starts the worker.
///
/// # Errors
/// When the system has no thread.
pub(super) fn start(library: Arc<Library>, queue: Arc<Queue>) -> anyhow::Result<()> {
    let mut painter = Painter { library, open: vec![], opened: 0 };
    let work = move || {
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

impl Painter {
    fn paint(&mut self, queue: &Queue, portion: &Portion) {
        let began = Instant::now();
        let state = &portion.wish.state;
        let answers = (state.view(), portion.wish.seq);
        let result = guarded(|| {
            let open = self.network(state)?;
            let cells = portion.cells.start..portion.cells.end.min(portion.cells.start + open.sampler.batch());
            let pictures = cells::pictures(&open.sampler, state, cells.clone())?;
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
        let open = self.open.last().filter(|open| open.name == state.look().network);
        queue.deliver(portion, made, open.map(|open| (open.number, &open.about)));
    }

    fn download(&mut self, order: Order) {
        let made = guarded(|| cells::download(&self.network(&order.state)?.sampler, &order.state, order.cell));
        // Whoever asked may have gone.
        let _ = order.reply.send(made);
    }

    /// The network of a state, which now stands last.
    fn network(&mut self, state: &State) -> anyhow::Result<&Open> {
        let name = &state.look().network;
        if let Some(at) = self.open.iter().position(|open| open.name == *name) {
            self.open[at..].rotate_left(1);
        } else {
            let entry = self.library.find(name).filter(|entry| entry.has_network);
            let path = entry.with_context(|| format!("there is no network {name:?} here any more"))?.path;
            // Room first: two large networks may be all that fits.
            if self.open.len() >= KEPT {
                self.open.remove(0);
            }
            let sampler = Sampler::open(&path)?;
            self.opened += 1;
            let mut about = sampler.description();
            about["type"] = "network".into();
            about["name"] = name.as_str().into();
            self.open.push(Open { name: name.clone(), number: self.opened, sampler, about: json(&about) });
        }
        self.open.last().context("no network is open")
    }
}

/// The result of `f`, or a sentence; a panic is one, too.
fn guarded<T>(f: impl FnOnce() -> anyhow::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| sentence(&error)),
        Err(_) => Err("this is a bug of stylegan: the picture could not be computed".to_owned()),
    }
}
