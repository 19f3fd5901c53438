//! What a manifest depends on is used.

use super::Finding;
use super::scan::lines;
use std::collections::BTreeSet;

/// The names of other crates (and of modules) that a source file begins a path with.
pub(crate) fn named(text: &str, names: &mut BTreeSet<String>) {
    for line in lines(text) {
        for (at, _) in line.code.match_indices("::") {
            let before = &line.code[..at];
            let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |i| i + 1);
            if !before[..start].ends_with("::") {
                names.insert(before[start..].to_owned());
            }
        }
    }
}

/// Checks the manifest of a package whose sources name `names`.
pub(crate) fn check(path: &str, text: &str, names: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
            continue;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if inside && !name.is_empty() && !name.starts_with('#') && !names.contains(&name.replace('-', "_")) {
            findings.push(Finding::new(path, index + 1, format!("nothing here names {name}: remove the dependency")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_dependencies_are_found() {
        let mut names = BTreeSet::new();
        named(
            "use serde::Deserialize;\nfn f() { x.zip(y); super::png::g(); candle_core::bail!(\"a::b\") }\n",
            &mut names,
        );
        let text = "[dependencies]\nserde = \"1\"\ncandle-core.workspace = true\nzip = \"2\"\n\n[dev-dependencies]\npng = \"1\"\n";
        let found: Vec<usize> = check("Cargo.toml", text, &names).iter().map(|finding| finding.line).collect();
        assert_eq!(found, [4, 7]);
    }
}
