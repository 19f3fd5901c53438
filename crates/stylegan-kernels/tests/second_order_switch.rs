//! The one test that fails if candle's second-order switch is off where a second derivative is
//! taken, with its control: the same derivative by candle alone, on a thread with the switch off,
//! is wrong, and would be noticed here.
//!
//! Alone in its file: other tests start threads of the switch at any time.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "candle's own rules are what we compare with")]

mod support;

use candle_core::{Result, Tensor, Var};
use stylegan_kernels::{autodiff, conv2d};
use support::*;

/// Two convolutions with smooth nonlinearities between: anything shallower is right by luck.
fn net(x: &Var, w: &[Var; 2]) -> Result<Tensor> {
    let y = conv2d(x, &w[0], 1, 1, 0.7)?.tanh()?;
    let y = (conv2d(&y, &w[1], 1, 1, 0.7)?.exp()? + 1.)?.log()?;
    y.sqr()?.sum_all()
}

#[test]
fn second_derivatives_need_the_switch_and_have_it() {
    assert!(std::env::var_os("CANDLE_GRAD_DO_NOT_DETACH").is_none(), "run this test without candle's variable");
    autodiff::start(2).unwrap();
    assert!(std::env::var_os("CANDLE_GRAD_DO_NOT_DETACH").is_none(), "the variable is taken back");
    let (x, w) = (var(&[1, 2, 4, 3], 1), [var(&[3, 2, 3, 3], 2), var(&[2, 3, 3, 3], 3)]);
    let penalty = || autodiff::grad(&net(&x, &w)?, &[&x], true)?[0].sqr()?.sum_all();
    let expected = numeric(&w[0], &|| Ok(scalar(&penalty()?)));
    let ours = autodiff::backward(&penalty().unwrap()).unwrap().get(&w[0]).unwrap();
    // Central differences of a sum of squares of size 10 to 100.
    assert!(error(&ours, &expected) < 1e-6, "off by {:e}", error(&ours, &expected));

    let plain = std::thread::scope(|scope| {
        let pass = || {
            let slope = net(&x, &w).unwrap().backward().unwrap().get(&x).unwrap().clone();
            let grads = slope.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            grads.get(&w[0]).cloned().unwrap_or_else(|| w[0].zeros_like().unwrap())
        };
        scope.spawn(pass).join().unwrap()
    });
    let wrong = error(&plain, &expected);
    assert!(wrong > 1e-3, "candle is right without its switch (off by {wrong:e}): autodiff can do without lanes");
}
