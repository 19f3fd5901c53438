//! Which pictures of a larger set are taken.

use crate::exit::wrong;
use rayon::prelude::*;
use std::collections::BTreeMap;
use stylegan_train::inputs::order::Order;

/// `count` of the usable ones of `candidates`, drawn by `seed`, in the order of the candidates; all of those if there are
/// fewer. What is not usable makes place for what would be drawn next.
pub(super) fn uniform(
    candidates: &[usize],
    count: usize,
    seed: u64,
    is_usable: &(dyn Fn(usize) -> bool + Sync),
) -> Vec<usize> {
    let mut drawn = draw(candidates, count, seed, is_usable);
    drawn.sort_unstable();
    drawn
}

/// The same, in the order in which they are drawn.
fn draw(candidates: &[usize], count: usize, seed: u64, is_usable: &(dyn Fn(usize) -> bool + Sync)) -> Vec<usize> {
    let order = Order::new(seed, candidates.len(), false);
    let (mut drawn, mut place) = (Vec::new(), 0);
    while drawn.len() < count && place < candidates.len() {
        let end = candidates.len().min(place + count - drawn.len());
        let next = (place..end).into_par_iter().map(|place| candidates[order.index(place as u64)]);
        drawn.extend(next.filter(|&candidate| is_usable(candidate)).collect::<Vec<_>>());
        place = end;
    }
    drawn
}

/// As many usable ones of each class, drawn by `seed`: all that the smallest class has, or so many that they are
/// `count` in all, or a few less. A class without any is passed over.
pub(super) fn balanced(
    candidates: &[usize],
    class: impl Fn(usize) -> Option<u32>,
    count: Option<usize>,
    seed: u64,
    is_usable: &(dyn Fn(usize) -> bool + Sync),
) -> anyhow::Result<Vec<usize>> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for &candidate in candidates {
        let Some(class) = class(candidate) else {
            wrong!("--balance wants pictures with classes: --label-from-folders, or class numbers in dataset.json");
        };
        classes.entry(class).or_default().push(candidate);
    }
    loop {
        let smallest = classes.values().map(Vec::len).min().unwrap_or(0);
        let mut each = count.map_or(smallest, |count| smallest.min(count / classes.len().max(1)));
        if let (0, Some(count), false) = (each, count, classes.is_empty()) {
            wrong!("--count {count}: there are {} classes, and each wants a picture", classes.len());
        }
        let mut drawn: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (&class, of_class) in &classes {
            let of_class = draw(of_class, each, seed, is_usable);
            if !of_class.is_empty() {
                each = of_class.len();
            }
            drawn.insert(class, of_class);
        }
        let before = classes.len();
        classes.retain(|class, _| !drawn[class].is_empty());
        // The others may have more places then.
        if classes.len() == before {
            let mut all: Vec<usize> =
                drawn.into_values().flat_map(|of_class| of_class.into_iter().take(each)).collect();
            all.sort_unstable();
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_and_repeat() {
        let all: Vec<usize> = (0..1000).collect();
        let uniform = |count, seed| uniform(&all, count, seed, &|_| true);
        let drawn = uniform(100, 5);
        assert_eq!(drawn, uniform(100, 5));
        assert_ne!(drawn, uniform(100, 6));
        // A mean of 499.5 with a deviation of 27.
        let mean = drawn.iter().sum::<usize>() as f64 / 100.;
        assert!(drawn.is_sorted() && (390. ..610.).contains(&mean), "{mean}");
        assert_eq!(uniform(2000, 5), all);
    }

    /// Half of the pictures are damaged: as many as before are drawn, and those that were drawn before and are sound are
    /// still.
    #[test]
    fn what_cannot_be_used_makes_place_for_others() {
        let all: Vec<usize> = (0..1000).collect();
        let even = |i: usize| i.is_multiple_of(2);
        let (before, drawn) = (uniform(&all, 100, 5, &|_| true), uniform(&all, 100, 5, &even));
        assert!(drawn.len() == 100 && drawn.is_sorted() && drawn.iter().all(|&i| even(i)));
        assert!(before.iter().filter(|&&i| even(i)).all(|i| drawn.contains(i)));
        assert_eq!(uniform(&all, 600, 5, &even).len(), 500);
    }

    #[test]
    fn classes_have_equal_shares() -> anyhow::Result<()> {
        // 90 of class 0, 10 of class 1.
        let all: Vec<usize> = (0..100).collect();
        let class = |i: usize| Some(u32::from(i >= 90));
        let small = |drawn: &[usize]| drawn.iter().filter(|&&i| i >= 90).count();
        let draw = |count, is_usable: &(dyn Fn(usize) -> bool + Sync)| balanced(&all, class, count, 0, is_usable);
        let drawn = draw(Some(11), &|_| true)?;
        assert_eq!((drawn.len(), small(&drawn)), (10, 5));
        let drawn = draw(None, &|_| true)?;
        assert_eq!((drawn.len(), small(&drawn)), (20, 10));
        assert!(draw(Some(1), &|_| true).is_err());
        assert!(balanced(&all, |_| None, None, 0, &|_| true).is_err());
        // With damaged ones in the small class, and with nothing else in it.
        let drawn = draw(None, &|i| i < 92)?;
        assert_eq!((drawn.len(), small(&drawn)), (4, 2));
        let drawn = draw(Some(11), &|i| i % 10 < 3)?;
        assert_eq!((drawn.len(), small(&drawn)), (6, 3));
        assert_eq!(draw(Some(11), &|i| i < 90)?.len(), 11);
        assert_eq!(draw(None, &|_| false)?.len(), 0);
        Ok(())
    }
}
