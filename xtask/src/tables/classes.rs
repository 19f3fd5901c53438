//! How far apart pictures of maps of one class are, and how far from that class in a set, as `stylegan paint --uniform` says of
//! a painter.

use super::kept::Kept;
use crate::failure::{Failure, Result};
use crate::measured::{Measured, numbers};
use crate::program::Program;
use std::path::{Path, PathBuf};

/// The numbers of a run, asked for with these options, and the file that has them.
pub(super) fn measured(program: &Program, run: &Path, options: &[&str]) -> Result<(Vec<Measured>, PathBuf)> {
    let question = ["paint --uniform", &options.join(" ")].join(" ").trim_end().to_owned();
    let kept = Kept { run: run.into(), name: "uniform".into(), question };
    if !kept.is_current() {
        kept.replace(&["png", "md"], |new| {
            let (picture, answer) = (new.file("png"), new.file("md"));
            let args =
                ["paint".as_ref(), "--uniform".as_ref(), "--network".as_ref(), run.as_os_str(), "--out".as_ref()];
            let options = options.iter().map(AsRef::as_ref);
            let text = program.said(args.into_iter().chain([picture.as_os_str()]).chain(options))?;
            std::fs::write(&answer, text).map_err(|error| Failure::other(format!("{}: {error}", answer.display())))?;
            Ok(((), true))
        })?;
    }
    let answer = kept.file("md");
    Ok((numbers(&std::fs::read_to_string(&answer).unwrap_or_default()), answer))
}
