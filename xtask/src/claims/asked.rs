//! What the command line of `reproduce` asks for.

use super::jobs::in_parallel;
use crate::failure::{Failure, Result};
use crate::program::Program;
use crate::tables::evaluation::check_options;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The seed that configurations have: its runs have the plain names.
const OWN_SEED: &str = "1000";

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The claim, as it was typed.
    pub(super) claim: String,
    /// Thousands of pictures that each run sees; what its configuration says if nothing is.
    pub(super) kimg: Option<f64>,
    /// Seeds of the trainings; nothing for that of the configuration.
    pub(super) seeds: Vec<Option<String>>,
    /// Trainings and measurements at once.
    pub(super) jobs: usize,
    pub(super) program: Program,
    /// A network that pictures are shown of, in place of the claim's own.
    pub(super) network: Option<PathBuf>,
    /// The folder of released files.
    pub(super) weights: Option<PathBuf>,
    /// The folder that pages go to; nothing for docs/results.
    pub(super) out: Option<PathBuf>,
    /// Options of the evaluation.
    pub(super) options: Vec<OsString>,
    /// The words of the command line that say what is trained and measured.
    words: Vec<String>,
}

impl Asked {
    pub(super) fn of(claim: &str, args: &[OsString]) -> Result<Self> {
        let mut asked = Asked {
            claim: claim.into(),
            kimg: None,
            seeds: vec![],
            jobs: 1,
            program: Program::default(),
            network: None,
            weights: None,
            out: None,
            options: vec![],
            words: vec![],
        };
        let args: Vec<OsString> = args.iter().flat_map(parts).collect();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let name = arg.to_str().unwrap_or_default();
            let own = ["--kimg", "--seed", "--jobs", "--program", "--network", "--weights", "--out"];
            if ["--metrics", "--mix", "--no-floor", "--images", "--segmenter", "--data"].contains(&name) {
                return Err(Failure::wrong(format!("{name}: reproduce {claim} has its own")));
            }
            if !own.contains(&name) {
                asked.options.push(arg.clone());
                asked.words.push(arg.to_string_lossy().into_owned());
                continue;
            }
            let value = args.next().ok_or_else(|| Failure::wrong(format!("{name}: a value is missing behind it")))?;
            if !asked.set(name, value) {
                return Err(Failure::wrong(format!(
                    "{name} {}: expected {}",
                    value.to_string_lossy(),
                    match name {
                        "--kimg" => "thousands of pictures, as in --kimg 20",
                        "--seed" => "a whole number, as in --seed 2; each once",
                        "--jobs" => "how many run at once, from 1 up",
                        _ => "a path",
                    }
                )));
            }
        }
        if asked.seeds.is_empty() {
            asked.seeds.push(None);
        }
        Ok(asked)
    }

    /// Does `work` for each item, as many at once as are asked for: these share the threads, and are silent. What is alone has
    /// all threads, and a voice.
    pub(super) fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T, &Asked) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let (at_once, mut asked) = (self.jobs.min(items.len()), self.clone());
        if at_once > 1 {
            let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
            asked.program.threads = Some((threads / at_once).max(1));
        }
        in_parallel(items, at_once, |item| work(item, &asked))
    }

    /// Takes an option; `false` where the value is no good.
    fn set(&mut self, name: &str, value: &OsString) -> bool {
        let text = value.to_str().unwrap_or_default();
        if !["--jobs", "--program", "--out"].contains(&name) {
            self.words.extend([name.to_owned(), text.to_owned()]);
        }
        match name {
            "--kimg" => {
                self.kimg = text.parse().ok().filter(|kimg: &f64| kimg.is_finite() && *kimg > 0.);
                self.kimg.is_some()
            }
            "--seed" => {
                let seed = text.parse::<u64>().ok().map(|seed| Some(seed.to_string()).filter(|seed| seed != OWN_SEED));
                let new = seed.filter(|seed| !self.seeds.contains(seed));
                new.map(|seed| self.seeds.push(seed)).is_some()
            }
            "--jobs" => {
                self.jobs = text.parse().unwrap_or_default();
                self.jobs > 0
            }
            "--program" => {
                self.program.file = std::path::absolute(value).ok();
                self.program.file.is_some()
            }
            _ => {
                let place = match name {
                    "--network" => &mut self.network,
                    "--weights" => &mut self.weights,
                    _ => &mut self.out,
                };
                *place = Some(value.into());
                !value.is_empty()
            }
        }
    }

    /// Refuses options that say nothing to this claim.
    pub(super) fn refuse(&self, options: &[(&str, bool)]) -> Result<()> {
        match options.iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                Err(Failure::wrong(format!("{option}: reproduce {} takes no such option", self.claim)))
            }
            None => Ok(()),
        }
    }

    /// Has `stylegan eval` read the options that are for it: before the training, not hours later.
    pub(super) fn check_options(&self) -> Result<()> {
        check_options(&self.program, &self.options)
    }

    /// Has `stylegan` do something: without a word where several do things at once.
    pub(super) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<()> {
        if self.program.threads.is_some() { self.program.run_silently(args) } else { self.program.run(args) }
    }

    /// The command that makes the same again.
    pub(super) fn command(&self) -> String {
        let words = self.words.iter().map(|word| format!(" {word}"));
        format!("cargo xtask reproduce {}{}", self.claim, words.collect::<String>())
    }

    /// Options of an evaluation, with the folders that all of them share.
    pub(super) fn evaluation(&self, own: &[&str]) -> Vec<OsString> {
        let mut options: Vec<OsString> = own.iter().map(OsString::from).chain(self.options.iter().cloned()).collect();
        for (option, folder) in [("--cache", features()), ("--data-dir", sets())] {
            if !options.iter().any(|given| given == option) {
                options.extend([option.into(), folder.into()]);
            }
        }
        options
    }
}

/// `--option=value` as two words.
fn parts(arg: &OsString) -> Vec<OsString> {
    match arg.to_str().filter(|text| text.starts_with("--")).and_then(|text| text.split_once('=')) {
        Some((name, value)) => vec![name.into(), value.into()],
        None => vec![arg.clone()],
    }
}

/// Where runs are.
pub(super) fn runs() -> &'static Path {
    Path::new("runs")
}

/// Where built-in sets are kept once they are made, for all runs.
pub(super) fn sets() -> PathBuf {
    runs().join("data")
}

/// Where features are kept, for all runs.
fn features() -> PathBuf {
    runs().join("features")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Asked> {
        Asked::of("sg1-table2", &line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn own_options_are_told_from_those_of_the_evaluation() -> Result<()> {
        let asked = of("--kimg 5 --count 100 --seed 1000 --jobs 2 --seed 2 --program x")?;
        assert_eq!((asked.options.len(), asked.kimg, asked.jobs), (2, Some(5.), 2));
        assert_eq!(asked.seeds, [None, Some("2".into())]);
        assert!(asked.program.file.is_some());
        assert_eq!(asked.command(), "cargo xtask reproduce sg1-table2 --kimg 5 --count 100 --seed 1000 --seed 2");
        assert_eq!(of("--seed=2 --cache=c")?.seeds, [Some("2".into())]);
        assert_eq!(of("")?.seeds, [None]);
        assert_eq!(of("")?.command(), "cargo xtask reproduce sg1-table2");
        Ok(())
    }

    #[test]
    fn threads_are_shared_by_what_runs_at_once() -> Result<()> {
        let shared = |line: &str, items: &[u8]| of(line)?.each(items, |_, asked| Ok(asked.program.threads.is_some()));
        assert_eq!(shared("--jobs 2", &[1, 2, 3])?, [true; 3]);
        assert_eq!(shared("--jobs 2", &[1])?, [false]);
        assert_eq!(shared("", &[1, 2])?, [false; 2]);
        assert_eq!(of("--jobs 2")?.program.threads, None);
        Ok(())
    }

    #[test]
    fn evaluations_share_their_folders() -> Result<()> {
        let words = |asked: Asked| asked.evaluation(&["--no-floor"]).join(" ".as_ref()).to_string_lossy().into_owned();
        assert_eq!(words(of("--count 9")?), "--no-floor --count 9 --cache runs/features --data-dir runs/data");
        assert_eq!(words(of("--cache c")?), "--no-floor --cache c --data-dir runs/data");
        Ok(())
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for line in [
            "--metrics fid",
            "--mix=2",
            "--kimg",
            "--kimg x",
            "--kimg 0",
            "--seed x",
            "--seed 1 --seed 1",
            "--seed 1000 --seed 1000",
            "--jobs 0",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
        assert!(of("--network a").is_ok_and(|asked| asked.refuse(&[("--network", asked.network.is_some())]).is_err()));
    }
}
