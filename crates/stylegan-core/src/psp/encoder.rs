//! The encoder.

use super::config::PspConfig;
use super::head::Rows;
use super::ir_se::IrSe50;
use crate::Result;
use crate::error::bad_argument;
use crate::layers::Mode;
use candle_core::Tensor;
use candle_nn::VarBuilder;

/// The name, beside an encoder's parameters, of the average style `[num_ws, w_dim]` that its rows are counted from.
pub const AVERAGE: &str = "latent_avg";

/// An encoder of pictures into style rows (pSp, section 3). What it gives is counted from the generator's average
/// style, which whoever runs it adds.
#[derive(Debug, Clone)]
pub struct PspEncoder {
    config: PspConfig,
    backbone: IrSe50,
    rows: Rows,
}

impl PspEncoder {
    /// `input_layer`, `body` and, by the head, `latlayer1`, `latlayer2` and `styles`, `linear`, or `output_layer_2` and
    /// `linear` of `vb`: the names of the released files.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &PspConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let backbone = IrSe50::new(config.img_channels, config.channels, &vb)?;
        Ok(Self { config: config.clone(), backbone, rows: Rows::new(config, &vb)? })
    }

    /// Its configuration.
    pub fn config(&self) -> &PspConfig {
        &self.config
    }

    /// Style rows `[n, num_ws, w_dim]`, less the average style, of pictures `[n, img_channels, h, w]` f32 or f64, about in
    /// [-1, 1]. Pictures have the size of the configuration; any of which the pyramid's maps come to one pixel will do.
    ///
    /// # Errors
    /// Pictures of another shape.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let (c, [side, _]) = (self.config.img_channels, self.config.img_size);
        let &[_, found, h, w] = images.dims() else {
            bad_argument!("the encoder reads images [n, {c}, h, w], found {:?}", images.dims())
        };
        if found != c || h.min(w) < 16 || h.max(w) > side || h % 16 != 0 || w % 16 != 0 {
            bad_argument!("the encoder reads images [n, {c}, {side}, {side}], found {:?}; resize them", images.dims())
        }
        self.rows.forward(&self.backbone.forward(images, mode)?, self.config.num_ws, mode)
    }
}
