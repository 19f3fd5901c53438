//! Convolutions by Winograd's minimal filtering (Lavin and Gray 2016): tiles of 4x4 (3x3, 2x2) outputs of a
//! channel pair take 36 multiplications instead of 144 (144, 100) with 3x3 (4x4, 5x5) taps and stride 1 ([`F4x3`],
//! [`F3x4`], [`F2x5`]), and those of 4x4 outputs 81 (100) instead of 144 (256) with 3x3 (4x4) taps and stride 2 ([`F4x2`]).
//!
//! Filters and input patches are transformed to points; for each point, a matrix product over the
//! channels takes the place of the convolution; the results of a tile are transformed to output
//! pixels. The largest error stays near 2e-6 of the largest output at 512 channels. A value that
//! is not finite reaches every output of its tiles, so at least those that depend on it.
//!
//! ```text
//!   input patch ── Bᵀ d B ──┐
//!      6x6 (5x5)            ├─ for each of 36 (25) points: sums over channels ── Aᵀ m A ── 4x4 outputs
//!   filter ─────── G g Gᵀ ──┘                    a matrix product
//! ```
//!
//! Stride 2: rows and columns of the larger image by parity make four images, its *phases*, and the
//! taps that meet each make a filter of 2x2 taps. Their four convolutions of stride 1 are summed.
//!
//! ```text
//!   image           phases          taps        filters of the phases
//!   a b a b a b     a a a  b b b    0 1 2       0 2   1 .
//!   c d c d c d     a a a  b b b    3 4 5       6 8   7 .
//!   a b a b a b     a a a  b b b    6 7 8
//!   c d c d c d                                 3 5   4 .
//!   a b a b a b     c c c  d d d                . .   . .
//!   c d c d c d     c c c  d d d
//!                   c c c  d d d
//! ```
//!
//! A filter with a single column (row) of taps is zero at the last column (row) of its 5x5 points,
//! so its phase takes no part in these: 25 + 20 + 20 + 16 = 81 products.
//!
//! The gradient of the input goes the other way, from `y` to four phases of `x`, with the filters
//! turned. There the tap that an odd number lacks comes first instead of last (`lead`), and the first
//! pixel may stand alone in its pair, `·` being outside the image:
//!
//! ```text
//!   pairs of a row of x, padding 0:   (· a) (b a) (b a) …     out_padding = 1
//! ```
//!
//! Where that one pixel would cost another tile, it is left to direct products ([`border`]).

mod border;
mod epilogue;
mod five_points;
mod forward;
mod six_points;
mod stages;
mod taps;
mod tiles;
mod tiling;
mod transforms;
mod weight;

pub(super) use forward::forward;
pub(super) use tiling::pays_off;
pub(super) use transforms::{F2x5, F3x4, F4x2, F4x3, Scheme};
pub(super) use weight::weight_gradient;
