#![allow(clippy::unwrap_used)]

#[path = "ranks_tests.rs"]
mod ranks;
#[path = "resume_tests.rs"]
mod resume;

use super::*;
use crate::features::Truths;
use crate::generator_source::GeneratorSource;
use crate::images::Batch;
use crate::ranks::Alone;
use crate::test_data::{Linear, Pixels, on_one_thread};
use candle_core::{Device, Tensor};
use std::cell::Cell;
use std::ops::Range;
use stylegan_core::Precision;
use stylegan_core::latent::StreamKey;

fn images(n: usize, batch: usize, seed: u64, hash: Option<&str>) -> ImageSet<'static> {
    let images = move |numbers: Range<usize>| {
        let indices: Vec<u64> = numbers.take(batch).map(|i| i as u64).collect();
        let key = StreamKey::new(seed, "test images", 0);
        Ok((key.normal_rows(&indices, 0, &[3, 4, 4], candle_core::DType::F32, &Device::Cpu)? * 0.4)?)
    };
    ImageSet {
        name: "images".into(),
        images: of_set(n, images),
        count: n,
        hash: hash.map(Into::into),
        precision: Precision::F32,
    }
}

/// A set of `count` images, as many as `make` makes at a time.
fn of_set(count: usize, make: impl Fn(Range<usize>) -> Batch + 'static) -> Images<'static> {
    Box::new(move |numbers| (numbers.start < count).then(|| make(numbers.start..numbers.end.min(count))))
}

struct Setup<'a> {
    names: &'a [&'a str],
    generated: Generated<'a>,
    reals: Option<ImageSet<'a>>,
    cache: Option<&'a Cache>,
    floor: bool,
}

/// A request for no metric of no subject.
fn of_nothing(networks: &FeatureNetworks) -> Request<'_> {
    Request {
        protocols: vec![],
        subjects: vec![],
        reals: None,
        networks,
        classifiers: &[],
        cache: None,
        ranks: &Alone,
        seed: 9,
        floor: true,
        clock: &|| 0.,
        provenance: Provenance::default(),
    }
}

fn run(setup: Setup) -> Result<Vec<MetricResult>> {
    evaluation(setup).and_then(Evaluation::complete)
}

fn evaluation(setup: Setup) -> Result<Evaluation> {
    let protocols = setup.names.iter().map(|n| Protocol::find(n).map(|p| p.with_samples(60))).collect::<Result<_>>()?;
    let networks = FeatureNetworks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]);
    let request = Request {
        protocols,
        subjects: vec![Subject { name: "fakes".into(), generated: setup.generated }],
        reals: setup.reals,
        cache: setup.cache,
        floor: setup.floor,
        ..of_nothing(&networks)
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
    let cache = Cache::new(&folder, &Device::Cpu);
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
    let never = |_| {
        touched.set(true);
        None
    };
    let reals = ImageSet {
        name: "images".into(),
        images: Box::new(never),
        count: 140,
        hash: Some("reals".into()),
        precision: Precision::F32,
    };
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
    assert_eq!((fid.truncation_psi, fid.mixed), (1., 1));
    // Fewer real pictures than a bound are as published.
    let measure = |name, generated| {
        let reals = Some(images(70, 70, 1, Some("reals")));
        evaluation(Setup { names: &[name], generated, reals, cache: None, floor: true }).unwrap()
    };
    let fakes = || Generated::Images(images(60, 60, 2, None));
    assert_eq!(measure("ada.kid50k_full", fakes()).results[0].protocol.changed, ["fakes", "subset_size"]);
    // 70 real pictures have no halves of 40; the distance itself needs none.
    let small = measure("fid", fakes());
    assert_eq!((small.results.len(), small.failures.len()), (1, 1), "{small:?}");
    assert_eq!(small.failures[0].0, "stylegan-rs.fid_floor");
    // Truncation is no secret, and path lengths have none.
    let w_avg = Some(Tensor::zeros(48, candle_core::DType::F32, &Device::Cpu).unwrap());
    let generator = Linear { scale: 0.4, w_avg, ..Linear::new(4, 4) };
    let truncated =
        || Generated::Generator(GeneratorSource { truncation_psi: 0.5, ..GeneratorSource::new(&generator) });
    let results = [measure("fid", truncated()), measure("ppl_wend", truncated())].map(|e| e.results[0].clone());
    assert_eq!(results.clone().map(|r| r.truncation_psi), [0.5, 1.]);
    assert_eq!(results.map(|r| r.protocol.changed), [vec!["fakes", "truncation"], vec!["pairs"]]);
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
    assert!(few.contains("stylegan-rs.kid needs at least 40 samples in the generated set, found 12"), "{few}");
    let unknown = |name| message(&[name], None, 1);
    assert!(unknown("fdi").contains("unknown metric \"fdi\", expected one of: fid, kid, pr"));
    let meant = [("fdi", "fid"), ("Precision", "pr"), ("ls_w", "ls"), ("pixel_accuracy", "miou"), ("ppl", "ppl_zfull")];
    for (typed, meant) in
        meant.into_iter().chain([("fid50k", "sg1.fid50k"), ("swd_64", "swd"), ("ada.kid50k", "ada.kid50k_full")])
    {
        assert!(unknown(typed).ends_with(&format!("did you mean {meant}?")), "{}", unknown(typed));
    }
    let generator = Linear { scale: f64::NAN, ..Linear::new(4, 4) };
    let generated = Generated::Generator(GeneratorSource::new(&generator));
    let reals = Some(images(90, 90, 1, None));
    let error = run(Setup { names: &["fid"], generated, reals, cache: None, floor: false }).unwrap_err().to_string();
    assert!(error.contains("pixels of image 0 of the generated set are not finite"), "{error}");
}

/// Two generators: results of both, and differences whose intervals are narrower than the two
/// intervals together, because both share their latents and the real set.
#[test]
fn two_subjects() {
    let (one, two) = (Linear { scale: 0.4, ..Linear::new(4, 4) }, Linear { scale: 0.42, ..Linear::new(4, 4) });
    let networks = FeatureNetworks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]);
    let subject = |name: &str, generator| Subject {
        name: name.into(),
        generated: Generated::Generator(GeneratorSource::new(generator)),
    };
    let request = Request {
        protocols: ["fid", "ppl_wend"].map(|n| Protocol::find(n).unwrap().with_samples(60)).to_vec(),
        subjects: vec![subject("one", &one), subject("two", &two)],
        reals: Some(images(140, 50, 1, None)),
        ..of_nothing(&networks)
    };
    let results = evaluate(request, &mut |_, _, _| ()).unwrap().complete().unwrap();
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
    let networks = FeatureNetworks::embedded(&Device::Cpu).unwrap();
    let pictures = |seed: u64, noise: f64| ImageSet {
        name: "images".into(),
        images: of_set(48, move |numbers| {
            let indices: Vec<u64> = (numbers.start as u64..).take(8).collect();
            let normal = |purpose, shape: &[usize]| {
                StreamKey::new(seed, purpose, 0).normal_rows(&indices, 0, shape, candle_core::DType::F32, &Device::Cpu)
            };
            // Coloured squares of 8 pixels, and noise on top.
            let squares = (normal("test squares", &[3, 4, 1, 4, 1])? * 0.5)?.broadcast_as((8, 3, 4, 8, 4, 8))?;
            let squares = squares.contiguous()?.reshape((8, 3, 32, 32))?;
            let images: Tensor = (squares + (normal("test noise", &[3, 32, 32])? * noise)?)?;
            Ok(images)
        }),
        count: 48,
        hash: None,
        precision: Precision::F32,
    };
    let distances = |noise| -> Vec<f64> {
        let request = Request {
            protocols: ["fid", "kid"].map(|n| Protocol::find(n).unwrap().with_samples(48)).to_vec(),
            subjects: vec![Subject { name: "noisy".into(), generated: Generated::Images(pictures(1, noise)) }],
            reals: Some(pictures(0, 0.)),
            seed: 0,
            floor: false,
            ..of_nothing(&networks)
        };
        evaluate(request, &mut |_, _, _| ()).unwrap().complete().unwrap().iter().map(|r| r.value).collect()
    };
    let (clean, slight, strong) = (distances(0.), distances(0.25), distances(0.5));
    for i in 0..2 {
        assert!(clean[i] < slight[i] && slight[i] < strong[i], "{clean:?} {slight:?} {strong:?}");
    }
}

/// Metrics that look at pixels: patches by scale against the real set, similarity within either set.
#[test]
fn pixels_themselves() {
    let pictures = |seed: u64, noise: f64| ImageSet {
        name: "images".into(),
        images: of_set(96, move |numbers| {
            let indices: Vec<u64> = (numbers.start as u64..).take(8).collect();
            let normal = |purpose, shape: &[usize]| {
                StreamKey::new(seed, purpose, 0).normal_rows(&indices, 0, shape, candle_core::DType::F32, &Device::Cpu)
            };
            let squares = (normal("test squares", &[3, 4, 1, 4, 1])? * 0.4)?.broadcast_as((8, 3, 4, 8, 4, 8))?;
            let squares = squares.contiguous()?.reshape((8, 3, 32, 32))?;
            let images: Tensor = (squares + (normal("test noise", &[3, 32, 32])? * noise)?)?;
            Ok(images)
        }),
        count: 96,
        hash: None,
        precision: Precision::F32,
    };
    let networks = FeatureNetworks::new(vec![], vec![]);
    let measure = |noise| {
        let request = Request {
            protocols: ["swd", "ms_ssim"].map(|n| Protocol::find(n).unwrap().with_samples(96)).to_vec(),
            subjects: vec![Subject { name: "fakes".into(), generated: Generated::Images(pictures(1, noise)) }],
            reals: Some(pictures(0, 0.02)),
            ..of_nothing(&networks)
        };
        evaluate(request, &mut |_, _, _| ()).unwrap().complete().unwrap()
    };
    let (like, unlike) = (measure(0.02), measure(0.3));
    let names: Vec<&str> = like.iter().map(|r| r.name.as_str()).collect();
    let expected = ["swd", "swd_32", "swd_16", "swd_floor", "swd_32_floor", "swd_16_floor", "ms_ssim", "ms_ssim_floor"];
    assert_eq!(names, expected);
    assert!(like.iter().all(|r| r.low <= r.value && r.value <= r.high), "{like:#?}");
    assert_eq!((like[0].counts.real, like[0].counts.generated), (96, 96));
    assert_eq!((like[3].counts.real, like[3].counts.generated), (48, 48));
    assert_eq!((like[6].counts.real, like[6].counts.generated), (0, 96));
    assert_eq!(like[0].feature_network.name, "pixels");
    // Noise of one pixel is nothing but fine detail.
    assert!(unlike[1].low > like[1].high && unlike[2].low < like[2].high, "{like:#?} {unlike:#?}");
    assert_eq!(like[7].value, unlike[7].value);
}

/// Pairs of one set of pictures with two others are two questions, and each result names its set.
#[test]
fn pairs_name_the_set_of_their_truths() {
    let of = |set: &'static str| {
        let truths =
            Truths::new(set, Box::new(|_| Ok(Tensor::zeros((1, 3, 4, 4), candle_core::DType::F32, &Device::Cpu)?)));
        let networks = FeatureNetworks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]).with_truths(truths);
        let request = Request {
            protocols: vec![Protocol::find("lpips").unwrap()],
            subjects: vec![Subject {
                name: "fakes".into(),
                generated: Generated::Images(images(60, 7, 1, Some("fakes"))),
            }],
            reals: Some(ImageSet { name: set.into(), ..images(60, 7, 2, Some(set)) }),
            seed: 0,
            floor: false,
            ..of_nothing(&networks)
        };
        evaluate(request, &mut |_, _, _| ()).and_then(Evaluation::complete).unwrap()
    };
    let (one, other) = (of("one"), of("other"));
    assert_eq!((one[0].set.as_deref(), one[0].dataset_hash.as_deref()), (Some("one"), Some("one")));
    assert_eq!(crate::report::merged(one.clone(), other).len(), 2);
    assert_eq!(crate::report::merged(one, of("one")).len(), 1);
}

/// What compares pictures of equal number: label maps, and faces by their features.
#[test]
fn pairs_of_pictures() {
    let maps = |wrong: usize, colour: bool| ImageSet {
        name: "images".into(),
        images: of_set(48, move |numbers| {
            let i = numbers.start;
            let class = move |p: usize| if p % 16 < 8 && p / 16 >= wrong * (i % 2) { 3. } else { 0. };
            let channel =
                |c: usize| (0..256).map(move |p| (class(p) + if colour { c as f32 } else { 0. }) / 127.5 - 1.);
            let channels = if colour { 3 } else { 1 };
            let levels: Vec<f32> = (0..channels).flat_map(channel).collect();
            Ok(Tensor::from_vec(levels, (1, channels, 16, 16), &Device::Cpu)?)
        }),
        count: 48,
        hash: None,
        precision: Precision::F32,
    };
    let measure = |name, found, truth| {
        let networks =
            FeatureNetworks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]).with_identity(Box::new(Pixels));
        let request = Request {
            protocols: vec![Protocol::find(name).unwrap()],
            subjects: vec![Subject { name: "found".into(), generated: Generated::Images(found) }],
            reals: Some(truth),
            seed: 0,
            ..of_nothing(&networks)
        };
        evaluate(request, &mut |_, _, _| ()).and_then(Evaluation::complete)
    };
    let found = measure("miou", maps(4, false), maps(0, false)).unwrap();
    let [miou, accuracy] = &found[..] else { panic!("{found:?}") };
    // Each second map has 32 of its 128 pixels of class 3 taken for class 0.
    assert_eq!((miou.name.as_str(), accuracy.name.as_str()), ("miou", "pixel_accuracy"));
    assert!((accuracy.value - 15. / 16.).abs() < 1e-12 && accuracy.low < accuracy.value, "{accuracy:?}");
    assert!((miou.value - (7. / 8. + 8. / 9.) / 2.).abs() < 1e-12, "{miou:?}");
    let error = measure("miou", maps(0, true), maps(0, false)).unwrap_err().to_string();
    assert!(error.contains("a label map is coloured (picture 0), expected grey"), "{error}");
    let found = measure("id", maps(0, true), maps(0, true)).unwrap();
    assert_eq!(found[0].name, "id-pixels");
    assert!((found[0].value - 1.).abs() < 1e-6);
    let error = measure("fid", maps(0, true), ImageSet { count: 500, ..maps(0, true) }).unwrap_err().to_string();
    assert!(error.contains("number of pictures: the first has 256 or more by its count, the second 48"), "{error}");
}
