//! Which files of a crate a file takes something from, as its paths say.
//!
//! Declarations of modules and re-exports are no imports: a `mod.rs` may name its files and show
//! what they hold while they use what it defines. A name that is re-exported counts for the file
//! that defines it.

use super::scan::lines;
use std::collections::{BTreeMap, BTreeSet};

/// A path of names, from the root of the crate.
type Module = Vec<String>;

/// The files of a crate by module, and what each says.
pub(crate) struct Crate {
    files: BTreeMap<Module, File>,
}

#[derive(Default)]
struct File {
    path: String,
    /// Names that `use` brings in, and what they stand for (as written).
    uses: BTreeMap<String, Vec<String>>,
    /// Names that are re-exported, likewise.
    exports: BTreeMap<String, Vec<String>>,
    /// Modules of which everything is re-exported.
    globs: Vec<Vec<String>>,
    /// All other paths of at least two names.
    paths: Vec<Vec<String>>,
}

impl Crate {
    /// `sources` are (path below `src/`, path to report, text) of each file.
    pub(crate) fn new<'a>(sources: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        let files = sources.map(|(below, path, text)| (module(below), File::new(path, text))).collect();
        Self { files }
    }

    /// For each file those it imports from, by their paths to report. What the `mod.rs` above it
    /// defines for all its files does not count.
    pub(crate) fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let of = |(module, file): (&Module, &File)| {
            let named = file.uses.values().chain(&file.paths);
            let found = named.filter_map(|path| self.resolve(module, path, 0));
            let found = found.filter(|other| !module.starts_with(other));
            (self.files[module].path.as_str(), found.map(|other| self.files[other].path.as_str()).collect())
        };
        self.files.iter().map(of).collect()
    }

    /// The module that defines what `path` names in `module`; none for other crates, and for modules.
    fn resolve(&self, module: &Module, path: &[String], depth: usize) -> Option<&Module> {
        // Names may stand for names: in a tree of files a few times at most.
        if depth > 8 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let mut at = module.clone();
        let mut rest = match first.as_str() {
            "crate" => {
                at.clear();
                rest
            }
            "self" => rest,
            "super" => {
                at.pop()?;
                rest
            }
            name if self.files.contains_key(&[&at[..], &[name.to_owned()]].concat()) => path,
            name => {
                let meaning = self.files.get(module)?.uses.get(name).filter(|meaning| meaning[0] != *name)?;
                return self.resolve(module, &[meaning, rest].concat(), depth + 1);
            }
        };
        while let Some((name, others)) = rest.split_first() {
            if name == "super" {
                at.pop()?;
                rest = others;
                continue;
            }
            let below = [&at[..], std::slice::from_ref(name)].concat();
            if self.files.contains_key(&below) {
                (at, rest) = (below, others);
                continue;
            }
            let (here, file) = self.files.get_key_value(&at)?;
            if let Some(meaning) = file.exports.get(name) {
                let whole = [meaning, others].concat();
                return self.resolve(&at, &whole, depth + 1).or(Some(here));
            }
            let through = file.globs.iter().find_map(|glob| {
                let whole = [&glob[..], rest].concat();
                self.resolve(&at, &whole, depth + 1)
            });
            return through.or(Some(here));
        }
        None
    }
}

fn module(below: &str) -> Module {
    let mut names: Module = below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if names.last().is_some_and(|last| last == "mod") || below == "lib.rs" || below == "main.rs" {
        names.pop();
    }
    names
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let code: Vec<String> = lines(text).into_iter().filter(|line| !line.test).map(|line| line.code).collect();
        let tokens = tokens(&code.join("\n"));
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let mut at = 0;
        while at < tokens.len() {
            match tokens[at].as_str() {
                // Not `impl Trait + use<'a>`.
                "use" if tokens.get(at + 1).is_some_and(|next| next != "<") => {
                    let end = at + tokens[at..].iter().position(|t| t == ";").unwrap_or(tokens.len() - at);
                    let shown = at > 0 && matches!(tokens[at - 1].as_str(), "pub" | ")");
                    file.take_use(&tokens[at + 1..end], shown);
                    at = end;
                }
                _ if is_name(&tokens[at]) => {
                    let mut path = vec![tokens[at].clone()];
                    while tokens.get(at + 1).is_some_and(|t| t == "::")
                        && tokens.get(at + 2).is_some_and(|t| is_name(t))
                    {
                        path.push(tokens[at + 2].clone());
                        at += 2;
                    }
                    if path.len() > 1 {
                        file.paths.push(path);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        file
    }

    fn take_use(&mut self, tree: &[String], shown: bool) {
        let mut found = Vec::new();
        leaves(tree, &[], &mut found);
        for (path, name) in found {
            match (name.as_str(), shown) {
                ("*", true) => self.globs.push(path),
                ("*", false) => self.paths.push(path),
                (_, true) => drop(self.exports.insert(name, path)),
                (_, false) => drop(self.uses.insert(name, path)),
            }
        }
    }
}

/// The leaves of a `use` tree: (path, name here).
fn leaves(tree: &[String], before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < tree.len() {
        match tree[at].as_str() {
            "::" => {}
            "{" => {
                let inner = &tree[at + 1..tree.len() - 1];
                let (mut depth, mut start) = (0, 0);
                for (i, token) in inner.iter().enumerate() {
                    match token.as_str() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        "," if depth == 0 => {
                            leaves(&inner[start..i], &path, found);
                            start = i + 1;
                        }
                        _ => {}
                    }
                }
                return leaves(&inner[start..], &path, found);
            }
            "as" => return found.extend(tree.get(at + 1).map(|name| (path, name.clone()))),
            "*" => return found.push((path, "*".into())),
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned().filter(|_| path.len() > before.len() || tree == ["self"]) {
        found.push((path, name));
    }
}

/// Names, `::`, and single characters.
fn tokens(code: &str) -> Vec<String> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found: Vec<String> = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = match first {
            c if part(c) => rest.find(|c| !part(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        found.push(rest[..len].to_owned());
        rest = rest[len..].trim_start();
    }
    found
}

fn is_name(token: &str) -> bool {
    token.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(sources: &[(&str, &str)], file: &str) -> Vec<String> {
        let all = Crate::new(sources.iter().map(|&(path, text)| (path, path, text)));
        all.imports()[file].iter().map(|&path| path.to_owned()).collect()
    }

    const SOURCES: [(&str, &str); 5] = [
        ("lib.rs", "mod a;\nmod b;\npub use a::{Deep, two as second};\n"),
        ("a/mod.rs", "mod c;\npub(crate) use c::Deep;\npub fn two() { c::one() }\nuse crate::b;\nfn f() { b::g() }\n"),
        ("a/c.rs", "pub struct Deep;\npub fn one() {}\n#[cfg(test)]\nmod tests { use crate::b::g; }\n"),
        (
            "b.rs",
            "use crate::{Deep, a::{self}};\npub fn g() {}\nfn h() -> impl Sized + use<> { crate::second(); std::mem::drop(1) }\n",
        ),
        ("d.rs", "use crate::a::c as other;\n// crate::b::g\nfn f() { other::one(); \"crate::b::g\"; }\n"),
    ];

    #[test]
    fn names_lead_to_the_files_that_define_them() {
        assert_eq!(imports(&SOURCES, "lib.rs"), [""; 0]);
        assert_eq!(imports(&SOURCES, "a/mod.rs"), ["a/c.rs", "b.rs"]);
        assert_eq!(imports(&SOURCES, "a/c.rs"), [""; 0]);
        assert_eq!(imports(&SOURCES, "b.rs"), ["a/c.rs", "a/mod.rs"]);
        assert_eq!(imports(&SOURCES, "d.rs"), ["a/c.rs"]);
    }
}
