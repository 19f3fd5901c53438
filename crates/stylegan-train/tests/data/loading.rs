//! Decoding ahead of the step.

use crate::pictures::*;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use stylegan_train::data::{Batch, Dataset, Loader, SampleRequest};

fn same(a: &Batch, b: &Batch) -> bool {
    let values = |batch: &Batch| {
        let labels = batch.labels.as_ref().map(|labels| labels.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        (batch.images.flatten_all().unwrap().to_vec1::<f32>().unwrap(), labels)
    };
    values(a) == values(b)
}

fn requests(step: usize) -> Vec<SampleRequest> {
    (0..3).map(|i| SampleRequest { index: (step * 7 + i * 3) % 4, mirror: (step + i).is_multiple_of(2) }).collect()
}

#[test]
fn batches_come_in_order_whatever_the_threads_and_the_cache() {
    let place = Place::new();
    let path = place.folder("set", &labelled());
    let plain = Dataset::open(&path).unwrap();
    for (threads, ahead, cache) in [(1, 1, 1 << 20), (3, 5, 0), (2, 8, 200)] {
        let set = Arc::new(Dataset::open(&path).unwrap().with_cache(cache));
        let loader = Loader::new(set, (0..20).map(requests), threads, ahead);
        let batches: Vec<Batch> = loader.map(Result::unwrap).collect();
        assert_eq!(batches.len(), 20);
        for (step, batch) in batches.iter().enumerate() {
            assert!(same(batch, &plain.load(&requests(step)).unwrap()), "step {step}, {threads} threads");
        }
    }
}

#[test]
fn no_more_is_decoded_ahead_than_asked_for() {
    let place = Place::new();
    let set = Arc::new(Dataset::open(place.folder("set", &good())).unwrap());
    let drawn = Rc::new(Cell::new(0));
    let counter = drawn.clone();
    let steps = (0..).map(move |step| {
        counter.set(step + 1);
        requests(step)
    });
    let mut loader = Loader::new(set, steps, 2, 3);
    assert_eq!(drawn.get(), 3);
    for step in 1..10 {
        loader.next().unwrap().unwrap();
        assert_eq!(drawn.get(), step + 3);
    }
    // Requests never end: dropping the loader must not wait for them.
}

#[test]
fn an_error_takes_the_place_of_its_batch() {
    let place = Place::new();
    let set = Arc::new(Dataset::open(place.folder("set", &good())).unwrap());
    let steps = vec![plain(&[0]), plain(&[4]), plain(&[3])];
    let results: Vec<_> = Loader::new(set, steps.into_iter(), 1, 2).collect();
    assert_eq!(results.len(), 3);
    assert!(results[0].is_ok() && results[2].is_ok());
    let sentence = results[1].as_ref().unwrap_err().to_string();
    assert_eq!(sentence, "sample 4 does not exist: the set holds pictures 0 to 3");
}

#[test]
fn decoded_pictures_are_kept_within_the_bound() {
    let place = Place::new();
    let path = place.folder("set", &good());
    // One picture of 8 * 6 * 3 = 144 bytes fits, a second does not.
    let set = Dataset::open(&path).unwrap().with_cache(200);
    let first = set.pixels(0).unwrap();
    let second = set.pixels(1).unwrap();
    assert!(Arc::ptr_eq(&first, &set.pixels(0).unwrap()));
    assert!(!Arc::ptr_eq(&second, &set.pixels(1).unwrap()));
    assert_eq!(second, set.pixels(1).unwrap());
}
