//! Time of each memory-bound operation beside the same formula in candle's own operations, in one
//! interleaved run, and the memory traffic that the fused one reaches.
//!
//! `cargo run --release -p stylegan-kernels --example ops_speed [-- part-of-a-name]`

#![allow(clippy::disallowed_methods, reason = "candle's own operations are what we compare with")]

use candle_core::{D, DType, Device, Result, Tensor, Var};
use std::process::ExitCode;
use std::time::Instant;
use stylegan_kernels::optim::{self, AdamOptions};
use stylegan_kernels::*;

type Run<'a> = Box<dyn Fn() -> Result<()> + 'a>;

/// Medians of alternating runs, in milliseconds.
fn medians(runs: &[Run]) -> Result<Vec<f64>> {
    let mut times = vec![vec![]; runs.len()];
    for round in 0..9 {
        for (run, times) in runs.iter().zip(&mut times) {
            let start = Instant::now();
            run()?;
            if round > 1 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    Ok(times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect())
}

/// `streams`: how many tensors of `elements` f32 the fused operation must at least read and write.
fn report(name: &str, elements: usize, streams: f64, fused: Run, plain: Run) -> Result<()> {
    if std::env::args().nth(1).is_some_and(|part| !name.contains(&part)) {
        return Ok(());
    }
    let times = medians(&[fused, plain])?;
    let rate = elements as f64 * 4. * streams / times[0] / 1e6;
    println!(
        "{name:36} {:8.2} ms {rate:7.1} GB/s   candle {:8.2} ms   ratio {:5.1}",
        times[0],
        times[1],
        times[1] / times[0]
    );
    Ok(())
}

fn run(f: impl Fn() -> Result<Tensor>) -> impl Fn() -> Result<()> {
    move || f().map(drop)
}

fn main() -> ExitCode {
    let failed = |error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    };
    run_all().map_or_else(failed, |()| ExitCode::SUCCESS)
}

fn run_all() -> Result<()> {
    let cpu = &Device::Cpu;
    let dims = (4, 64, 128, 128);
    let all = 4 * 64 * 128 * 128;
    let x = Var::randn(0f32, 1., dims, cpu)?;
    let g = Tensor::randn(0f32, 1., dims, cpu)?;
    let small = Tensor::randn(0f32, 1., (4, 64, 64, 64), cpu)?;
    let style = Tensor::randn(1f32, 1., (4, 64), cpu)?;
    let (bias, strength) = (Var::randn(0f32, 1., 64, cpu)?, Var::randn(0f32, 1., 64, cpu)?);
    let noise = Tensor::randn(0f32, 1., (4, 1, 128, 128), cpu)?;
    let c = |t: &Tensor| t.reshape((1, 64, 1, 1));
    let lrelu = |x: &Tensor| x.maximum(&(x * 0.2)?)? * std::f64::consts::SQRT_2;
    let act = Activation::Lrelu;
    let gain = act.default_gain();
    println!("{:?}, {} threads", dims, threads::limit());

    report("add (what memory gives)", all, 3., Box::new(run(|| g.add(&g))), Box::new(run(|| g.add(&g))))?;
    report(
        "bias_act",
        all,
        2.,
        Box::new(run(|| bias_act(&x.detach(), Some(&bias.detach()), BiasAct { act, gain, clamp: None }))),
        Box::new(run(|| lrelu(&x.detach().broadcast_add(&c(&bias.detach())?)?))),
    )?;
    let fused = || noise_bias_act(&x, &noise, &strength, &bias, BiasAct { act, gain, clamp: None });
    let plain = || lrelu(&x.broadcast_add(&noise.broadcast_mul(&c(&strength)?)?)?.broadcast_add(&c(&bias)?)?);
    report("noise_bias_act", all, 2., Box::new(run(fused)), Box::new(run(plain)))?;
    let (yf, yp) = (fused()?, plain()?);
    report(
        "noise_bias_act backward",
        all,
        5.,
        Box::new(|| autodiff::backward(&yf).map(drop)),
        Box::new(|| autodiff::backward(&yp).map(drop)),
    )?;
    let fused = || instance_style(&x, &style, &style, 1e-8);
    let plain = || {
        let x = x.reshape((4, 64, ()))?;
        let x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let r = (x.sqr()?.mean_keepdim(D::Minus1)? + 1e-8)?.sqrt()?.recip()?;
        let s = style.reshape((4, 64, 1))?;
        x.broadcast_mul(&r)?.broadcast_mul(&s)?.broadcast_add(&s)?.reshape(dims)
    };
    report("instance_style", all, 2., Box::new(run(fused)), Box::new(run(plain)))?;
    let (yf, yp) = (fused()?, plain()?);
    report(
        "instance_style backward",
        all,
        3.,
        Box::new(|| autodiff::backward(&yf).map(drop)),
        Box::new(|| autodiff::backward(&yp).map(drop)),
    )?;
    report(
        "pixel_norm",
        all,
        2.,
        Box::new(run(|| pixel_norm(&g, 1e-8))),
        Box::new(run(|| g.broadcast_mul(&(g.sqr()?.mean_keepdim(1)? + 1e-8)?.sqrt()?.recip()?))),
    )?;
    report(
        "channel_scale",
        all,
        2.,
        Box::new(run(|| modulate::channel_scale(&g, &style))),
        Box::new(run(|| g.broadcast_mul(&style.reshape((4, 64, 1, 1))?))),
    )?;
    report(
        "upsample_nearest2x",
        all,
        1.25,
        Box::new(run(|| upsample_nearest2x(&small))),
        Box::new(run(|| small.upsample_nearest2d(128, 128))),
    )?;
    report("avg_pool2x", all, 1.25, Box::new(run(|| avg_pool2x(&g))), Box::new(run(|| g.avg_pool2d(2))))?;
    report(
        "resize_bilinear",
        all,
        1.25,
        Box::new(run(|| resize_bilinear(&small, 128, 128, false))),
        Box::new(run(|| small.upsample_bilinear2d(128, 128, false))),
    )?;
    // candle's best way to a FIR filter: a convolution over planes as samples.
    let taps: Vec<f32> = [1f32, 3., 3., 1.].iter().flat_map(|a| [1., 3., 3., 1.].map(|b| a * b / 64.)).collect();
    let kernel = Tensor::from_vec(taps, (1, 1, 4, 4), cpu)?;
    let fir = |x: &Tensor, stride| x.flatten(0, 1)?.unsqueeze(1)?.conv2d(&kernel, 2, stride, 1, 1);
    let f = Filter::separable(&[1., 3., 3., 1.]);
    let stuffed = Tensor::randn(0f32, 1., dims, cpu)?;
    report("filter2d", all, 2., Box::new(run(|| filter2d(&g, &f, 1.))), Box::new(run(|| fir(&g, 1))))?;
    report("upsample2d", all, 1.25, Box::new(run(|| upsample2d(&small, &f, 1.))), Box::new(run(|| fir(&stuffed, 1))))?;
    report("downsample2d", all, 1.25, Box::new(run(|| downsample2d(&g, &f, 1.))), Box::new(run(|| fir(&g, 2))))?;
    let skew = Filter::new(&(0..16).map(|i| ((i * 7) % 5) as f64).collect::<Vec<_>>(), 4, 4)?;
    report(
        "filter2d, not separable",
        all,
        2.,
        Box::new(run(|| filter2d(&g, &skew, 1.))),
        Box::new(run(|| fir(&g, 1))),
    )?;
    let mapping = 8 * 512 * 512;
    for (n, i, o) in [(8, 512, 512), (32, 512, 512), (4, 8192, 512)] {
        let (x, w) = (Tensor::randn(0f32, 1., (n, i), cpu)?, Tensor::randn(0f32, 1., (o, i), cpu)?);
        let (fused, plain) = (run(|| linear(&x, &w, None, 1., 1.)), run(|| x.matmul(&w.t()?)));
        report(&format!("linear {n}x{i}x{o}"), i * o, 1., Box::new(fused), Box::new(plain))?;
    }
    let var = || Var::randn(0f32, 1., mapping, cpu);
    let (w, m, v, d) = (var()?, var()?, Var::ones(mapping, DType::F32, cpu)?, Tensor::randn(0f32, 1., mapping, cpu)?);
    let options = AdamOptions { lr: 1e-3, beta1: 0., beta2: 0.99, eps: 1e-8 };
    let plain = || -> Result<()> {
        m.set(&((m.as_tensor() * 0.5)? + (&d * 0.5)?)?)?;
        v.set(&((v.as_tensor() * 0.99)? + (d.sqr()? * 0.01)?)?)?;
        w.set(&(w.as_tensor() - ((m.as_tensor() * 1e-3)? / (v.sqrt()? + 1e-8)?)?)?)
    };
    report("adam_step", mapping, 7., Box::new(|| optim::adam_step(&w, &d, &m, &v, 3, options)), Box::new(plain))?;
    report(
        "ema_step",
        mapping,
        3.,
        Box::new(|| optim::ema_step(&w, &d, 0.99)),
        Box::new(|| w.set(&(&d + ((w.as_tensor() - &d)? * 0.99)?)?)),
    )
}
