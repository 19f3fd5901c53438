//! Resizing as the programs that measure pictures do it. FID differs in its third or fourth digit
//! between them for that reason alone (Parmar et al. 2022, <https://arxiv.org/abs/2104.11222>).

use super::per_plane::each_plane;
use candle_core::{Result, Tensor};

/// A way to resize pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// Bilinear between two pixels, top left pixels matching: TensorFlow 1, and after it NVIDIA's
    /// programs, torch-fidelity, and clean-fid's mode `legacy_tensorflow`.
    TensorFlow1,
    /// Bilinear between two pixels, corners of the images matching: PyTorch, and after it pytorch-fid
    /// and clean-fid's mode `legacy_pytorch`.
    PyTorch,
    /// Bicubic (a = -1/2), widened by the factor when shrinking, corners of the images matching: Pillow,
    /// and after it clean-fid's mode `clean`. Results may exceed the range of the pixels.
    Pillow,
    /// The mean of all pixels that an output pixel reaches into, each whole: PyTorch's adaptive average pool.
    Area,
}

/// The source pixels that an output pixel is made of: the first one, and a weight for each.
struct Window {
    first: usize,
    weights: Vec<f32>,
}

impl Resize {
    /// `x` `[n, c, h, w]` f32 brought to `height` x `width` pixels: `[n, c, height, width]`.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use stylegan_metrics::features::Resize;
    ///
    /// let row = Tensor::new(&[[[[0f32, 4.]]]], &Device::Cpu)?;
    /// let wide = |resize: Resize| resize.apply(&row, 1, 4)?.flatten_all()?.to_vec1::<f32>();
    /// assert_eq!(wide(Resize::TensorFlow1)?, [0., 2., 4., 4.]);
    /// assert_eq!(wide(Resize::PyTorch)?, [0., 1., 3., 4.]);
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// A tensor of another shape or type, or with a side of 0.
    pub fn apply(self, x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let (_, _, h, w) = x.dims4()?;
        if [h, w, height, width].contains(&0) {
            candle_core::bail!("resizing {h}x{w} to {height}x{width} pixels: sides must be at least 1")
        }
        if [h, w] == [height, width] {
            return Ok(x.clone());
        }
        let (rows, columns) = (self.windows(h, height), self.windows(w, width));
        each_plane(x, [height, width], |source, out| {
            // Along rows first, as Pillow does; its sums are f64 with one rounding per pass.
            let mut narrow = vec![0f32; h * width];
            for (row, out) in source.chunks_exact(w).zip(narrow.chunks_exact_mut(width)) {
                for (out, window) in out.iter_mut().zip(&columns) {
                    let pixels = row[window.first..].iter().zip(&window.weights);
                    *out = pixels.map(|(x, k)| f64::from(*x) * f64::from(*k)).sum::<f64>() as f32;
                }
            }
            let mut sums = vec![0f64; width];
            for (out, window) in out.chunks_exact_mut(width).zip(&rows) {
                sums.fill(0.);
                for (row, k) in narrow[window.first * width..].chunks_exact(width).zip(&window.weights) {
                    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x) * f64::from(*k));
                }
                out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = *sum as f32);
            }
        })
    }

    /// The windows of all `to` output pixels along a side of `from` pixels.
    fn windows(self, from: usize, to: usize) -> Vec<Window> {
        let between = |at: f64| {
            let first = (at as usize).min(from - 1);
            let part = if first + 1 < from { at - first as f64 } else { 0. };
            let weights = if part == 0. { vec![1.] } else { vec![(1. - part) as f32, part as f32] };
            Window { first, weights }
        };
        let scale = from as f64 / to as f64;
        let window = |i: usize| match self {
            // The position is rounded to f32 there.
            Resize::TensorFlow1 => between(f64::from(i as f32 * (from as f32 / to as f32))),
            Resize::PyTorch => between(((i as f64 + 0.5) * scale - 0.5).max(0.)),
            Resize::Area => {
                let (first, end) = (i * from / to, ((i + 1) * from).div_ceil(to));
                Window { first, weights: vec![1. / (end - first) as f32; end - first] }
            }
            Resize::Pillow => {
                let (centre, stretch) = ((i as f64 + 0.5) * scale, scale.max(1.));
                let first = (centre - 2. * stretch + 0.5).max(0.) as usize;
                let end = ((centre + 2. * stretch + 0.5) as usize).min(from);
                let weights: Vec<f64> = (first..end).map(|x| bicubic((x as f64 + 0.5 - centre) / stretch)).collect();
                let sum: f64 = weights.iter().sum();
                Window { first, weights: weights.iter().map(|k| (k / sum) as f32).collect() }
            }
        };
        (0..to).map(window).collect()
    }
}

/// Keys' cubic convolution kernel with a = -1/2.
fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1. => ((A + 2.) * x - (A + 3.)) * x * x + 1.,
        x if x < 2. => (((x - 5.) * x + 8.) * x - 4.) * A,
        _ => 0.,
    }
}
