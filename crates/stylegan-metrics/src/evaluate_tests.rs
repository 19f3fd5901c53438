#![allow(clippy::unwrap_used)]
use super::*;
use crate::generated::GeneratorSource;
use crate::test_data::{Linear, Pixels, on_one_thread};
use candle_core::{Device, Tensor};
use std::cell::Cell;
use stylegan_core::latent::StreamKey;

fn images(n: usize, batch: usize, seed: u64, hash: Option<&str>) -> ImageSet<'static> {
    let batches = (0..n).step_by(batch).map(move |first| {
        let indices: Vec<u64> = (first..(first + batch).min(n)).map(|i| i as u64).collect();
        let key = StreamKey::new(seed, "test images", 0);
        Ok((key.normal_rows(&indices, 0, &[3, 4, 4], candle_core::DType::F32, &Device::Cpu)? * 0.4)?)
    });
    ImageSet { images: Box::new(batches), hash: hash.map(Into::into) }
}

struct Setup<'a> {
    names: &'a [&'a str],
    generated: Generated<'a>,
    reals: Option<ImageSet<'a>>,
    cache: Option<&'a Cache>,
    floor: bool,
}

fn run(setup: Setup) -> Result<Vec<MetricResult>> {
    let protocols = setup.names.iter().map(|n| Protocol::find(n).map(|p| p.with_samples(60))).collect::<Result<_>>()?;
    let networks = Networks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]);
    let request = Request {
        protocols,
        subjects: vec![Subject { name: "fakes".into(), generated: setup.generated }],
        reals: setup.reals,
        networks: &networks,
        classifiers: &[],
        cache: setup.cache,
        seed: 9,
        floor: setup.floor,
        clock: &|| 0.,
    };
    evaluate(request, &mut |_, _, _| ())
}

const ALL: [&str; 5] = ["fid", "kid", "pr", "ppl_zend", "ppl_wfull"];

/// The same bits in batches of 7 or 50, on one thread or two, with an empty or a filled cache; the
/// filled cache leaves the images alone.
#[test]
fn repeatable() {
    let generator = Linear { scale: 0.4, ..Linear::new(4, 4) };
    let folder = std::env::temp_dir().join(format!("stylegan-metrics-evaluate-{}", std::process::id()));
    let cache = Cache::new(&folder);
    let request = |batch, cache| {
        let source = GeneratorSource { hash: Some("generator"), ..GeneratorSource::new(&generator) };
        let (generated, reals) = (Generated::Generator(source), Some(images(140, batch, 1, Some("reals"))));
        run(Setup { names: &ALL, generated, reals, cache, floor: true }).unwrap()
    };
    let expected = request(50, None);
    let names: Vec<&str> = expected.iter().map(|r| r.name.as_str()).collect();
    let pr = ["precision", "recall", "density", "coverage"];
    let mut known =
        vec!["fid-pixels".to_owned(), "fid_floor-pixels".into(), "kid-pixels".into(), "kid_floor-pixels".into()];
    known.extend(pr.iter().map(|n| format!("{n}-pixels")));
    known.extend(pr.iter().map(|n| format!("{n}_floor-pixels")));
    known.extend(["ppl_zend-pixels".into(), "ppl_wfull-pixels".into()]);
    assert_eq!(names, known);
    assert!(expected.iter().all(|r| r.low <= r.value && r.value <= r.high), "{expected:#?}");
    assert_eq!(request(7, None), expected);
    assert_eq!(on_one_thread(|| request(50, None)), expected);
    assert_eq!(request(50, Some(&cache)), expected);
    let source = GeneratorSource { hash: Some("generator"), ..GeneratorSource::new(&generator) };
    let touched = Cell::new(false);
    let never = std::iter::from_fn(|| {
        touched.set(true);
        None
    });
    let reals = ImageSet { images: Box::new(never), hash: Some("reals".into()) };
    let again = run(Setup {
        names: &ALL,
        generated: Generated::Generator(source),
        reals: Some(reals),
        cache: Some(&cache),
        floor: true,
    });
    assert_eq!(again.unwrap(), expected);
    assert!(!touched.get());
    std::fs::remove_dir_all(folder).unwrap();
}

/// A result says what entered: counts, hashes, and which parameters are not the protocol's own.
#[test]
fn provenance() {
    let (generated, reals) =
        (Generated::Images(images(45, 45, 2, Some("fakes"))), Some(images(90, 90, 1, Some("reals"))));
    let results = run(Setup { names: &["fid"], generated, reals, cache: None, floor: true }).unwrap();
    let [fid, floor] = &results[..] else { panic!("{results:?}") };
    assert_eq!((fid.counts.real, fid.counts.generated), (90, 45));
    assert_eq!((floor.counts.real, floor.counts.generated), (45, 45));
    assert_eq!(fid.protocol.changed, ["fakes"]);
    assert_eq!(floor.protocol.changed, ["fakes", "reals"]);
    assert_eq!((fid.dataset_hash.as_deref(), fid.checkpoint_hash.as_deref()), (Some("reals"), Some("fakes")));
    // Both sets come from one distribution: the distance is as small as the floor.
    assert!(fid.value < floor.high, "{} {}", fid.value, floor.high);
}

#[test]
fn what_goes_wrong() {
    let message = |names: &[&str], reals, n| {
        let generated = Generated::Images(images(n, n, 2, None));
        run(Setup { names, generated, reals, cache: None, floor: false }).unwrap_err().to_string()
    };
    assert!(message(&["fid"], None, 60).contains("stylegan-rs.fid needs a set of real images"));
    assert!(message(&["ppl_wend"], None, 60).contains("stylegan-rs.ppl_wend needs a generator"));
    let few = message(&["kid"], Some(images(90, 90, 1, None)), 12);
    assert!(few.contains("kid needs at least 40 samples in the second set, found 12"), "{few}");
    assert!(message(&["fdi"], None, 1).contains("unknown metric \"fdi\", expected one of: fid, kid, pr"));
    let generator = Linear { scale: f64::NAN, ..Linear::new(4, 4) };
    let generated = Generated::Generator(GeneratorSource::new(&generator));
    let reals = Some(images(90, 90, 1, None));
    let error = run(Setup { names: &["fid"], generated, reals, cache: None, floor: false }).unwrap_err().to_string();
    assert!(error.contains("pixels of batch 0 of the generated set are not finite"), "{error}");
}

/// Two generators: results of both, and differences whose intervals are narrower than the two
/// intervals together, because both share their latents and the real set.
#[test]
fn two_subjects() {
    let (one, two) = (Linear { scale: 0.4, ..Linear::new(4, 4) }, Linear { scale: 0.42, ..Linear::new(4, 4) });
    let networks = Networks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]);
    let subject = |name: &str, generator| Subject {
        name: name.into(),
        generated: Generated::Generator(GeneratorSource::new(generator)),
    };
    let request = Request {
        protocols: ["fid", "ppl_wend"].map(|n| Protocol::find(n).unwrap().with_samples(60)).to_vec(),
        subjects: vec![subject("one", &one), subject("two", &two)],
        reals: Some(images(140, 50, 1, None)),
        networks: &networks,
        classifiers: &[],
        cache: None,
        seed: 9,
        floor: true,
        clock: &|| 0.,
    };
    let results = evaluate(request, &mut |_, _, _| ()).unwrap();
    let names: Vec<(&str, &str)> = results.iter().map(|r| (r.name.as_str(), r.subject.as_str())).collect();
    let expected = [
        ("fid-pixels", "one"),
        ("fid_floor-pixels", "real set"),
        ("fid-pixels", "two"),
        ("fid-pixels_difference", "one - two"),
        ("ppl_wend-pixels", "one"),
        ("ppl_wend-pixels", "two"),
        ("ppl_wend-pixels_difference", "one - two"),
    ];
    assert_eq!(names, expected);
    let width = |r: &MetricResult| r.high - r.low;
    for [first, second, difference] in [[0, 2, 3], [4, 5, 6]] {
        let [first, second, difference] = [first, second, difference].map(|i: usize| &results[i]);
        assert!((first.value - second.value - difference.value).abs() < 1e-9);
        assert!(difference.low <= difference.value && difference.value <= difference.high);
        assert!(width(difference) < 0.5 * (width(first) + width(second)), "{first:?} {second:?} {difference:?}");
    }
    // Path lengths of a linear generator grow with the square of its scale: surely different.
    assert!(results[6].high < 0.);
}

/// With the real network, distances grow as a set is made worse.
#[test]
fn distances_grow_with_damage() {
    let networks = Networks::embedded(&Device::Cpu).unwrap();
    let pictures = |seed: u64, noise: f64| ImageSet {
        images: Box::new((0..6).map(move |batch| {
            let indices: Vec<u64> = (8 * batch..8 * batch + 8).collect();
            let normal = |purpose, shape: &[usize]| {
                StreamKey::new(seed, purpose, 0).normal_rows(&indices, 0, shape, candle_core::DType::F32, &Device::Cpu)
            };
            // Coloured squares of 8 pixels, and noise on top.
            let squares = (normal("test squares", &[3, 4, 1, 4, 1])? * 0.5)?.broadcast_as((8, 3, 4, 8, 4, 8))?;
            let squares = squares.contiguous()?.reshape((8, 3, 32, 32))?;
            let images: Tensor = (squares + (normal("test noise", &[3, 32, 32])? * noise)?)?;
            Ok(images)
        })),
        hash: None,
    };
    let distances = |noise| -> Vec<f64> {
        let request = Request {
            protocols: ["fid", "kid"].map(|n| Protocol::find(n).unwrap().with_samples(48)).to_vec(),
            subjects: vec![Subject { name: "noisy".into(), generated: Generated::Images(pictures(1, noise)) }],
            reals: Some(pictures(0, 0.)),
            networks: &networks,
            classifiers: &[],
            cache: None,
            seed: 0,
            floor: false,
            clock: &|| 0.,
        };
        evaluate(request, &mut |_, _, _| ()).unwrap().iter().map(|r| r.value).collect()
    };
    let (clean, slight, strong) = (distances(0.), distances(0.25), distances(0.5));
    for i in 0..2 {
        assert!(clean[i] < slight[i] && slight[i] < strong[i], "{clean:?} {slight:?} {strong:?}");
    }
}
