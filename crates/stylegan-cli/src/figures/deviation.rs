//! Figure 4: what fresh noise changes.

use super::{Drawn, seed_headings};
use crate::latents::Latents;
use crate::network::Network;
use crate::picture_settings::NoiseKind;
use crate::status::Progress;
use candle_core::Tensor;
use image::{Rgb, RgbImage};
use stylegan_core::NoiseLayers;
use stylegan_core::picture::{Band, to_pictures};

/// Pictures with fresh noise that are shown.
const EXAMPLES: usize = 4;

/// For each seed: the picture, four with fresh noise, and the standard deviation of many.
pub(super) fn deviation(network: &Network, seeds: &[u32], realisations: usize) -> anyhow::Result<Drawn> {
    let progress = Progress::new("drawing noise", realisations * seeds.len());
    let latents = Latents::Seeds(seeds.to_vec());
    let (mut rows, mut deviations) = (Vec::new(), Vec::new());
    for i in 0..seeds.len() {
        let ws = latents.styles(network, i, 1)?;
        let mut row = to_pictures(&network.render(&ws, &[0], NoiseKind::Const, NoiseLayers::All)?)?;
        let mut statistics = Statistics::default();
        for start in (0..realisations).step_by(network.batch()) {
            let n = network.batch().min(realisations - start);
            let indices: Vec<u64> = (start..start + n).map(|j| j as u64).collect();
            let images = network.render(
                &Tensor::cat(&vec![ws.clone(); n], 0)?,
                &indices,
                NoiseKind::Random,
                NoiseLayers::All,
            )?;
            let wanted = EXAMPLES.saturating_sub(row.len() - 1).min(n);
            if wanted > 0 {
                row.extend(to_pictures(&images.narrow(0, 0, wanted)?)?);
            }
            statistics.add(&images)?;
            progress.advance(n);
        }
        rows.push(row);
        deviations.push(statistics.deviation());
    }
    // One scale for all maps, so that they can be compared.
    let white = deviations.iter().flatten().copied().fold(0.0, f64::max);
    let across = rows.first().map_or(0, Vec::len) + 1;
    let mut columns = vec!["fixed noise".to_owned()];
    columns.resize(across - 1, "fresh noise".to_owned());
    columns.push(format!("deviation, white: {:.2} %", 100.0 * white));
    let mut pictures = Vec::new();
    for (row, deviation) in rows.into_iter().zip(deviations) {
        pictures.extend(row.into_iter().map(Some));
        pictures.push(Some(map(&deviation, white, network.size())));
    }
    let title =
        format!("Figure 4: what noise changes. Right: deviation of brightness over {realisations} draws of noise");
    let band = Band { title, columns, rows: seed_headings(seeds), across, pictures, captions: vec![] };
    Ok(Drawn { bands: vec![band], seeds: seeds.to_vec() })
}

/// The deviations of `[h, w]` pixels in grey, this one white.
fn map(deviation: &[f64], white: f64, [h, w]: [usize; 2]) -> RgbImage {
    RgbImage::from_fn(w as u32, h as u32, |x, y| {
        let share = deviation[y as usize * w + x as usize] / white.max(f64::MIN_POSITIVE);
        Rgb([(share * 255.0).round() as u8; 3])
    })
}

/// The running standard deviation of each pixel's brightness (mean over channels).
#[derive(Default)]
struct Statistics {
    n: f64,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Statistics {
    fn add(&mut self, images: &Tensor) -> anyhow::Result<()> {
        // As they are seen.
        for brightness in images.clamp(-1f32, 1f32)?.mean(1)?.flatten_from(1)?.to_vec2::<f32>()? {
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

    /// Of each pixel, as a part of the way from black to white.
    fn deviation(&self) -> Vec<f64> {
        let of = |(sum, squares): (&f64, &f64)| (squares / self.n - (sum / self.n).powi(2)).max(0.0).sqrt() / 2.0;
        self.sum.iter().zip(&self.squares).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Pixel 0 is -0.5 or 0.5 in brightness (deviation 0.5 of 2), pixel 1 half of that, pixel 2 constant.
    #[test]
    fn deviation_is_of_brightness_and_its_maximum_white() -> anyhow::Result<()> {
        let image = |v: f32| {
            Tensor::new(&[v, v, 0.25, 0.0, v / 2.0, 0.5, v * 2.0, 0.0, 0.0], &Device::Cpu)?.reshape((1, 3, 1, 3))
        };
        let mut statistics = Statistics::default();
        statistics.add(&Tensor::cat(&[image(0.5)?, image(-0.5)?], 0)?)?;
        let deviation = statistics.deviation();
        assert_eq!(deviation, [0.25, 0.125, 0.0]);
        let picture = map(&deviation, 0.25, [1, 3]);
        assert_eq!(picture.pixels().map(|p| p.0).collect::<Vec<_>>(), [[255; 3], [128; 3], [0; 3]]);
        assert_eq!(map(&[0.0], 0.0, [1, 1]).get_pixel(0, 0).0, [0; 3]);
        Ok(())
    }
}
