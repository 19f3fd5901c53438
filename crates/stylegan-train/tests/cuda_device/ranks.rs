//! Ranks that add their rows where these are, on the GPU of each. On the emulated driver several of them exchange by the library
//! that stands for NCCL; on a GPU one rank alone does, by NCCL's own, if it is installed.

use crate::nccl_ranks::{ends_well, folder, joined, start};
use crate::tools::{STYLEGAN2, pictures, tiny};
use crate::{gan, off, tell};
use candle_core::{Device, Tensor};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use stylegan_core::latent::StreamKey;
use stylegan_kernels::cuda::gpu;
use stylegan_train::communicator::{Communicator, Nccl, Place, Single};
use stylegan_train::config::TrainConfig;
use stylegan_train::observer::Silent;
use stylegan_train::recipe::{GRADIENT, Recipe};
use stylegan_train::shards::{Part, Reduction, Row, ShardSums, sum};
use stylegan_train::{Outcome, RunFolder, Session};

const PATIENCE: Duration = Duration::from_secs(60);
const RANKS: usize = 3;
/// Numbers of a gradient.
const LEN: usize = 3001;
/// Where the shards of a batch are cut; no rank has a whole subtree of more than one.
const CUTS: [usize; RANKS + 1] = [0, 1, 3, 6];

/// Starts ranks, where the driver is not one that they would have to share.
fn played(play: &str, ranks: usize) -> bool {
    let emulated = gpu::open(0).unwrap().name == "emulator";
    if emulated {
        let folder = tempfile::tempdir().unwrap();
        ends_well(start(folder.path(), &format!("ranks::{play}"), ranks));
    } else {
        tell(&format!("NOT RUN: {play}, on GPUs"));
    }
    emulated
}

/// The bytes of each copy to main memory that this process has made.
fn copies(rank: usize) -> Vec<usize> {
    let copies = std::fs::read_to_string(folder().join(format!("copies-{rank}"))).unwrap();
    copies.lines().map(|bytes| bytes.parse().unwrap()).collect()
}

/// The sum of a batch's gradients, of which this rank has some.
fn total(own: std::ops::Range<usize>, ranks: &dyn Communicator, reduction: Reduction, number: usize) -> Row {
    let device = gpu::open(number).unwrap().device;
    let part = Part { own, count: CUTS[RANKS], at_once: 1, reduction };
    let sums = sum(&part, ranks, |place| {
        let row = StreamKey::new(1, GRADIENT, place as u64).stream(0, 0).normals_f32(LEN);
        let mut sums = ShardSums::default();
        sums.named.set(GRADIENT, Row::OnGpu(Tensor::new(row, &device)?));
        sums.named.set("w_avg", vec![place as f32]);
        Ok(sums)
    });
    let sums = sums.unwrap().named;
    assert_eq!(sums.get("w_avg").unwrap(), [15.]);
    sums.row(GRADIENT).unwrap().clone()
}

#[test]
fn ranks_add_on_their_gpus() {
    played("play_sums", RANKS);
}

#[test]
#[ignore = "one rank of ranks_add_on_their_gpus, which starts it"]
fn play_sums() {
    let me = joined(RANKS, PATIENCE);
    let rank = me.rank();
    let [exact, fast] = [Reduction::Exact, Reduction::Fast].map(|reduction| {
        let row = total(CUTS[rank]..CUTS[rank + 1], &me, reduction, rank);
        assert!(matches!(row, Row::OnGpu(_)));
        row
    });
    let most = copies(rank).into_iter().max().unwrap();
    assert!(most < 4 * LEN / RANKS, "a row or a part of one was copied to main memory: {most} bytes");
    let [exact, fast] = [exact, fast].map(|row| row.into_vec().unwrap());
    let expected = total(0..CUTS[RANKS], &Single, Reduction::Exact, rank).into_vec().unwrap();
    assert!(exact == expected, "the sum has other bits than one rank's");
    let worst = off(&fast, &expected);
    assert!(worst > 0. && worst <= 1e-5, "the library's sum is off by {worst} of its largest number");

    // A tensor on the GPU of another rank is not one that this rank's NCCL could read.
    let next = (rank + 1) % RANKS;
    let other = Tensor::new(&[1f32], &gpu::open(next).unwrap().device).unwrap();
    let error = me.on_gpus().unwrap().all_reduce(&other).unwrap_err().to_string();
    let sentence = format!("rows are on cuda:{next}, and this rank has joined its group with another GPU");
    assert!(error.contains(&sentence), "{error}");
}

#[test]
fn nobody_waits_for_ever_with_rows() {
    let began = Instant::now();
    played("play_lost", 2);
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
#[ignore = "one rank of nobody_waits_for_ever_with_rows, which starts it"]
fn play_lost() {
    let me = joined(2, Duration::from_secs(2));
    me.all_gather(vec![1]).unwrap();
    if me.rank() == 1 {
        return;
    }
    let (device, gpus) = (gpu::open(0).unwrap().device, me.on_gpus().unwrap());
    let row = Tensor::new(&[1f32, 2.], &device).unwrap();
    let rows = vec![vec![row.clone()]; 2];
    let error = gpus.all_to_all(&device, &rows, &[vec![2], vec![2]]).unwrap_err().to_string();
    let sentence =
        "exchange of rows failed on rank 0 of 2: ncclSend and ncclRecv: the other ranks did not come in time";
    assert!(error.contains(sentence), "{error}");
    // What was not got is not waited for again, and what was given is still there.
    let error = gpus.all_reduce(&row).unwrap_err().to_string();
    assert!(error.contains("has left its group"), "{error}");
    assert_eq!(row.to_vec1::<f32>().unwrap(), [1., 2.]);
}

/// One step of three shards, with all phases of StyleGAN2.
fn short() -> TrainConfig {
    let settings = ["schedule.batch=12", "kimg=0.012", "output.snapshot_kimg=9"];
    tiny(&[&STYLEGAN2[..], &settings].concat()).unwrap()
}

/// A short run; its last checkpoint.
fn trained(out: &Path, ranks: &dyn Communicator, number: usize) -> Vec<u8> {
    let config = short();
    let folder = if ranks.rank() == 0 { RunFolder::open(out).unwrap() } else { RunFolder::of_rank_0(out) };
    let (device, stop) = (gpu::open(number).unwrap().device, AtomicBool::new(false));
    let (dataset, observer) = (pictures(), &mut Silent);
    let session = Session {
        config: &config,
        dataset,
        device: &device,
        folder: &folder,
        communicator: ranks,
        observer,
        stop: &stop,
    };
    let Outcome::Finished { checkpoint } = session.start().unwrap() else { panic!("interrupted") };
    std::fs::read(checkpoint).unwrap()
}

#[test]
fn ranks_do_not_change_a_bit_on_gpus() {
    played("play_training", 2);
}

#[test]
#[ignore = "one rank of ranks_do_not_change_a_bit_on_gpus, which starts it"]
fn play_training() {
    let me = joined(2, PATIENCE);
    let found = trained(&folder().join("run"), &me, me.rank());
    let gradients: Vec<_> = gan(&short(), &Device::Cpu).optimizers_mut().iter().map(|(_, own)| 4 * own.len()).collect();
    let copies = copies(me.rank());
    assert!(!copies.iter().any(|bytes| gradients.contains(bytes)), "of {gradients:?} bytes one is in {copies:?}");
    if me.rank() == 0 {
        assert!(found == trained(&folder().join("alone"), &Single, 0), "other bytes than one rank's");
    }
}

#[test]
fn one_rank_exchanges_with_itself() {
    if !played("play_alone", 1) {
        match stylegan_kernels::nccl::new_id() {
            Ok(id) => alone(&Nccl::join(&id, Place { rank: 0, ranks: 1, gpu: 0 }, PATIENCE).unwrap()),
            Err(why) => tell(&format!("NOT RUN: NCCL on one rank, since {why}")),
        }
    }
}

#[test]
#[ignore = "the rank of one_rank_exchanges_with_itself, which starts it"]
fn play_alone() {
    alone(&joined(1, PATIENCE));
}

fn alone(me: &Nccl) {
    let (device, gpus) = (gpu::open(0).unwrap().device, me.on_gpus().unwrap());
    let row = Tensor::arange(0f32, LEN as f32, &device).unwrap();
    let rows = [row.narrow(0, 7, 100).unwrap(), row.narrow(0, 2000, 1).unwrap()];
    let got = gpus.all_to_all(&device, &[rows.to_vec()], &[vec![100, 1]]).unwrap().concat();
    for (got, given) in got.iter().zip(&rows) {
        assert_eq!(got.to_vec1::<f32>().unwrap(), given.to_vec1::<f32>().unwrap());
    }
    assert_eq!(got.len(), 2);
    assert_eq!(gpus.all_reduce(&row).unwrap().to_vec1::<f32>().unwrap(), row.to_vec1::<f32>().unwrap());
    assert_eq!(me.all_gather(vec![1, 2]).unwrap(), [[1, 2]]);
}
