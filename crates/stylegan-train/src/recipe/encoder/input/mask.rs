//! What is hidden of a picture that is to be completed: strokes and boxes.

use stylegan_core::latent::Stream;

/// Boxes and strokes of a mask, at most.
const BOXES: u64 = 2;
const STROKES: u64 = 3;
/// Straight parts of a stroke.
const PARTS: u64 = 4;

/// Whether each pixel of a picture of `[h, w]` is hidden, by one or two boxes of an eighth to three eighths of the side and
/// up to three strokes of broken lines. Some of a picture always remains.
pub(super) fn hidden([h, w]: [usize; 2], stream: &mut Stream) -> Vec<bool> {
    let mut hidden = vec![false; h * w];
    let side = h.min(w);
    for _ in 0..1 + stream.below(BOXES) {
        let [height, width] = [(); 2].map(|()| side / 8 + stream.below(side as u64 / 4 + 1) as usize);
        let top = stream.below((h - height) as u64 + 1) as usize;
        let left = stream.below((w - width) as u64 + 1) as usize;
        for row in hidden.chunks_exact_mut(w).skip(top).take(height) {
            row[left..left + width].fill(true);
        }
    }
    for _ in 0..stream.below(STROKES + 1) {
        stroke(&mut hidden, [h, w], stream);
    }
    hidden
}

/// A broken line of a sixteenth of the side.
fn stroke(hidden: &mut [bool], [h, w]: [usize; 2], stream: &mut Stream) {
    let side = h.min(w) as f64;
    let radius = side / 32.;
    let [mut y, mut x] = [h as f64 * stream.uniform(), w as f64 * stream.uniform()];
    for _ in 0..1 + stream.below(PARTS) {
        let (sin, cos) = (std::f64::consts::TAU * stream.uniform()).sin_cos();
        let length = side * (0.1 + 0.2 * stream.uniform());
        for _ in 0..length.ceil() as usize {
            dab(hidden, [h, w], [y, x], radius);
            (y, x) = ((y + sin).clamp(0., h as f64 - 1.), (x + cos).clamp(0., w as f64 - 1.));
        }
    }
}

/// A disc.
fn dab(hidden: &mut [bool], [h, w]: [usize; 2], [y, x]: [f64; 2], radius: f64) {
    let range = |at: f64, n: usize| (at - radius).floor().max(0.) as usize..((at + radius).ceil() as usize + 1).min(n);
    for row in range(y, h) {
        for column in range(x, w) {
            let (dy, dx) = (row as f64 - y, column as f64 - x);
            if dy * dy + dx * dx <= radius * radius + 0.25 {
                hidden[row * w + column] = true;
            }
        }
    }
}
