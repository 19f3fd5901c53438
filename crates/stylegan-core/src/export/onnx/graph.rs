//! An ONNX graph under construction: nodes, their constants, and the layers made of them.

use super::protobuf::Message;
use crate::layers::NORM_EPS;
use crate::{Error, Params, Result};
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeSet;
use stylegan_kernels::Filter;

/// ONNX's number for f32.
const FLOAT: i64 = 1;
/// ONNX's number for i64.
const INT64: i64 = 7;

/// The name of a value in the graph.
pub(super) type Name = String;

/// An attribute of a node.
pub(super) enum Attribute<'a> {
    Float(f64),
    Int(i64),
    Ints(&'a [i64]),
    Text(&'a str),
}

/// A graph, and the parameters that it takes its constants from.
pub(super) struct Graph<'a> {
    params: &'a Params,
    /// The fields `node` (1) and `initializer` (5) of a `GraphProto`.
    parts: Message,
    nodes: usize,
    constants: BTreeSet<Name>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(params: &'a Params) -> Self {
        Self { params, parts: Message::default(), nodes: 0, constants: BTreeSet::new() }
    }

    /// A parameter, in f32.
    pub(super) fn param(&self, name: &str) -> Result<Tensor> {
        let var = self.params.get(name).ok_or_else(|| Error::MissingParameter { name: name.into(), shape: vec![] })?;
        Ok(var.as_detached_tensor().to_dtype(DType::F32)?)
    }

    /// Whether there is such a parameter.
    pub(super) fn has(&self, name: &str) -> bool {
        self.params.get(name).is_some()
    }

    /// A constant of this name; the first of a name is the one that counts.
    pub(super) fn constant(&mut self, name: &str, tensor: &Tensor) -> Result<Name> {
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Ok(self.initializer(name, FLOAT, tensor.dims(), &bytes))
    }

    fn initializer(&mut self, name: &str, data_type: i64, dims: &[usize], bytes: &[u8]) -> Name {
        if self.constants.insert(name.to_owned()) {
            let tensor = dims.iter().fold(Message::default(), |tensor, &side| tensor.int(1, side as i64));
            let tensor = tensor.int(2, data_type).data(8, name).data(9, bytes);
            self.parts = std::mem::take(&mut self.parts).message(5, &tensor);
        }
        name.to_owned()
    }

    /// One number.
    pub(super) fn number(&mut self, value: f64) -> Name {
        let value = value as f32;
        self.initializer(&format!("number_{value:e}"), FLOAT, &[], &value.to_le_bytes())
    }

    /// Several numbers.
    pub(super) fn numbers(&mut self, values: &[f64]) -> Name {
        let bytes: Vec<u8> = values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
        let text: Vec<String> = values.iter().map(f64::to_string).collect();
        self.initializer(&format!("numbers_{}", text.join("_")), FLOAT, &[values.len()], &bytes)
    }

    /// Whole numbers: axes, shapes.
    pub(super) fn integers(&mut self, values: &[i64]) -> Name {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let text: Vec<String> = values.iter().map(i64::to_string).collect();
        self.initializer(&format!("integers_{}", text.join("_")), INT64, &[values.len()], &bytes)
    }

    /// A node with one output, whose name it returns.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> Name {
        let output = format!("{}_{}", op.to_lowercase(), self.nodes);
        self.named_node(op, inputs, attributes, &output)
    }

    /// A node whose output has this name.
    pub(super) fn named_node(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
        output: &str,
    ) -> Name {
        let node = inputs.iter().fold(Message::default(), |node, input| node.data(1, input));
        let mut node = node.data(2, output).data(3, format!("{op}_{}", self.nodes)).data(4, op);
        for (name, attribute) in attributes {
            let message = Message::default().data(1, name);
            let message = match attribute {
                Attribute::Float(value) => message.float(2, *value as f32).int(20, 1),
                Attribute::Int(value) => message.int(3, *value).int(20, 2),
                Attribute::Text(text) => message.data(4, text).int(20, 3),
                Attribute::Ints(values) => {
                    values.iter().fold(message, |message, &value| message.int(8, value)).int(20, 7)
                }
            };
            node = node.message(5, &message);
        }
        self.nodes += 1;
        self.parts = std::mem::take(&mut self.parts).message(1, &node);
        output.to_owned()
    }

    /// The nodes and constants so far, as fields of a `GraphProto`.
    pub(super) fn finish(self) -> Message {
        self.parts
    }

    /// `x` `[n, i]` times the parameter `{layer}.weight` `[o, i]` scaled by `gain`, plus
    /// `{layer}.bias` times `bias_gain` where the layer has one.
    pub(super) fn linear(&mut self, x: &str, layer: &str, gain: f64, bias_gain: f64) -> Result<Name> {
        let weight = format!("{layer}.weight");
        let weight = self.constant(&weight, &self.param(&weight)?)?;
        let mut inputs = vec![x.to_owned(), weight];
        let bias = format!("{layer}.bias");
        if self.has(&bias) {
            inputs.push(self.constant(&bias, &self.param(&bias)?)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let attributes =
            [("alpha", Attribute::Float(gain)), ("beta", Attribute::Float(bias_gain)), ("transB", Attribute::Int(1))];
        Ok(self.node("Gemm", &inputs, &attributes))
    }

    /// `x` with another element-wise operand.
    pub(super) fn binary(&mut self, op: &str, x: &str, y: &str) -> Name {
        self.node(op, &[x, y], &[])
    }

    /// `x` times a number; `x` itself for 1.
    pub(super) fn scaled(&mut self, x: &str, gain: f64) -> Name {
        if gain == 1. {
            return x.to_owned();
        }
        let gain = self.number(gain);
        self.binary("Mul", x, &gain)
    }

    /// Leaky ReLU, times `gain`, then a bound on the magnitude.
    pub(super) fn lrelu(&mut self, x: &str, gain: f64, clamp: Option<f64>) -> Name {
        let x = self.node("LeakyRelu", &[x], &[("alpha", Attribute::Float(0.2))]);
        let x = self.scaled(&x, gain);
        self.clamped(&x, clamp)
    }

    /// A bound on the magnitude.
    pub(super) fn clamped(&mut self, x: &str, clamp: Option<f64>) -> Name {
        let Some(bound) = clamp else { return x.to_owned() };
        let (low, high) = (self.number(-bound), self.number(bound));
        self.node("Clip", &[x, &low, &high], &[])
    }

    /// Adds the parameter `name` `[c]` to the channels of `x`.
    pub(super) fn add_channels(&mut self, x: &str, name: &str) -> Result<Name> {
        let bias = self.constant(name, &self.param(name)?.reshape((1, (), 1, 1))?)?;
        Ok(self.binary("Add", x, &bias))
    }

    /// `x` `[n, c]` as `[n, c, 1, 1]`.
    pub(super) fn as_planes(&mut self, x: &str) -> Name {
        let axes = self.integers(&[2, 3]);
        self.node("Unsqueeze", &[x, &axes], &[])
    }

    /// A same-size convolution with `weight` `[o, i, k, k]`, which is kept as the constant `name`.
    pub(super) fn conv(&mut self, x: &str, name: &str, weight: &Tensor) -> Result<Name> {
        let side = weight.dim(2)? as i64;
        let weight = self.constant(name, weight)?;
        let pads = [side / 2; 4];
        Ok(self.node("Conv", &[x, &weight], &[("pads", Attribute::Ints(&pads))]))
    }

    /// A convolution with the parameters `{layer}.weight` `[o, i, k, k]` and, where the layer has one, `{layer}.bias`.
    pub(super) fn conv_layer(&mut self, x: &str, layer: &str, stride: i64, pad: i64) -> Result<Name> {
        let attributes = [("strides", Attribute::Ints(&[stride; 2])), ("pads", Attribute::Ints(&[pad; 4]))];
        let mut inputs = vec![x.to_owned()];
        for part in [format!("{layer}.weight"), format!("{layer}.bias")] {
            if self.has(&part) {
                inputs.push(self.constant(&part, &self.param(&part)?)?);
            }
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(self.node("Conv", &inputs, &attributes))
    }

    /// Batch normalisation by running statistics (and the learned scale and shift, if there are such), as one factor and one
    /// summand.
    pub(super) fn batch_norm(&mut self, x: &str, layer: &str) -> Result<Name> {
        let param = |part: &str| self.param(&format!("{layer}.{part}"));
        let (mean, var) = (param("running_mean")?, param("running_var")?);
        let mut scale = (var + NORM_EPS)?.sqrt()?.recip()?;
        if self.has(&format!("{layer}.weight")) {
            scale = (scale * param("weight")?)?;
        }
        let mut shift = (mean * &scale)?.neg()?;
        if self.has(&format!("{layer}.bias")) {
            shift = (shift + param("bias")?)?;
        }
        let scale = self.constant(&format!("{layer}.scale"), &scale.reshape((1, (), 1, 1))?)?;
        let shift = self.constant(&format!("{layer}.shift"), &shift.reshape((1, (), 1, 1))?)?;
        let y = self.binary("Mul", x, &scale);
        Ok(self.binary("Add", &y, &shift))
    }

    /// A transposed convolution of stride 2 with `weight` `[i, o, k, k]`.
    pub(super) fn conv_transpose(&mut self, x: &str, name: &str, weight: &Tensor, pad: i64) -> Result<Name> {
        let weight = self.constant(name, weight)?;
        let attributes = [("strides", Attribute::Ints(&[2, 2])), ("pads", Attribute::Ints(&[pad; 4]))];
        Ok(self.node("ConvTranspose", &[x, &weight], &attributes))
    }

    /// `filter` times `gain` over each of `c` channels of `x`, with these paddings before and after.
    pub(super) fn filter(&mut self, x: &str, filter: &Filter, gain: f64, c: usize, pads: [i64; 2]) -> Result<Name> {
        // `Conv` correlates.
        let mut turned: Vec<f64> = filter.taps().to_vec();
        turned.reverse();
        let weight = self.taps("turned_filter", filter.size(), &turned, gain, c)?;
        let pads = [pads[0], pads[0], pads[1], pads[1]];
        Ok(self.node("Conv", &[x, &weight], &[("group", Attribute::Int(c as i64)), ("pads", Attribute::Ints(&pads))]))
    }

    /// Zeros between pixels, then `[1, 3, 3, 1]` times 4: twice the resolution of `c` channels.
    pub(super) fn upsample(&mut self, x: &str, filter: &Filter, c: usize) -> Result<Name> {
        let weight = self.taps("filter", filter.size(), filter.taps(), 4., c)?;
        let attributes = [
            ("group", Attribute::Int(c as i64)),
            ("strides", Attribute::Ints(&[2, 2])),
            ("pads", Attribute::Ints(&[1; 4])),
        ];
        Ok(self.node("ConvTranspose", &[x, &weight], &attributes))
    }

    /// The taps of a filter for each of `c` channels.
    fn taps(&mut self, name: &str, (h, w): (usize, usize), taps: &[f64], gain: f64, c: usize) -> Result<Name> {
        let taps: Vec<f32> = taps.iter().map(|tap| (gain * tap) as f32).collect();
        let weight = Tensor::from_vec(taps, (1, 1, h, w), &Device::Cpu)?.repeat((c, 1, 1, 1))?;
        self.constant(&format!("{name}_{h}x{w}_{gain}_{c}"), &weight)
    }

    /// `x` over the root of its mean square along axis 1.
    pub(super) fn pixel_norm(&mut self, x: &str) -> Name {
        let square = self.binary("Mul", x, x);
        let mean = self.node("ReduceMean", &[&square], &[("axes", Attribute::Ints(&[1]))]);
        let eps = self.number(1e-8);
        let mean = self.binary("Add", &mean, &eps);
        let root = self.node("Sqrt", &[&mean], &[]);
        self.binary("Div", x, &root)
    }
}
