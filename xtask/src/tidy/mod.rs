//! `cargo xtask tidy`: the house rules that no compiler and no lint checks.
//!
//! Each rule is a function from the tree to a list of findings, in a file of its own topic. A rule
//! that has exceptions names them, with the reason, in a table above it.

mod circles;
mod dependencies;
mod documents;
mod imports;
mod layers;
mod scan;
mod source;

use crate::cargo::root;
use crate::failure::{Failure, Result};
use crate::say::say;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path below the root of the workspace, with `/`.
    path: String,
    /// Line, from 1; 0 for the file as a whole.
    line: usize,
    /// What is wrong and what to do.
    text: String,
}

impl Finding {
    fn new(path: impl Into<String>, line: usize, text: impl Into<String>) -> Self {
        Finding { path: path.into(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Checks the workspace; findings go to stdout, one a line, and make the exit code 1.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    if !args.is_empty() {
        return Err(Failure::wrong("`tidy` takes no arguments"));
    }
    let mut findings = check(&root()).map_err(|e| Failure::other(format!("the tree cannot be read: {e}")))?;
    findings.sort();
    for finding in &findings {
        say(&finding.to_string());
    }
    match findings.len() {
        0 => Ok(()),
        n => Err(Failure::other(format!("tidy: {n} finding(s) above"))),
    }
}

fn check(root: &Path) -> std::io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in files(root)? {
        let name = name_of(root, &path);
        if name.ends_with(".rs") {
            findings.extend(source::check(&name, &std::fs::read_to_string(&path)?));
        } else if name.starts_with("crates/") && name.ends_with("/Cargo.toml") {
            let text = std::fs::read_to_string(&path)?;
            findings.extend(layers::check(&name, &text));
            findings.extend(documents::check_package(root, &name, &text));
        } else if name.ends_with(".md") && !name.contains("golden/") {
            findings.extend(documents::check_links(root, &name, &std::fs::read_to_string(&path)?));
        }
    }
    findings.extend(documents::check_present(root));
    findings.extend(check_packages(root)?);
    Ok(findings)
}

/// What concerns a package as a whole: circles of imports, dependencies that nothing uses.
fn check_packages(root: &Path) -> std::io::Result<Vec<Finding>> {
    let sources: Vec<(String, String)> = files(root)?
        .iter()
        .map(|path| (name_of(root, path), path))
        .filter(|(name, _)| name.ends_with(".rs"))
        .map(|(name, path)| Ok((name, std::fs::read_to_string(path)?)))
        .collect::<std::io::Result<_>>()?;
    let mut findings = Vec::new();
    for manifest in files(root)?.iter().filter(|path| path.ends_with("Cargo.toml")) {
        let name = name_of(root, manifest);
        let Some(folder) = name.strip_suffix("Cargo.toml").filter(|folder| !folder.is_empty()) else { continue };
        let own = || sources.iter().filter(|(path, _)| path.starts_with(folder));
        let mut names = BTreeSet::new();
        own().for_each(|(_, text)| dependencies::named(text, &mut names));
        findings.extend(dependencies::check(&name, &std::fs::read_to_string(manifest)?, &names));
        let src = format!("{folder}src/");
        let below = |path: &str| path.strip_prefix(&src).map(str::len);
        findings.extend(circles::check(
            own().filter_map(|(path, text)| Some((&path[path.len() - below(path)?..], path.as_str(), text.as_str()))),
        ));
    }
    Ok(findings)
}

/// Every file of the tree except hidden folders and what cargo and runs produce.
fn files(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    const SKIP: [&str; 3] = ["target", "runs", "data"];
    // What npm installs for the browser tests is not ours.
    const PACKAGES: &str = "node_modules";
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                let skipped = name.starts_with('.') || name == PACKAGES || (folder == root && SKIP.contains(&&*name));
                if !skipped {
                    folders.push(entry.path());
                }
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_tidy() -> std::io::Result<()> {
        let findings: Vec<String> = check(&root())?.iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
        Ok(())
    }
}
