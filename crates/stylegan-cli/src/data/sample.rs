//! Which pictures of a larger set are taken.

use crate::exit::wrong;
use std::collections::BTreeMap;
use stylegan_train::inputs::order::Order;

/// `count` of `candidates`, drawn by `seed`, in the order of the candidates.
pub(super) fn uniform(candidates: &[usize], count: usize, seed: u64) -> Vec<usize> {
    let order = Order::new(seed, candidates.len(), false);
    let mut drawn: Vec<usize> =
        (0..count.min(candidates.len())).map(|place| candidates[order.index(place as u64)]).collect();
    drawn.sort_unstable();
    drawn
}

/// As many of each class, drawn by `seed`: all that the smallest class has, or so many that they are
/// `count` in all, or a few less.
pub(super) fn balanced(
    candidates: &[usize],
    class: impl Fn(usize) -> Option<u32>,
    count: Option<usize>,
    seed: u64,
) -> anyhow::Result<Vec<usize>> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for &candidate in candidates {
        let Some(class) = class(candidate) else {
            wrong!("--balance wants pictures with classes: --label-from-folders, or class numbers in dataset.json");
        };
        classes.entry(class).or_default().push(candidate);
    }
    let smallest = classes.values().map(Vec::len).min().unwrap_or(0);
    let each = count.map_or(smallest, |count| smallest.min(count / classes.len().max(1)));
    if each == 0 {
        wrong!("--count {}: there are {} classes, and each wants a picture", count.unwrap_or(0), classes.len());
    }
    let mut drawn: Vec<usize> = classes.values().flat_map(|of_class| uniform(of_class, each, seed)).collect();
    drawn.sort_unstable();
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_and_repeat() {
        let all: Vec<usize> = (0..1000).collect();
        let drawn = uniform(&all, 100, 5);
        assert_eq!(drawn, uniform(&all, 100, 5));
        assert_ne!(drawn, uniform(&all, 100, 6));
        // A mean of 499.5 with a deviation of 27.
        let mean = drawn.iter().sum::<usize>() as f64 / 100.;
        assert!(drawn.is_sorted() && (390. ..610.).contains(&mean), "{mean}");
        assert_eq!(uniform(&all, 2000, 5), all);
    }

    #[test]
    fn classes_have_equal_shares() -> anyhow::Result<()> {
        // 90 of class 0, 10 of class 1.
        let all: Vec<usize> = (0..100).collect();
        let class = |i: usize| Some(u32::from(i >= 90));
        let small = |drawn: &[usize]| drawn.iter().filter(|&&i| i >= 90).count();
        let drawn = balanced(&all, class, Some(11), 0)?;
        assert_eq!((drawn.len(), small(&drawn)), (10, 5));
        let drawn = balanced(&all, class, None, 0)?;
        assert_eq!((drawn.len(), small(&drawn)), (20, 10));
        assert!(balanced(&all, class, Some(1), 0).is_err());
        assert!(balanced(&all, |_| None, None, 0).is_err());
        Ok(())
    }
}
