//! No files of a crate import from each other in a circle: of two files one is the ground floor.

use super::Finding;
use super::imports::Crate;
use std::collections::{BTreeMap, BTreeSet};

/// Checks the files of one crate, as (path below `src/`, path to report, text).
pub(crate) fn check<'a>(sources: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Vec<Finding> {
    let all = Crate::new(sources);
    circles(&all.imports())
        .into_iter()
        .map(|circle| {
            let text = format!(
                "these files import from each other in a circle: {}; move what one needs of the other into a file below \
                 both",
                circle.join(", ")
            );
            Finding::new(circle[0], 0, text)
        })
        .collect()
}

/// The largest sets of files that all reach each other.
fn circles<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports.keys().map(|&from| (from, reach(imports, from))).collect();
    let mut found: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (&file, beyond) in &reached {
        if beyond.contains(file) {
            found.insert(beyond.iter().copied().filter(|other| reached[other].contains(file)).collect());
        }
    }
    found.into_iter().collect()
}

/// What can be reached from a file in one step or more.
fn reach<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = imports[from].iter().copied().collect();
    while let Some(file) = open.pop() {
        if seen.insert(file) {
            open.extend(imports[file].iter().copied());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_and_chains_are_not() {
        let sources = [
            ("lib.rs", "mod a; mod b; mod c; mod d;\npub use a::A;\n"),
            ("a.rs", "use crate::b::B;\npub struct A;\n"),
            ("b.rs", "pub struct B;\nfn f() { crate::c::g() }\n"),
            ("c.rs", "use crate::A;\npub fn g() {}\n"),
            ("d.rs", "use crate::A;\n"),
        ];
        let check = |n: usize| check(sources[..n].iter().map(|&(path, text)| (path, path, text)));
        assert_eq!(check(3), []);
        let found = check(5);
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("circle: a.rs, b.rs, c.rs;"), "{}", found[0]);
    }
}
