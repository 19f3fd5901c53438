//! What happens to work.

use crate::disk::Disk;
use crate::job::{Ended, Job};
use crate::works::Work;
use std::time::Duration;
use stylegan_core::latent::Stream;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Kill,
    Hangup,
    Interrupt,
    FullDisk,
    ClosedStderr,
    SecondProcess,
    TornFile,
    FlippedFile,
}

/// Exit codes of work that was done, interrupted and saved, or interrupted with nothing to save.
const IN_ORDER: [i32; 3] = [0, 75, 130];

impl Event {
    pub(crate) const ALL: [Event; 8] = [
        Event::Kill,
        Event::Hangup,
        Event::Interrupt,
        Event::FullDisk,
        Event::ClosedStderr,
        Event::SecondProcess,
        Event::TornFile,
        Event::FlippedFile,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Event::Kill => "kill -9",
            Event::Hangup => "SIGHUP",
            Event::Interrupt => "SIGINT",
            Event::FullDisk => "full disk",
            Event::ClosedStderr => "closed stderr",
            Event::SecondProcess => "second process",
            Event::TornFile => "torn file",
            Event::FlippedFile => "flipped file",
        }
    }

    /// Lets it happen at a random moment of the work, which goes on from where it was. Returns what came
    /// of it.
    pub(crate) fn happens(self, work: &mut Work, disk: &Disk, chance: &mut Stream) -> &'static str {
        work.renew();
        let (safe, leftovers) = (work.safe(), work.leftovers());
        let outcome = match self {
            Event::Kill => self.signal("-KILL", work, chance),
            Event::Hangup => self.signal("-HUP", work, chance),
            Event::Interrupt => self.signal("-INT", work, chance),
            Event::FullDisk => full_disk(work, disk, chance),
            Event::ClosedStderr => {
                let job = Job::unheard(work.folder(), work.line(), work.said(0));
                moment(work, chance);
                let ended = job.end("-INT");
                assert!(ended.code.is_some_and(|code| IN_ORDER.contains(&code)) || is_early(&ended), "{ended:?}");
                went_on(work, &ended)
            }
            Event::SecondProcess => second_process(work, chance),
            Event::TornFile | Event::FlippedFile => return self.damage(work, chance),
        };
        assert!(work.safe() >= safe, "{} lost work: {} after {safe}", work.name(), work.safe());
        if !matches!(self, Event::Kill) {
            assert!(work.leftovers() <= leftovers, "{} left unfinished files behind", work.name());
        }
        outcome
    }

    fn signal(self, signal: &str, work: &mut Work, chance: &mut Stream) -> &'static str {
        let job = work.start();
        moment(work, chance);
        let ended = job.end(signal);
        let expected = match ended.code {
            Some(code) => IN_ORDER.contains(&code),
            None => signal == "-KILL" || is_early(&ended),
        };
        assert!(expected, "{} {ended:?}", work.name());
        if ended.code.is_some_and(|code| code != 0) {
            let how = ["go on with: stylegan", "goes on from", "the same command starts again"];
            assert!(how.iter().any(|how| ended.said.contains(how)), "it does not say how to go on: {ended:?}");
        }
        went_on(work, &ended)
    }

    /// A file of the work is damaged while nobody looks. The next start notices: it goes on without the
    /// file, or says which one is wrong, and goes on when that is put right.
    fn damage(self, work: &mut Work, chance: &mut Stream) -> &'static str {
        let job = work.start();
        moment(work, chance);
        let ended = job.end("-KILL");
        went_on(work, &ended);
        let files = work.damageable();
        if files.is_empty() {
            return "nothing there yet";
        }
        let file = &files[chance.below(files.len() as u64) as usize];
        let bytes = std::fs::read(file).unwrap();
        if bytes.is_empty() {
            return "nothing there yet";
        }
        let at = chance.below(bytes.len() as u64) as usize;
        let mut damaged = bytes.clone();
        match self {
            Event::TornFile => damaged.truncate(at),
            _ => damaged[at] ^= 1 << chance.below(8),
        }
        std::fs::write(file, &damaged).unwrap();
        work.set_done(false);
        let mut job = work.start();
        work.wait_until_it_knows(&mut job);
        moment(work, chance);
        let ended = job.end("-INT");
        match ended.code {
            Some(0) if work.keeps(file, &damaged) => {
                work.examine(file);
                work.repair(file, &bytes);
                "kept, examined, mended"
            }
            Some(0 | 75) => {
                went_on(work, &ended);
                "went on"
            }
            Some(2) => {
                let name = file.file_name().unwrap().to_string_lossy();
                assert!(work.may_refuse(file), "{name}: {ended:?}");
                let sentence = ended.said.lines().last().unwrap_or_default();
                assert!(sentence.starts_with("error: "), "{name}: {ended:?}");
                work.repair(file, &bytes);
                "refused, mended"
            }
            _ => panic!("{} after {} was damaged: {ended:?}", work.name(), file.display()),
        }
    }
}

/// A signal may come before the process could learn of it; then it has not begun either.
fn is_early(ended: &Ended) -> bool {
    ended.code.is_none() && ended.said.is_empty()
}

/// Notes whether the work is done; says where it was struck.
fn went_on(work: &mut Work, ended: &Ended) -> &'static str {
    if ended.code == Some(0) {
        work.set_done(true);
    }
    if ended.struck { "at work" } else { "just done" }
}

fn moment(work: &Work, chance: &mut Stream) {
    std::thread::sleep(Duration::from_secs_f64(0.6 * chance.uniform() * work.seconds()));
}

fn full_disk(work: &mut Work, disk: &Disk, chance: &mut Stream) -> &'static str {
    // Less than a checkpoint, or a few of them.
    let left = 1 << (9 + chance.below(9));
    let job = match disk.limit(left) {
        None => work.start(),
        limit => Job::start(work.folder(), work.line(), work.said(0), limit),
    };
    moment(work, chance);
    let filled = disk.fill(left);
    moment(work, chance);
    let ended = job.end("-INT");
    drop(filled);
    match ended.code {
        Some(1) => {
            let sentence = ended.said.lines().rfind(|line| line.starts_with("error: ")).unwrap_or_default();
            assert!(sentence.contains("space") || sentence.contains("limit"), "{} {ended:?}", work.name());
            "said so"
        }
        code => {
            let expected = code.is_some_and(|code| IN_ORDER.contains(&code)) || is_early(&ended);
            assert!(expected, "{} {ended:?}", work.name());
            went_on(work, &ended)
        }
    }
}

fn second_process(work: &mut Work, chance: &mut Stream) -> &'static str {
    let first = work.start();
    moment(work, chance);
    let second = Job::start(work.folder(), work.line(), work.said(1), None);
    moment(work, chance);
    let (second, first) = (second.end("-INT"), first.end("-INT"));
    let (mut refused, mut ended) = (0, "just done");
    for one in [&first, &second] {
        match one.code {
            Some(1 | 2) => {
                assert!(work.is_alone() && one.said.contains("error: run"), "{} {one:?}", work.name());
                refused += 1;
            }
            code => {
                let expected = code.is_some_and(|code| IN_ORDER.contains(&code)) || is_early(one);
                assert!(expected, "{} {one:?}", work.name());
            }
        }
        if one.struck {
            ended = "at work";
        }
        went_on(work, one);
    }
    assert!(refused <= 1, "both gave way: {first:?} {second:?}");
    if refused == 1 { "one gave way" } else { ended }
}
