//! Published seeds: NumPy's `RandomState(seed).randn`, bit for bit.
//!
//! The figures of the StyleGAN papers name their pictures by the seed of a NumPy generator. This is
//! that generator: MT19937 (Matsumoto and Nishimura 1998) and the polar method (Marsaglia and Bray
//! 1964) on its 53-bit uniforms.

use crate::Result;
use candle_core::{DType, Device, Tensor};

const N: usize = 624;
const M: usize = 397;

/// The Mersenne Twister MT19937 as NumPy seeds it.
#[derive(Clone)]
struct Mt19937 {
    state: [u32; N],
    next: usize,
    spare: Option<f64>,
}

impl Mt19937 {
    /// The generator of `numpy.random.RandomState(seed)`.
    fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let previous = state[i - 1];
            state[i] = (previous ^ (previous >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: N, spare: None }
    }

    fn bits(&mut self) -> u32 {
        if self.next == N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A uniform number in [0, 1) of 53 bits (`random_sample`).
    fn uniform(&mut self) -> f64 {
        let (high, low) = (self.bits() >> 5, self.bits() >> 6);
        (f64::from(high) * 67_108_864. + f64::from(low)) / 9_007_199_254_740_992.
    }

    /// A standard normal number (`randn`).
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x = 2. * self.uniform() - 1.;
            let y = 2. * self.uniform() - 1.;
            let r2 = x * x + y * y;
            if r2 < 1. && r2 != 0. {
                let scale = (-2. * r2.ln() / r2).sqrt();
                self.spare = Some(scale * x);
                return scale * y;
            }
        }
    }
}

/// The first `n` values of `numpy.random.RandomState(seed).randn(n)`, bit for bit.
///
/// ```
/// assert_eq!(stylegan_core::latent::numpy_randn(0, 2), [1.764052345967664, 0.4001572083672233]);
/// ```
pub fn numpy_randn(seed: u32, n: usize) -> Vec<f64> {
    let mut generator = Mt19937::new(seed);
    (0..n).map(|_| generator.normal()).collect()
}

/// The latents of published seeds, f32 `[seeds.len(), z_dim]`: each row is
/// `RandomState(seed).randn(1, z_dim)`, as the official tools draw it.
///
/// # Errors
/// When the device has no room.
pub fn latents_from_seeds(seeds: &[u32], z_dim: usize, device: &Device) -> Result<Tensor> {
    let values: Vec<f64> = seeds.iter().flat_map(|&seed| numpy_randn(seed, z_dim)).collect();
    Ok(Tensor::from_vec(values, (seeds.len(), z_dim), device)?.to_dtype(DType::F32)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of values 0..5, 999 and 1000 of `RandomState(seed).randn(1001)`, NumPy 2.4.6:
    /// `for s in SEEDS: [x.view('u8') for x in RandomState(s).randn(1001)[[0, 1, 2, 3, 4, 999, 1000]]]`
    /// (`randn` has been frozen since NumPy 1.17).
    const NUMPY: &[(u32, [u64; 7])] = &[
        (
            0,
            [
                0x3ffc398ef3e5cfa5,
                0x3fd99c2cfacc8953,
                0x3fef51d25222c9ab,
                0x4001ed5969e3314e,
                0x3ffde1847cb13dda,
                0xbfd6eb574c9b16b2,
                0x3fe1ca723ee4cda9,
            ],
        ),
        (
            1,
            [
                0x3ff9fd5190657c50,
                0xbfe393822fb7d9ad,
                0xbfe0e6c872548fd2,
                0xbff12ae1255cb80c,
                0x3febb16b5735117d,
                0xbfc7ee2458ea67ff,
                0xbfc39d3e17ad5739,
            ],
        ),
        (
            6,
            [
                0xbfd3f44382438f61,
                0x3fe75400095248ce,
                0x3fcbe18d349672b3,
                0xbfecc55c28c8b2fa,
                0xc003e4ed411889ba,
                0xbfead21b3c9225c8,
                0xbff6b2fd79e471bf,
            ],
        ),
        (
            91,
            [
                0xbfe36557e792d969,
                0xbff0f58363185162,
                0xbfe1a1224b56d549,
                0xbfd1a4d808cba422,
                0x3ff38e59ec831a0e,
                0xc004d23dd89f08f6,
                0xbfedc3dafc3d7af0,
            ],
        ),
        (
            388,
            [
                0x3faafac6b08988f5,
                0xc000d74be43dfc9f,
                0xbff53a74e5b8a446,
                0x3fe5c95a377ce387,
                0xbfe4649a64e913a9,
                0x3fdbd7c3186bf3e9,
                0x3fe870f5577b7eda,
            ],
        ),
        (
            1000,
            [
                0xbfe9be1f57144f4c,
                0x3fd48a2478c05c17,
                0xbf9a182f28f113d1,
                0x3fe49e4d01640dcb,
                0xbfd34040b0176a5a,
                0xbfa1c4dd88775681,
                0xbfa2d292347c9a04,
            ],
        ),
        (
            4294967295,
            [
                0x3fe4bfc38c486d8a,
                0x3fe56b192e507eee,
                0xbff149e836f192fd,
                0x3fd23543dec5a0fc,
                0x3fbd27bf27c6aaaf,
                0x3feadea44c300e5d,
                0xbfe6aad57c204043,
            ],
        ),
    ];

    #[test]
    fn equals_numpy_bit_for_bit() {
        for &(seed, expected) in NUMPY {
            let ours = numpy_randn(seed, 1001);
            for (index, bits) in [0, 1, 2, 3, 4, 999, 1000].into_iter().zip(expected) {
                assert_eq!(ours[index].to_bits(), bits, "seed {seed}, value {index}");
            }
        }
    }
}
