//! How far an inversion has come: a bar on a terminal, now and then a line elsewhere.

use crate::numbers::count;
use crate::status::{self, say};
use indicatif::{HumanDuration, ProgressBar};
use std::time::{Duration, Instant};
use stylegan_core::printable;

/// The time between two lines where there is no bar.
const LINES_EVERY: Duration = Duration::from_secs(30);

/// Watches the steps of one picture after the other.
pub(super) struct Watch {
    /// The number of the picture at hand, from 0, and of all.
    picture: usize,
    pictures: usize,
    name: String,
    steps: usize,
    bar: Option<ProgressBar>,
    began: Instant,
    said: Instant,
    /// The step that the clock was started at.
    first: usize,
    /// The last step and its distance.
    last: (usize, f64),
}

impl Watch {
    /// Nothing is drawn before the first picture.
    pub(super) fn new(pictures: usize) -> Self {
        let (name, now) = (String::new(), Instant::now());
        Self { picture: 0, pictures, name, steps: 0, bar: None, began: now, said: now, first: 0, last: (0, f64::NAN) }
    }

    /// So many of the steps for a picture are done already.
    pub(super) fn begin(&mut self, name: &str, done: usize, steps: usize) {
        self.end();
        let name = printable(name).to_string();
        (self.name, self.steps, self.first, self.last) = (name, steps, done, (done, f64::NAN));
        (self.began, self.said) = (Instant::now(), Instant::now());
        self.bar =
            status::on_terminal().then(|| status::bar("{msg} {wide_bar} {pos}/{len}", steps as u64, done as u64));
    }

    /// A step is done that began at this distance.
    pub(super) fn step(&mut self, step: usize, distance: f64) {
        self.last = (step, distance);
        if let Some(bar) = &self.bar {
            bar.set_position(step as u64);
            bar.set_message(format!("{}  distance {distance:.3}  {}", self.place(), self.left()));
        } else if self.said.elapsed() > LINES_EVERY {
            self.said = Instant::now();
            let left = self.left();
            say(&format!("{}: step {step} of {}, distance {distance:.3}, {left}", self.place(), self.steps));
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let ((step, distance), name) = (self.last, std::mem::take(&mut self.name));
        if !name.is_empty() && step > self.first {
            let (steps, time) = (count(step as u64, "step"), HumanDuration(self.began.elapsed()));
            say(&format!("{name}: distance {distance:.4} after {steps}, {time}"));
        }
    }

    /// A picture is done with.
    pub(super) fn next(&mut self) {
        self.end();
        self.picture += 1;
    }

    fn place(&self) -> String {
        match self.pictures {
            1 => self.name.clone(),
            n => format!("{} ({} of {n})", self.name, self.picture + 1),
        }
    }

    /// How long this picture and the others take, if each takes all steps.
    fn left(&self) -> String {
        let done = self.last.0.saturating_sub(self.first).max(1) as f64;
        let steps = self.steps - self.last.0.min(self.steps) + (self.pictures - self.picture - 1) * self.steps;
        let left = Duration::try_from_secs_f64(self.began.elapsed().as_secs_f64() / done * steps as f64);
        left.map_or_else(|_| String::new(), |left| format!("{} left", HumanDuration(left)))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
