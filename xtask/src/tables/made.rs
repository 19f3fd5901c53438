//! What an encoder makes of a set, measured by `stylegan eval --images` against the set.

use super::evaluation::Evaluation;
use super::kept::Kept;
use crate::failure::Result;
use crate::papers::{OF_MAPS, Row, SMALLER};
use crate::program::Program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The name of the folder of pictures in the run's.
const PICTURES: &str = "made-pictures";

/// Has the encoder of a run make its pictures of `set`; returns the folder that has them under the names of the set's.
fn pictures(program: &Program, row: &Row, run: &Path, set: &str) -> Result<PathBuf> {
    let kept = Kept { run: run.into(), name: "made".into(), question: format!("{set} {}", row.space) };
    let (out, pictures) = (run.join(&kept.name), run.join(PICTURES));
    if kept.is_current() {
        return Ok(pictures);
    }
    // The pictures are two folders, which do not come to their end together.
    kept.forget();
    for folder in [&out, &pictures] {
        let _ = std::fs::remove_dir_all(folder);
    }
    let mut args: Vec<OsString> = vec!["invert".into()];
    args.extend(["--network".into(), run.into(), "--encoder".into(), run.into(), "--out".into(), out.into()]);
    args.extend(["--reconstructions".into(), pictures.clone().into()]);
    if let Some(factor) = row.space.strip_prefix(SMALLER) {
        args.extend(["--factor".into(), factor.into()]);
    }
    args.push(if row.space == OF_MAPS { format!("{set}/labels").into() } else { set.into() });
    program.run(&args)?;
    kept.keep()?;
    Ok(pictures)
}

/// The evaluation of these pictures; of `options` those that name the set again are left out.
pub(super) fn evaluation<'a>(
    program: &'a Program,
    row: &Row,
    run: &Path,
    set: &str,
    report: String,
    metrics: Vec<String>,
    options: &[OsString],
) -> Result<Evaluation<'a>> {
    let pair = [pictures(program, row, run, set)?, set.into()];
    let (mut kept, mut rest) = (vec![], options.iter());
    while let Some(option) = rest.next() {
        if option == "--data" {
            rest.next();
        } else {
            kept.push(option.clone());
        }
    }
    Ok(Evaluation { program, run: run.into(), pictures: Some(pair), report, metrics, options: kept })
}
