//! Sketches of photographs, as pixel2style2pixel makes them for its training, up to the network that simplifies them.

/// A sketch of a picture: planes of red, green and blue, `[3, h, w]` u8, to one plane `[h, w]` of dark lines on white. Edges
/// of the smoothed picture and of its negative are found by Sobel's filters, put together, and inverted.
pub fn sketch(planes: &[u8], size: [usize; 2]) -> Vec<u8> {
    let smooth = smoothed(&grey(planes), size);
    let negative: Vec<u8> = smooth.iter().map(|x| 255 - x).collect();
    let both = edges(&smooth, size).into_iter().zip(edges(&negative, size));
    both.map(|(a, b)| 255 - (0.75 * (f64::from(a) + f64::from(b))).round().min(255.) as u8).collect()
}

/// Brightness by ITU-R 601, rounded as Pillow does it.
fn grey(planes: &[u8]) -> Vec<u8> {
    let n = planes.len() / 3;
    let (red, rest) = planes.split_at(n);
    let (green, blue) = rest.split_at(n);
    let weighted = |((&r, &g), &b): ((&u8, &u8), &u8)| {
        ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
    };
    red.iter().zip(green).zip(blue).map(weighted).collect()
}

/// Smoothed by (1, 2, 1) / 4 in either direction.
fn smoothed(plane: &[u8], size: [usize; 2]) -> Vec<u8> {
    let sums = filtered(plane, size, [1, 2, 1], [1, 2, 1]);
    sums.into_iter().map(|sum| ((sum + 8) >> 4).clamp(0, 255) as u8).collect()
}

/// Where the plane becomes brighter to the right or downwards: the bits of either, each cut off at 0 and 255.
fn edges(plane: &[u8], size: [usize; 2]) -> Vec<u8> {
    let cut = |sum: i32| sum.clamp(0, 255) as u8;
    let across = filtered(plane, size, [1, 2, 1], [-1, 0, 1]);
    let down = filtered(plane, size, [-1, 0, 1], [1, 2, 1]);
    across.into_iter().zip(down).map(|(x, y)| cut(x) | cut(y)).collect()
}

/// A filter of three by three taps; the plane goes on mirrored at its outermost pixels.
fn filtered(plane: &[u8], [h, w]: [usize; 2], rows: [i32; 3], columns: [i32; 3]) -> Vec<i32> {
    let neighbours = |i: usize, n: usize| {
        let last = n.saturating_sub(1);
        [if i == 0 { 1.min(last) } else { i - 1 }, i, if i == last { last.saturating_sub(1) } else { i + 1 }]
    };
    let mut sums = Vec::with_capacity(plane.len());
    for y in 0..h {
        for x in 0..w {
            let mut sum = 0;
            for (row, y) in rows.iter().zip(neighbours(y, h)) {
                for (column, x) in columns.iter().zip(neighbours(x, w)) {
                    sum += row * column * i32::from(plane[y * w + x]);
                }
            }
            sums.push(sum);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_dark_from_either_side() {
        // A white bar of columns 3 to 5 on black: smoothing takes a quarter across, Sobel's filter sees twice two pixels.
        let plane: Vec<u8> = (0..9 * 9).map(|i| if (3..6).contains(&(i % 9)) { 255 } else { 0 }).collect();
        let drawn = sketch(&[plane.clone(), plane.clone(), plane].concat(), [9, 9]);
        assert_eq!(drawn[4 * 9..5 * 9], [255, 64, 64, 64, 255, 64, 64, 64, 255]);
        assert!(sketch(&[77; 27], [3, 3]).iter().all(|x| *x == 255));
        assert_eq!(grey(&[255, 0, 0, 0, 255, 0, 0, 0, 255]), [76, 150, 29]);
    }
}
