//! Sample grids: the same latents at every point of a run, so that pictures can be compared.

use crate::Result;
use crate::data::{Dataset, Labels, SampleRequest};
use candle_core::{Device, Tensor};
use image::RgbImage;
use std::collections::HashMap;
use std::path::Path;
use stylegan_core::latent::StreamKey;
use stylegan_core::picture::{Band, Sheet, to_pictures, write_png};
use stylegan_core::{Condition, Generator, Sampler};

/// Pictures handled at a time.
const BATCH: usize = 8;

/// A grid of `rows` x `columns` samples; with labels, each row shows one class.
pub(crate) struct Snapshot {
    columns: usize,
    /// What stands beside each row: its class, if there are any.
    headings: Vec<String>,
    reals: Vec<usize>,
    latents: Tensor,
    labels: Option<Tensor>,
}

impl Snapshot {
    /// Chooses latents and real pictures for a network, once for the whole run. The grid has about
    /// the size and shape of a screen, at most 12 x 9 samples.
    pub(crate) fn new(seed: u64, generator: &dyn Generator, dataset: &Dataset) -> Result<Self> {
        let conditional = generator.spec().condition.label_dim() > 0;
        let [h, w] = generator.spec().img_size;
        let (columns, rows) = ((1600 / w).clamp(3, 12), (1200 / h).clamp(2, 9));
        let indices: Vec<u64> = (0..(columns * rows) as u64).collect();
        let reals: Vec<usize> = if conditional {
            row_per_class(seed, dataset, rows, columns)
        } else {
            let key = StreamKey::new(seed, "grid picture", 0);
            indices.iter().map(|&i| key.stream(i, 0).below(dataset.len() as u64) as usize).collect()
        };
        let key = StreamKey::new(seed, "grid latent", 0);
        let latents = Sampler::new(generator).latents(&key, &indices, 0)?;
        let labels = if conditional {
            let mut rows = vec![];
            reals.iter().for_each(|&index| dataset.labels().push_row(index, &mut rows));
            Some(Tensor::from_vec(rows, (reals.len(), dataset.label_dim()), &Device::Cpu)?)
        } else {
            None
        };
        let headings = match dataset.labels() {
            Labels::Classes { names, .. } if conditional => {
                let first = reals.iter().step_by(columns).filter_map(|&index| dataset.labels().class(index));
                let name = |class: u32| names.get(class as usize).cloned();
                first.map(|class| name(class).unwrap_or_else(|| format!("class {class}"))).collect()
            }
            _ => vec![],
        };
        Ok(Self { columns, headings, reals, latents, labels })
    }

    /// Writes the real pictures.
    pub(crate) fn write_reals(&self, dataset: &Dataset, path: &Path) -> Result<()> {
        let mut cells = vec![];
        for indices in self.reals.chunks(BATCH) {
            let requests: Vec<_> = indices.iter().map(|&index| SampleRequest { index, mirror: false }).collect();
            cells.extend(to_pictures(&dataset.load(&requests)?.images)?);
        }
        Ok(write_png(path, &self.sheet(cells), &[])?)
    }

    /// Writes what a generator makes of the latents, without truncation and with its fixed noise.
    pub(crate) fn write_fakes(&self, generator: &dyn Generator, lod: f64, path: &Path) -> Result<RgbImage> {
        let sampler = Sampler { lod, ..Sampler::new(generator) };
        let mut cells = vec![];
        for start in (0..self.reals.len()).step_by(BATCH) {
            let n = BATCH.min(self.reals.len() - start);
            let labels = self.labels.as_ref().map(|labels| labels.narrow(0, start, n)).transpose()?;
            let condition = Condition::from(labels.as_ref());
            let ws = sampler.styles(&self.latents.narrow(0, start, n)?, condition)?;
            cells.extend(to_pictures(&sampler.images(&ws, condition, &[])?)?);
        }
        let sheet = self.sheet(cells);
        write_png(path, &sheet, &[])?;
        Ok(sheet)
    }

    fn sheet(&self, pictures: Vec<RgbImage>) -> RgbImage {
        let pictures = pictures.into_iter().map(Some).collect();
        Sheet::new(vec![Band { across: self.columns, rows: self.headings.clone(), pictures, ..Band::default() }]).draw()
    }
}

/// For each row a class, in the order of first appearance, and pictures of it.
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
    let key = StreamKey::new(seed, "grid picture", 0);
    (0..rows * columns)
        .map(|cell| {
            let class = &classes[(cell / columns) % classes.len()];
            class[key.stream(cell as u64, 0).below(class.len() as u64) as usize]
        })
        .collect()
}
