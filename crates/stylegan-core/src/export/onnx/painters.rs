//! The networks that paint maps: SPADE's generator and pix2pixHD's, with the map as an input.

use super::graph::{Attribute, Graph, Name};
use crate::layers::{NORM_EPS, NormKind};
use crate::pix2pixhd::Pix2PixHdConfig;
use crate::spade::{Conditioning, Depth, SpadeConfig};
use crate::{Error, Result};
use candle_core::Tensor;
use std::collections::HashMap;

/// The slope of SPADE's leaky ReLU.
const SLOPE: f64 = 0.2;

/// A graph in which layers read the map.
struct Painter<'g, 'a> {
    graph: &'g mut Graph<'a>,
    conditioning: Conditioning,
    norm: NormKind,
    img_size: [usize; 2],
    /// The map at each size, by its height.
    maps: HashMap<usize, Name>,
}

/// A value and the height of its planes, in pixels.
#[derive(Clone)]
struct Planes {
    name: Name,
    h: usize,
}

/// `map` (and `z`, where the network starts from a latent) to `img`.
pub(super) fn spade(graph: &mut Graph, config: &SpadeConfig) -> Result<()> {
    let mut painter = Painter::new(graph, config.conditioning, config.norm, config.img_size);
    let [h, w] = config.start();
    let start = match config.z_dim {
        0 => {
            let map = painter.map(h)?;
            painter.conv(&map, "fc", 1, 1)?
        }
        _ => {
            let flat = painter.graph.linear("z", "fc", 1., 1.)?;
            let shape = painter.graph.integers(&[-1, 16 * config.channels as i64, h as i64, w as i64]);
            painter.graph.node("Reshape", &[&flat, &shape], &[])
        }
    };
    let mut x = Planes { name: start, h };
    let mut blocks = vec![
        ("head_0", false),
        ("G_middle_0", true),
        ("G_middle_1", config.depth != Depth::Normal),
        ("up_0", true),
        ("up_1", true),
        ("up_2", true),
        ("up_3", true),
    ];
    blocks.extend((config.depth == Depth::Most).then_some(("up_4", true)));
    for (block, doubles) in blocks {
        if doubles {
            x = Planes { name: painter.resize(&x.name, 2.), h: 2 * x.h };
        }
        x.name = painter.block(&x, block)?;
    }
    let x = painter.activated(&x.name, SLOPE);
    let x = painter.conv(&x, "conv_img", 1, 1)?;
    painter.graph.named_node("Tanh", &[&x], &[], "img");
    Ok(())
}

/// `map` to `img`.
pub(super) fn pix2pixhd(graph: &mut Graph, config: &Pix2PixHdConfig) -> Result<()> {
    let mut painter = Painter::new(graph, config.conditioning, config.norm, config.img_size);
    let joined = config.conditioning == Conditioning::Concat;
    let mut h = config.img_size[0];
    let x = painter.mirrored("map", "input.conv", 3)?;
    let mut x = Planes { name: painter.normalised(&Planes { name: x, h }, "input.norm", 0.)?, h };
    for i in 0..config.downsamplings {
        h /= 2;
        let y = Planes { name: painter.conv(&x.name, &format!("down_{i}.conv"), 2, 1)?, h };
        x = Planes { name: painter.normalised(&y, &format!("down_{i}.norm"), 0.)?, h };
    }
    for i in 0..config.blocks {
        let inner = if joined { painter.joined(&x)? } else { x.name.clone() };
        let y = Planes { name: painter.mirrored(&inner, &format!("block_{i}.layer_0.conv"), 1)?, h };
        let y = painter.normalised(&y, &format!("block_{i}.layer_0.norm"), 0.)?;
        let y = Planes { name: painter.mirrored(&y, &format!("block_{i}.layer_1.conv"), 1)?, h };
        let y = painter.normalised(&y, &format!("block_{i}.layer_1.norm"), 1.)?;
        x.name = painter.graph.binary("Add", &x.name, &y);
    }
    for i in 0..config.downsamplings {
        h *= 2;
        let y = Planes { name: painter.up(&x.name, &format!("up_{i}.conv"))?, h };
        x = Planes { name: painter.normalised(&y, &format!("up_{i}.norm"), 0.)?, h };
    }
    let x = painter.mirrored(&x.name, "output.conv", 3)?;
    painter.graph.named_node("Tanh", &[&x], &[], "img");
    Ok(())
}

impl<'g, 'a> Painter<'g, 'a> {
    fn new(graph: &'g mut Graph<'a>, conditioning: Conditioning, norm: NormKind, img_size: [usize; 2]) -> Self {
        let maps = HashMap::from([(img_size[0], "map".to_owned())]);
        Self { graph, conditioning, norm, img_size, maps }
    }

    /// The map at the size whose height this is.
    fn map(&mut self, h: usize) -> Result<Name> {
        if let Some(map) = self.maps.get(&h) {
            return Ok(map.clone());
        }
        let factor = h as f64 / self.img_size[0] as f64;
        // Halving again and again is exact in f32, so that every program picks the same pixels.
        if factor.log2().fract() != 0. {
            return Err(Error::Argument(format!("maps of {} rows are not halved to {h}", self.img_size[0])));
        }
        let map = self.resize("map", factor);
        self.maps.insert(h, map.clone());
        Ok(map)
    }

    /// Nearest neighbours: pixel `i` is pixel `floor(i / factor)`.
    fn resize(&mut self, x: &str, factor: f64) -> Name {
        let scales = self.graph.numbers(&[1., 1., factor, factor]);
        let attributes = [
            ("mode", Attribute::Text("nearest")),
            ("coordinate_transformation_mode", Attribute::Text("asymmetric")),
            ("nearest_mode", Attribute::Text("floor")),
        ];
        self.graph.node("Resize", &[x, "", &scales], &attributes)
    }

    /// The map, then `x`, along the channels.
    fn joined(&mut self, x: &Planes) -> Result<Name> {
        let map = self.map(x.h)?;
        Ok(self.graph.node("Concat", &[&map, &x.name], &[("axis", Attribute::Int(1))]))
    }

    /// The weight of a layer, over its largest singular value where that is normalised.
    fn weight(&self, layer: &str) -> Result<Tensor> {
        if !self.graph.has(&format!("{layer}.weight_orig")) {
            return self.graph.param(&format!("{layer}.weight"));
        }
        let part = |part: &str| self.graph.param(&format!("{layer}.weight_{part}"));
        let (weight, u, v) = (part("orig")?, part("u")?, part("v")?);
        let rows = u.dim(0)?;
        let matrix = if weight.dim(0)? == rows { weight.clone() } else { weight.transpose(0, 1)?.contiguous()? };
        let sigma = matrix.reshape((rows, ()))?.matmul(&v.unsqueeze(1)?)?.squeeze(1)?;
        Ok(weight.broadcast_div(&(sigma * u)?.sum_all()?)?)
    }

    /// A convolution with its bias, if it has one.
    fn conv(&mut self, x: &str, layer: &str, stride: i64, pad: i64) -> Result<Name> {
        let attributes = [("strides", Attribute::Ints(&[stride; 2])), ("pads", Attribute::Ints(&[pad; 4]))];
        self.layer("Conv", x, layer, &attributes, 0.)
    }

    /// A transposed convolution that doubles the resolution.
    fn up(&mut self, x: &str, layer: &str) -> Result<Name> {
        let attributes = [
            ("strides", Attribute::Ints(&[2, 2])),
            ("pads", Attribute::Ints(&[1; 4])),
            ("output_padding", Attribute::Ints(&[1, 1])),
        ];
        self.layer("ConvTranspose", x, layer, &attributes, 0.)
    }

    /// A convolution that keeps the size, its padding mirrored.
    fn mirrored(&mut self, x: &str, layer: &str, pad: i64) -> Result<Name> {
        let pads = self.graph.integers(&[0, 0, pad, pad, 0, 0, pad, pad]);
        let x = self.graph.node("Pad", &[x, &pads], &[("mode", Attribute::Text("reflect"))]);
        self.conv(&x, layer, 1, 0)
    }

    /// The node of a layer; `more` is added to its bias.
    fn layer(&mut self, op: &str, x: &str, layer: &str, attributes: &[(&str, Attribute)], more: f64) -> Result<Name> {
        let weight = self.weight(layer)?;
        let mut inputs = vec![x.to_owned(), self.graph.constant(&format!("{layer}.weight"), &weight)?];
        let bias = format!("{layer}.bias");
        if self.graph.has(&bias) {
            let values = (self.graph.param(&bias)? + more)?;
            inputs.push(self.graph.constant(&bias, &values)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(self.graph.node(op, &inputs, attributes))
    }

    /// Leaky ReLU of this slope: 1 for none, 0 for ReLU.
    fn activated(&mut self, x: &str, slope: f64) -> Name {
        match slope {
            1. => x.to_owned(),
            0. => self.graph.node("Relu", &[x], &[]),
            slope => self.graph.node("LeakyRelu", &[x], &[("alpha", Attribute::Float(slope))]),
        }
    }

    /// The normalisation `layer`, steered by the map or not, then leaky ReLU.
    fn normalised(&mut self, x: &Planes, layer: &str, slope: f64) -> Result<Name> {
        let spade = self.conditioning == Conditioning::Spade;
        let statistics = if spade { format!("{layer}.param_free_norm") } else { layer.to_owned() };
        let y = match self.norm {
            NormKind::Batch => self.graph.batch_norm(&x.name, &statistics)?,
            NormKind::Instance => self.instance_norm(&x.name)?,
            NormKind::None => x.name.clone(),
        };
        let y = if spade { self.scaled(&y, layer, x.h)? } else { y };
        Ok(self.activated(&y, slope))
    }

    /// `x (1 + gamma(map)) + beta(map)` (Park et al. 2019, section 3).
    fn scaled(&mut self, x: &str, layer: &str, h: usize) -> Result<Name> {
        let map = self.map(h)?;
        let kernel = self.weight(&format!("{layer}.mlp_shared.0"))?.dim(2)? as i64;
        let shared = self.conv(&map, &format!("{layer}.mlp_shared.0"), 1, kernel / 2)?;
        let shared = self.activated(&shared, 0.);
        let attributes = [("pads", Attribute::Ints(&[kernel / 2; 4]))];
        let gamma = self.layer("Conv", &shared, &format!("{layer}.mlp_gamma"), &attributes, 1.)?;
        let beta = self.layer("Conv", &shared, &format!("{layer}.mlp_beta"), &attributes, 0.)?;
        let y = self.graph.binary("Mul", x, &gamma);
        Ok(self.graph.binary("Add", &y, &beta))
    }

    /// Each plane to mean 0 and variance 1.
    fn instance_norm(&mut self, x: &str) -> Result<Name> {
        let axes = [("axes", Attribute::Ints(&[2, 3]))];
        let mean = self.graph.node("ReduceMean", &[x], &axes);
        let centred = self.graph.binary("Sub", x, &mean);
        let square = self.graph.binary("Mul", &centred, &centred);
        let variance = self.graph.node("ReduceMean", &[&square], &axes);
        let eps = self.graph.number(NORM_EPS);
        let variance = self.graph.binary("Add", &variance, &eps);
        let deviation = self.graph.node("Sqrt", &[&variance], &[]);
        Ok(self.graph.binary("Div", &centred, &deviation))
    }

    /// A residual block (figure 4 left): two convolutions, each behind a normalisation, beside a shortcut.
    fn block(&mut self, x: &Planes, block: &str) -> Result<Name> {
        let joined = self.conditioning == Conditioning::Concat;
        let convolved = |painter: &mut Self, name: Name, layer: &str, pad: i64| {
            let name = if joined { painter.joined(&Planes { name, h: x.h })? } else { name };
            painter.conv(&name, &format!("{block}.{layer}"), 1, pad)
        };
        let y = self.normalised(x, &format!("{block}.norm_0"), SLOPE)?;
        let y = convolved(self, y, "conv_0", 1)?;
        let y = self.normalised(&Planes { name: y, h: x.h }, &format!("{block}.norm_1"), SLOPE)?;
        let y = convolved(self, y, "conv_1", 1)?;
        let has = |part: &str| self.graph.has(&format!("{block}.conv_s.{part}"));
        let shortcut = if has("weight") || has("weight_orig") {
            let s = self.normalised(x, &format!("{block}.norm_s"), 1.)?;
            convolved(self, s, "conv_s", 0)?
        } else {
            x.name.clone()
        };
        Ok(self.graph.binary("Add", &shortcut, &y))
    }
}
