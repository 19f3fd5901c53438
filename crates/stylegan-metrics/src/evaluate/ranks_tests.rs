//! Evaluations that several ranks share.

use super::resume::Counting;
use super::*;
use crate::SourceError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

/// A rank that is a thread.
struct Thread<'a> {
    rank: usize,
    given: &'a Mutex<Vec<Vec<u8>>>,
    meeting: &'a Barrier,
}

impl Ranks for Thread<'_> {
    fn rank(&self) -> usize {
        self.rank
    }
    fn world_size(&self) -> usize {
        self.given.lock().unwrap().len()
    }
    fn all_gather(&self, bytes: Vec<u8>) -> std::result::Result<Vec<Vec<u8>>, SourceError> {
        self.given.lock().unwrap()[self.rank] = bytes;
        self.meeting.wait();
        let all = self.given.lock().unwrap().clone();
        self.meeting.wait();
        Ok(all)
    }
    fn gather(&self, bytes: Vec<u8>) -> std::result::Result<Vec<Vec<u8>>, SourceError> {
        let all = self.all_gather(bytes)?;
        Ok(if self.rank == 0 { all } else { vec![] })
    }
}

/// What came of an evaluation on a rank.
struct Outcome {
    found: Result<Evaluation>,
    /// Pictures of the generator.
    made: usize,
    /// Real pictures.
    read: usize,
}

/// An evaluation of some ranks. `fails`: the rank whose generator does, after some pictures.
fn on_ranks(count: usize, cache: Option<&Cache>, fails: Option<usize>) -> Vec<Outcome> {
    let (given, meeting) = (Mutex::new(vec![vec![]; count]), Barrier::new(count));
    let measure = |rank: usize| {
        let networks = FeatureNetworks::new(vec![Box::new(Pixels)], vec![Box::new(Pixels)]);
        let most = if fails == Some(rank) { 300 } else { usize::MAX };
        let inner = Linear { scale: 0.4, ..Linear::new(4, 4) };
        let generator = Counting { inner, made: AtomicUsize::new(0), most };
        let source = GeneratorSource { hash: Some("generator"), ..GeneratorSource::new(&generator) };
        let (reals, read) = (images(700, 50, 1, Some("reals")), AtomicUsize::new(0));
        let counted = |numbers: Range<usize>| {
            let batch = (reals.images)(numbers)?;
            read.fetch_add(batch.as_ref().map_or(0, |batch| batch.dims()[0]), Ordering::Relaxed);
            Some(batch)
        };
        let request = Request {
            protocols: ["fid", "kid", "ppl_wend"].map(|n| Protocol::find(n).unwrap().with_samples(1100)).to_vec(),
            subjects: vec![Subject { name: "fakes".into(), generated: Generated::Generator(source) }],
            reals: Some(ImageSet { images: Box::new(counted), hash: reals.hash.clone(), ..images(700, 50, 1, None) }),
            networks: &networks,
            classifiers: &[],
            cache: cache.filter(|_| rank == 0),
            ranks: &Thread { rank, given: &given, meeting: &meeting },
            seed: 9,
            floor: true,
            clock: &|| 0.,
            provenance: Provenance::default(),
        };
        let found = evaluate(request, &mut |_, _, _| ());
        Outcome { found, made: generator.made.load(Ordering::Relaxed), read: read.load(Ordering::Relaxed) }
    };
    std::thread::scope(|scope| {
        let measure = &measure;
        let ranks: Vec<_> = (0..count).map(|rank| scope.spawn(move || measure(rank))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

/// The numbers of one process, on rank 0 alone; each rank makes and reads a share of the pictures, and what rank 0
/// has kept nobody makes or reads again.
#[test]
fn ranks_share_the_work_and_change_no_bit() {
    let folder = std::env::temp_dir().join(format!("stylegan-metrics-ranks-{}", std::process::id()));
    let cache = Cache::new(&folder, &Device::Cpu);
    let alone = on_ranks(1, None, None).remove(0);
    let (expected, all) = (alone.found.unwrap().complete().unwrap(), alone.made);
    for count in [2, 3, 7] {
        let ranks = on_ranks(count, None, None);
        assert_eq!(ranks.iter().map(|rank| rank.read).sum::<usize>(), 700);
        for (rank, Outcome { found, made, .. }) in ranks.into_iter().enumerate() {
            let found = found.unwrap().complete().unwrap();
            assert!(if rank == 0 { found == expected } else { found.is_empty() }, "rank {rank} of {count}");
            // Five parts of 256 pictures or pairs, the last one shorter; chunks are filled up.
            let most = all * 256 * 5usize.div_ceil(count) / 1100 + 200;
            assert!(made <= most, "rank {rank} of {count}: {made} of {all}");
        }
    }
    for again in [false, true] {
        let mut found = on_ranks(2, Some(&cache), None);
        assert!(!again || found.iter().all(|rank| rank.made == 0 && rank.read == 0));
        assert_eq!(found.remove(0).found.unwrap().complete().unwrap(), expected);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn all_ranks_know_the_error_of_one() {
    for Outcome { found, .. } in on_ranks(3, None, Some(1)) {
        let error = found.unwrap_err();
        let sentence = error.to_string();
        assert!(error.is_of_all_ranks() && sentence.starts_with("rank 1: "), "{sentence}");
        assert!(sentence.contains("the lights went out"), "{sentence}");
    }
}
