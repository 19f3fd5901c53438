//! How long ranks take to add up sums of several sizes: started by mpirun, asked by `cargo xtask scaling --measure`.
//!
//! Prints on rank 0, for each size, its bytes, the seconds of an exact sum, and those of the library's own.

use std::process::ExitCode;
use std::time::Instant;
use stylegan_train::communicator::{Communicator, Mpi, broadcast};
use stylegan_train::shards::{Part, Reduction, ShardSums, sum};

/// Bytes of the sums.
const SIZES: [usize; 4] = [4, 1 << 20, 8 << 20, 32 << 20];

/// Of so many the shortest counts: the others waited for a processor.
const TIMES: usize = 7;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("exchange: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> stylegan_train::Result<()> {
    let ranks = Mpi::start()?;
    let (rank, count) = (ranks.rank(), ranks.world_size());
    for bytes in SIZES {
        let mut seconds = [f64::INFINITY; 2];
        for _ in 0..TIMES {
            for (seconds, reduction) in seconds.iter_mut().zip([Reduction::Exact, Reduction::Fast]) {
                let part = Part { own: rank..rank + 1, count, at_once: 1, reduction };
                let mut sums = ShardSums::default();
                sums.named.set("gradient", vec![rank as f32; bytes / 4]);
                // All begin at a time.
                broadcast(&ranks, vec![])?;
                let began = Instant::now();
                sum(&part, &ranks, |_| Ok(sums.clone()))?;
                *seconds = began.elapsed().as_secs_f64().min(*seconds);
            }
        }
        if rank == 0 {
            println!("{bytes} {} {}", seconds[0], seconds[1]);
        }
    }
    ranks.finalize();
    Ok(())
}
