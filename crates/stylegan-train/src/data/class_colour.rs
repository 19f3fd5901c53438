//! The colours that classes are shown in.

use super::{ClassTable, NO_CLASS};

/// The colour of a class: that of the table, or one of ours. Pixels without a class are grey; from 24 classes on
/// colours of ours come again.
pub fn class_colour(class: u8, table: Option<&ClassTable>) -> [u8; 3] {
    let named = table.and_then(|table| table.classes().get(usize::from(class))?.colour);
    match named {
        Some(colour) => colour,
        None if class == NO_CLASS => [128; 3],
        None => COLOURS[usize::from(class) % COLOURS.len()],
    }
}

/// Calm colours, chosen one after the other to lie far from all before and from the grey of no class: in
/// OKLab (B. Ottosson, "A perceptual color space for image processing", 2020) of chroma up to 0.14.
#[rustfmt::skip]
const COLOURS: [[u8; 3]; 24] = [
    [91, 151, 211], [248, 208, 92], [147, 42, 51], [1, 123, 55], [253, 156, 221], [118, 66, 151],
    [158, 230, 204], [183, 145, 132], [58, 102, 109], [135, 107, 1], [135, 182, 81], [24, 167, 161],
    [178, 143, 239], [43, 213, 255], [227, 141, 61], [250, 135, 137], [230, 209, 176], [205, 209, 245],
    [42, 90, 171], [178, 80, 131], [128, 92, 85], [70, 94, 44], [86, 210, 152], [152, 124, 174],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_can_be_told_apart() {
        for a in 0..24u8 {
            for b in 0..a {
                let (a, b) = (class_colour(a, None), class_colour(b, None));
                let squares = a.into_iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(b)).powi(2));
                let distance = squares.sum::<f64>().sqrt();
                assert!(distance > 50.0, "{a:?} and {b:?}");
            }
        }
        let greys = COLOURS.iter().filter(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b) < 30);
        assert_eq!(greys.count(), 0);
    }
}
