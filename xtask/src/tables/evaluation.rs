//! What `stylegan eval` says of a run, asked once.

use super::kept::{Kept, question};
use crate::failure::Result;
use crate::measured::{Measured, numbers};
use crate::program::Program;
use std::ffi::OsString;
use std::path::PathBuf;

/// A question about the newest checkpoint of a run.
pub(crate) struct Evaluation<'a> {
    pub(crate) program: &'a Program,
    pub(crate) run: PathBuf,
    /// Two folders that are compared in place of the network: pictures that it made, and those that they are to be.
    pub(crate) pictures: Option<[PathBuf; 2]>,
    /// The file name of the report in the run's folder, without its ending.
    pub(crate) report: String,
    pub(crate) metrics: Vec<String>,
    pub(crate) options: Vec<OsString>,
}

impl Evaluation<'_> {
    fn kept(&self) -> Kept {
        let question = format!("{} {}", self.metrics.join(","), question(&self.options));
        Kept { run: self.run.clone(), name: self.report.clone(), question }
    }

    /// The report, which all numbers are read from.
    pub(crate) fn file(&self) -> PathBuf {
        self.kept().file("json")
    }

    /// The numbers of an answer that is kept, though the run may have gone on since.
    pub(crate) fn kept_earlier(&self) -> Option<Vec<Measured>> {
        let kept = self.kept();
        kept.is_there().then(|| read(&kept)).filter(|numbers| !numbers.is_empty())
    }

    /// The numbers, measured where they are not kept. A metric that fails says why and is left out.
    pub(crate) fn measured(&self) -> Result<Vec<Measured>> {
        let kept = self.kept();
        if let Some(found) = kept.is_current().then(|| read(&kept)).filter(|numbers| !numbers.is_empty()) {
            return Ok(found);
        }
        kept.replace(&["json", "md"], |new| {
            let mut args: Vec<OsString> = ["eval", "--metrics", &self.metrics.join(",")].map(Into::into).into();
            match &self.pictures {
                Some([made, real]) => args.extend(["--images".into(), made.into(), real.into()]),
                None => args.extend(["--network".into(), self.run.clone().into()]),
            }
            args.extend(["--out".into(), new.file("json").into()]);
            args.extend(self.options.iter().cloned());
            let (printed, ended) = self.program.answer(&args)?;
            let found = numbers(&printed);
            match ended {
                Err(failure) if found.is_empty() => Err(failure),
                ended => Ok((found, ended.is_ok())),
            }
        })
    }
}

/// Has `stylegan eval` read options, before anything is done with them.
pub(crate) fn check_options(program: &Program, options: &[OsString]) -> Result<()> {
    if options.is_empty() {
        return Ok(());
    }
    let (verb, help) = (OsString::from("eval"), OsString::from("--help"));
    program.said([&verb].into_iter().chain(options).chain([&help])).map(drop)
}

/// The numbers of the report that lies there.
fn read(kept: &Kept) -> Vec<Measured> {
    numbers(&std::fs::read_to_string(kept.file("md")).unwrap_or_default())
}
