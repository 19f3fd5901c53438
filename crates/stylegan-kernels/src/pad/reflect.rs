//! Images continued by their mirror images, without repeating the edge.

/// The pixel of a side of `len` pixels that is seen at position `at`, which may lie outside.
pub(crate) fn reflect(at: i64, len: usize) -> usize {
    let last = len as i64 - 1;
    if last <= 0 {
        return 0;
    }
    let folded = at.rem_euclid(2 * last);
    folded.min(2 * last - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::reflect;

    #[test]
    fn edges_are_not_repeated() {
        let seen: Vec<usize> = (-5..9).map(|at| reflect(at, 4)).collect();
        assert_eq!(seen, [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!([-3, 0, 2].map(|at| reflect(at, 1)), [0; 3]);
    }
}
