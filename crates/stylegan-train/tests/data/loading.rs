//! Decoding ahead of the step.

use crate::pictures::*;
use candle_core::Device;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use stylegan_train::data::{Batch, BatchMaps, Dataset, Loader, SampleRequest};

fn same(a: &Batch, b: &Batch) -> bool {
    let values = |batch: &Batch| {
        let labels = batch.labels.as_ref().map(|labels| labels.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        (batch.images.flatten_all().unwrap().to_vec1::<f32>().unwrap(), labels)
    };
    values(a) == values(b)
}

fn requests(step: usize) -> Vec<SampleRequest> {
    let sample = |i: usize| SampleRequest {
        mirror: (step + i).is_multiple_of(2),
        ..SampleRequest::whole((step * 7 + i * 3) % 4)
    };
    (0..3).map(sample).collect()
}

#[test]
fn batches_come_in_order_whatever_the_threads() {
    let place = Place::new();
    let path = place.folder("set", &labelled());
    let plain = Dataset::open(&path).unwrap();
    for (threads, ahead) in [(1, 1), (3, 5), (2, 8)] {
        let set = Arc::new(Dataset::open(&path).unwrap());
        let loader = Loader::new(set, (0..20).map(requests), (BatchMaps::None, Device::Cpu), threads, ahead);
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
    let mut loader = Loader::new(set, steps, (BatchMaps::None, Device::Cpu), 2, 3);
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
    let results: Vec<_> = Loader::new(set, steps.into_iter(), (BatchMaps::None, Device::Cpu), 1, 2).collect();
    assert_eq!(results.len(), 3);
    assert!(results[0].is_ok() && results[2].is_ok());
    let sentence = results[1].as_ref().unwrap_err().to_string();
    assert_eq!(sentence, "sample 4 does not exist: the set holds pictures 0 to 3");
}

#[test]
fn a_set_is_read_in_batches_in_any_order() {
    let place = Place::new();
    let set = Dataset::open(place.folder("set", &good())).unwrap();
    let batches: Vec<_> = set.batches(&[3, 0, 2]).map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    let expected = set.load(&plain(&[3, 0, 2])).unwrap().images;
    let values = |x: &candle_core::Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(values(&batches[0]), values(&expected));
    // Pictures of 6000x6000 pixels come one by one.
    let large = vec![("a.png".to_string(), png(map(6000, 6000, 0))), ("b.png".to_string(), png(map(6000, 6000, 1)))];
    let set = Dataset::open(place.folder("large", &large)).unwrap();
    let sizes: Vec<usize> = set.batches(&[0, 1]).map(|batch| batch.unwrap().dims()[0]).collect();
    assert_eq!(sizes, [1, 1]);
}
