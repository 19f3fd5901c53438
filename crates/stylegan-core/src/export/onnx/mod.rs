//! Generators and encoders as ONNX models, written without the help of a library.
//!
//! A generator's model computes what [`Generator`](crate::Generator) does with stored noise: latents
//! (and maps) to pictures, truncation included; an encoder's, pictures to style rows. Everything is f32, in operators of
//! opset 17.

mod encoders;
mod graph;
mod painters;
mod protobuf;
mod stylegan1_pggan;
mod stylegan2;

use crate::psp::PspConfig;
use crate::{GeneratorConfig, Params, Result};
use graph::{Graph, Name};
use protobuf::Message;

/// The version of ONNX's operators that is written.
pub const OPSET: i64 = 17;
/// The version of the file format that came with it.
const IR_VERSION: i64 = 8;

/// What to export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// Pictures made at a time; `None` leaves it open.
    pub batch: Option<usize>,
    /// Style rows that truncation reaches; `None` means all.
    pub truncation_cutoff: Option<usize>,
}

/// A generator as the bytes of an ONNX model (opset [`OPSET`]).
///
/// Inputs are `z` `[n, z_dim]` (not of networks that start from the map alone), `map` `[n, classes (+ 1), h, w]` for
/// networks that paint maps (one-hot, edges between instances behind the classes), `c` `[n, c_dim]` for networks with labels, and `psi` (one number, the
/// truncation psi) for networks with an average style; the output is `img`
/// `[n, img_channels, h, w]`, about in [-1, 1]. Noise is that stored in the network.
///
/// # Errors
/// When a parameter is missing.
pub fn onnx(config: &GeneratorConfig, params: &Params, options: &OnnxOptions) -> Result<Vec<u8>> {
    let mut graph = Graph::new(params);
    let (z_dim, average) = match config {
        GeneratorConfig::StyleGan1(config) => {
            stylegan1_pggan::stylegan1(&mut graph, config, options)?;
            (config.z_dim, true)
        }
        GeneratorConfig::StyleGan2(config) => {
            stylegan2::stylegan2(&mut graph, config, options)?;
            (config.z_dim, true)
        }
        GeneratorConfig::Pggan(config) => {
            stylegan1_pggan::pggan(&mut graph, config)?;
            (config.z_dim, false)
        }
        GeneratorConfig::Spade(config) => {
            painters::spade(&mut graph, config)?;
            (config.z_dim, false)
        }
        GeneratorConfig::Pix2PixHd(config) => {
            painters::pix2pixhd(&mut graph, config)?;
            (0, false)
        }
    };
    let (n, [h, w]) = (options.batch, config.img_size());
    let mut body = graph.finish().data(2, "generator");
    if let Some(map) = config.map() {
        body = body.message(11, &value("map", n, &[map.classes + usize::from(map.edges), h, w]));
    }
    if z_dim > 0 {
        body = body.message(11, &value("z", n, &[z_dim]));
    }
    if config.c_dim() > 0 {
        body = body.message(11, &value("c", n, &[config.c_dim()]));
    }
    if average {
        body = body.message(11, &tensor_type("psi", &Message::default()));
    }
    Ok(model(&body.message(12, &value("img", n, &[config.img_channels(), h, w]))))
}

/// A pSp encoder as the bytes of an ONNX model (opset [`OPSET`]).
///
/// The input is `img` `[n, img_channels, h, w]`, about in [-1, 1], of the encoder's size; the output is `ws` `[n, num_ws,
/// w_dim]`: style rows as the generator takes them where the parameters hold the average style
/// ([`AVERAGE`](crate::psp::AVERAGE)), else counted from it. An encoder of ReStyle gives what changes its rows.
/// `batch`: pictures at a time; `None` leaves it open.
///
/// # Errors
/// When a parameter is missing.
pub fn onnx_encoder(config: &PspConfig, params: &Params, batch: Option<usize>) -> Result<Vec<u8>> {
    let mut graph = Graph::new(params);
    encoders::psp(&mut graph, config)?;
    let [h, w] = config.img_size;
    let body = graph.finish().data(2, "encoder").message(11, &value("img", batch, &[config.img_channels, h, w]));
    Ok(model(&body.message(12, &value("ws", batch, &[config.num_ws, config.w_dim]))))
}

/// A file of a graph.
fn model(graph: &Message) -> Vec<u8> {
    let opset = Message::default().data(1, "").int(2, OPSET);
    let model = Message::default().int(1, IR_VERSION).data(2, "stylegan-rs").data(3, env!("CARGO_PKG_VERSION"));
    model.message(7, graph).message(8, &opset).bytes
}

/// An input or output `[n, sides…]`.
fn value(name: &str, n: Option<usize>, sides: &[usize]) -> Message {
    let dimension = |side: usize| Message::default().int(1, side as i64);
    let batch = n.map_or_else(|| Message::default().data(2, "n"), dimension);
    let shape = Message::default().message(1, &batch);
    let shape = sides.iter().fold(shape, |shape, &side| shape.message(1, &dimension(side)));
    tensor_type(name, &shape)
}

fn tensor_type(name: &str, shape: &Message) -> Message {
    let tensor = Message::default().int(1, 1).message(2, shape);
    Message::default().data(1, name).message(2, &Message::default().message(1, &tensor))
}

/// `w_avg + psi (w - w_avg)`, for the style rows that truncation reaches.
struct Styles {
    plain: Name,
    truncated: Name,
    cutoff: Option<usize>,
}

impl Styles {
    fn new(graph: &mut Graph, w: Name, cutoff: Option<usize>) -> Result<Self> {
        let average = graph.constant("mapping.w_avg", &graph.param("mapping.w_avg")?.unsqueeze(0)?)?;
        let offset = graph.binary("Sub", &w, &average);
        let offset = graph.binary("Mul", &offset, "psi");
        let truncated = graph.binary("Add", &average, &offset);
        Ok(Self { plain: w, truncated, cutoff })
    }

    /// The style of a row.
    fn row(&self, index: usize) -> &str {
        if self.cutoff.is_none_or(|cutoff| index < cutoff) { &self.truncated } else { &self.plain }
    }
}
