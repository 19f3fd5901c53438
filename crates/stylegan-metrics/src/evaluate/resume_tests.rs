//! Evaluations that stop halfway, and metrics that fail beside others.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use stylegan_core::{Condition, Generator, GeneratorSpec, SynthesisOptions};

/// A generator that counts its pictures and fails after some.
pub(super) struct Counting {
    pub(super) inner: Linear,
    pub(super) made: AtomicUsize,
    pub(super) most: usize,
}

impl Generator for Counting {
    fn spec(&self) -> &GeneratorSpec {
        self.inner.spec()
    }
    fn w_avg(&self) -> Option<&Tensor> {
        None
    }
    fn mapping(&self, z: &Tensor, condition: Condition) -> stylegan_core::Result<Tensor> {
        self.inner.mapping(z, condition)
    }
    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> stylegan_core::Result<Tensor> {
        let before = self.made.fetch_add(ws.dim(0)?, Ordering::Relaxed);
        if before > self.most {
            return Err(candle_core::Error::msg("the lights went out").into());
        }
        self.inner.synthesis(ws, options)
    }
}

/// An evaluation that was stopped halfway through its pictures, or its pairs, goes on there: the numbers
/// are those of a straight run, and what was made is not made again.
#[test]
fn goes_on_where_it_was_stopped() {
    let folder = std::env::temp_dir().join(format!("stylegan-metrics-resume-{}", std::process::id()));
    let cache = Cache::new(&folder, &Device::Cpu);
    let networks = FeatureNetworks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]);
    let measure = |names: &[&str], most, cache| {
        let inner = Linear { scale: 0.4, ..Linear::new(4, 4) };
        let generator = Counting { inner, made: AtomicUsize::new(0), most };
        let source = GeneratorSource { hash: Some("generator"), ..GeneratorSource::new(&generator) };
        let request = Request {
            protocols: names.iter().map(|n| Protocol::find(n).unwrap().with_samples(1100)).collect(),
            subjects: vec![Subject { name: "fakes".into(), generated: Generated::Generator(source) }],
            reals: Some(images(300, 50, 1, None)),
            networks: &networks,
            classifiers: &[],
            cache,
            ranks: &Alone,
            seed: 9,
            floor: true,
            clock: &|| 0.,
            provenance: Provenance::default(),
        };
        let results = evaluate(request, &mut |_, _, _| ());
        (results, generator.made.into_inner())
    };
    for (names, pictures) in [(&["fid", "kid"][..], 1100), (&["ppl_wend"], 2200)] {
        let measure = |names, most, cache| {
            let (results, made) = measure(names, most, cache);
            (results.and_then(Evaluation::complete), made)
        };
        let (straight, all) = measure(names, usize::MAX, None);
        let error = measure(names, pictures / 2, Some(&cache)).0.unwrap_err().to_string();
        assert!(error.contains("the lights went out"), "{error}");
        let (resumed, rest) = measure(names, usize::MAX, Some(&cache));
        assert_eq!(resumed.unwrap(), straight.unwrap());
        // A part of 256 at most was lost, and chunks are filled up.
        assert!(rest <= all * 3 / 4 && all - rest >= pictures / 4, "{rest} of {all}");
        assert_eq!(measure(names, usize::MAX, Some(&cache)).1, 0);
    }
    // A metric that fails leaves the others alone.
    let half = measure(&["ppl_wend", "fid"], 2000, None).0.unwrap();
    assert_eq!((half.results.len(), half.failures.len()), (2, 1), "{half:?}");
    assert_eq!((half.results[0].name.as_str(), half.failures[0].0.as_str()), ("fid-pixels", "stylegan-rs.ppl_wend"));
    // Fewer pictures are the first of them: only the part that is cut is looked at again.
    let fewer = |cache| {
        let source = Linear { scale: 0.4, ..Linear::new(4, 4) };
        let generator = Counting { inner: source, made: AtomicUsize::new(0), most: usize::MAX };
        let source = GeneratorSource { hash: Some("generator"), ..GeneratorSource::new(&generator) };
        let (generated, reals) = (Generated::Generator(source), Some(images(140, 50, 1, None)));
        let protocols = vec![Protocol::find("fid").unwrap().with_samples(600)];
        let subjects = vec![Subject { name: "fakes".into(), generated }];
        let (networks, classifiers, clock) = (&networks, &[], &|| 0.);
        let request = Request {
            protocols,
            subjects,
            reals,
            networks,
            classifiers,
            cache,
            ranks: &Alone,
            seed: 9,
            floor: false,
            clock,
            provenance: Provenance::default(),
        };
        (evaluate(request, &mut |_, _, _| ()).unwrap().complete().unwrap(), generator.made.into_inner())
    };
    let ((straight, all), (cached, rest)) = (fewer(None), fewer(Some(&cache)));
    assert_eq!(straight, cached);
    assert!(all >= 600 && rest < 120, "{rest} of {all}");
    std::fs::remove_dir_all(folder).unwrap();
}
