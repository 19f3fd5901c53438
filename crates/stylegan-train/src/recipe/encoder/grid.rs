//! Sample grids of encoders: in each cell what was shown, the picture, and what the generator makes of it.

use super::{Psp, Source, input};
use crate::Result;
use crate::config::Input;
use crate::data::SampleRequest;
use crate::sample_grid::{Cells, GridImages};
use candle_core::{D, DType, Tensor};
use stylegan_core::SynthesisOptions;
use stylegan_core::layers::Mode;
use stylegan_kernels::resize_area;

impl GridImages for Psp {
    fn by_class(&self) -> bool {
        false
    }

    /// `[n, 3, h, 3 w]`: what the encoder is shown, the picture, the reconstruction with the generator's own noise maps.
    fn images(&self, cells: &Cells) -> Result<Tensor> {
        let requests: Vec<_> = cells.pictures.iter().map(|&index| SampleRequest::whole(index)).collect();
        let pictures = cells.dataset.load(&requests)?.images;
        let maps = if self.task.input == Input::Map { Some(cells.dataset.load_maps(&requests)?) } else { None };
        let source = Source { pictures: &pictures, maps: maps.as_ref(), key: cells.key(), indices: &cells.indices };
        let shown = input(&self.task, self.channels, &source)?;
        let rows = self.networks.frozen.forward(&shown, Mode::Eval)?.broadcast_add(&self.networks.average)?;
        let images = self.networks.generator.synthesis(&rows, &SynthesisOptions::default())?.detach();
        let (_, _, h, w) = pictures.dims4()?;
        let images = resize_area(&images, h, w)?.to_dtype(DType::F32)?;
        Ok(Tensor::cat(&[self.visible(&shown)?, pictures, images], 3)?)
    }
}

impl Psp {
    /// What is shown as RGB in [-1, 1]: sketches in grey, classes as levels of it.
    fn visible(&self, shown: &Tensor) -> Result<Tensor> {
        let plane = match self.task.input {
            Input::Sketch => shown.affine(2., -1.)?,
            Input::Map => {
                let steps = self.channels.saturating_sub(1).max(1) as f64;
                shown.argmax_keepdim(D::Minus(3))?.to_dtype(DType::F32)?.affine(2. / steps, -1.)?
            }
            _ => return Ok(shown.clone()),
        };
        Ok(Tensor::cat(&[&plane, &plane, &plane], 1)?)
    }
}
