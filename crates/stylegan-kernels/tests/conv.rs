//! Convolutions through the public door: derivatives of both orders, and what errors say.
#![allow(clippy::unwrap_used)]

mod support;

use candle_core::{DType, Device, Result, Tensor, Var};
use stylegan_kernels::{
    Activation, BiasAct, Epilogue, Precision, autodiff, bias_act, conv_layer, conv_transpose2d, conv2d,
    conv2d_bias_act, conv2d_weight_gradient, in_precision, threads,
};

/// Weights of a net of four kinds of convolution with a nonlinearity after each.
struct Net {
    x: Var,
    weights: Vec<Var>,
}

fn uniform(shape: &[usize], seed: usize) -> Result<Var> {
    let len: usize = shape.iter().product();
    // Low-discrepancy numbers in [-0.5, 0.5): no two alike, no generator needed.
    let values: Vec<f64> =
        (0..len).map(|i| ((i + 31 * seed + 1) as f64 * 0.618_033_988_749_895).fract() - 0.5).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)
}

impl Net {
    fn new() -> Result<Self> {
        Self::of(&[2, 3, 7, 6], [[9, 3, 3, 3], [8, 9, 3, 3], [8, 9, 4, 4], [10, 9, 3, 3], [2, 10, 1, 1]])
    }

    /// One with channels enough for tiles, and weights small enough for as many summands.
    fn wide() -> Result<Self> {
        let shapes = [[20, 16, 3, 3], [16, 20, 3, 3], [16, 20, 4, 4], [33, 20, 3, 3], [16, 33, 1, 1]];
        let net = Self::of(&[2, 16, 7, 6], shapes)?;
        net.weights.iter().try_for_each(|weight| weight.set(&(weight.as_tensor() * 0.4)?))?;
        Ok(net)
    }

    fn of(x: &[usize], shapes: [[usize; 4]; 5]) -> Result<Self> {
        let weights = shapes.iter().enumerate().map(|(i, s)| uniform(s, i + 2)).collect::<Result<_>>()?;
        Ok(Self { x: uniform(x, 1)?, weights })
    }

    /// The same with numbers of another type.
    fn to(&self, dtype: DType) -> Result<Self> {
        let var = |var: &Var| Var::from_tensor(&var.to_dtype(dtype)?);
        Ok(Self { x: var(&self.x)?, weights: self.weights.iter().map(var).collect::<Result<_>>()? })
    }

    /// All gradients, of the net and of the penalty on its slope, with forward passes in a precision.
    fn gradients(&self, precision: Precision) -> Result<Vec<Tensor>> {
        let first = autodiff::backward(&in_precision(precision, None, || self.run())?)?;
        let second = autodiff::backward(&in_precision(precision, None, || self.penalty(true))?)?;
        Ok(self.all().flat_map(|var| [first.get(var).unwrap(), second.get(var).unwrap()]).collect())
    }

    fn run(&self) -> Result<Tensor> {
        let [a, b, c, d, e] = &self.weights[..] else { unreachable!() };
        let y = conv2d(&self.x, a, 1, 1, 0.9)?.tanh()?;
        let y = conv2d(&y, b, 2, 1, 0.8)?.tanh()?;
        let y = conv_transpose2d(&y, c, 2, 1, 0, 0.7)?.tanh()?;
        let y = conv2d(&y, d, 1, 1, 0.6)?.tanh()?;
        conv2d(&y, e, 1, 0, 1.1)?.tanh()?.sum_all()
    }

    /// `|d run / d x|²`, differentiable where `graph` says so.
    fn penalty(&self, graph: bool) -> Result<Tensor> {
        autodiff::grad(&self.run()?, &[&self.x], graph)?[0].sqr()?.sum_all()
    }

    fn all(&self) -> impl Iterator<Item = &Var> {
        std::iter::once(&self.x).chain(&self.weights)
    }
}

/// Compares a gradient with central differences in a few places. Differences of f64 with a step of
/// 1e-5 are good to about 1e-9 of values near 1.
fn check(var: &Var, gradient: &Tensor, value: impl Fn() -> Result<f64>) -> Result<()> {
    let (shape, start) = (var.dims().to_vec(), var.flatten_all()?.to_vec1::<f64>()?);
    let gradient = gradient.flatten_all()?.to_vec1::<f64>()?;
    for i in (0..start.len()).step_by(start.len().div_ceil(7)) {
        let at = |delta: f64| -> Result<f64> {
            let mut moved = start.clone();
            moved[i] += delta;
            var.set(&Tensor::from_vec(moved, &shape[..], &Device::Cpu)?)?;
            value()
        };
        let step = 1e-5;
        let slope = (at(step)? - at(-step)?) / (2. * step);
        at(0.)?;
        let error = (slope - gradient[i]).abs();
        assert!(error < 1e-7 * (1. + slope.abs()), "{shape:?} at {i}: {slope} against {}", gradient[i]);
    }
    Ok(())
}

#[test]
fn first_derivatives_agree_with_differences() -> Result<()> {
    let net = Net::new()?;
    let gradients = autodiff::backward(&net.run()?)?;
    for var in net.all() {
        check(var, &gradients.get(var).unwrap(), || net.run()?.to_scalar())?;
    }
    Ok(())
}

#[test]
fn second_derivatives_agree_with_differences() -> Result<()> {
    let net = Net::new()?;
    let gradients = autodiff::backward(&net.penalty(true)?)?;
    for var in net.all() {
        check(var, &gradients.get(var).unwrap(), || net.penalty(false)?.to_scalar())?;
    }
    Ok(())
}

/// A factor of bf16 is off by 2^-9 of itself at most, one of two parts by 2^-17. A second derivative passes five
/// convolutions three times, each with two factors: thirty such errors are the bound.
#[test]
fn gradients_in_reduced_precision_are_near_the_exact_ones() -> Result<()> {
    let (exact, net) = (Net::wide()?, Net::wide()?.to(DType::F32)?);
    let expected = exact.gradients(Precision::F32)?;
    let single = net.gradients(Precision::F32)?;
    for (precision, bound) in
        [(Precision::F32, 2e-5), (Precision::Bf16x3, 30. / 131_072.), (Precision::Bf16, 30. / 512.)]
    {
        let found = net.gradients(precision)?;
        let mut largest = 0f64;
        for ((found, expected), single) in found.iter().zip(&expected).zip(&single) {
            let error = support::error(found, &support::flat(expected));
            assert!(error < bound, "{precision}, {:?}: off by {error:e}", found.dims());
            largest = largest.max(error);
            let same = support::flat(found) == support::flat(single);
            assert_eq!(same, precision == Precision::F32, "{precision}, {:?}", found.dims());
        }
        println!("{precision}: off by {largest:.1e} at most");
        assert!(precision == Precision::F32 || largest > bound / 1e3, "{precision}: only {largest:e}");
    }
    Ok(())
}

/// Along the gradient of each variable. Factors round otherwise after a step, to 1e-5 of the values, which each step moves by
/// a twentieth.
#[test]
fn gradients_in_bf16x3_agree_with_differences() -> Result<()> {
    let net = Net::wide()?.to(DType::F32)?;
    let gradients = net.gradients(Precision::Bf16x3)?;
    let number = |value: Result<Tensor>| value?.to_dtype(DType::F64)?.to_scalar::<f64>();
    let value = || number(in_precision(Precision::Bf16x3, None, || net.run()));
    let penalty = || number(in_precision(Precision::Bf16x3, None, || net.penalty(false)));
    let functions: [&dyn Fn() -> Result<f64>; 2] = [&value, &penalty];
    for (var, gradients) in net.all().zip(gradients.chunks(2)) {
        for (gradient, function) in gradients.iter().zip(functions) {
            let start = var.as_detached_tensor().copy()?;
            let square = number(gradient.sqr()?.sum_all())?;
            let step = 0.05 * function()?.abs() / square;
            let at = |delta: f64| -> Result<f64> {
                var.set(&(&start + (gradient * delta)?)?)?;
                function()
            };
            let slope = (at(step)? - at(-step)?) / (2. * step);
            var.set(&start)?;
            let error = (slope / square - 1.).abs();
            assert!(error < 1e-2, "{:?}: {slope} against {square}", var.dims());
        }
    }
    Ok(())
}

#[test]
fn any_number_of_threads_gives_the_same_gradients_in_every_precision() -> Result<()> {
    let net = Net::wide()?.to(DType::F32)?;
    for precision in [Precision::Bf16x3, Precision::Bf16] {
        let bits = |threads| -> Result<Vec<Vec<f64>>> {
            let gradients = threads::with_limit(threads, || net.gradients(precision))?;
            Ok(gradients.iter().map(support::flat).collect())
        };
        assert!(bits(1)? == bits(64)?, "{precision}");
    }
    Ok(())
}

/// A layer with its bias and activation is those three, whether it is tracked or not.
#[test]
fn layers_in_reduced_precision_are_their_parts() -> Result<()> {
    let [x, w] = [uniform(&[2, 16, 9, 5], 1)?, uniform(&[18, 16, 3, 3], 2)?].map(|var| var.to_dtype(DType::F32));
    let (x, w, b) = (Var::from_tensor(&x?)?, Var::from_tensor(&w?)?, Tensor::new(&[0.25f32; 18], &Device::Cpu)?);
    let act = BiasAct { act: Activation::Lrelu, gain: 1.25, clamp: Some(3.) };
    for stride in [1, 2] {
        let all = in_precision(Precision::Bf16, None, || -> Result<_> {
            let parts = bias_act(&conv2d(&x, &w, stride, 1, 0.5)?, Some(&b), act)?;
            let (plain, weight) = (x.as_detached_tensor(), w.as_detached_tensor());
            let detached = conv2d_bias_act(&plain, &weight, &b, stride, 1, 0.5, act)?;
            Ok([parts, detached, conv2d_bias_act(&x, &w, &b, stride, 1, 0.5, act)?])
        })?;
        let [parts, detached, tracked] = all.map(|y| support::flat(&y));
        assert!(parts == tracked, "stride {stride}");
        // What is fused multiplies in another order.
        assert!(parts.iter().zip(&detached).all(|(a, b)| (a - b).abs() < 1e-6), "stride {stride}");
        let single = support::flat(&conv2d_bias_act(&x, &w, &b, stride, 1, 0.5, act)?);
        // Each of 144 products, 1/16 on average, loses up to 2^-8 of itself: 0.02 after gains if all lost it one way.
        assert!(single != parts && single.iter().zip(&parts).all(|(a, b)| (a - b).abs() < 0.02), "stride {stride}");
    }
    Ok(())
}

#[test]
fn the_weight_gradient_is_what_backward_gives() -> Result<()> {
    let (x, w) = (uniform(&[2, 5, 9, 8], 1)?, uniform(&[6, 5, 3, 3], 2)?);
    let y = conv2d(&x, &w, 2, 1, 0.5)?;
    let ones = y.ones_like()?;
    let expected = autodiff::backward(&y)?.get(&w).unwrap();
    let found = conv2d_weight_gradient(&x, &ones, (3, 3), 2, 1, 0.5)?;
    let error = support::largest_difference(&found, &support::flat(&expected));
    assert!(error < 1e-12, "{error}");
    Ok(())
}

#[test]
fn only_wanted_gradients_are_computed() -> Result<()> {
    let (x, w) = (uniform(&[1, 2, 4, 4], 1)?, uniform(&[3, 2, 3, 3], 2)?);
    let y = conv2d(&x.detach(), &w, 1, 1, 1.)?;
    assert!(autodiff::grad(&y, &[&x], false).is_err(), "x was detached");
    let gradients = autodiff::backward(&y)?;
    assert!(gradients.get(&x).is_none() && gradients.get(&w).is_some());
    Ok(())
}

#[test]
fn strided_views_are_accepted() -> Result<()> {
    let x = Tensor::arange(0f32, 2. * 3. * 5. * 6., &Device::Cpu)?.reshape((2, 3, 5, 6))?;
    let w = Tensor::arange(0f32, 4. * 3. * 3. * 3., &Device::Cpu)?.reshape((4, 3, 3, 3))?;
    let turned = conv2d(&x.transpose(2, 3)?, &w.transpose(2, 3)?, 1, 1, 1.)?.transpose(2, 3)?;
    // Integers below 2^24 with sums below 2^24: exact.
    assert_eq!(support::flat(&turned), support::flat(&conv2d(&x, &w, 1, 1, 1.)?));
    Ok(())
}

#[test]
fn errors_are_sentences_that_name_shapes() -> Result<()> {
    let zeros = |shape: [usize; 4], dtype| Tensor::zeros(&shape, dtype, &Device::Cpu);
    let (x, w) = (zeros([1, 3, 8, 8], DType::F32)?, zeros([4, 3, 3, 3], DType::F32)?);
    let (b, act) = (Tensor::zeros(4, DType::F32, &Device::Cpu)?, Activation::Lrelu.into());
    for (result, expected) in [
        (conv2d(&x, &zeros([4, 2, 3, 3], DType::F32)?, 1, 1, 1.), "[4, 2, 3, 3]"),
        (conv2d(&x, &zeros([4, 3, 11, 11], DType::F32)?, 1, 1, 1.), "[4, 3, 11, 11]"),
        (conv2d(&x, &zeros([4, 3, 3, 3], DType::F32)?, 0, 1, 1.), "stride 0"),
        (conv2d(&x, &zeros([4, 3, 3, 3], DType::F32)?, 1, usize::MAX / 2, 1.), "does not fit"),
        (conv2d(&x, &zeros([4, 3, 3, 3], DType::F32)?, 1, 1 << 40, 1.), "larger than any memory"),
        (conv2d(&x, &zeros([4, 3, 3, 3], DType::F64)?, 1, 1, 1.), "F64"),
        (conv2d(&x.to_dtype(DType::F16)?, &zeros([4, 3, 3, 3], DType::F16)?, 1, 1, 1.), "F16"),
        (conv2d_bias_act(&x, &w, &b, 1, 1 << 40, 1., act), "larger than any memory"),
        (conv_layer(&x, &w, 1 << 40, 1., Epilogue { noise: None, bias: &b, act }), "larger than any memory"),
        (conv_transpose2d(&x, &zeros([4, 3, 3, 3], DType::F32)?, 2, 1, 0, 1.), "[4, 3, 3, 3]"),
        (conv_transpose2d(&x, &zeros([3, 4, 3, 3], DType::F32)?, 2, 1, 2, 1.), "output padding 2"),
        (conv_transpose2d(&x, &zeros([3, 4, 3, 3], DType::F32)?, 2, usize::MAX, 0, 1.), "[3, 4, 3, 3]"),
        (conv_transpose2d(&x, &zeros([3, 4, 3, 3], DType::F32)?, usize::MAX, 0, 0, 1.), "[3, 4, 3, 3]"),
        (conv2d_weight_gradient(&x, &x, (3, 3), 2, 1, 1.), "3x3"),
        (conv2d_weight_gradient(&x, &x, (3, 3), 1, usize::MAX - 3, 1.), "3x3"),
    ] {
        let message = result.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains(expected), "{message:?} does not name {expected:?}");
    }
    Ok(())
}
