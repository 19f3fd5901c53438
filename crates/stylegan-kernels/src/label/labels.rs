//! The label map.

use candle_core::{DType, Device, Result, Tensor};
use std::sync::Arc;

/// The bit of a cell that says that the pixel lies on an edge between instances.
pub(super) const EDGE: u32 = 1 << 31;

/// Label maps of a batch, one class for each pixel of `[n, h, w]`, and whether the pixel lies on an
/// edge between instances. It stands for the tensor `[n, classes (+ 1), h, w]` of one-hot vectors (and
/// the map of edges after them) that SPADE's networks are defined on (Park et al. 2019, section 3.1). It is kept in main
/// memory, whatever the networks compute on.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Class and [`EDGE`] of each pixel.
    cells: Arc<[u32]>,
    batch: usize,
    size: [usize; 2],
    classes: usize,
    edges: bool,
}

impl Labels {
    /// The maps `indices` `[n, 1, h, w]` of whole numbers in `0..classes`, with `edges` `[n, 1, h, w]` (0 or 1)
    /// where the networks read them.
    ///
    /// # Errors
    /// When a class is out of range, or shapes differ.
    pub fn new(indices: &Tensor, edges: Option<&Tensor>, classes: usize) -> Result<Self> {
        let (n, c, h, w) = indices.dims4()?;
        if c != 1 || edges.is_some_and(|edges| edges.dims() != indices.dims()) {
            candle_core::bail!(
                "label maps of shape {:?} with edges {:?}, expected [n, 1, h, w] for both",
                indices.dims(),
                edges.map(Tensor::dims)
            )
        }
        let mut cells = Vec::with_capacity(n * h * w);
        for class in whole_numbers(indices)? {
            if class < 0 || class >= classes as i64 {
                candle_core::bail!("a label map holds class {class}; the network knows 0 to {}", classes as i64 - 1)
            }
            cells.push(class as u32);
        }
        if let Some(edges) = edges {
            for (cell, edge) in cells.iter_mut().zip(whole_numbers(edges)?) {
                *cell |= if edge == 0 { 0 } else { EDGE };
            }
        }
        Ok(Self { cells: cells.into(), batch: n, size: [h, w], classes, edges: edges.is_some() })
    }

    /// How many maps there are.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Height and width, in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Channels of the tensor that the maps stand for: classes, and 1 for edges.
    pub fn channels(&self) -> usize {
        self.classes + usize::from(self.edges)
    }

    /// Nearest neighbours: pixel `i` of `to` is pixel `floor(i from / to)`, as PyTorch's `interpolate` takes them but for its
    /// rounding (it multiplies by a factor in f32: of 26 pixels made 22, one is another).
    ///
    /// # Errors
    /// When a side is 0.
    pub fn resize(&self, [h, w]: [usize; 2]) -> Result<Self> {
        if [h, w] == self.size {
            return Ok(self.clone());
        }
        let [from_h, from_w] = self.size;
        if [h, w, from_h, from_w].contains(&0) {
            candle_core::bail!("label maps of {from_h}x{from_w} pixels cannot be resized to {h}x{w}")
        }
        let nearest = |from: usize, to: usize| (0..to).map(|i| i * from / to).collect::<Vec<_>>();
        Ok(self.picked(&nearest(from_h, h), &nearest(from_w, w)))
    }

    /// With `padding` pixels more on each side, mirrored at the outermost pixels.
    ///
    /// # Errors
    /// When the maps are not larger than the padding.
    pub fn reflect(&self, padding: usize) -> Result<Self> {
        let [h, w] = self.size;
        let (rows, columns) = (crate::pad::mirrored(h, padding)?, crate::pad::mirrored(w, padding)?);
        Ok(self.picked(&rows, &columns))
    }

    /// These rows and columns of each map.
    fn picked(&self, rows: &[usize], columns: &[usize]) -> Self {
        let [h, w] = self.size;
        let mut cells = Vec::with_capacity(self.batch * rows.len() * columns.len());
        for map in self.cells.chunks_exact((h * w).max(1)) {
            for row in rows {
                let row = &map[row * w..][..w];
                cells.extend(columns.iter().map(|&column| row[column]));
            }
        }
        Self { cells: cells.into(), size: [rows.len(), columns.len()], ..*self }
    }

    /// The maps of `batches`, one batch after the other.
    ///
    /// # Errors
    /// When there are none, or their sizes or channels differ.
    pub fn cat(batches: &[&Self]) -> Result<Self> {
        let Some(&first) = batches.first() else { candle_core::bail!("there are no label maps to join") };
        let kind = |labels: &Self| (labels.size, labels.classes, labels.edges);
        if let Some(other) = batches.iter().find(|other| kind(other) != kind(first)) {
            candle_core::bail!(
                "label maps of {:?} pixels and {} channels cannot be joined with maps of {:?} and {}",
                first.size,
                first.channels(),
                other.size,
                other.channels()
            )
        }
        let cells: Vec<u32> = batches.iter().flat_map(|labels| labels.cells.iter().copied()).collect();
        Ok(Self { cells: cells.into(), batch: batches.iter().map(|labels| labels.batch).sum(), ..*first })
    }

    /// The tensor that the maps stand for, `[n, channels, h, w]` of zeros and ones.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn one_hot(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        let ([h, w], channels) = (self.size, self.channels());
        let plane = h * w;
        let mut values = vec![0u8; self.batch * channels * plane];
        for (map, values) in
            self.cells.chunks_exact(plane.max(1)).zip(values.chunks_exact_mut((channels * plane).max(1)))
        {
            for (pixel, &cell) in map.iter().enumerate() {
                values[(cell & !EDGE) as usize * plane + pixel] = 1;
                if self.edges {
                    values[self.classes * plane + pixel] = u8::from(cell & EDGE != 0);
                }
            }
        }
        Tensor::from_vec(values, (self.batch, channels, h, w), device)?.to_dtype(dtype)
    }

    pub(super) fn cells(&self) -> &[u32] {
        &self.cells
    }

    pub(super) fn classes(&self) -> usize {
        self.classes
    }
}

/// The elements of a tensor of whole numbers.
pub(super) fn whole_numbers(x: &Tensor) -> Result<Vec<i64>> {
    if x.dtype().is_float() {
        candle_core::bail!("label maps hold {:?}, expected whole numbers such as U8 or U32", x.dtype())
    }
    x.to_dtype(DType::I64)?.flatten_all()?.to_vec1()
}
