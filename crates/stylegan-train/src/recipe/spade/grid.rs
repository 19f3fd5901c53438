//! Sample grids of painters: in each cell the map, the real picture, and the generated one.

use super::Spade;
use crate::Result;
use crate::data::SampleRequest;
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
        Ok(Tensor::cat(&[&coloured(&maps, truth.dim(1)?)?, &truth, &ours], 3)?)
    }
}

/// Label maps `[n, h, w]` u8 as images `[n, channels, h, w]`: a colour of its own for each class.
fn coloured(maps: &Tensor, channels: usize) -> Result<Tensor> {
    let (n, h, w) = maps.dims3()?;
    let maps = maps.flatten_all()?.to_vec1::<u8>()?;
    let mut values = vec![0f32; n * channels * h * w];
    for (map, image) in maps.chunks_exact(h * w).zip(values.chunks_exact_mut(channels * h * w)) {
        for (c, plane) in image.chunks_exact_mut(h * w).enumerate() {
            for (value, &class) in plane.iter_mut().zip(map) {
                *value = f32::from(level(class, c)) / 127.5 - 1.;
            }
        }
    }
    Ok(Tensor::from_vec(values, (n, channels, h, w), &Device::Cpu)?)
}

/// The level of a class in a channel: every third bit of its number, the lowest as the highest, so that neighbours
/// differ most (the colours of PASCAL VOC). Alpha is opaque.
fn level(class: u8, channel: usize) -> u8 {
    if channel > 2 {
        return u8::MAX;
    }
    (0..8).map(|bit| u8::from(class.checked_shr(3 * bit + channel as u32).unwrap_or(0) & 1 == 1) << (7 - bit)).sum()
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn classes_have_colours_of_their_own() {
        let colour = |class| [0, 1, 2].map(|channel| level(class, channel));
        assert_eq!([colour(0), colour(1), colour(2), colour(3)], [[0; 3], [128, 0, 0], [0, 128, 0], [128, 128, 0]]);
        let all: std::collections::BTreeSet<_> = (0..=u8::MAX).map(colour).collect();
        assert_eq!((all.len(), level(7, 3)), (256, 255));
    }
}
