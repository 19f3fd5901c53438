//! Sample grids of encoders: in each cell what was shown, the picture, and what the generator makes of it.

use super::{Psp, Source, input, visible};
use crate::Result;
use crate::config::Input;
use crate::data::SampleRequest;
use crate::sample_grid::{Cells, GridImages};
use candle_core::{DType, Device, Tensor};
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
        let seen = shown.to_device(self.device())?;
        let rows = self.networks.frozen.forward(&seen, Mode::Eval)?.broadcast_add(&self.networks.average)?;
        let images = self.networks.generator.synthesis(&rows, &SynthesisOptions::default())?.detach();
        let (_, _, h, w) = pictures.dims4()?;
        let images = resize_area(&images, h, w)?.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
        Ok(Tensor::cat(&[visible(&self.task, &shown)?, pictures, images], 3)?)
    }
}
