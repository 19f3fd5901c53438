//! Ranks that are processes, joined by MPI.
//!
//! One thread owns the library, so that no other may call it at the wrong moment; it waits for others
//! without taking a processor from those that compute.

use super::Communicator;
use crate::{Error, Result};
use ::mpi::collective::{CommunicatorCollectives, SystemOperation};
use ::mpi::datatype::{Partition, PartitionMut};
use ::mpi::request::{Request, Scope, scope};
use ::mpi::topology::{Communicator as _, SimpleCommunicator};
use ::mpi::{Count, Threading};
use std::ops::Range;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// Bytes that a rank sends at a time: counts are 32 bits in MPI, and the caches hold as much.
const PIECE: usize = 4 << 20;

/// Where slices without bytes begin. An empty vector begins at address 1, which to Open MPI is no buffer at all but
/// `MPI_IN_PLACE`.
static NOWHERE: [u8; 1] = [0];

/// The time that a process is given to end after MPI was told to end all.
const LAST_MOMENTS: Duration = Duration::from_secs(5);

/// The ranks of an MPI world, as `mpirun`, `srun` or an MPIJob starts them.
pub struct Mpi {
    rank: usize,
    size: usize,
    host: String,
    jobs: Mutex<mpsc::Sender<Job>>,
    ended: Arc<AtomicI32>,
}

/// What is asked of the thread that owns the library.
enum Job {
    AllGather(Vec<u8>, mpsc::Sender<Vec<Vec<u8>>>),
    AllToAll(Vec<Vec<u8>>, mpsc::Sender<Vec<Vec<u8>>>),
    AllReduce(Vec<f32>, mpsc::Sender<Vec<f32>>),
    /// Ends MPI; answered when all ranks have asked for it.
    Finalize(mpsc::Sender<()>),
    /// A reason to look at the code that ends all.
    Abort,
}

/// No code yet.
const RUNNING: i32 = -1;

impl Mpi {
    /// Joins the world that this process was started in; of one process, if it was started alone.
    ///
    /// # Errors
    /// When the library does not start, or was started before.
    pub fn start() -> Result<Self> {
        let (jobs, to_do) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let ended = Arc::new(AtomicI32::new(RUNNING));
        let code = ended.clone();
        let own = move || {
            // Only this thread calls it, but it is not the main one.
            let Some((universe, _)) = ::mpi::initialize_with_threading(Threading::Serialized) else { return };
            let world = universe.world();
            let host = ::mpi::environment::processor_name().unwrap_or_default();
            let _ = tell.send((world.rank() as usize, world.size() as usize, host));
            let finalized = World { world, ended: code }.work(&to_do);
            drop(universe);
            if let Some(finalized) = finalized {
                let _ = finalized.send(());
            }
        };
        std::thread::Builder::new().name("mpi".into()).spawn(own).map_err(|error| lost(&error.to_string()))?;
        let (rank, size, host) = told.recv().map_err(|_| lost("the MPI library does not start"))?;
        Ok(Self { rank, size, host, jobs: Mutex::new(jobs), ended })
    }

    /// The name of this machine.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Leaves the world, once all ranks do; none can exchange anything afterwards.
    pub fn finalize(&self) {
        let (tell, told) = mpsc::channel();
        if self.ask(Job::Finalize(tell)).is_ok() {
            // Where the thread is gone there is nothing to leave.
            let _ = told.recv();
        }
    }

    /// Ends the processes of all ranks, this one included, with an exit code. Returns only where that
    /// does not work.
    pub fn end_all(&self, code: u8) {
        self.ended.store(code.into(), Ordering::SeqCst);
        if self.ask(Job::Abort).is_ok() {
            std::thread::sleep(LAST_MOMENTS);
        }
    }

    fn exchange<T>(&self, job: impl FnOnce(mpsc::Sender<T>) -> Job) -> Result<T> {
        let (answer, exchanged) = mpsc::channel();
        self.ask(job(answer))?;
        exchanged.recv().map_err(|_| lost("MPI has failed in this process"))
    }

    fn ask(&self, job: Job) -> Result<()> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.send(job).map_err(|_| lost("MPI has ended in this process"))
    }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn world_size(&self) -> usize {
        self.size
    }

    fn all_gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        self.exchange(|answer| Job::AllGather(bytes, answer))
    }

    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        self.exchange(|answer| Job::AllToAll(parts, answer))
    }

    fn all_reduce(&self, values: &mut [f32]) -> Result<()> {
        let sums = self.exchange(|answer| Job::AllReduce(values.to_vec(), answer))?;
        values.copy_from_slice(&sums);
        Ok(())
    }

    fn abort(&self, _reason: &str) {}
}

fn lost(reason: &str) -> Error {
    Error::Rank { reason: reason.to_owned() }
}

/// The world, on the thread that owns it.
struct World {
    world: SimpleCommunicator,
    ended: Arc<AtomicI32>,
}

impl World {
    /// Does what is asked, until it is to end.
    fn work(&self, to_do: &mpsc::Receiver<Job>) -> Option<mpsc::Sender<()>> {
        while let Ok(job) = to_do.recv() {
            self.end_if_asked();
            match job {
                Job::AllGather(bytes, give) => {
                    let _ = give.send(self.all_gather(&bytes));
                }
                Job::AllToAll(parts, give) => {
                    let _ = give.send(self.all_to_all(&parts));
                }
                Job::AllReduce(values, give) => {
                    let _ = give.send(self.all_reduce(&values));
                }
                Job::Finalize(finalized) => {
                    // The library need not wait for all, and a process that ends with an error ends the others.
                    self.numbers_of_all(0);
                    return Some(finalized);
                }
                Job::Abort => {}
            }
        }
        // The process ends without a word to the others: whoever started them sees to that.
        std::thread::park();
        None
    }

    fn all_gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let lengths = self.numbers_of_all(bytes.len());
        let longest = lengths.iter().max().copied().unwrap_or_default();
        let mut all = Gathered::new(lengths);
        for begin in self.pieces(longest) {
            let piece = begin..begin + self.piece();
            all.next_window(&piece, |window| {
                scope(|scope| {
                    let own = cut(bytes, &piece);
                    let request = self.world.immediate_all_gather_varcount_into(scope, own, window);
                    self.wait(request, Pace::Busy);
                });
            });
        }
        all.all
    }

    fn all_to_all(&self, parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
        // Nobody waits for a longer part than the longest of all.
        let longest = parts.iter().map(Vec::len).max().unwrap_or_default();
        let longest = self.numbers_of_all(longest).into_iter().max().unwrap_or_default();
        let lengths: Vec<u64> = parts.iter().map(|part| part.len() as u64).collect();
        let mut lengths_here = vec![0u64; parts.len()];
        scope(|scope| {
            let request = self.world.immediate_all_to_all_into(scope, &lengths[..], &mut lengths_here[..]);
            self.wait(request, Pace::Busy);
        });
        let mut all = Gathered::new(lengths_here.into_iter().map(|length| length as usize).collect());
        for begin in self.pieces(longest) {
            let piece = begin..begin + self.piece();
            let cuts: Vec<&[u8]> = parts.iter().map(|part| cut(part, &piece)).collect();
            let counts: Vec<Count> = cuts.iter().map(|cut| cut.len() as Count).collect();
            let mut given = Vec::with_capacity(1 + cuts.iter().map(|cut| cut.len()).sum::<usize>());
            cuts.iter().for_each(|cut| given.extend_from_slice(cut));
            let given = Partition::new(&given[..], &counts[..], places(&counts));
            all.next_window(&piece, |window| {
                scope(|scope| {
                    let request = self.world.immediate_all_to_all_varcount_into(scope, &given, window);
                    self.wait(request, Pace::Busy);
                });
            });
        }
        all.all
    }

    fn all_reduce(&self, values: &[f32]) -> Vec<f32> {
        // Who comes first waits here, without taking a processor from the others.
        self.numbers_of_all(values.len());
        let mut sums = vec![0.; values.len()];
        for (own, sums) in values.chunks(PIECE / 4).zip(sums.chunks_mut(PIECE / 4)) {
            scope(|scope| {
                let request = self.world.immediate_all_reduce_into(scope, own, sums, SystemOperation::sum());
                self.wait(request, Pace::Busy);
            });
        }
        sums
    }

    /// A number of each rank. Who comes first waits here for the others.
    fn numbers_of_all(&self, own: usize) -> Vec<usize> {
        let own = [own as u64];
        let mut all = vec![0u64; self.world.size() as usize];
        scope(|scope| {
            let request = self.world.immediate_all_gather_into(scope, &own[..], &mut all[..]);
            self.wait(request, Pace::Patient);
        });
        all.into_iter().map(|number| number as usize).collect()
    }

    /// Bytes of a piece: those of all ranks together have a count of 32 bits as well.
    fn piece(&self) -> usize {
        PIECE.min((1 << 30) / self.world.size() as usize)
    }

    /// Where the pieces of `length` bytes begin.
    fn pieces(&self, length: usize) -> impl Iterator<Item = usize> {
        (0..length).step_by(self.piece())
    }

    /// Waits for the end of an exchange, or of everything.
    fn wait<'a, D: ?Sized, S: Scope<'a>>(&self, mut request: Request<'a, D, S>, pace: Pace) {
        let (mut looks, mut slept) = (0, Duration::ZERO);
        while let Err(unfinished) = request.test() {
            request = unfinished;
            self.end_if_asked();
            looks += 1;
            match pace {
                Pace::Patient if looks > LOOKS => {
                    let nap = (slept / 100).clamp(SHORTEST_NAP, LONGEST_NAP);
                    std::thread::sleep(nap);
                    slept += nap;
                }
                _ => std::thread::yield_now(),
            }
        }
    }

    fn end_if_asked(&self) {
        let code = self.ended.load(Ordering::SeqCst);
        if code != RUNNING {
            self.world.abort(code);
        }
    }
}

/// What has come from each rank so far.
struct Gathered {
    lengths: Vec<usize>,
    all: Vec<Vec<u8>>,
    /// One piece of each rank, one after the other.
    window: Vec<u8>,
}

impl Gathered {
    fn new(lengths: Vec<usize>) -> Self {
        let all = lengths.iter().map(|&length| Vec::with_capacity(length)).collect();
        Self { lengths, all, window: vec![] }
    }

    /// Takes up a piece of what each rank has; `receive` fills the window.
    fn next_window(&mut self, piece: &Range<usize>, receive: impl FnOnce(&mut Window)) {
        let counts = self.lengths.iter().map(|&length| (length.min(piece.end) - length.min(piece.start)) as Count);
        let counts: Vec<Count> = counts.collect();
        self.window.resize(counts.iter().map(|&count| count as usize).sum(), 0);
        // Also a window of nothing has a place (see `NOWHERE`).
        self.window.reserve(1);
        receive(&mut PartitionMut::new(&mut self.window[..], &counts[..], places(&counts)));
        let mut rest = &self.window[..];
        for (gathered, count) in self.all.iter_mut().zip(counts) {
            let (piece, after) = rest.split_at(count as usize);
            gathered.extend_from_slice(piece);
            rest = after;
        }
    }
}

type Window<'a> = PartitionMut<'a, [u8], &'a [Count], Vec<Count>>;

/// The part of some bytes that lies in a range of them; at their end it is short.
fn cut<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    match &bytes[bytes.len().min(range.start)..bytes.len().min(range.end)] {
        [] => &NOWHERE[..0],
        cut => cut,
    }
}

/// Where each of several pieces begins, one after the other.
fn places(counts: &[Count]) -> Vec<Count> {
    let ends = counts.iter().scan(0, |end, count| {
        *end += count;
        Some(*end - count)
    });
    ends.collect()
}

/// How a rank waits.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// For bytes on their way: they move only while somebody looks.
    Busy,
    /// For others to arrive, who may compute for long, on this processor perhaps.
    Patient,
}

/// How often a patient rank looks before it naps.
const LOOKS: u32 = 100;
/// Naps are one part in a hundred of what was slept, within these bounds.
const SHORTEST_NAP: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(10);
