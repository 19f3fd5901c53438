//! `spade_norm.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, row_sums, single};
use candle_core::{DType, Device, Tensor, Var};
use stylegan_kernels::cuda::spade_norm::Groups;
use stylegan_kernels::{Statistics, spade_norm, standardize};

/// Means of groups of many numbers.
const TOLERANCE: f64 = 3e-6;
const EPS: f64 = 1e-3;

/// Odd sides, sums of several slices of which the last is empty, and single pixels.
const SHAPES: [[usize; 4]; 7] =
    [[3, 5, 7, 9], [2, 3, 130, 131], [10_000, 2, 1, 5], [1, 2, 256, 300], [2, 2, 1, 1], [1, 1, 1, 1], [4, 3, 16, 16]];

/// Constants for each of `c` channels.
fn constants(c: usize) -> [Tensor; 2] {
    [single(&[c], 8), single(&[c], 9).abs().unwrap()]
}

/// Statistics of `[n, c, h, w]` by their names, with the groups that share them and whether gradients flow through them.
fn kinds(x: &Tensor) -> Vec<(&'static str, Statistics, Groups, bool)> {
    let (n, c, h, w) = x.dims4().unwrap();
    let channels = Groups { samples: n, groups: c, plane: h * w };
    let planes = Groups { samples: 1, groups: n * c, plane: h * w };
    let [mean, variance] = constants(c);
    let fixed = Statistics::fixed(&mean, &variance).unwrap();
    let mut kinds = vec![
        ("batch", Statistics::batch(x).unwrap(), channels, true),
        ("fixed", fixed, channels, false),
        ("nothing", Statistics::nothing(), channels, false),
    ];
    if planes.groups < 100 {
        kinds.push(("instances", Statistics::instances(x).unwrap(), planes, true));
    }
    kinds
}

fn given(numbers: Option<&Vec<f32>>) -> Arg<'_> {
    numbers.map_or(Arg::Null, |numbers| Arg::In(numbers))
}

/// Means and variances as the kernels find them.
fn moments(emulator: &mut Emulator, x: &Tensor, of: Groups) -> Vec<f32> {
    let (launch, slices) = of.moments().unwrap();
    let parts = one(emulator, &launch, &[Arg::In(&numbers(x)), Arg::Out(2 * of.groups * slices)]);
    if slices == 1 {
        return parts;
    }
    one(emulator, &of.join().unwrap(), &[Arg::In(&parts), Arg::Out(2 * of.groups)])
}

#[test]
fn means_and_variances() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape in SHAPES {
        // Far from 0, where differences of squares would be rounding.
        let x = (single(&shape, 1) + 100.).unwrap();
        for (name, statistics, of, found) in kinds(&double(&x)) {
            if !found {
                continue;
            }
            let actual = moments(&mut emulator, &x, of);
            let count = (of.samples * of.plane) as f64;
            let biased = (statistics.unbiased_variance(DType::F64, &Device::Cpu).unwrap()
                * ((count - 1.).max(1.) / count))
                .unwrap();
            close(name, &actual[..of.groups], &statistics.mean(DType::F64, &Device::Cpu).unwrap(), 1e-6);
            // Of numbers that are 100 times as large, each rounded.
            close(name, &actual[of.groups..], &biased, 1e-4);
        }
    }
    emulator.all_barriers_are_needed();
}

/// With all statistics, with maps and without, and the gradients.
pub(super) fn normalised(emulator: &mut Emulator, shape: [usize; 4]) {
    let [gamma, beta] = [2, 3].map(|seed| single(&shape, seed));
    let (x, g) = (single(&shape, 1), single(&shape, 4));
    let (xs, gs, gammas, betas) = (numbers(&x), numbers(&g), numbers(&gamma), numbers(&beta));
    let [x, gamma, beta] = [x, gamma, beta].map(|t| Var::from_tensor(&double(&t)).unwrap());
    for (name, statistics, of, flows) in kinds(x.as_tensor()) {
        let own = match name {
            "nothing" => None,
            "fixed" => Some(constants(of.groups).map(|t| numbers(&t)).concat()),
            _ => Some(moments(emulator, &x.to_dtype(DType::F32).unwrap(), of)),
        };
        let own = own.as_ref();
        for maps in [None, Some([&gammas, &betas])] {
            let (gammas, betas) = (maps.map(|[gammas, _]| gammas), maps.map(|[_, betas]| betas));
            // Without activation: the gradient is given before it.
            let y = match maps {
                Some(_) => spade_norm(&x, &gamma, &beta, &statistics, EPS, 1.).unwrap(),
                None => standardize(&x, &statistics, EPS).unwrap(),
            };
            let args = [Arg::In(&xs), given(gammas), given(betas), given(own), Arg::Out(xs.len())];
            let actual = one(emulator, &of.spade_norm(EPS, 1.).unwrap(), &args);
            close(name, &actual, &y.detach(), 2. * TOLERANCE);
            let sums = flows.then(|| {
                let (launch, slices) = of.sums().unwrap();
                let out = Arg::Out(2 * of.groups * slices);
                let args = [Arg::In(&gs), given(gammas), Arg::In(&xs), given(own), out];
                let parts = one(emulator, &launch, &args);
                row_sums(emulator, &parts, 2 * of.groups, slices)
            });
            let outs = [xs.len(), maps.map_or(0, |_| xs.len())].map(Arg::Out);
            let ins = [Arg::In(&gs), given(gammas), Arg::In(&xs), given(own), given(sums.as_ref())];
            let args: Vec<Arg> = ins.into_iter().chain(outs).collect();
            let actual = emulator.run(&of.gradient(EPS).unwrap(), &args);
            let wanted: &[&Var] = if maps.is_some() { &[&x, &gamma] } else { &[&x] };
            let expected = gradients(&y, &double(&g), wanted);
            // Of a group of one number nothing is left of x: what remains is rounding.
            if !flows || of.samples * of.plane > 1 {
                close(name, &actual[0], &expected[0], 10. * TOLERANCE);
            }
            if maps.is_some() {
                close(name, &actual[1], &expected[1], 2. * TOLERANCE);
            }
        }
    }
}

#[test]
fn normalisation_and_its_gradient() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape in SHAPES {
        normalised(&mut emulator, shape);
    }
    emulator.all_barriers_are_needed();
}

#[test]
fn activation() {
    let Some(mut emulator) = Emulator::new() else { return };
    let shape = [2, 3, 5, 7];
    let [x, gamma, beta] = [1, 2, 3].map(|seed| single(&shape, seed));
    let y = spade_norm(&double(&x), &double(&gamma), &double(&beta), &Statistics::nothing(), EPS, 0.2).unwrap();
    let of = Groups { samples: 2, groups: 3, plane: 35 };
    let [xs, gammas, betas] = [&x, &gamma, &beta].map(numbers);
    let args = [Arg::In(&xs), Arg::In(&gammas), Arg::In(&betas), Arg::Null, Arg::Out(xs.len())];
    close("activation", &one(&mut emulator, &of.spade_norm(EPS, 0.2).unwrap(), &args), &y, TOLERANCE);
}
