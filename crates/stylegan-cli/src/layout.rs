//! The options of every verb that lays pictures out on a sheet.

use crate::destination::Destination;
use crate::exit::wrong;
use crate::numbers::whole;
use stylegan_core::picture::{Band, Sheet, columns};

/// The most pixels of a sheet; more would not fit into many a computer's memory.
const MAX_PIXELS: u64 = 1 << 28;

/// How a sheet is drawn.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LayoutArgs {
    /// Enlarges each picture this many times, without smoothing [default: small pictures so that
    /// their sheet is about 1000 pixels wide; single ones stay as they are]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=64))]
    pub(crate) zoom: Option<u32>,

    /// Leaves out headings and captions.
    #[arg(long)]
    pub(crate) no_captions: bool,
}

impl LayoutArgs {
    /// A sheet of these bands.
    pub(crate) fn sheet(&self, bands: Vec<Band>) -> Sheet {
        Sheet { bands, zoom: self.zoom, text: !self.no_captions }
    }

    /// Refuses to enlarge what is no picture.
    pub(crate) fn check(&self, out: &Destination) -> anyhow::Result<()> {
        match (out, self.zoom) {
            (Destination::Tensors(_), Some(zoom)) => {
                wrong!("--zoom {zoom} enlarges pictures; leave it out, or give --out a .png file or a folder")
            }
            _ => Ok(()),
        }
    }

    /// The columns of a sheet of `count` pictures of `[h, w]` pixels, if such a sheet can be drawn.
    pub(crate) fn columns(&self, count: usize, [h, w]: [usize; 2]) -> anyhow::Result<usize> {
        let zoom = u64::from(self.zoom.unwrap_or(1));
        let pixels = (count as u64).saturating_mul((h * w) as u64).saturating_mul(zoom * zoom);
        if pixels > MAX_PIXELS {
            wrong!(
                "a sheet of {count} pictures of {}x{} pixels would have {} million pixels, the most is {}; \
                 lay out fewer, or write a folder of single pictures",
                w as u64 * zoom,
                h as u64 * zoom,
                pixels / 1_000_000,
                MAX_PIXELS / 1_000_000
            );
        }
        Ok(columns(count, [h, w]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_beyond_memory_are_refused() {
        let zoomed = |zoom| LayoutArgs { zoom, no_captions: false };
        assert_eq!(zoomed(None).columns(64, [1024, 1024]).ok(), Some(8));
        assert!(zoomed(Some(3)).columns(64, [1024, 1024]).is_err());
        assert!(zoomed(None).columns(1000, [1024, 1024]).is_err());
    }
}
