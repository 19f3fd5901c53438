//! Which picture comes at which place of a run: a pure function of the seed and the place.

use stylegan_core::latent::StreamKey;

/// The order of a data set: the run's pictures are one long row, epoch after epoch, each epoch a
/// new permutation. Place `i` of the row is known without walking there, so a resumed run, or a
/// rank that handles every fourth shard, reads on where it should.
///
/// The permutation is a Feistel network over the smallest even number of bits that holds the set,
/// walked until it lands inside (Black and Rogaway 2002).
///
/// ```
/// use stylegan_train::inputs::order::Order;
///
/// let order = Order::new(7, 5, false);
/// let mut epoch: Vec<usize> = (0..5).map(|place| order.index(place)).collect();
/// epoch.sort();
/// assert_eq!(epoch, [0, 1, 2, 3, 4]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Order {
    seed: u64,
    len: u64,
    mirror: bool,
    half_bits: u32,
}

const ROUNDS: u64 = 6;

impl Order {
    /// The order of a set of `len` pictures (at least 1); with `mirror`, half of the places show
    /// their picture mirrored.
    pub fn new(seed: u64, len: usize, mirror: bool) -> Self {
        let len = (len as u64).max(1);
        let bits = 64 - (len - 1).leading_zeros();
        Self { seed, len, mirror, half_bits: bits.div_ceil(2).max(1) }
    }

    /// The picture at a place of the row.
    pub fn index(&self, place: u64) -> usize {
        let key = StreamKey::new(self.seed, "order", place / self.len).stream(0, 0).bits();
        let mut value = place % self.len;
        loop {
            value = self.permute(value, key);
            if value < self.len {
                return value as usize;
            }
        }
    }

    /// Whether the picture at a place is shown mirrored.
    pub fn mirrored(&self, place: u64) -> bool {
        self.mirror && StreamKey::new(self.seed, "mirror", 0).stream(place, 0).uniform() < 0.5
    }

    fn permute(&self, value: u64, key: u64) -> u64 {
        let mask = (1u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for round in 0..ROUNDS {
            let mixed = mix(right ^ mix(key.wrapping_add(round.wrapping_mul(0x9E37_79B9_7F4A_7C15))));
            (left, right) = (right, left ^ (mixed & mask));
        }
        left << self.half_bits | right
    }
}

/// The finaliser of splitmix64 (Steele, Lea and Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_holds_each_picture_once() {
        for len in [1usize, 2, 3, 5, 16, 17, 1000] {
            let order = Order::new(3, len, false);
            for epoch in 0..3u64 {
                let mut seen = vec![0; len];
                (0..len as u64).for_each(|i| seen[order.index(epoch * len as u64 + i)] += 1);
                assert!(seen.iter().all(|&n| n == 1), "{len} pictures, epoch {epoch}");
            }
        }
    }

    #[test]
    fn epochs_and_seeds_differ_and_places_do_not_depend_on_the_way_there() {
        let order = |seed, epoch: u64| {
            (0..100).map(|i| Order::new(seed, 100, false).index(epoch * 100 + i)).collect::<Vec<_>>()
        };
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
        assert_eq!(order(1, 1)[37], Order::new(1, 100, false).index(137));
    }

    #[test]
    fn order_is_shuffled() {
        // Neighbours in the set are neighbours in the row for 2 of 1000 places on average; the sum
        // of displacements of a uniform permutation is 1000 * 333 with a deviation of about 1 %.
        let order = Order::new(0, 1000, false);
        let order: Vec<i64> = (0..1000).map(|i| order.index(i) as i64).collect();
        let adjacent = order.windows(2).filter(|w| (w[0] - w[1]).abs() == 1).count();
        let moved: i64 = order.iter().enumerate().map(|(i, &x)| (x - i as i64).abs()).sum();
        assert!(adjacent < 12 && (300_000..367_000).contains(&moved), "{adjacent} {moved}");
    }

    #[test]
    fn half_of_the_places_are_mirrored_if_asked() {
        // Standard deviation of 4000 coins is 32; the bound is five.
        let count = (0..4000).filter(|&i| Order::new(0, 10, true).mirrored(i)).count();
        assert!(count.abs_diff(2000) < 160, "{count}");
        assert!((0..100).all(|i| !Order::new(0, 10, false).mirrored(i)));
    }
}
