//! `cargo xtask bench`: how long operations and networks take on this machine, and beside other
//! engines.
//!
//! Each side of a case is a process of its own; they take turns, so that what disturbs the machine
//! disturbs them alike, and the medians are compared.

mod cases;
mod chart;
mod features;
mod iteration;
mod options;
mod painter_iteration;
mod peers;
mod process;
mod report;
mod spec;
mod worker;

use options::{Options, Request};
use peers::{PEERS, Peer, Python};
use process::{Process, Started};
use report::{Line, Report};
use spec::Spec;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use stylegan_kernels::{cpu_info, threads, tiles};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let done = match options::parse(std::env::args().skip(1)) {
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
        Ok(Request::Help(text)) => {
            print!("{text}");
            Ok(())
        }
        Ok(Request::Work(spec)) => worker::serve(&spec),
        Ok(Request::Bench(options)) => bench(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> Result<()> {
    if let Some(file) = &options.redraw {
        return Report::read(file)?.finish(options);
    }
    let python = Python(options.python.clone());
    let mut peers = Vec::new();
    for peer in PEERS.iter().filter(|peer| options.against.iter().any(|name| name == peer.name)) {
        match python.has(peer) {
            true => peers.push(peer),
            false => eprintln!("{} is left out: {} cannot import it; name another with --python", peer.name, python.0),
        }
    }
    let threads = threads::limit();
    let peak = peak_gflops() * threads as f64;
    let mut report = Report::start(threads, peak, &options.command);
    let cases = cases::all();
    if let Some(absent) = cases::QUICK.iter().find(|name| cases.iter().all(|case| case.spec.name() != **name)) {
        return Err(format!("QUICK names {absent}, which is no case").into());
    }
    for case in cases {
        let name = case.spec.name();
        let left_out = options.only.as_ref().is_some_and(|only| !name.contains(only.as_str()));
        if left_out || options.whole && !case.spec.is_whole() || options.quick && !cases::QUICK.contains(&name.as_str())
        {
            continue;
        }
        if options.list {
            println!("{name}");
            continue;
        }
        if case.spec.needs_tiles() && !tiles::available() {
            eprintln!("{name} is left out: this processor has no tiles of bf16 numbers (AMX)");
            continue;
        }
        let sides = measure(&case.spec, &peers, &python, threads, options.seconds)?;
        let gflops = case.spec.flops().map(|flops| flops / sides.ours.seconds / 1e9);
        let mut line = Line {
            name,
            whole: case.spec.is_whole(),
            seconds: sides.ours.seconds,
            gflops,
            peak_share: gflops.map(|gflops| gflops / peak),
            peak_rss_mb: sides.ours.memory,
            ..Line::default()
        };
        if sides.peers.is_empty() {
            report.add(line.clone());
        }
        for (peer, side) in sides.peers {
            line.peer = Some(peer.name.to_string());
            line.peer_seconds = Some(side.seconds);
            line.peer_rss_mb = side.memory;
            line.ratio = Some(side.seconds / sides.ours.seconds);
            line.target = case.targets.iter().find(|(name, _)| *name == peer.name).map(|(_, target)| *target);
            report.add(line.clone());
        }
    }
    if options.list { Ok(()) } else { report.finish(options) }
}

/// What one process needed for one case.
struct Side {
    seconds: f64,
    memory: Option<f64>,
}

struct Sides<'a> {
    ours: Side,
    peers: Vec<(&'a Peer, Side)>,
}

/// Runs a case in turns for about `seconds` per side, at least 5 times after one that is not counted
/// (twice what takes longer than `seconds`).
fn measure<'a>(spec: &Spec, peers: &[&'a Peer], python: &Python, threads: usize, seconds: f64) -> Result<Sides<'a>> {
    let mut ours = Command::new(std::env::current_exe()?);
    ours.args(["--worker", &serde_json::to_string(spec)?]);
    let mut sides = Vec::new();
    match Process::start(ours)? {
        Started::Ready(process) => sides.push(Contestant { peer: None, process, times: Vec::new() }),
        Started::Cannot(reason) => return Err(reason.into()),
    }
    let folder = tempfile::tempdir()?;
    for peer in peers {
        match Process::start(python.command(peer, spec, threads, folder.path())?) {
            Ok(Started::Ready(process)) => sides.push(Contestant { peer: Some(*peer), process, times: Vec::new() }),
            Ok(Started::Cannot(_)) => {}
            Err(error) => leave_out(peer, spec, &*error),
        }
    }
    turn(&mut sides, spec)?;
    sides.iter_mut().for_each(|side| side.times.clear());
    let start = Instant::now();
    loop {
        turn(&mut sides, spec)?;
        let (rounds, slow) = (sides[0].times.len(), sides.iter().any(|side| side.times[0] > seconds));
        let enough = if slow { 2 } else { 5 };
        if rounds >= enough && (start.elapsed().as_secs_f64() > seconds * sides.len() as f64 || rounds >= 200) {
            break;
        }
    }
    let mut sides = sides.into_iter();
    let ours = sides.next().ok_or("nothing was measured")?.end()?;
    let mut peers = Vec::new();
    for side in sides {
        let Some(peer) = side.peer else { continue };
        match side.end() {
            Ok(side) => peers.push((peer, side)),
            Err(error) => leave_out(peer, spec, &*error),
        }
    }
    Ok(Sides { ours, peers })
}

/// A process that takes turns with others, ours without a peer.
struct Contestant<'a> {
    peer: Option<&'a Peer>,
    process: Process,
    times: Vec<f64>,
}

impl Contestant<'_> {
    fn end(mut self) -> Result<Side> {
        self.times.sort_by(f64::total_cmp);
        let (times, n) = (&self.times, self.times.len());
        Ok(Side { seconds: (times[(n - 1) / 2] + times[n / 2]) / 2.0, memory: self.process.end()? })
    }
}

/// Everybody does the work once. A peer that fails is left out from there on.
fn turn(sides: &mut Vec<Contestant>, spec: &Spec) -> Result<()> {
    let mut i = 0;
    while i < sides.len() {
        let side = &mut sides[i];
        match (side.process.go(), side.peer) {
            (Ok(seconds), _) => {
                side.times.push(seconds);
                i += 1;
            }
            (Err(error), None) => return Err(error),
            (Err(error), Some(peer)) => {
                leave_out(peer, spec, &*error);
                sides.remove(i);
            }
        }
        // Threads that spin for more work must not take it from the next side.
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn leave_out(peer: &Peer, spec: &Spec, error: &dyn std::error::Error) {
    eprintln!("{} is left out of {}: {error}", peer.name, spec.name());
}

/// What one core can do at most, in GFLOP/s.
fn peak_gflops() -> f64 {
    let once = || {
        let start = Instant::now();
        cpu_info::multiply_adds(5_000_000) as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| once()).fold(0.0, f64::max)
}
