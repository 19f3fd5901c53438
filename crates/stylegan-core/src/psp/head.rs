//! From feature maps to style rows.

use super::config::{Head, PspConfig};
use super::ir_se::conv_weight;
use crate::Result;
use crate::layers::{BatchNorm, EqualizedLinear, Linear, LinearOptions, Mode};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::{Activation, BiasAct, conv2d_bias_act, resize_area, resize_bilinear};

/// The first row of the middle and of the finest level of the pyramid.
pub(crate) const MIDDLE: usize = 3;
pub(crate) const FINE: usize = 7;
/// The side that the last map is brought to before one vector is made of it.
pub(crate) const GRID: usize = 7;

/// What makes rows of the maps of [`IrSe50`](super::ir_se::IrSe50).
#[derive(Debug, Clone)]
pub(super) enum Rows {
    /// With `offsets`, rows from 1 on are added to row 0.
    Pyramid {
        lateral: [Lateral; 2],
        styles: Vec<MapToStyle>,
        offsets: bool,
    },
    /// With `offsets`, rows from 1 on are added to row 0.
    Last {
        styles: Vec<MapToStyle>,
        offsets: bool,
    },
    W(EqualizedLinear),
    WPlus {
        norm: BatchNorm,
        hidden: Linear,
        rows: EqualizedLinear,
    },
}

impl Rows {
    pub(super) fn new(config: &PspConfig, vb: &VarBuilder) -> Result<Self> {
        let (c, w_dim) = (config.last_channels(), config.w_dim);
        let equalized = |i, o| EqualizedLinear::new(i, o, LinearOptions::default(), vb.pp("linear"));
        Ok(match config.head {
            Head::Pyramid | Head::Offsets => {
                let halvings = config.last_halvings();
                let style = |row: usize| {
                    let deeper = usize::from(row >= MIDDLE) + usize::from(row >= FINE);
                    MapToStyle::new(c, w_dim, halvings + deeper, vb.pp(format!("styles.{row}")))
                };
                Self::Pyramid {
                    lateral: [Lateral::new(c / 2, c, vb.pp("latlayer1"))?, Lateral::new(c / 4, c, vb.pp("latlayer2"))?],
                    styles: (0..config.num_ws).map(style).collect::<Result<_>>()?,
                    offsets: config.head == Head::Offsets,
                }
            }
            Head::Restyle | Head::RestyleOffsets => {
                let style =
                    |row: usize| MapToStyle::new(c, w_dim, config.last_halvings(), vb.pp(format!("styles.{row}")));
                let styles = (0..config.num_ws).map(style).collect::<Result<_>>()?;
                Self::Last { styles, offsets: config.head == Head::RestyleOffsets }
            }
            Head::W => Self::W(equalized(c, w_dim)?),
            Head::WPlus => {
                let layer = |part: &str| vb.pp(format!("output_layer_2.{part}"));
                Self::WPlus {
                    norm: BatchNorm::new(c, layer("0"))?,
                    hidden: linear(c * GRID * GRID, config.hidden, layer("3"))?,
                    rows: equalized(config.hidden, config.num_ws * w_dim)?,
                }
            }
        })
    }

    /// Rows `[n, num_ws, w_dim]` of the maps of the last three stages.
    pub(super) fn forward(&self, [fine, middle, coarse]: &[Tensor; 3], num_ws: usize, mode: Mode) -> Result<Tensor> {
        let n = coarse.dim(0)?;
        match self {
            Self::Pyramid { lateral: [to_middle, to_fine], styles, offsets } => {
                let middle = to_middle.forward(coarse, middle)?;
                let fine = to_fine.forward(&middle, fine)?;
                let rows = styles.iter().enumerate().map(|(row, style)| {
                    style.forward(match row {
                        _ if row < MIDDLE => coarse,
                        _ if row < FINE => &middle,
                        _ => &fine,
                    })
                });
                stacked(&rows.collect::<Result<Vec<_>>>()?, *offsets)
            }
            Self::Last { styles, offsets } => {
                let rows = styles.iter().map(|style| style.forward(coarse));
                stacked(&rows.collect::<Result<Vec<_>>>()?, *offsets)
            }
            Self::W(layer) => crate::broadcast_ws(&layer.forward(&coarse.flatten_from(2)?.mean(2)?)?, num_ws),
            Self::WPlus { norm, hidden, rows } => {
                let x = resize_area(&norm.forward(coarse, mode, Activation::Linear)?, GRID, GRID)?;
                let rows = rows.forward(&hidden.forward(&x.flatten_from(1)?)?)?;
                let w_dim = rows.dim(1)? / num_ws;
                Ok(rows.reshape((n, num_ws, w_dim))?)
            }
        }
    }
}

/// Rows `[n, w_dim]` each as `[n, rows, w_dim]`; with `offsets` the first is added to the others.
fn stacked(rows: &[Tensor], offsets: bool) -> Result<Tensor> {
    let rows = Tensor::stack(rows, 1)?;
    let others = rows.dim(1)? - 1;
    if !offsets || others == 0 {
        return Ok(rows);
    }
    let first = rows.narrow(1, 0, 1)?;
    let others = rows.narrow(1, 1, others)?.broadcast_add(&first)?;
    Ok(Tensor::cat(&[first, others], 1)?)
}

/// A step down the pyramid: the map above, enlarged, plus a 1x1 convolution of the backbone's map.
#[derive(Debug, Clone)]
pub(super) struct Lateral {
    weight: Tensor,
    bias: Tensor,
}

impl Lateral {
    fn new(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Self> {
        let bias = bias(inputs, outputs, &vb)?;
        Ok(Self { weight: conv_weight(inputs, outputs, 1, vb)?, bias })
    }

    fn forward(&self, above: &Tensor, map: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = map.dims4()?;
        let own = conv2d_bias_act(map, &self.weight, &self.bias, 1, 0, 1., BiasAct::default())?;
        Ok((resize_bilinear(above, h, w, true)? + own)?)
    }
}

/// The network of one row, "map2style": convolutions of stride 2 down to one pixel, then a linear layer.
#[derive(Debug, Clone)]
pub(super) struct MapToStyle {
    convs: Vec<(Tensor, Tensor)>,
    linear: EqualizedLinear,
}

impl MapToStyle {
    fn new(inputs: usize, w_dim: usize, halvings: usize, vb: VarBuilder) -> Result<Self> {
        let conv = |i: usize| -> Result<(Tensor, Tensor)> {
            // Activations have numbers too.
            let (vb, inputs) = (vb.pp(format!("convs.{}", 2 * i)), if i == 0 { inputs } else { w_dim });
            let bias = bias(9 * inputs, w_dim, &vb)?;
            Ok((conv_weight(inputs, w_dim, 3, vb)?, bias))
        };
        Ok(Self {
            convs: (0..halvings).map(conv).collect::<Result<_>>()?,
            linear: EqualizedLinear::new(w_dim, w_dim, LinearOptions::default(), vb.pp("linear"))?,
        })
    }

    fn forward(&self, map: &Tensor) -> Result<Tensor> {
        let mut x = map.clone();
        for (weight, bias) in &self.convs {
            x = conv2d_bias_act(&x, weight, bias, 2, 1, 1., Activation::Leaky(0.01).into())?;
        }
        let (_, _, h, w) = x.dims4()?;
        if [h, w] != [1, 1] {
            crate::error::bad_argument!("map2style leaves {h}x{w} pixels, expected one: the picture is too large")
        }
        self.linear.forward(&x.flatten_from(1)?)
    }
}

/// A linear layer, started as PyTorch starts it.
pub(super) fn linear(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    let bound = 1. / (inputs as f64).sqrt();
    Linear::new(inputs, outputs, [Init::Uniform { lo: -bound, up: bound }; 2], vb)
}

/// `bias` `[outputs]` of a layer whose outputs are sums of `terms`, started as PyTorch starts it.
fn bias(terms: usize, outputs: usize, vb: &VarBuilder) -> Result<Tensor> {
    let bound = 1. / (terms as f64).sqrt();
    Ok(vb.get_with_hints(outputs, "bias", Init::Uniform { lo: -bound, up: bound })?)
}
