//! Where the pixels of a resampled image come from.

/// Half the taps of the filters: how far a sample reaches, in pixels of the image.
const REACH: f64 = 6.;

/// An affine map of one image, and the margins that it needs around the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffineMap {
    inverse: [[f64; 3]; 2],
    margins: [usize; 4],
}

impl AffineMap {
    /// The map that changes nothing.
    pub const IDENTITY: Self = Self { inverse: [[1., 0., 0.], [0., 1., 0.]], margins: [0; 4] };

    /// The map by which what is seen at `(x, y)` of the result was at `inverse · (x, y, 1)` of the
    /// image; both are pixels right of and below the centre. `size` is `[h, w]`.
    ///
    /// The margins are what the corners of the result stick out of the image, and 6 pixels more,
    /// but no more than a mirror image has.
    pub fn new(inverse: [[f64; 3]; 2], [h, w]: [usize; 2]) -> Self {
        let (x, y) = ((w as f64 - 1.) / 2., (h as f64 - 1.) / 2.);
        let corners = [[-x, -y], [x, -y], [x, y], [-x, y]];
        let place = |[a, b, c]: [f64; 3], [x, y]: [f64; 2]| a * x + b * y + c;
        let margin = |axis: usize, side: f64, half: f64, len: usize| {
            let reach = corners.iter().map(|&corner| side * place(inverse[axis], corner)).fold(f64::MIN, f64::max);
            // A number that is none becomes 0 here.
            ((reach - half + REACH).ceil() as usize).min(len.saturating_sub(1))
        };
        let margins = [margin(0, -1., x, w), margin(0, 1., x, w), margin(1, -1., y, h), margin(1, 1., y, h)];
        Self { inverse, margins }
    }

    /// The two rows of the matrix from results to images.
    pub fn inverse(&self) -> [[f64; 3]; 2] {
        self.inverse
    }

    /// Pixels of mirror image to the left, right, top and bottom.
    pub fn margins(&self) -> [usize; 4] {
        self.margins
    }

    /// Whether images stay as they are, to the bit.
    pub(crate) fn is_identity(&self) -> bool {
        self.inverse == Self::IDENTITY.inverse
    }
}

#[cfg(test)]
mod tests {
    use super::AffineMap;

    #[test]
    fn margins_follow_the_corners_and_end_with_the_mirror_image() {
        let at = |inverse| AffineMap::new(inverse, [20, 40]).margins();
        assert_eq!(at([[1., 0., 0.], [0., 1., 0.]]), [6; 4]);
        // Two pixels of the result lie left of the image, and 5.5 below it.
        assert_eq!(at([[1., 0., -2.], [0., 1., 5.5]]), [8, 4, 1, 12]);
        assert_eq!(at([[9., 0., 0.], [0., 9., 0.]]), [39, 39, 19, 19]);
        assert_eq!(at([[0., 1., 0.], [1., 0., 0.]]), [0, 0, 16, 16]);
        assert_eq!(at([[f64::NAN; 3]; 2]), [0; 4]);
        assert_eq!(AffineMap::new([[1., 0., 0.], [0., 1., 0.]], [1, 1]).margins(), [0; 4]);
    }
}
