//! Random trouble: training, evaluating and building sets are killed, interrupted, damaged, starved of
//! disk and run twice at once, at random moments, over and over. Nothing may hang, nothing may be lost
//! beyond the last checkpoint, and in the end every byte is that of a run that was left in peace.
//!
//! `cargo test -p stylegan-cli --test trouble` is the short form;
//! `cargo test -p stylegan-cli --test trouble -- --ignored --nocapture` the long one, of 240 events. Both
//! print their seed; the environment variable `TROUBLE_SEED` repeats it (events and the moments they are
//! due at; what the machine makes of them differs).
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod disk;
mod events;
mod job;
mod works;

use disk::Disk;
use events::Event;
use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use stylegan_core::latent::StreamKey;
use works::Work;

#[test]
fn trouble_for_a_short_while() {
    trouble(given_seed().unwrap_or(1), 1);
}

#[test]
#[ignore = "takes ten minutes"]
fn trouble_for_a_long_while() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    trouble(given_seed().unwrap_or(now), 10);
}

#[allow(clippy::disallowed_methods, reason = "a test that is repeated by hand")]
fn given_seed() -> Option<u64> {
    std::env::var("TROUBLE_SEED").ok().map(|text| text.parse().expect("TROUBLE_SEED is a number"))
}

/// Every kind of event `rounds` times to every kind of work, in an order of chance.
fn trouble(seed: u64, rounds: usize) {
    println!("TROUBLE_SEED={seed}");
    let start = Instant::now();
    let mut chance = StreamKey::new(seed, "trouble", 0).stream(0, 0);
    let disk = Disk::new();
    let mut works = Work::all(&disk);
    let mut deck = Vec::new();
    for _ in 0..rounds {
        deck.extend(Event::ALL.iter().flat_map(|&event| (0..works.len()).map(move |work| (event, work))));
    }
    for i in (1..deck.len()).rev() {
        deck.swap(i, chance.below(i as u64 + 1) as usize);
    }
    let mut counts = BTreeMap::<_, usize>::new();
    for (number, &(event, work)) in deck.iter().enumerate() {
        let work = &mut works[work];
        let outcome = event.happens(work, &disk, &mut chance);
        println!("{number:>4} {:<16} {:<6} {outcome}", event.name(), work.name());
        *counts.entry((event, work.name(), outcome)).or_default() += 1;
    }
    let finished: usize = works.iter_mut().map(Work::finish).sum();

    println!("\n| event | {} |", works.iter().map(Work::name).collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---|".repeat(works.len()));
    for event in Event::ALL {
        let cell = |work: &Work| {
            let found = counts.iter().filter(|((e, name, _), _)| *e == event && *name == work.name());
            found.map(|((_, _, outcome), count)| format!("{count} {outcome}")).collect::<Vec<_>>().join(", ")
        };
        println!("| {} | {} |", event.name(), works.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    println!(
        "\n{} events, {finished} times finished with the bytes of a run in peace, in {:.0} s, full disks by {}",
        deck.len(),
        start.elapsed().as_secs_f64(),
        disk.how()
    );
}
