//! The documents of the root and of each package exist, and links between files of the tree lead somewhere.

use super::Finding;
use std::path::Path;

const PRESENT: [&str; 9] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "NOTICE",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "clippy.toml",
    "deny.toml",
];

/// The documents that a newcomer looks for.
pub(crate) fn check_present(root: &Path) -> Vec<Finding> {
    let missing = PRESENT.iter().filter(|name| !root.join(name).is_file());
    missing.map(|name| Finding::new(*name, 0, "this file belongs in the root of the workspace")).collect()
}

/// How the licence of a package begins that holds works of others.
const WITH_WORKS_OF_OTHERS: &str = "\nlicense = \"(MIT OR Apache-2.0) AND ";

/// What a published package takes along: the licences' texts beside its manifest, and keys that lead to the
/// rest.
pub(crate) fn check_package(root: &Path, manifest: &str, text: &str) -> Vec<Finding> {
    let folder = root.join(manifest).parent().map(Path::to_path_buf).unwrap_or_default();
    let licences = ["LICENSE-MIT", "LICENSE-APACHE"].into_iter().filter(|name| !folder.join(name).is_file());
    let keys = ["license", "repository", "readme"]
        .into_iter()
        .filter(|key| !text.contains(&format!("\n{key}.workspace = true\n")))
        .filter(|&key| key != "license" || !text.contains(WITH_WORKS_OF_OTHERS));
    let missing = licences.map(|name| format!("{name} (a link to that of the root) belongs beside it"));
    let missing = missing.chain(keys.map(|key| format!("the key `{key}.workspace = true` belongs in it")));
    missing.map(|what| Finding::new(manifest, 0, what)).collect()
}

/// Links and pictures in the Markdown file `name` that point into the tree.
pub(crate) fn check_links(root: &Path, name: &str, text: &str) -> Vec<Finding> {
    let folder = root.join(name).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut findings = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !file.starts_with("mailto:") && !folder.join(file).exists()
            {
                findings.push(Finding::new(name, index + 1, format!("the link to {target} leads nowhere")));
            }
        }
    }
    findings
}

/// The targets of `[text](target)` in `line`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let rest = &line[at + 2..];
        // A title may follow the target, and a target does not hold spaces.
        rest.split(')').next().and_then(|inner| inner.split(' ').next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_with_and_without_titles() {
        let line = "see [a](b.md), ![c](d/e.png \"title\") and `[f]`(g)";
        assert_eq!(targets(line).collect::<Vec<_>>(), ["b.md", "d/e.png"]);
    }

    #[test]
    fn packages_without_licence_are_found() {
        let text = "[package]\nlicense.workspace = true\nreadme.workspace = true\n";
        let findings = check_package(Path::new("absent"), "crates/a/Cargo.toml", text);
        assert_eq!(findings.len(), 3, "{findings:?}");
        let found = |licence: &str| {
            let text =
                format!("[package]\nlicense = \"{licence}\"\nrepository.workspace = true\nreadme.workspace = true\n");
            check_package(Path::new("absent"), "crates/a/Cargo.toml", &text).len()
        };
        assert_eq!([found("(MIT OR Apache-2.0) AND CC-BY-4.0"), found("CC-BY-4.0")], [2, 3]);
    }

    #[test]
    fn dead_links_are_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = "[here](Cargo.toml) [gone](gone.md) [web](https://example.org/x)\n```\n[fenced](gone.md)\n```\n";
        let findings = check_links(root, "README.md", text);
        assert_eq!(findings.iter().map(|f| f.line).collect::<Vec<_>>(), [1]);
        assert_eq!(check_present(&root.join("absent")).len(), PRESENT.len());
    }
}
