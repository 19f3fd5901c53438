//! The films that were made, in memory alone, until pages fetch them.

use super::wish::State;
use axum::body::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Films that are kept.
const MAX_FILMS: usize = 8;

/// The most bytes of all of them; the newest is kept in any case.
const MAX_BYTES: usize = 64 << 20;

/// GIF files, each known by the state that it shows.
#[derive(Default)]
pub(super) struct Films {
    kept: Mutex<VecDeque<(State, Bytes)>>,
}

impl Films {
    /// Keeps the film of a state as the newest.
    pub(super) fn keep(&self, state: State, file: Vec<u8>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| *known != state);
        kept.push_back((state, file.into()));
        let bytes = |kept: &VecDeque<(State, Bytes)>| kept.iter().map(|(_, file)| file.len()).sum::<usize>();
        while kept.len() > MAX_FILMS || kept.len() > 1 && bytes(&kept) > MAX_BYTES {
            kept.pop_front();
        }
    }

    /// The film of a state, if it was made and is still kept.
    pub(super) fn find(&self, state: &State) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == state).map(|(_, file)| file.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_films_are_kept_within_bounds() {
        let state = |seed: u32| {
            let look = r#""look":{"network":"n","psi":1,"cutoff":null,"class":null,"noise":"const","noise_seed":0}"#;
            State::parse(&format!(r#"{{"view":"picture",{look},"x":{seed},"y":0}}"#))
        };
        let films = Films::default();
        let keep = |seed: u32, bytes: usize| state(seed).map(|state| films.keep(state, vec![0; bytes]));
        let kept = |seed: u32| state(seed).ok().and_then(|state| films.find(&state)).map(|file| file.len());
        (0..10).for_each(|seed| assert_eq!(keep(seed, seed as usize), Ok(())));
        assert_eq!((kept(1), kept(2), kept(9)), (None, Some(2), Some(9)));
        assert_eq!((keep(9, 5), kept(9), kept(2)), (Ok(()), Some(5), Some(2)));
        assert_eq!((keep(20, MAX_BYTES + 1), kept(9), kept(20)), (Ok(()), None, Some(MAX_BYTES + 1)));
    }
}
