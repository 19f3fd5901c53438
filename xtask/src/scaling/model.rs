//! How long a step takes on several ranks: each computes its shards, then all add up what they found.
//!
//! A message of `b` bytes takes `latency + b / bandwidth`, and a rank sends and receives one at a time. Ranks do
//! not exchange while they compute. The smaller terms (evaluation, checkpoints, slower ranks) are left out.

/// What joins ranks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    pub(crate) name: &'static str,
    /// Seconds that a message takes, however short.
    pub(crate) latency: f64,
    /// Bytes a second that a rank sends while it receives as many.
    pub(crate) bandwidth: f64,
}

/// What is trained, and how fast one rank does it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// Seconds of one rank for an image, all phases together.
    pub(crate) image_seconds: f64,
    /// Bytes of the sums of one step, all phases together.
    pub(crate) bytes: f64,
    /// Phases of a step, lazy ones by their share.
    pub(crate) phases: f64,
    /// Images of a shard.
    pub(crate) shard: usize,
}

/// How sums of ranks are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    /// Ours: a slice of each partial sum to each rank, one slice added up there, all slices to all.
    Slices,
    /// Partial sums go to a partner at twice the distance each time; for powers of two.
    Doubling,
    /// All-reduce of libraries in rings.
    Ring,
    /// All-reduce of libraries in two trees, in pieces.
    Trees,
}

/// Bytes that a rank sends at a time in our reduction.
pub(crate) const PIECE: f64 = (4 << 20) as f64;

/// The part of a step at which exchange begins to hurt.
pub(crate) const HURTS: f64 = 0.1;

impl Reduction {
    /// Seconds for `bytes` in `phases` equal exchanges between `ranks`, each with `nodes` partial sums.
    pub(crate) fn seconds(self, network: &Network, bytes: f64, phases: f64, ranks: usize, nodes: f64) -> f64 {
        if ranks == 1 {
            return 0.;
        }
        let (n, each) = (ranks as f64, bytes / phases);
        let Network { latency, bandwidth, .. } = *network;
        let rounds = n.log2().ceil();
        let one = match self {
            Self::Slices => {
                let pieces = |slice: f64| (slice / PIECE).ceil().max(1.);
                let give = (n - 1.) * (pieces(nodes * each / n) * latency + nodes * each / n / bandwidth);
                let gather = (n - 1.) * (pieces(each / n) * latency + each / n / bandwidth);
                give + gather
            }
            Self::Doubling => rounds * (latency + each / bandwidth),
            Self::Ring => 2. * (n - 1.) * (latency + each / n / bandwidth),
            Self::Trees => 2. * (rounds * latency + each / bandwidth),
        };
        phases * one
    }
}

/// What is foreseen of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) batch: usize,
    pub(crate) computing: f64,
    pub(crate) exchanging: f64,
}

impl Step {
    /// A step of `batch` images, or of as many as give each rank a shard, on `ranks` ranks.
    pub(crate) fn of(work: &Work, network: &Network, batch: usize, ranks: usize) -> Self {
        let shards = (batch / work.shard).max(ranks);
        let most = shards.div_ceil(ranks);
        let nodes = (0..ranks).map(|rank| nodes(shards * rank / ranks, shards * (rank + 1) / ranks, shards));
        let nodes = nodes.max().unwrap_or(1) as f64;
        let exchanging = Reduction::Slices.seconds(network, work.bytes, work.phases, ranks, nodes);
        let computing = (most * work.shard) as f64 * work.image_seconds;
        Self { batch: shards * work.shard, computing, exchanging }
    }

    pub(crate) fn images_per_second(&self) -> f64 {
        self.batch as f64 / (self.computing + self.exchanging)
    }

    /// The part of the step in which ranks exchange.
    pub(crate) fn share(&self) -> f64 {
        self.exchanging / (self.computing + self.exchanging)
    }
}

/// The smallest batch with whole shards for each rank at which exchange does not hurt.
pub(crate) fn batch_that_pays(work: &Work, network: &Network, ranks: usize) -> usize {
    let sum = Reduction::Slices.seconds(network, work.bytes, work.phases, ranks, 1.);
    let computing = sum * (1. - HURTS) / HURTS;
    // A power of two for each rank, so that each has one partial sum.
    let own = (computing / (work.image_seconds * work.shard as f64)).ceil().max(1.) as usize;
    own.next_power_of_two() * work.shard * ranks
}

/// Bytes of a piece in which latency is one part in ten: smaller ones cost more time than they need.
pub(crate) fn piece_that_pays(network: &Network) -> f64 {
    9. * network.latency * network.bandwidth
}

/// Partial sums that a rank is left with which has the shards `begin..end` of `count`: the fewest nodes of the tree
/// over all shards that hold them and nothing else.
pub(crate) fn nodes(begin: usize, end: usize, count: usize) -> usize {
    let (mut at, mut found) = (begin, 0);
    while at < end {
        // The largest subtree that begins here and ends in time; the last one of a row may be cut short.
        let mut size = 1;
        while at % (2 * size) == 0 && (at + 2 * size).min(count) <= end && size < count {
            size *= 2;
        }
        at += size;
        found += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Network = Network { name: "", latency: 1e-5, bandwidth: 1e9 };
    const WORK: Work = Work { name: "", image_seconds: 0.1, bytes: 1e8, phases: 2., shard: 4 };

    #[test]
    fn partial_sums_are_counted_as_the_tree_has_them() {
        // Five shards: 0-3 under one node, 4 alone moves up.
        assert_eq!([nodes(0, 5, 5), nodes(0, 2, 5), nodes(2, 5, 5), nodes(4, 5, 5)], [1, 1, 2, 1]);
        assert_eq!([nodes(0, 3, 6), nodes(3, 6, 6)], [2, 2]);
        assert_eq!([nodes(0, 4, 8), nodes(1, 7, 8)], [1, 4]);
    }

    #[test]
    fn more_ranks_compute_less_and_exchange_more() {
        let steps: Vec<Step> = [1, 2, 4, 8].iter().map(|ranks| Step::of(&WORK, &NETWORK, 32, *ranks)).collect();
        assert_eq!(steps[0].exchanging, 0.);
        assert!((steps[0].images_per_second() - 10.).abs() < 1e-9);
        for pair in steps.windows(2) {
            assert!(pair[0].computing > pair[1].computing && pair[0].exchanging < pair[1].exchanging);
        }
        // A rank without a shard has no use: the batch grows with them.
        assert_eq!(Step::of(&WORK, &NETWORK, 32, 16).batch, 64);
        // Twice the sums, less what a rank keeps.
        assert!((steps[1].exchanging - 1e8 / 1e9 - 2. * 26. * 1e-5).abs() < 1e-3, "{:?}", steps[1]);
    }

    #[test]
    fn a_batch_that_pays_pays() {
        for ranks in [2, 8, 64] {
            let batch = batch_that_pays(&WORK, &NETWORK, ranks);
            assert!(Step::of(&WORK, &NETWORK, batch, ranks).share() <= HURTS, "{ranks}");
            let half = Step::of(&WORK, &NETWORK, batch / 4, ranks);
            assert!(half.share() > HURTS || batch / 4 < ranks * WORK.shard, "{ranks}");
        }
    }

    /// Slices move what rings do; doubling moves the whole at every doubling.
    #[test]
    fn kinds_of_reduction() {
        let seconds = |kind: Reduction, ranks| kind.seconds(&NETWORK, 1e8, 1., ranks, 1.);
        let near = |a: f64, b: f64| (a / b - 1.).abs() < 0.05;
        assert!(near(seconds(Reduction::Slices, 2), seconds(Reduction::Doubling, 2)));
        for ranks in [4, 64] {
            assert!(near(seconds(Reduction::Slices, ranks), seconds(Reduction::Ring, ranks)));
            assert!(seconds(Reduction::Doubling, ranks) > seconds(Reduction::Slices, ranks));
        }
        assert_eq!(seconds(Reduction::Trees, 1), 0.);
    }
}
