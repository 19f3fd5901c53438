//! How long ranks take to add up sums of several sizes: started by mpirun, asked by `cargo xtask scaling --measure`.
//!
//! Prints on rank 0, for each size, its bytes, the seconds of an exact sum, those of the library's own, and, where ranks
//! are a power of two, those of the other exact way: recursive doubling.

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
        let own = vec![rank as f32; bytes / 4];
        let mut sums = ShardSums::default();
        sums.named.set("gradient", own.clone());
        let mut seconds = vec![];
        for reduction in [Reduction::Exact, Reduction::Fast] {
            let part = Part { own: rank..rank + 1, count, at_once: 1, reduction };
            seconds.push(shortest(&ranks, || sum(&part, &ranks, |_| Ok(sums.clone())).map(drop))?);
        }
        if count.is_power_of_two() {
            seconds.push(shortest(&ranks, || double(own.clone(), &ranks).map(drop))?);
        }
        if rank == 0 {
            println!("{bytes} {}", seconds.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        }
    }
    ranks.finalize();
    Ok(())
}

/// Seconds of the shortest of several exchanges, which all ranks begin at a time.
fn shortest(ranks: &Mpi, exchange: impl Fn() -> stylegan_train::Result<()>) -> stylegan_train::Result<f64> {
    let mut shortest = f64::INFINITY;
    for _ in 0..TIMES {
        broadcast(ranks, vec![])?;
        let began = Instant::now();
        exchange()?;
        shortest = began.elapsed().as_secs_f64().min(shortest);
    }
    Ok(shortest)
}

/// Adds all that the partner has, who is twice as far in each round: the nodes of the tree, where each rank has one.
fn double(mut sums: Vec<f32>, ranks: &Mpi) -> stylegan_train::Result<Vec<f32>> {
    let mut apart = 1;
    while apart < ranks.world_size() {
        let partner = ranks.rank() ^ apart;
        let mut parts = vec![vec![]; ranks.world_size()];
        parts[partner] = sums.iter().flat_map(|value| value.to_le_bytes()).collect();
        let given = ranks.all_to_all(parts)?.swap_remove(partner);
        let (given, _) = given.as_chunks();
        sums.iter_mut().zip(given).for_each(|(sum, value)| *sum += f32::from_le_bytes(*value));
        apart *= 2;
    }
    Ok(sums)
}
