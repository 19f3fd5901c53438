//! Gradient passes: which variables they reach, what they refuse, how they recover.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use stylegan_kernels::autodiff::{backward, grad};
use stylegan_kernels::{Activation, bias_act, linear};
use support::*;

#[test]
fn grad_refuses_what_it_cannot_do() {
    let (x, other) = (var(&[2, 3], 1), var(&[2, 3], 2));
    let y = x.sqr().unwrap();
    let message = grad(&y, &[&y], false).unwrap_err().to_string();
    assert!(message.contains("not intermediate tensors"), "{message}");
    let message = grad(&y, &[&other], true).unwrap_err().to_string();
    assert!(message.contains("does not depend on the variable of shape [2, 3]"), "{message}");
}

#[test]
fn backward_reaches_all_variables_and_no_others() {
    let (x, w, other) = (var(&[2, 3], 1), var(&[4, 3], 2), var(&[4], 3));
    let y = linear(&x, &w, None, 0.5, 1.).unwrap();
    let grads = backward(&y).unwrap();
    assert_eq!(grads.get(&x).unwrap().dims(), [2, 3]);
    assert_eq!(grads.get(&w).unwrap().dims(), [4, 3]);
    assert!(grads.get(&other).is_none());
    assert!(!grads.get(&w).unwrap().track_op(), "gradients of first order have no history");
}

#[test]
fn shared_tensors_collect_the_gradients_of_all_their_uses() {
    let x = var(&[1, 2, 4, 4], 1);
    check("shared", &[&x], &[&x], || {
        let y = x.tanh()?;
        let up = stylegan_kernels::upsample_nearest2x(&y)?;
        let down = stylegan_kernels::avg_pool2x(&up)?;
        y.mul(&down)? + &y
    });
}

#[test]
fn passes_on_many_threads_do_not_disturb_each_other() {
    let single = |seed: usize| {
        let (x, w, b) = (var(&[3, 5], seed), var(&[5, 5], seed + 1), var(&[5], seed + 2));
        let y = linear(&x.tanh().unwrap(), &w, Some(&b), 1., 1.).unwrap();
        let y = bias_act(&y, None, Activation::Softplus.into()).unwrap();
        let g = grad(&y, &[&x], true).unwrap().remove(0);
        flat(&backward(&g.sqr().unwrap()).unwrap().get(&w).unwrap())
    };
    let expected: Vec<_> = (0..8).map(single).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|seed| scope.spawn(move || single(seed))).collect();
        for (thread, expected) in threads.into_iter().zip(expected) {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}

struct Panics;

impl CustomOp1 for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((storage.clone(), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        panic!("this rule panics on purpose")
    }
}

#[test]
fn a_panicking_rule_is_an_error_and_leaves_no_trace() {
    let (x, w) = (var(&[2, 3], 1), var(&[4, 3], 2));
    let y = x.apply_op1(Panics).unwrap();
    for _ in 0..3 {
        assert!(grad(&y, &[&x], false).unwrap_err().to_string().contains("a backward rule panicked"));
    }
    // The threads that panicked serve again, and compute gradients of all variables.
    for _ in 0..6 {
        let grads = backward(&linear(&x, &w, None, 1., 1.).unwrap()).unwrap();
        assert!(grads.get(&w).is_some());
    }
}

#[test]
fn deep_graphs_fit_the_stack_of_a_pass() {
    // 8 MiB, what a main thread has, is not enough here; building and dropping need room as well.
    let pass = || {
        let x = var(&[1], 1);
        let mut y = x.as_tensor().clone();
        for _ in 0..100_000 {
            y = (y + 1e-6).unwrap();
        }
        flat(&backward(&y).unwrap().get(&x).unwrap())
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(pass).unwrap();
    assert_eq!(thread.join().unwrap(), [1.]);
}

struct SeesLimit(std::sync::mpsc::SyncSender<usize>);

impl CustomOp1 for SeesLimit {
    fn name(&self) -> &'static str {
        "sees-limit"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((storage.clone(), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let _ = self.0.send(stylegan_kernels::threads::limit());
        Ok(Some(g.clone()))
    }
}

#[test]
fn passes_keep_to_the_thread_limit_of_their_caller() {
    let (sender, seen) = std::sync::mpsc::sync_channel(1);
    let y = var(&[2], 1).apply_op1(SeesLimit(sender)).unwrap();
    stylegan_kernels::threads::with_limit(1, || backward(&y).unwrap());
    assert_eq!(seen.recv().unwrap(), 1);
    backward(&y).unwrap();
    assert_eq!(seen.recv().unwrap(), stylegan_kernels::threads::limit());
}

/// Workers of rayon's pool that all take gradients wait for nobody but those who compute them.
#[test]
fn workers_of_the_pool_may_take_gradients() {
    use rayon::prelude::*;
    let tasks = 2 * rayon::current_num_threads();
    let sums: Vec<Vec<f64>> = (0..tasks)
        .into_par_iter()
        .map(|_| {
            let (x, w) = (var(&[4, 8, 16, 16], 1), var(&[8, 8, 3, 3], 2));
            let y = stylegan_kernels::conv2d(&x, &w, 1, 1, 1.).unwrap();
            flat(&backward(&y).unwrap().get(&w).unwrap())
        })
        .collect();
    assert!(sums.iter().all(|sum| *sum == sums[0]));
}
