//! What is to be computed next: of each page and view the latest state, and pictures to download.
//!
//! A page has one place for each of its views; a later state takes the place of an earlier one, whether
//! work on that has begun or not. Work is handed out in portions of a few pictures, and only to pages
//! with room for them: a page that does not read holds up nobody, and a long table no other page.

use super::frame::Format;
use super::order::Order;
use super::wish::{View, Wish};
use axum::extract::ws::Message;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Messages that wait for a page to read them.
pub(super) const ROOM: usize = 8;

/// Pictures of a portion; beside them go what a page is told of a network and a sentence of trouble.
pub(super) const PORTION: usize = ROOM - 2;

/// Pictures that may wait to be downloaded.
const MAX_DOWNLOADS: usize = 8;

/// The queue of the studio's one worker.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    pages: BTreeMap<u64, Page>,
    pages_so_far: u64,
    /// The page that was served last.
    served: u64,
    downloads: VecDeque<Order>,
    /// Whether the last work was on a download: it is a page's turn then.
    downloaded: bool,
}

/// A page that is open.
struct Page {
    format: Format,
    messages: mpsc::Sender<Message>,
    places: BTreeMap<View, Place>,
    /// The network that it was told about last.
    told: Option<u64>,
}

/// The latest state of a view, and how many of its pictures are done.
struct Place {
    wish: Arc<Wish>,
    done: usize,
}

/// A portion of work.
pub(super) enum Work {
    /// Pictures of a view.
    Cells(Portion),
    /// A picture to download.
    Download(Order),
}

/// Some pictures of a view's state.
pub(super) struct Portion {
    /// The page whose state it is.
    pub(super) page: u64,
    /// How the page takes its pictures.
    pub(super) format: Format,
    /// The state.
    pub(super) wish: Arc<Wish>,
    /// The pictures that are next; the worker may do fewer, from the first on.
    pub(super) cells: Range<usize>,
}

/// What was made of a portion.
pub(super) enum Made {
    /// Frames of the first pictures of the portion.
    Frames(Vec<Message>),
    /// A sentence: no more is to be made for this state.
    Trouble(Message),
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page has come; its messages come out of the receiver.
    pub(super) fn open(&self, format: Format) -> (u64, mpsc::Receiver<Message>) {
        let (messages, receiver) = mpsc::channel(ROOM);
        let mut waiting = self.lock();
        waiting.pages_so_far += 1;
        let page = waiting.pages_so_far;
        waiting.pages.insert(page, Page { format, messages, places: BTreeMap::new(), told: None });
        (page, receiver)
    }

    /// A page has gone.
    pub(super) fn close(&self, page: u64) {
        self.lock().pages.remove(&page);
    }

    /// A page has a new state.
    pub(super) fn put(&self, page: u64, wish: Wish) {
        if let Some(page) = self.lock().pages.get_mut(&page) {
            page.places.insert(wish.state.view(), Place { wish: Arc::new(wish), done: 0 });
        }
        self.changed.notify_one();
    }

    /// A page wants nothing more of a view.
    pub(super) fn stop(&self, page: u64, view: View) {
        if let Some(page) = self.lock().pages.get_mut(&page) {
            page.places.remove(&view);
        }
    }

    /// Whether a page still wants this state to be worked on.
    pub(super) fn is_wanted(&self, page: u64, wish: &Arc<Wish>) -> bool {
        let waiting = self.lock();
        let place = waiting.pages.get(&page).and_then(|page| page.places.get(&wish.state.view()));
        place.is_some_and(|place| Arc::ptr_eq(&place.wish, wish))
    }

    /// A page has read something: there is room again.
    pub(super) fn room(&self) {
        self.changed.notify_one();
    }

    /// Asks for a picture to download; false, and nothing done, when too many wait.
    pub(super) fn order(&self, order: Order) -> bool {
        let mut waiting = self.lock();
        waiting.forget_abandoned();
        if waiting.downloads.len() >= MAX_DOWNLOADS {
            return false;
        }
        waiting.downloads.push_back(order);
        self.changed.notify_one();
        true
    }

    /// An order of which some is done and more is to be made.
    pub(super) fn go_on(&self, order: Order) {
        self.lock().downloads.push_front(order);
    }

    /// Waits for work.
    pub(super) fn next(&self) -> Work {
        let mut waiting = self.lock();
        loop {
            if let Some(work) = waiting.take() {
                return work;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Shows what there is already of a portion's single picture; `network` as in [`deliver`](Self::deliver).
    pub(super) fn show(&self, portion: &Portion, preview: Message, network: (u64, &Message)) {
        if let Some(page) = self.lock().pages.get_mut(&portion.page) {
            page.tell(network);
            let _ = page.messages.try_send(preview);
        }
    }

    /// Sends what was made of a portion. `network` is the number of the network that made it, which the page
    /// is told about in the words of `about` if it does not know it yet.
    pub(super) fn deliver(&self, portion: &Portion, made: Made, network: Option<(u64, &Message)>) {
        let mut waiting = self.lock();
        let Some(page) = waiting.pages.get_mut(&portion.page) else { return };
        // There was room for all of it when the portion was handed out, and nobody else sends.
        if let Some(network) = network {
            page.tell(network);
        }
        let (messages, done) = match made {
            Made::Frames(frames) => (frames, None),
            Made::Trouble(sentence) => (vec![sentence], Some(portion.wish.state.cells())),
        };
        let done = done.unwrap_or(portion.cells.start + messages.len());
        messages.into_iter().for_each(|message| drop(page.messages.try_send(message)));
        let view = portion.wish.state.view();
        if let Some(place) = page.places.get_mut(&view).filter(|place| Arc::ptr_eq(&place.wish, &portion.wish)) {
            place.done = done;
            if done >= portion.wish.state.cells() {
                page.places.remove(&view);
            }
        }
    }
}

impl Page {
    /// Tells it of a network that it does not know yet.
    fn tell(&mut self, (network, about): (u64, &Message)) {
        if self.told != Some(network) {
            self.told = Some(network);
            let _ = self.messages.try_send(about.clone());
        }
    }
}

impl Waiting {
    /// Downloads first, but every other time what a page waits for: a table takes many turns.
    fn take(&mut self) -> Option<Work> {
        if std::mem::take(&mut self.downloaded)
            && let Some(portion) = self.portion()
        {
            return Some(Work::Cells(portion));
        }
        self.forget_abandoned();
        if let Some(order) = self.downloads.pop_front() {
            self.downloaded = true;
            return Some(Work::Download(order));
        }
        self.portion().map(Work::Cells)
    }

    /// Drops the orders of those who have gone.
    fn forget_abandoned(&mut self) {
        self.downloads.retain(|order| !order.reply.is_closed());
    }

    /// Of views in their order, of pages in turn.
    fn portion(&mut self) -> Option<Portion> {
        let after_last = self.pages.range(self.served + 1..).chain(self.pages.range(..=self.served));
        let ready = after_last.filter(|(_, page)| page.messages.capacity() >= ROOM);
        let candidates = ready.filter_map(|(&id, page)| Some((id, page, page.places.first_key_value()?)));
        let (id, page, (_, place)) = candidates.min_by_key(|(_, _, (view, _))| **view)?;
        let end = (place.done + PORTION).min(place.wish.state.cells());
        let portion = Portion { page: id, format: page.format, wish: place.wish.clone(), cells: place.done..end };
        self.served = id;
        Some(portion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture_settings::NoiseKind;
    use crate::studio::order::{MadeFile, Wanted};
    use crate::studio::wish::{Look, State};
    use tokio::sync::oneshot;

    fn look() -> Look {
        Look { network: "n".into(), psi: 1., cutoff: None, class: None, noise: NoiseKind::Const, noise_seed: 0 }
    }

    fn picture(seq: u32) -> Wish {
        Wish { seq, state: State::Picture { look: look(), x: 0., y: 0. } }
    }

    fn thumbnails(seq: u32, n: u32) -> Wish {
        Wish { seq, state: State::Thumbnails { look: look(), seeds: (0..n).collect(), side: 8 } }
    }

    fn message() -> Message {
        Message::Text("x".into())
    }

    /// The number and the pictures of the next portion, done.
    fn work(queue: &Queue) -> Option<(u32, Range<usize>)> {
        let Some(Work::Cells(portion)) = queue.lock().take() else { return None };
        let frames = portion.cells.clone().map(|_| message()).collect();
        queue.deliver(&portion, Made::Frames(frames), None);
        Some((portion.wish.seq, portion.cells))
    }

    fn read(messages: &mut mpsc::Receiver<Message>) -> usize {
        std::iter::from_fn(|| messages.try_recv().ok()).count()
    }

    #[test]
    fn of_a_hundred_states_the_last_is_computed() {
        let queue = Queue::default();
        let (page, mut messages) = queue.open(Format::Rgb);
        (0..100).for_each(|seq| queue.put(page, picture(seq)));
        assert_eq!((work(&queue), work(&queue)), (Some((99, 0..1)), None));
        assert_eq!(read(&mut messages), 1);
    }

    #[test]
    fn a_later_state_ends_the_work_on_an_earlier_one() {
        let queue = Queue::default();
        let (page, mut messages) = queue.open(Format::Rgb);
        queue.put(page, thumbnails(1, 10));
        assert_eq!(work(&queue), Some((1, 0..6)));
        read(&mut messages);
        queue.put(page, thumbnails(2, 2));
        assert_eq!((work(&queue), work(&queue)), (Some((2, 0..2)), None));
        read(&mut messages);
        // Also while a portion is being computed.
        queue.put(page, thumbnails(3, 10));
        let Some(Work::Cells(portion)) = queue.lock().take() else { panic!("no work") };
        queue.put(page, thumbnails(4, 1));
        queue.deliver(&portion, Made::Trouble(message()), None);
        read(&mut messages);
        assert_eq!(work(&queue), Some((4, 0..1)));
    }

    #[test]
    fn the_picture_comes_before_thumbnails_and_pages_take_turns() {
        let queue = Queue::default();
        let (a, mut from_a) = queue.open(Format::Rgb);
        let (b, mut from_b) = queue.open(Format::Jpeg);
        queue.put(a, thumbnails(1, 12));
        queue.put(b, thumbnails(2, 12));
        queue.put(b, picture(3));
        let mut order = Vec::new();
        while let Some((seq, _)) = work(&queue) {
            order.push(seq);
            read(&mut from_a);
            read(&mut from_b);
        }
        assert_eq!(order, [3, 1, 2, 1, 2]);
    }

    #[test]
    fn a_page_that_does_not_read_holds_up_nobody() {
        let queue = Queue::default();
        let (slow, mut unread) = queue.open(Format::Rgb);
        let (quick, mut messages) = queue.open(Format::Rgb);
        for seq in 0..1000 {
            queue.put(slow, picture(seq));
            queue.put(quick, picture(seq));
            while work(&queue).is_some() {}
            assert_eq!(read(&mut messages), 1);
        }
        assert_eq!(read(&mut unread), 1);
        assert_eq!(work(&queue), Some((999, 0..1)));
        queue.close(slow);
        queue.put(slow, picture(1));
        assert_eq!(work(&queue), None);
    }

    #[test]
    fn what_is_stopped_is_worked_on_no_more() {
        let queue = Queue::default();
        let (page, mut messages) = queue.open(Format::Rgb);
        queue.put(page, thumbnails(1, 20));
        assert_eq!(work(&queue), Some((1, 0..6)));
        read(&mut messages);
        queue.put(page, picture(2));
        queue.stop(page, View::Thumbnails);
        assert_eq!((work(&queue), work(&queue)), (Some((2, 0..1)), None));
        // A page that is not there stops nothing.
        queue.stop(page + 1, View::Picture);
    }

    #[test]
    fn downloads_are_bounded() {
        let queue = Queue::default();
        let (mut waiting, last): (Vec<_>, _) = ((0..MAX_DOWNLOADS).map(|_| ordered(&queue)).collect(), ordered(&queue));
        assert!(waiting.iter().all(|(taken, _)| *taken) && !last.0);
        // Those who go make room.
        waiting.truncate(1);
        assert!(ordered(&queue).0);
    }

    #[test]
    fn what_nobody_waits_for_is_not_made_and_pages_have_turns_beside_long_downloads() {
        let queue = Queue::default();
        let (page, mut messages) = queue.open(Format::Rgb);
        let (gone, kept) = (ordered(&queue), ordered(&queue));
        drop(gone);
        let mut turns = String::new();
        for seq in 0..3 {
            queue.put(page, picture(seq));
            let Some(Work::Download(order)) = queue.lock().take() else { panic!("no download") };
            assert!(!order.reply.is_closed());
            turns.push('d');
            queue.go_on(order);
            turns.extend(work(&queue).map(|_| 'p'));
            read(&mut messages);
        }
        assert_eq!(turns, "dpdpdp");
        drop(kept);
        assert!(work(&queue).is_none() && queue.lock().take().is_none());
    }

    /// Whether an order was taken, and where its file goes.
    fn ordered(queue: &Queue) -> (bool, oneshot::Receiver<Result<MadeFile, String>>) {
        let (reply, made) = oneshot::channel();
        (queue.order(Order::new(Wanted::Picture(picture(0).state, None), reply)), made)
    }
}
