//! Rules on Rust source: length, unsafe code, and what libraries must not do.

use super::Finding;
use super::scan::{Line, lines};

/// Lines that a file may have, its tests not counted.
const MAX_LINES: usize = 400;

/// Where `unsafe` may stand outside of `stylegan-kernels`: mapping a file into memory, which no
/// safe interface offers.
const UNSAFE: [(&str, &str); 2] = [
    ("crates/stylegan-core/src/checkpoint/format.rs", "mmap of a checkpoint"),
    ("crates/stylegan-train/src/data/zip.rs", "mmap of a picture archive"),
];

/// The crates that neither print nor read the environment or the clock.
const LIBRARIES: [&str; 4] =
    ["crates/stylegan-kernels/", "crates/stylegan-core/", "crates/stylegan-metrics/", "crates/stylegan-train/"];

/// What libraries leave to the command, and what they do instead.
const LIBRARY_RULES: [(&str, &str); 4] = [
    ("std::env", "libraries do not read the environment; take an argument"),
    ("env::var", "libraries do not read the environment; take an argument"),
    ("Instant::now", "libraries do not read the clock; take the time as an argument"),
    ("SystemTime::now", "libraries do not read the clock; take the time as an argument"),
];

/// Libraries do not print at all. Of commands these end the work, by a panic, when nobody listens
/// (`| head -1`, a closed terminal).
const PRINTING: [&str; 4] = ["println!", "print!", "eprintln!", "eprint!"];

/// The commands, and what they print by.
const COMMANDS: [(&str, &str); 2] = [
    ("crates/stylegan-cli/src/", "it panics when nobody listens; use status::print and status::say"),
    ("xtask/src/", "it panics when nobody listens; use the functions of say.rs"),
];

/// Libraries that may do one of these all the same.
const LIBRARY_EXCEPTIONS: [(&str, &str, &str); 5] = [
    ("crates/stylegan-kernels/src/autodiff.rs", "std::env", "candle's second-order switch is an environment variable"),
    ("crates/stylegan-kernels/src/autodiff.rs", "env::var", "candle's second-order switch is an environment variable"),
    ("crates/stylegan-kernels/src/threads.rs", "std::env", "the size of candle's own pool is an environment variable"),
    ("crates/stylegan-train/src/run/", "Instant::now", "seconds per kimg are reported; no step depends on them"),
    ("crates/stylegan-train/src/run_log/mod.rs", "SystemTime::now", "TensorBoard's axis is wall time"),
];

/// What no finished code holds, anywhere.
const UNFINISHED: [(&str, &str); 3] = [
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it, leave it out, or return an error that says what is supported"),
    ("dbg!", "a leftover of debugging"),
];

/// Checks one source file; `path` is relative to the root.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let lines = lines(text);
    let mut findings = Vec::new();
    let is_test = path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs");
    let is_table = path.contains("/layouts/") || path.ends_with("tables.rs") || path.ends_with("table.rs");
    let length = lines.iter().filter(|line| !line.test).count();
    if length > MAX_LINES && !is_test && !is_table {
        findings.push(Finding::new(
            path,
            0,
            format!("{length} lines, more than {MAX_LINES}: split it by noun or verb"),
        ));
    }
    let library = LIBRARIES.iter().any(|library| path.starts_with(library))
        && !is_test
        && !["/examples/", "/benches/", "build.rs"].iter().any(|part| path.contains(part));
    for (index, line) in lines.iter().enumerate() {
        let mut report = |text: String| findings.push(Finding::new(path, index + 1, text));
        for (word, remedy) in UNFINISHED {
            if has(&line.code, word) {
                report(format!("`{word}`: {remedy}"));
            }
        }
        if ["TODO", "FIXME", "XXX"].iter().any(|mark| has(&line.comment, mark)) {
            report("a note to finish something: finish it, or file an issue and say why it stays".into());
        }
        let command = COMMANDS.iter().find(|(command, _)| path.starts_with(command)).map(|(_, remedy)| *remedy);
        let prints = library.then_some("libraries do not print; use tracing, or return the value").or(command);
        if let Some(remedy) = prints.filter(|_| !line.test) {
            for word in PRINTING.iter().filter(|word| has(&line.code, word)) {
                report(format!("`{word}`: {remedy}"));
            }
        }
        if library && !line.test {
            for (word, remedy) in LIBRARY_RULES {
                if has(&line.code, word)
                    && !LIBRARY_EXCEPTIONS.iter().any(|(at, what, _)| path.starts_with(at) && *what == word)
                {
                    report(format!("`{word}`: {remedy}"));
                }
            }
        }
        if has(&line.code, "unsafe") {
            if !path.starts_with("crates/stylegan-kernels/") && !UNSAFE.iter().any(|(at, _)| path == *at) {
                report("`unsafe` outside of stylegan-kernels: move it there, behind a safe function".into());
            }
            if needs_reason(&line.code) && !has_reason(&lines, index) {
                report("`unsafe` without a `// SAFETY:` comment right above it".into());
            }
        }
    }
    findings
}

/// Whether `code` has `word` standing on its own.
fn has(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(part)
            && (word.ends_with('!') || !code[at + word.len()..].chars().next().is_some_and(part))
    })
}

/// Declarations of unsafe functions state their contract under `# Safety` (clippy sees to it);
/// blocks and impls say why the contract is kept.
fn needs_reason(code: &str) -> bool {
    let after = code.split("unsafe").nth(1).unwrap_or_default().trim_start();
    after.starts_with('{') || after.starts_with("impl")
}

/// Whether a SAFETY comment is on the line or in the comments and the statement right above it.
fn has_reason(lines: &[Line], index: usize) -> bool {
    lines[index].comment.contains("SAFETY:")
        || lines[..index]
            .iter()
            .rev()
            .take(8)
            .take_while(|line| !line.code.trim_end().ends_with(['}', '{']) || line.comment.contains("SAFETY:"))
            .any(|line| line.comment.contains("SAFETY:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        check(path, text).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn long_files_are_found_without_their_tests() {
        let line = "fn f() {}\n";
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", line.repeat(500));
        assert!(texts("crates/stylegan-core/src/a.rs", &(line.repeat(400) + &tests)).is_empty());
        assert_eq!(texts("crates/stylegan-core/src/a.rs", &line.repeat(401)).len(), 1);
        assert!(texts("crates/stylegan-core/src/layouts/a.rs", &line.repeat(401)).is_empty());
    }

    #[test]
    fn unsafe_needs_its_place_and_its_reason() {
        let explained = "// SAFETY: in bounds\nunsafe { f() }\n";
        assert!(texts("crates/stylegan-kernels/src/a.rs", explained).is_empty());
        assert_eq!(texts("crates/stylegan-core/src/a.rs", explained).len(), 1);
        assert!(texts("crates/stylegan-core/src/checkpoint/format.rs", explained).is_empty());
        assert!(texts("crates/stylegan-train/src/data/zip.rs", explained).is_empty());
        assert_eq!(texts("crates/stylegan-core/src/checkpoint/a.rs", explained).len(), 1);
        assert_eq!(texts("crates/stylegan-train/src/data/a.rs", explained).len(), 1);
        assert_eq!(texts("crates/stylegan-kernels/src/a.rs", "unsafe { f() }\n").len(), 1);
        assert!(texts("crates/stylegan-kernels/src/a.rs", "unsafe fn f() {}\n").is_empty());
        assert!(texts("crates/stylegan-core/src/a.rs", "#![deny(unsafe_op_in_unsafe_fn)]\n").is_empty());
    }

    #[test]
    fn libraries_stay_silent_and_commands_do_not_panic_when_they_speak() {
        let text = "fn f() { println!(\"{}\", 1); }\n";
        assert_eq!(texts("crates/stylegan-train/src/a.rs", text).len(), 1);
        assert!(texts("crates/stylegan-train/examples/a.rs", text).is_empty());
        assert_eq!(texts("crates/stylegan-cli/src/a.rs", text).len(), 1);
        assert_eq!(texts("xtask/src/a.rs", text).len(), 1);
        assert!(texts("tests/benches/a.rs", text).is_empty());
        assert!(texts("crates/stylegan-train/src/a.rs", "// println! is not for libraries\n").is_empty());
        assert_eq!(texts("crates/stylegan-core/src/a.rs", "let t = std::time::Instant::now();\n").len(), 1);
        assert!(
            texts("crates/stylegan-core/src/a.rs", "#[cfg(test)]\nmod tests { fn f() { print!(\"\") } }\n").is_empty()
        );
    }

    #[test]
    fn unfinished_code_is_found_everywhere() {
        // Written so that this file itself stays free of the marks.
        let mark = ["TO", "DO"].concat();
        assert_eq!(texts("crates/stylegan-cli/src/a.rs", &format!("// {mark}: later\n")).len(), 1);
        assert_eq!(texts("xtask/src/a.rs", &format!("{}!()\n", mark.to_lowercase())).len(), 1);
    }
}
