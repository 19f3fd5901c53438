//! Sample grids of painters: in each cell the map, the real picture, and the generated one.

use super::Spade;
use crate::Result;
use crate::data::{ClassTable, SampleRequest, class_colour};
use crate::sample_grid::{Cells, GridImages};
use candle_core::{DType, Device, Tensor};
use stylegan_core::{Condition, Sampler};

impl GridImages for Spade {
    fn by_class(&self) -> bool {
        false
    }

    /// `[n, c, h, 3 w]`: maps in colours, truth, and what the averaged generator (or `G`, where none is kept)
    /// makes of the maps with the run's grid latents.
    fn images(&self, cells: &Cells) -> Result<Tensor> {
        let requests: Vec<_> = cells.pictures.iter().copied().map(SampleRequest::whole).collect();
        let truth = cells.dataset.load(&requests)?.images;
        let maps = cells.dataset.load_maps(&requests)?;
        let edges = self.classes.edges.then(|| cells.dataset.load_edges(&requests)).transpose()?;
        let known = self.classes.read(&maps, edges.as_ref())?;
        let sampler = Sampler::new(self.networks.painter.as_ref());
        let mut z = sampler.latents(&cells.key(), &cells.indices, 0)?.to_dtype(self.networks.g.params.dtype())?;
        if z.elem_count() > 0 {
            z = z.to_device(self.networks.g.params.device())?;
        }
        let condition = Condition::Map(&known);
        let ours = sampler.images(&sampler.styles(&z, condition)?, condition, &[])?.to_dtype(DType::F32)?;
        let ours = ours.to_device(&Device::Cpu)?;
        let maps = coloured(&maps, truth.dim(1)?, cells.dataset.class_table())?;
        Ok(Tensor::cat(&[&maps, &truth, &ours], 3)?)
    }
}

/// Label maps `[n, h, w]` u8 as images `[n, channels, h, w]`, in the colours of their classes. Grey is that of green, alpha is
/// opaque.
fn coloured(maps: &Tensor, channels: usize, table: Option<&ClassTable>) -> Result<Tensor> {
    let (n, h, w) = maps.dims3()?;
    let maps = maps.flatten_all()?.to_vec1::<u8>()?;
    let mut values = vec![0f32; n * channels * h * w];
    for (map, image) in maps.chunks_exact(h * w).zip(values.chunks_exact_mut(channels * h * w)) {
        for (c, plane) in image.chunks_exact_mut(h * w).enumerate() {
            let level = |class: u8| match (class_colour(class, table), c, channels) {
                ([_, green, _], 0, ..3) => green,
                (colour, ..3, _) => colour[c],
                _ => u8::MAX,
            };
            for (value, &class) in plane.iter_mut().zip(map) {
                *value = f32::from(level(class)) / 127.5 - 1.;
            }
        }
    }
    Ok(Tensor::from_vec(values, (n, channels, h, w), &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that the set's own table gives, as everywhere else.
    #[test]
    fn maps_have_the_colours_of_the_set() -> Result<()> {
        let table = ClassTable::parse(br#"{"classes": ["a", {"name": "b", "color": [1, 2, 3]}]}"#);
        let maps = Tensor::new(&[[[0u8, 1]]], &Device::Cpu)?;
        let levels = |channels| -> Result<Vec<u8>> {
            let images = ((coloured(&maps, channels, table.as_ref().ok())? + 1.)? * 127.5)?.round()?;
            Ok(images.to_dtype(DType::U8)?.flatten_all()?.to_vec1()?)
        };
        let [r, g, b] = class_colour(0, None);
        assert_eq!(levels(4)?, [r, 1, g, 2, b, 3, 255, 255]);
        assert_eq!(levels(1)?, [g, 2]);
        Ok(())
    }
}
