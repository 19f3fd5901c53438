//! `stylegan figures`: the paper's Figures 3, 4, 5 and 8 for any network.

use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::latents::Latents;
use crate::mix::{Styles, Table};
use crate::network::{Network, NetworkArgs, NoiseKind};
use crate::numbers::Numbers;
use crate::status::{Progress, say};
use candle_core::Tensor;
use clap::ValueEnum;
use image::{Rgb, RgbImage};
use std::path::PathBuf;
use stylegan_core::NoiseLayers;
use stylegan_train::picture::{grid, to_pictures, write_png};

/// The psi of each column of the truncation figure, as in Figure 8 of the paper.
const PSI: [f64; 6] = [1.0, 0.7, 0.5, 0.0, -0.5, -1.0];

/// A standard deviation of a tenth of the range from black to white shows as white.
const DEVIATION_GAIN: f32 = 10.0;

/// Draw the figures of the StyleGAN paper for a network
///
/// Writes figure-mixing.png (Figure 3), figure-deviation.png (4), figure-noise.png (5) and
/// figure-truncation.png (8).
///
/// Example:
///   stylegan figures --network runs/avatars-32 --seeds 0-10 --out figures/
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// Which figures.
    ///
    /// Example: --only noise,deviation
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',', default_values_t = [Figure::Mixing, Figure::Deviation, Figure::Noise, Figure::Truncation])]
    only: Vec<Figure>,

    /// Seeds; the mixing grid has up to 5 of them as columns and the others, up to 6, as rows, the
    /// other figures show the first two.
    #[arg(long, value_name = "LIST", default_value = "0-10")]
    seeds: Numbers,

    /// Pictures with fresh noise that the standard deviation is taken over.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    realisations: u32,

    /// Folder for the figures.
    #[arg(long, value_name = "FOLDER", default_value = "figures")]
    out: PathBuf,
}

/// A figure of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// Figure 3: coarse, middle and fine styles of the columns in the pictures of the rows.
    Mixing,
    /// Figure 4: what fresh noise changes, and its standard deviation per pixel, tenfold.
    Deviation,
    /// Figure 5: noise in all layers, in none, in the fine half, in the coarse half.
    Noise,
    /// Figure 8: psi 1, 0.7, 0.5, 0, -0.5, -1.
    Truncation,
}

impl Figure {
    fn file_name(self) -> &'static str {
        match self {
            Figure::Mixing => "figure-mixing.png",
            Figure::Deviation => "figure-deviation.png",
            Figure::Noise => "figure-noise.png",
            Figure::Truncation => "figure-truncation.png",
        }
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    if args.seeds.0.len() < 2 {
        wrong!("--seeds: the figures need at least two seeds");
    }
    let mut network = Network::open(&args.network)?;
    destination::folder(&args.out, &[network.file()])?;
    let about_noise = |figure: &Figure| matches!(figure, Figure::Deviation | Figure::Noise);
    let silent = args.only.iter().any(about_noise) && !noise_matters(&network, args.seeds.0[0])?;
    for figure in &args.only {
        let picture = match figure {
            Figure::Mixing => mixing(&network, &args.seeds.0)?,
            Figure::Deviation | Figure::Noise if silent => {
                say(&format!("{} is left out: noise changes nothing in this network", figure.file_name()));
                continue;
            }
            Figure::Deviation => deviation(&network, &args.seeds.0[..2], args.realisations as usize)?,
            Figure::Noise => noise(&network, &args.seeds.0[..2])?,
            Figure::Truncation if network.generator().w_avg().is_none() => {
                say("figure-truncation.png is left out: this network has no average style");
                continue;
            }
            Figure::Truncation => truncation(&mut network, &args.seeds.0[..2])?,
        };
        let path = args.out.join(figure.file_name());
        write_png(&path, &picture)?;
        say(&path.display().to_string());
    }
    Ok(Ending::Done)
}

/// Three tables of mixes below one another, each with its own range of styles and its own rows.
fn mixing(network: &Network, seeds: &[u32]) -> anyhow::Result<RgbImage> {
    let (columns, rest) = seeds.split_at((seeds.len() / 2).clamp(1, 5));
    let rows = &rest[..rest.len().min(6)];
    let spans = [(Styles::COARSE, 0..3), (Styles::MIDDLE, 3..5), (Styles::FINE, 5..6)];
    let mut tables = Vec::new();
    for (styles, range) in spans {
        let styles = styles.rows(network.generator().num_ws())?;
        let rows: Vec<u32> = rows.get(range.start..range.end.min(rows.len())).unwrap_or_default().to_vec();
        if !styles.is_empty() && !rows.is_empty() {
            tables.push(Table::compute(network, &Numbers(rows), &Numbers(columns.to_vec()), &styles)?.sheet());
        }
    }
    Ok(grid(&tables, 1, 2))
}

/// Whether a picture with the fixed noise differs from one without.
fn noise_matters(network: &Network, seed: u32) -> anyhow::Result<bool> {
    let ws = Latents::Seeds(vec![seed]).styles(network, 0, 1)?;
    let render = |kind| -> anyhow::Result<Vec<f32>> {
        Ok(network.render(&ws, &[0], kind, NoiseLayers::All)?.flatten_all()?.to_vec1()?)
    };
    Ok(render(NoiseKind::Const)? != render(NoiseKind::None)?)
}

/// For each seed: the picture, four with fresh noise, and the standard deviation of many.
fn deviation(network: &Network, seeds: &[u32], realisations: usize) -> anyhow::Result<RgbImage> {
    let latents = Latents::Seeds(seeds.to_vec());
    let progress = Progress::new("drawing noise", realisations * seeds.len());
    let mut cells = Vec::new();
    for i in 0..seeds.len() {
        let ws = latents.styles(network, i, 1)?;
        cells.extend(to_pictures(&network.render(&ws, &[0], NoiseKind::Const, NoiseLayers::All)?)?);
        let mut examples = Vec::new();
        let mut statistics: Option<Deviation> = None;
        for start in (0..realisations).step_by(network.batch()) {
            let n = network.batch().min(realisations - start);
            let indices: Vec<u64> = (start..start + n).map(|j| j as u64).collect();
            let rows = Tensor::cat(&vec![ws.clone(); n], 0)?;
            let images = network.render(&rows, &indices, NoiseKind::Random, NoiseLayers::All)?;
            if examples.len() < 4 {
                let wanted = (4 - examples.len()).min(n);
                examples.extend(to_pictures(&images.narrow(0, 0, wanted)?)?);
            }
            statistics.get_or_insert_with(Deviation::default).add(&images)?;
            progress.advance(n);
        }
        cells.extend(examples);
        if let Some(statistics) = statistics {
            cells.push(statistics.picture(network.size()));
        }
    }
    Ok(grid(&cells, cells.len() / seeds.len().max(1), 0))
}

/// The running standard deviation of each pixel's brightness (mean over channels).
#[derive(Default)]
struct Deviation {
    n: f64,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Deviation {
    fn add(&mut self, images: &Tensor) -> anyhow::Result<()> {
        for brightness in images.mean(1)?.flatten_from(1)?.to_vec2::<f32>()? {
            self.sum.resize(brightness.len(), 0.0);
            self.squares.resize(brightness.len(), 0.0);
            self.n += 1.0;
            for (i, x) in brightness.into_iter().enumerate() {
                self.sum[i] += f64::from(x);
                self.squares[i] += f64::from(x) * f64::from(x);
            }
        }
        Ok(())
    }

    fn picture(&self, [h, w]: [usize; 2]) -> RgbImage {
        RgbImage::from_fn(w as u32, h as u32, |x, y| {
            let i = y as usize * w + x as usize;
            let variance = self.squares[i] / self.n - (self.sum[i] / self.n).powi(2);
            // Pictures span 2, from -1 to 1.
            let deviation = variance.max(0.0).sqrt() as f32 / 2.0;
            Rgb([(deviation * DEVIATION_GAIN * 255.0).min(255.0) as u8; 3])
        })
    }
}

/// For each seed: noise everywhere, nowhere, in the fine layers, in the coarse layers.
fn noise(network: &Network, seeds: &[u32]) -> anyhow::Result<RgbImage> {
    // The paper's border is layer 8 of 18; smaller networks are cut in the middle.
    let layers = network.generator().num_ws();
    let border = (layers / 2).min(8);
    let kinds = [
        (NoiseKind::Const, NoiseLayers::All),
        (NoiseKind::None, NoiseLayers::All),
        (NoiseKind::Const, NoiseLayers::Range(border..layers)),
        (NoiseKind::Const, NoiseLayers::Range(0..border)),
    ];
    let latents = Latents::Seeds(seeds.to_vec());
    let mut cells = Vec::new();
    for i in 0..seeds.len() {
        let ws = latents.styles(network, i, 1)?;
        for (kind, layers) in &kinds {
            cells.extend(to_pictures(&network.render(&ws, &[0], *kind, layers.clone())?)?);
        }
    }
    Ok(grid(&cells, kinds.len(), 0))
}

/// For each seed: one picture per psi.
fn truncation(network: &mut Network, seeds: &[u32]) -> anyhow::Result<RgbImage> {
    let latents = Latents::Seeds(seeds.to_vec());
    let own = network.truncation();
    let mut columns = Vec::new();
    for psi in PSI {
        network.set_truncation(psi);
        let ws = latents.styles(network, 0, seeds.len())?;
        columns.push(to_pictures(&network.synthesize(&ws, &vec![0; seeds.len()])?)?);
    }
    network.set_truncation(own);
    let cells: Vec<RgbImage> = (0..seeds.len()).flat_map(|i| columns.iter().map(move |c| c[i].clone())).collect();
    Ok(grid(&cells, PSI.len(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Pixel 0 is -0.5 or 0.5 in brightness (deviation 0.5 of 2, a quarter: white), pixel 1 constant.
    #[test]
    fn deviation_is_of_brightness() -> anyhow::Result<()> {
        let image = |v: f32| Tensor::new(&[v, 0.25, 0.0, 0.5, v * 2.0, 0.0], &Device::Cpu)?.reshape((1, 3, 1, 2));
        let mut deviation = Deviation::default();
        deviation.add(&Tensor::cat(&[image(0.5)?, image(-0.5)?], 0)?)?;
        let picture = deviation.picture([1, 2]);
        assert_eq!(picture.get_pixel(0, 0).0, [255; 3]);
        assert_eq!(picture.get_pixel(1, 0).0, [0; 3]);
        Ok(())
    }
}
