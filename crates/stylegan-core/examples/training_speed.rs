//! Times the four phases of a training iteration on random weights and pictures, optimiser included.
//!
//! ```text
//! cargo run --release -p stylegan-core --example training_speed -- stylegan2 64 8192
//! cargo run --release -p stylegan-core --example training_speed -- stylegan1 32 2048 64
//! ```
//!
//! Arguments: the networks, the resolution, `channel_base`, `channel_max` (512), the batch (8).
//! Printed are the medians of three runs after one untimed run, the average of an iteration (lazy
//! regularisation for StyleGAN2, R1 at every step for StyleGAN1), and the peak resident memory.

use candle_core::{D, DType, Device, Tensor, Var};
use std::time::Instant;
use stylegan_core::stylegan1::{
    StyleGan1Config, StyleGan1Discriminator, StyleGan1DiscriminatorConfig, StyleGan1Generator,
};
use stylegan_core::stylegan2::{
    StyleGan2Config, StyleGan2Discriminator, StyleGan2DiscriminatorConfig, StyleGan2Generator,
};
use stylegan_core::{Discriminator, Generator, Params, Synthesis, broadcast_ws};
use stylegan_kernels::autodiff::{self, Gradients};
use stylegan_kernels::optim::{AdamConfig, adam_step};

type Any<T> = Result<T, Box<dyn std::error::Error>>;

/// The parameters of a network with Adam's moments.
struct Player {
    params: Params,
    moments: Vec<[Var; 2]>,
}

impl Player {
    fn new(params: Params) -> Any<Self> {
        let zeros = |v: &Var| Var::zeros(v.shape(), DType::F32, &Device::Cpu);
        let moments = params.parameters().iter().map(|(_, v)| Ok([zeros(v)?, zeros(v)?])).collect::<Any<_>>()?;
        Ok(Self { params, moments })
    }

    fn step(&self, gradients: &[Gradients]) -> Any<()> {
        let config = AdamConfig { lr: 1e-4, beta1: 0., beta2: 0.99, eps: 1e-8 };
        for ((_, weight), [m, v]) in self.params.parameters().iter().zip(&self.moments) {
            for gradient in gradients.iter().filter_map(|g| g.get(weight.as_tensor())) {
                adam_step(weight, &gradient, m, v, 1, config)?;
            }
        }
        Ok(())
    }
}

struct Networks {
    g: Box<dyn Generator>,
    g_frozen: Box<dyn Generator>,
    d: Box<dyn Discriminator>,
    d_frozen: Box<dyn Discriminator>,
}

/// Both views of both networks; the trainable ones come first and create the parameters.
fn build(arguments: &[String], g: &Params, d: &Params) -> Any<Networks> {
    let number = |i: usize, default: usize| arguments.get(i).map_or(Ok(default), |text| text.parse());
    let (size, base, max) = (number(1, 64)?, number(2, 8192)?, number(3, 512)?);
    let (img_size, channel_base, channel_max) = ([size; 2], base, max);
    if arguments[0] == "stylegan1" {
        let gc = StyleGan1Config { img_size, channel_base, channel_max, ..Default::default() };
        let dc = StyleGan1DiscriminatorConfig { img_size, channel_base, channel_max, ..Default::default() };
        return Ok(Networks {
            g: Box::new(StyleGan1Generator::new(&gc, g.trainable())?),
            g_frozen: Box::new(StyleGan1Generator::new(&gc, g.frozen())?),
            d: Box::new(StyleGan1Discriminator::new(&dc, d.trainable())?),
            d_frozen: Box::new(StyleGan1Discriminator::new(&dc, d.frozen())?),
        });
    }
    let gc = StyleGan2Config { img_size, channel_base, channel_max, ..Default::default() };
    let dc = StyleGan2DiscriminatorConfig { img_size, channel_base, channel_max, ..Default::default() };
    Ok(Networks {
        g: Box::new(StyleGan2Generator::new(&gc, g.trainable())?),
        g_frozen: Box::new(StyleGan2Generator::new(&gc, g.frozen())?),
        d: Box::new(StyleGan2Discriminator::new(&dc, d.trainable())?),
        d_frozen: Box::new(StyleGan2Discriminator::new(&dc, d.frozen())?),
    })
}

fn noise(shape: &[usize], seed: u32) -> Any<Tensor> {
    let numbers = stylegan_core::latent::numpy_randn(seed, shape.iter().product());
    Ok(Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(DType::F32)?)
}

/// The mean of `ln(1 + exp(sign * logits))`.
fn softplus(logits: &Tensor, sign: f64) -> Any<Tensor> {
    Ok(((logits * sign)?.exp()? + 1.)?.log()?.mean_all()?)
}

/// Styles of `n` latents, and their pictures.
fn pictures(g: &dyn Generator, n: usize, delta: Option<&Var>) -> Any<Tensor> {
    let mut ws = broadcast_ws(&g.mapping(&noise(&[n, g.z_dim()], 1)?, None)?, g.num_ws())?.contiguous()?;
    if let Some(delta) = delta {
        ws = (ws + delta.as_tensor())?;
    }
    Ok(g.synthesis(&ws, &Synthesis::default())?)
}

/// The penalty on the gradient of the logits of real pictures.
fn r1(d: &dyn Discriminator, real: &Var) -> Any<(Tensor, Tensor)> {
    let logits = d.forward(real.as_tensor(), None, 0.)?;
    let slope = autodiff::grad(&logits.sum_all()?, &[real], true)?.remove(0);
    let penalty = (slope.sqr()?.flatten_from(1)?.sum(D::Minus1)?.mean_all()? * 5.)?;
    Ok((logits, penalty))
}

fn main() -> Any<()> {
    stylegan_kernels::memory::keep_freed();
    stylegan_kernels::threads::keep_candle_on_its_thread();
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        arguments.push("stylegan2".into());
    }
    let n: usize = arguments.get(4).map_or(Ok(8), |text| text.parse())?;
    let (pg, pd) = (Params::new(0, DType::F32, &Device::Cpu), Params::new(1, DType::F32, &Device::Cpu));
    let networks = build(&arguments, &pg, &pd)?;
    let (g, d) = (&*networks.g, &*networks.d);
    let (g_frozen, d_frozen) = (&*networks.g_frozen, &*networks.d_frozen);
    let (player_g, player_d) = (Player::new(pg)?, Player::new(pd)?);
    let [h, w] = g.img_size();
    let real = Var::from_tensor(&noise(&[n, 3, h, w], 2)?)?;

    let g_main = || -> Any<()> {
        let loss = softplus(&d_frozen.forward(&pictures(g, n, None)?, None, 0.)?, -1.)?;
        player_g.step(&[autodiff::backward(&loss)?])
    };
    let g_reg = || -> Any<()> {
        let n = n / 2;
        let delta = Var::zeros((n, g.num_ws(), g.w_dim()), DType::F32, &Device::Cpu)?;
        let images = pictures(g, n, Some(&delta))?;
        let projection = ((images * noise(&[n, 3, h, w], 3)?)?.sum_all()? * (1. / ((h * w) as f64).sqrt()))?;
        let slope = autodiff::grad(&projection, &[&delta], true)?.remove(0);
        let lengths = slope.sqr()?.sum(D::Minus1)?.mean(D::Minus1)?.sqrt()?;
        let penalty = ((lengths - 1.)?.sqr()?.mean_all()? * 8.)?;
        player_g.step(&[autodiff::backward(&penalty)?])
    };
    let d_fake = || -> Any<Gradients> {
        let loss = softplus(&d.forward(&pictures(g_frozen, n, None)?, None, 0.)?, 1.)?;
        Ok(autodiff::backward(&loss)?)
    };
    let d_main = || -> Any<()> {
        let fake = d_fake()?;
        let loss = softplus(&d.forward(&real.as_detached_tensor(), None, 0.)?, -1.)?;
        player_d.step(&[fake, autodiff::backward(&loss)?])
    };
    let d_reg = || -> Any<()> { player_d.step(&[autodiff::backward(&r1(d, &real)?.1)?]) };
    let d_both = || -> Any<()> {
        let fake = d_fake()?;
        let (logits, penalty) = r1(d, &real)?;
        let loss = (softplus(&logits, -1.)? + penalty)?;
        player_d.step(&[fake, autodiff::backward(&loss)?])
    };

    let lazy = arguments[0] != "stylegan1";
    type Phase<'a> = (&'a str, &'a dyn Fn() -> Any<()>, f64);
    let phases: Vec<Phase> = match lazy {
        true => {
            vec![("Gmain", &g_main, 1.), ("Greg", &g_reg, 0.25), ("Dmain", &d_main, 1.), ("Dreg", &d_reg, 1. / 16.)]
        }
        false => vec![("G", &g_main, 1.), ("D with R1", &d_both, 1.)],
    };
    let mut average = 0.;
    for (name, phase, share) in phases {
        let mut seconds = vec![];
        for run in 0..4 {
            let start = Instant::now();
            phase()?;
            if run > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
        seconds.sort_by(f64::total_cmp);
        print!("{name} {:.3} s, ", seconds[1]);
        average += share * seconds[1];
    }
    let memory = peak_mib().map_or("unknown".into(), |mib| mib.to_string());
    println!("iteration {average:.3} s, peak memory {memory} MiB ({})", arguments.join(" "));
    Ok(())
}

/// The kernel's high-water mark of this process's resident memory.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}
