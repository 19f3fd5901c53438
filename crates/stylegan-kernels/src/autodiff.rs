//! Gradients on candle's tape, of first and second order.
//!
//! candle keeps the graph of a backward pass (needed for second derivatives) only on threads where
//! a switch was on at their first `backward`; elsewhere it returns *partly wrong* second
//! derivatives without a word. This module owns that switch: passes run on threads of its own
//! ("lanes", 64 MiB of stack) whose switch state was set at their start and proven by a small
//! second derivative with a known answer.
//!
//! Memory: [`backward`] and `grad(.., create_graph = false)` detach every intermediate gradient as
//! they go, so they hold the forward graph and the gradients in flight, no more.
//! `grad(.., create_graph = true)` keeps the whole backward pass alive inside the returned tensors
//! until these are dropped: call [`backward`] on the penalty, then drop everything.
#![allow(clippy::disallowed_methods, reason = "the one module that calls candle's backward and owns its switch")]

use candle_core::backprop::GradStore;
use candle_core::{CustomOp1, CustomOp2, CustomOp3, Device, Result, Tensor, TensorId, Var};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};

const SWITCH: &str = "CANDLE_GRAD_DO_NOT_DETACH";
const LANE_STACK: usize = 64 << 20;

/// First-order gradients by tensor, all detached from any graph.
pub struct Gradients(GradStore);

impl Gradients {
    /// The gradient of a variable, or `None` if the differentiated value does not depend on it.
    pub fn get(&self, variable: &Tensor) -> Option<Tensor> {
        self.0.get(variable).cloned()
    }

    /// Cuts what candle's own rules recorded: it would keep the forward pass alive.
    fn detached(mut store: GradStore) -> Self {
        let ids: Vec<TensorId> = store.get_ids().copied().collect();
        for id in ids {
            if let Some(grad) = store.get_id(id).map(Tensor::detach) {
                store.insert_id(id, grad);
            }
        }
        Self(store)
    }
}

/// Gradients of `sum(y)` with respect to every variable `y` depends on; first order.
///
/// # Errors
/// When a backward rule fails, or an operation that `y` was made by has none.
pub fn backward(y: &Tensor) -> Result<Gradients> {
    let y = y.clone();
    on_lane(Order::First, move || y.backward().map(Gradients::detached))
}

/// Gradients of `sum(y)` with respect to the variables `xs`, and to these alone: no gradient is
/// computed for other variables that our operations take as arguments. With `create_graph` the
/// results can be differentiated again.
///
/// # Errors
/// When one of `xs` is not a variable (`Var`), or `y` does not depend on it.
pub fn grad(y: &Tensor, xs: &[&Tensor], create_graph: bool) -> Result<Vec<Tensor>> {
    if xs.iter().any(|x| !x.is_variable()) {
        candle_core::bail!("autodiff::grad: differentiate with respect to variables (`Var`), not intermediate tensors")
    }
    let wanted: HashSet<TensorId> = xs.iter().map(|x| x.id()).collect();
    let order = if create_graph { Order::Second } else { Order::First };
    let y = y.clone();
    let grads = on_lane(order, move || {
        let _wanted = Wanted::only(wanted);
        y.backward()
    })?;
    xs.iter()
        .map(|x| match grads.get(x) {
            Some(g) if create_graph => Ok(g.clone()),
            Some(g) => Ok(g.detach()),
            None => {
                candle_core::bail!("autodiff::grad: the value does not depend on the variable of shape {:?}", x.dims())
            }
        })
        .collect()
}

thread_local! {
    static WANTED: RefCell<Option<HashSet<TensorId>>> = const { RefCell::new(None) };
}

/// Restricts gradients on this thread to some variables while it lives, through panics too.
struct Wanted;

impl Wanted {
    fn only(ids: HashSet<TensorId>) -> Self {
        WANTED.set(Some(ids));
        Self
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        WANTED.set(None);
    }
}

/// Whether a backward rule must compute the gradient of this argument. Operations call it for each
/// of their arguments and return `None` where it says no.
pub(crate) fn wants_grad(arg: &Tensor) -> bool {
    arg.track_op()
        && (!arg.is_variable()
            || WANTED.with_borrow(|wanted| wanted.as_ref().is_none_or(|ids| ids.contains(&arg.id()))))
}

thread_local! {
    static DETACHED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs a first-order pass: what backward rules compute here is never
/// differentiated, so they need not record it.
pub(crate) fn detached() -> bool {
    DETACHED.get()
}

/// An argument as a backward rule should use it in candle's own operations: in a first-order pass
/// without its history, so that gradients do not keep each other alive.
pub(crate) fn operand(arg: &Tensor) -> Tensor {
    if detached() { arg.detach() } else { arg.clone() }
}

/// Applies an operation to its (contiguous) argument, recorded only where a derivative can follow.
pub(crate) fn apply1(x: &Tensor, op: impl CustomOp1 + Send + Sync + 'static) -> Result<Tensor> {
    let x = x.contiguous()?;
    if detached() { x.apply_op1_no_bwd(&op) } else { x.apply_op1(op) }
}

/// As [`apply1`], with two arguments.
pub(crate) fn apply2(a: &Tensor, b: &Tensor, op: impl CustomOp2 + Send + Sync + 'static) -> Result<Tensor> {
    let (a, b) = (a.contiguous()?, b.contiguous()?);
    if detached() { a.apply_op2_no_bwd(&b, &op) } else { a.apply_op2(&b, op) }
}

/// As [`apply1`], with three arguments.
pub(crate) fn apply3(a: &Tensor, b: &Tensor, c: &Tensor, op: impl CustomOp3 + Send + Sync + 'static) -> Result<Tensor> {
    let (a, b, c) = (a.contiguous()?, b.contiguous()?, c.contiguous()?);
    if detached() { a.apply_op3_no_bwd(&b, &c, &op) } else { a.apply_op3(&b, &c, op) }
}

/// Starts the threads of `passes` gradient passes at a time. Programs call it first, while they have
/// no other thread: to start one changes the environment for a moment, which C code elsewhere
/// must not read meanwhile. More passes at a time than these start further threads when they come.
///
/// # Errors
/// When the system has no more threads, or this build of candle does not fit.
pub fn start(passes: usize) -> Result<()> {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    for order in [Order::First, Order::Second] {
        while idle[order as usize].len() < passes {
            let lane = start_lane(order)?;
            idle[order as usize].push(lane);
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    First,
    Second,
}

type Job = Box<dyn FnOnce() + Send>;

/// Idle lanes by order. A lane is popped while in use, so concurrent passes get lanes of their own.
static IDLE: Mutex<[Vec<mpsc::Sender<Job>>; 2]> = Mutex::new([Vec::new(), Vec::new()]);

fn on_lane<R: Send + 'static>(order: Order, pass: impl FnOnce() -> Result<R> + Send + 'static) -> Result<R> {
    let lane = {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        match idle[order as usize].pop() {
            Some(lane) => lane,
            None => start_lane(order)?,
        }
    };
    let (answer, result) = mpsc::channel();
    // A worker of the pool waits here: where all of them do, none would be left for what the lane hands out.
    let limit = if rayon::current_thread_index().is_some() { 1 } else { crate::threads::limit() };
    let level = crate::cpu::level();
    let job: Job = Box::new(move || {
        let pass = || crate::cpu::with_level(level, || crate::threads::with_limit(limit, pass));
        let outcome = catch_unwind(AssertUnwindSafe(pass));
        let _ = answer.send(outcome);
    });
    let lost = || candle_core::Error::Msg("autodiff: a gradient thread ended unexpectedly".into());
    lane.send(job).map_err(|_| lost())?;
    let outcome = result.recv().map_err(|_| lost())?;
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)[order as usize].push(lane);
    outcome.unwrap_or_else(|_| candle_core::bail!("autodiff: a backward rule panicked; the message above names it"))
}

/// Starts a lane with candle's switch in the state that `order` needs. The caller holds the lock
/// of `IDLE`, so only one lane starts at a time.
fn start_lane(order: Order) -> Result<mpsc::Sender<Job>> {
    let before = std::env::var_os(SWITCH);
    let value = if order == Order::Second { "1" } else { "0" };
    let change = before.as_deref().unwrap_or("0".as_ref()) != value;
    if change {
        // SAFETY: Rust's own environment functions synchronise with each other, lanes start one at a
        // time, and the variable is put back below; no C code that we call reads the environment here.
        unsafe { std::env::set_var(SWITCH, value) };
    }
    let (sender, jobs) = mpsc::channel::<Job>();
    let (ready, started) = mpsc::channel();
    let spawned =
        std::thread::Builder::new().name("stylegan-autodiff".into()).stack_size(LANE_STACK).spawn(move || {
            let _ = ready.send(probe());
            DETACHED.set(order == Order::First);
            for job in jobs {
                job();
            }
        });
    let probed = started.recv();
    if change {
        // SAFETY: as above.
        unsafe {
            match before {
                Some(value) => std::env::set_var(SWITCH, value),
                None => std::env::remove_var(SWITCH),
            }
        }
    }
    spawned.map_err(candle_core::Error::wrap)?;
    let curvature = probed.map_err(candle_core::Error::wrap)??;
    let expected = if order == Order::Second { 12. } else { 4. };
    if curvature != expected {
        candle_core::bail!(
            "autodiff: candle's second-order switch is not in the state it was set to (probe gave {curvature}, \
             expected {expected}); this build of candle does not fit"
        )
    }
    Ok(sender)
}

/// d²(x⁴)/dx² at 1 through two `backward` calls: 12 with the switch on, 4 (wrong) with it off.
fn probe() -> Result<f64> {
    let x = Var::new(1f64, &Device::Cpu)?;
    let y = x.sqr()?.sqr()?;
    let first = y.backward()?;
    let missing = || candle_core::Error::Msg("autodiff: the probe has no gradient".into());
    let slope = first.get(&x).ok_or_else(missing)?;
    let second = slope.backward()?;
    second.get(&x).ok_or_else(missing)?.to_scalar()
}
