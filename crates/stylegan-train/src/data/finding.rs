//! A file of a set and what is wrong with it.

use super::Problem;
use stylegan_core::{Printable, printable};

/// One file of a set that cannot be used, or is not used as one may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name inside the set; empty if the set itself is concerned.
    pub file: String,
    /// What is wrong, with the remedy.
    pub problem: Problem,
}

impl Finding {
    /// The file and what is wrong with it, fit for a terminal.
    pub fn fault(&self) -> Printable {
        let file = if self.file.is_empty() { "the set" } else { &self.file };
        printable(&format!("{file}: {}", self.problem))
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.fault(), self.problem.remedy())
    }
}
