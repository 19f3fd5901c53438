//! Ranks that exchange by NCCL, with a library in the place of NVIDIA's (`stylegan-kernels/tests/nccl_fake`): a GPU
//! whose memory is the process's own. What only a GPU can show is not shown here: that NCCL and CUDA do what the
//! library pretends to, and how fast. Rows on a GPU are exchanged in `cuda_device.rs`.
#![cfg(all(target_os = "linux", not(feature = "cuda")))]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod nccl_ranks;

use nccl_ranks::{ends_well, folder, start};
use std::time::{Duration, Instant, SystemTime};
use stylegan_train::communicator::{Communicator, MeetingFile, Nccl, Place, Threads, meet_through};

const RANKS: usize = 3;

fn joined(patience: Duration) -> Nccl {
    nccl_ranks::joined(RANKS, patience)
}

#[test]
fn ranks_exchange() {
    let folder = tempfile::tempdir().unwrap();
    ends_well(start(folder.path(), "play_exchange", RANKS));
    let left = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("ranks-"));
    assert_eq!(left.count(), 0, "the file of the meeting stays behind");
}

#[test]
#[ignore = "one rank of ranks_exchange, which starts it"]
fn play_exchange() {
    let me = joined(Duration::from_secs(60));
    let rank = me.rank();
    assert_eq!((me.world_size(), me.all_gather(vec![]).unwrap()), (RANKS, vec![vec![]; RANKS]));
    // What each gives may be as long as it likes, and longer than any of the others'.
    for round in 0..20u8 {
        let all = me.all_gather(vec![round; rank * 1000]).unwrap();
        assert_eq!(all, (0..RANKS).map(|from| vec![round; from * 1000]).collect::<Vec<_>>());
        let parts = (0..RANKS).map(|to| vec![(10 * rank + to) as u8; to * 100 + rank]).collect();
        let got = me.all_to_all(parts).unwrap();
        let expected = (0..RANKS).map(|from| vec![(10 * from + rank) as u8; rank * 100 + from]);
        assert_eq!(got, expected.collect::<Vec<_>>());
    }
    let mut values: Vec<f32> = (0..1000).map(|i| (i * (rank + 1)) as f32).collect();
    me.all_reduce(&mut values).unwrap();
    assert_eq!(values, (0..1000).map(|i| (i * 6) as f32).collect::<Vec<_>>());
}

#[test]
fn nobody_waits_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    ends_well(start(folder.path(), "play_waiting", RANKS));
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
#[ignore = "one rank of nobody_waits_for_ever, which starts it"]
fn play_waiting() {
    let me = joined(Duration::from_secs(3));
    me.all_gather(vec![1]).unwrap();
    // One is gone: the others say who they are, in what they waited, and that nothing works from then on.
    if me.rank() == 2 {
        return;
    }
    let error = me.all_to_all(vec![vec![]; RANKS]).unwrap_err().to_string();
    let sentence =
        format!("all_to_all failed on rank {} of 3: ncclSend and ncclRecv: the other ranks did not", me.rank());
    assert!(error.contains(&sentence), "{error}");
    let error = me.all_gather(vec![]).unwrap_err().to_string();
    assert!(error.contains("has left its group"), "{error}");
}

#[test]
fn a_broken_connection_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    ends_well(start(folder.path(), "play_broken", RANKS));
}

#[test]
#[ignore = "one rank of a_broken_connection_is_told_at_once, which starts it"]
fn play_broken() {
    let me = joined(Duration::from_secs(600));
    me.all_gather(vec![1]).unwrap();
    let passed = |rank: usize| folder().join(format!("passed-{rank}"));
    std::fs::write(passed(me.rank()), "").unwrap();
    if me.rank() == 2 {
        // Not while the others are still in what works.
        while !(0..2).all(|rank| passed(rank).exists()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let groups = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        let group = groups.into_iter().find(|path| path.is_dir()).unwrap();
        std::fs::write(group.join("broken"), "").unwrap();
        return;
    }
    let error = me.all_gather(vec![]).unwrap_err().to_string();
    assert!(error.contains("remote process exited"), "{error}");
}

#[test]
fn not_all_come() {
    let folder = tempfile::tempdir().unwrap();
    ends_well(start(folder.path(), "play_absent", 1));
}

#[test]
#[ignore = "the only rank of not_all_come, which starts it"]
fn play_absent() {
    let folder = &folder();
    let meeting = MeetingFile::new(folder, "a run, restart 0", SystemTime::UNIX_EPOCH);
    let another = MeetingFile::new(folder, "a run, restart 1", SystemTime::UNIX_EPOCH);
    let id = meeting.open().unwrap();
    assert_eq!(meeting.find(Duration::ZERO).unwrap(), id);
    // One that an earlier start left.
    let later = SystemTime::now() + Duration::from_secs(3600);
    assert!(MeetingFile::new(folder, "a run, restart 0", later).find(Duration::ZERO).is_err());
    let error = another.find(Duration::from_millis(200)).unwrap_err().to_string();
    assert!(error.contains("rank 0 wrote no "), "{error}");
    let error = Nccl::join(&id, Place { rank: 0, ranks: 2, gpu: 0 }, Duration::from_millis(300)).err().unwrap();
    assert!(error.to_string().contains("joining failed on rank 0 of 2: not all 2 ranks came"), "{error}");
    // By ranks that are joined already.
    let ids: Vec<_> = std::thread::scope(|scope| {
        let ranks = Threads::world(2).into_iter().map(|me| scope.spawn(move || meet_through(&me).unwrap()));
        ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
    });
    assert_eq!(ids[0], ids[1]);
}

/// Where NVIDIA's libraries are not there, that is said; nothing panics.
#[test]
fn missing_libraries_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let Err(error) = MeetingFile::new(folder.path(), "", SystemTime::UNIX_EPOCH).open() else { return };
    assert!(error.to_string().contains("cannot be loaded; install it"), "{error}");
}
