//! Sample grids: the same latents at every point of a run, so that pictures can be compared.

use crate::Result;
use crate::data::Dataset;
use crate::inputs::order::Order;
use candle_core::Tensor;
use image::RgbImage;
use std::collections::HashMap;
use std::path::Path;
use stylegan_core::latent::StreamKey;
use stylegan_core::picture::{Band, Sheet, to_pictures, write_png};

/// Cells handled at a time.
const BATCH: usize = 8;

/// What makes the images of a sample grid.
pub trait GridImages {
    /// Whether each row shows one class of a set that has labels.
    fn by_class(&self) -> bool;

    /// Whether each cell shows what is made of a latent and nothing else: such pictures differ from each other as real ones
    /// do, unless the generator has collapsed.
    fn of_latents(&self) -> bool {
        false
    }

    /// Images `[n, c, h, w]` of some cells, in [-1, 1].
    ///
    /// # Errors
    /// When the networks fail.
    fn images(&self, cells: &Cells) -> Result<Tensor>;
}

/// Some cells of a sample grid.
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Number of each cell, row by row.
    pub indices: Vec<u64>,
    /// The real picture of each cell.
    pub pictures: &'a [usize],
    /// The set that it is from.
    pub dataset: &'a Dataset,
    /// Level of detail.
    pub lod: f64,
}

impl Cells<'_> {
    /// The streams of the cells' latents, the same during the whole run.
    pub fn key(&self) -> StreamKey {
        StreamKey::new(self.seed, "grid latent", 0)
    }

    /// The labels of the cells' real pictures, `[n, c_dim]`, f32; `None` for a set without labels.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn labels(&self) -> Result<Option<Tensor>> {
        self.dataset.labels().rows(self.pictures.iter().copied())
    }
}

/// A grid of `rows` x `columns` samples; with labels, each row shows one class.
pub(crate) struct SampleGrid {
    seed: u64,
    columns: usize,
    /// What stands beside each row: its class, if there are any.
    headings: Vec<String>,
    reals: Vec<usize>,
}

impl SampleGrid {
    /// Chooses real pictures, once for the whole run. The grid has about the size and shape of a
    /// screen, at most 12 x 9 samples.
    pub(crate) fn new(seed: u64, by_class: bool, dataset: &Dataset) -> Self {
        let [h, w] = dataset.image_size();
        let (columns, rows) = ((1600 / w).clamp(3, 12), (1200 / h).clamp(2, 9));
        let reals: Vec<usize> = if by_class {
            row_per_class(seed, dataset, rows, columns)
        } else {
            let order = Order::new(seed, dataset.len(), false);
            (0..(columns * rows) as u64).map(|place| order.index(place)).collect()
        };
        let first_of_rows = reals.iter().step_by(columns).filter(|_| by_class);
        let headings = first_of_rows.filter_map(|&picture| dataset.labels().class_name(picture)).collect();
        Self { seed, columns, headings, reals }
    }

    /// The real picture of each cell.
    pub(crate) fn reals(&self, dataset: &Dataset) -> Result<Vec<RgbImage>> {
        let mut cells = vec![];
        for images in dataset.batches(&self.reals) {
            cells.extend(to_pictures(&images?)?);
        }
        Ok(cells)
    }

    /// What a recipe makes of each cell at a level of detail.
    pub(crate) fn fakes(&self, images: &dyn GridImages, dataset: &Dataset, lod: f64) -> Result<Vec<RgbImage>> {
        let mut cells = vec![];
        for (i, pictures) in self.reals.chunks(BATCH).enumerate() {
            let first = (i * BATCH) as u64;
            let indices = (first..first + pictures.len() as u64).collect();
            cells.extend(to_pictures(&images.images(&Cells { seed: self.seed, indices, pictures, dataset, lod })?)?);
        }
        Ok(cells)
    }

    /// Writes the pictures of all cells, and returns the height and width of the file.
    pub(crate) fn write(&self, cells: &[RgbImage], path: &Path) -> Result<[u32; 2]> {
        let pictures = cells.iter().cloned().map(Some).collect();
        let band = Band { across: self.columns, rows: self.headings.clone(), pictures, ..Band::default() };
        let sheet = Sheet::new(vec![band]).draw();
        write_png(path, &sheet, &[])?;
        Ok([sheet.height(), sheet.width()])
    }

    /// At most `most` pairs of cells of one row with different real pictures, evenly over the rows.
    pub(crate) fn pairs(&self, most: usize) -> Vec<[usize; 2]> {
        let cells = self.reals.len();
        let all =
            (0..cells).flat_map(|a| (a + 1..cells.min((a / self.columns + 1) * self.columns)).map(move |b| [a, b]));
        let different: Vec<_> = all.filter(|&[a, b]| self.reals[a] != self.reals[b]).collect();
        let step = different.len().div_ceil(most).max(1);
        different.into_iter().step_by(step).collect()
    }
}

/// For each row a class, in the order of first appearance, and pictures of it, each once while there are
/// others. Where there are more rows than classes, those of a class stand together.
fn row_per_class(seed: u64, dataset: &Dataset, rows: usize, columns: usize) -> Vec<usize> {
    let mut classes: Vec<Vec<usize>> = vec![];
    let mut place = HashMap::new();
    for index in 0..dataset.len() {
        let mut label = vec![];
        dataset.labels().push_row(index, &mut label);
        let bits: Vec<u32> = label.iter().map(|x| x.to_bits()).collect();
        let class = *place.entry(bits).or_insert_with(|| {
            classes.push(vec![]);
            classes.len() - 1
        });
        classes[class].push(index);
    }
    let mut shown = vec![0; classes.len()];
    (0..rows * columns)
        .map(|cell| {
            let row = cell / columns;
            let class = if classes.len() < rows { row * classes.len() / rows } else { row };
            let place = shown[class];
            shown[class] += 1;
            classes[class][Order::new(seed, classes[class].len(), false).index(place)]
        })
        .collect()
}
