//! The label map: a class for every pixel of a picture.

use super::Problem;
use super::budget::{self, Budget};
use super::class_table::{ClassTable, NO_CLASS};
use super::map_file::{Admits, Cells, MapFile};
use super::resample::nearest;

/// A label map: what a picture is to show where, as SPADE's networks read it (Park et al. 2019, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap {
    /// `[h, w]` in pixels.
    pub size: [usize; 2],
    /// The class of each pixel, row by row; [`NO_CLASS`] for pixels without one.
    pub classes: Vec<u8>,
}

impl LabelMap {
    /// Decodes a PNG file: grey values, places in a palette, or colours of the `table`. Without a table values are
    /// class numbers, and 255 is no class.
    ///
    /// # Errors
    /// When it is no such file, or a value or colour is that of no class: which, and where the first pixel of it is.
    pub fn decode(bytes: &[u8], table: Option<&ClassTable>) -> Result<Self, Problem> {
        Self::decode_within(bytes, table, &budget::OF_PROCESS, &|_| Ok(()))
    }

    /// As [`decode`](Self::decode), of at most `most` pixels a side.
    ///
    /// # Errors
    /// As [`decode`](Self::decode); a larger map is refused before its pixels are decoded.
    pub fn decode_up_to(most: usize, bytes: &[u8], table: Option<&ClassTable>) -> Result<Self, Problem> {
        let admits = |size: [usize; 2]| match size.iter().any(|&side| side > most) {
            true => Err(Problem::TooLarge { size, most }),
            false => Ok(()),
        };
        Self::decode_within(bytes, table, &budget::OF_PROCESS, &admits)
    }

    /// As [`decode`](Self::decode), waiting for its share of `budget`, of a size that `admits` lets pass.
    pub(super) fn decode_within(
        bytes: &[u8],
        table: Option<&ClassTable>,
        budget: &Budget,
        admits: Admits,
    ) -> Result<Self, Problem> {
        let map = MapFile::read(bytes, budget, admits)?;
        let classes = match (&map.cells, table) {
            (Cells::Numbers(cells), table) => {
                agree(&map.palette, cells, table)?;
                let class = |(pixel, &value): (usize, &u16)| {
                    let class = match table {
                        Some(table) => table.of_value(value),
                        None => u8::try_from(value).ok(),
                    };
                    class.ok_or_else(|| Problem::MapValue { value, named: table.is_some(), at: map.at(pixel) })
                };
                cells.iter().enumerate().map(class).collect::<Result<_, _>>()?
            }
            (Cells::Colours(_), None) => return Err(Problem::MapInColour),
            (Cells::Colours(cells), Some(table)) => {
                let class = |(pixel, &colour): (usize, &[u8; 3])| {
                    table.of_colour(colour).ok_or_else(|| Problem::MapColour { colour, at: map.at(pixel) })
                };
                cells.iter().enumerate().map(class).collect::<Result<_, _>>()?
            }
        };
        Ok(Self { size: map.size, classes })
    }

    /// At another size, by nearest neighbours, as the original code resizes maps.
    #[must_use]
    pub fn resized(&self, size: [usize; 2]) -> Self {
        Self { size, classes: nearest(&self.classes, self.size, size) }
    }

    /// The first pixel, as column and row, whose class `refused` says cannot be.
    pub fn first(&self, refused: impl Fn(u8) -> bool) -> Option<(u8, [usize; 2])> {
        let pixel = self.classes.iter().position(|&class| refused(class))?;
        Some((self.classes[pixel], [pixel % self.size[1], pixel / self.size[1]]))
    }
}

/// Refuses a palette that shows a class in the colour of another: its places were not meant as classes.
fn agree(palette: &[[u8; 3]], cells: &[u16], table: Option<&ClassTable>) -> Result<(), Problem> {
    let Some(table) = table else { return Ok(()) };
    for (place, colour) in palette.iter().enumerate() {
        let (class, shown) = (table.of_value(place as u16), table.of_colour(*colour));
        if let (Some(class), Some(shown)) = (class, shown)
            && class != shown
            && shown != NO_CLASS
            && cells.contains(&(place as u16))
        {
            let name = table.classes()[usize::from(shown)].name.clone();
            return Err(Problem::MapPalette { place, colour: *colour, class: name });
        }
    }
    Ok(())
}
