//! pSp's encoders: pictures to style rows.

use super::graph::{Attribute, Graph, Name};
use crate::Result;
use crate::psp::{AVERAGE, FINE, GRID, Head, MIDDLE, PspConfig, STAGES};
use candle_core::{DType, Device, Tensor};
use stylegan_kernels::resize_area;

/// The slope of the activation in map2style.
const SLOPE: f64 = 0.01;

/// `img` to `ws`.
pub(super) fn psp(graph: &mut Graph, config: &PspConfig) -> Result<()> {
    let x = graph.conv_layer("img", "input_layer.0", 1, 1)?;
    let x = graph.batch_norm(&x, "input_layer.1")?;
    let mut x = prelu(graph, &x, "input_layer.2")?;
    let mut unit = 0;
    let mut stage = |graph: &mut Graph, count: usize| -> Result<Name> {
        for i in 0..count {
            x = residual_unit(graph, &x, &format!("body.{unit}"), if i == 0 { 2 } else { 1 })?;
            unit += 1;
        }
        Ok(x.clone())
    };
    let [first, second, third, last] = STAGES;
    stage(graph, first)?;
    let maps = [stage(graph, second)?, stage(graph, third)?, stage(graph, last)?];
    let rows = rows(graph, config, maps.each_ref())?;
    let rows = if graph.has(AVERAGE) && !config.head.is_iterative() {
        let average = graph.constant(AVERAGE, &graph.param(AVERAGE)?.unsqueeze(0)?)?;
        graph.binary("Add", &rows, &average)
    } else {
        rows
    };
    graph.named_node("Identity", &[&rows], &[], "ws");
    Ok(())
}

/// Rows `[n, num_ws, w_dim]`, counted from the average style, of the maps of the last three stages.
fn rows(graph: &mut Graph, config: &PspConfig, [fine, middle, coarse]: [&Name; 3]) -> Result<Name> {
    let halvings = config.last_halvings();
    match config.head {
        Head::Pyramid | Head::Offsets => {
            let middle = lateral(graph, coarse, middle, "latlayer1")?;
            let fine = lateral(graph, &middle, fine, "latlayer2")?;
            let level = |row: usize| match row {
                _ if row < MIDDLE => (coarse, halvings),
                _ if row < FINE => (&middle, halvings + 1),
                _ => (&fine, halvings + 2),
            };
            stacked(graph, config, level)
        }
        Head::Restyle | Head::RestyleOffsets => stacked(graph, config, |_| (coarse, halvings)),
        Head::W => {
            let mean = graph.node("GlobalAveragePool", &[coarse], &[]);
            let mean = graph.node("Flatten", &[&mean], &[]);
            let row = equalized(graph, &mean, "linear", config.last_channels())?;
            let axis = graph.integers(&[1]);
            let row = graph.node("Unsqueeze", &[&row, &axis], &[]);
            let same = vec![row.as_str(); config.num_ws];
            Ok(graph.node("Concat", &same, &[("axis", Attribute::Int(1))]))
        }
        Head::WPlus => {
            let x = graph.batch_norm(coarse, "output_layer_2.0")?;
            let x = areas(graph, &x, config.img_size[0] >> STAGES.len())?;
            let x = graph.node("Flatten", &[&x], &[]);
            let x = graph.linear(&x, "output_layer_2.3", 1., 1.)?;
            let x = equalized(graph, &x, "linear", config.hidden)?;
            let shape = graph.integers(&[-1, config.num_ws as i64, config.w_dim as i64]);
            Ok(graph.node("Reshape", &[&x, &shape], &[]))
        }
    }
}

/// A row each of a map and its halvings, as `[n, num_ws, w_dim]`; those from 1 on added to row 0 where they are offsets.
fn stacked<'a>(graph: &mut Graph, config: &PspConfig, level: impl Fn(usize) -> (&'a Name, usize)) -> Result<Name> {
    let offsets = matches!(config.head, Head::Offsets | Head::RestyleOffsets);
    let axis = graph.integers(&[1]);
    let (mut first, mut rows): (Option<Name>, Vec<Name>) = (None, vec![]);
    for row in 0..config.num_ws {
        let (map, halvings) = level(row);
        let style = map_to_style(graph, map, &format!("styles.{row}"), halvings, config.w_dim)?;
        let style = match &first {
            Some(first) if offsets => graph.binary("Add", &style, first),
            _ => style,
        };
        first.get_or_insert_with(|| style.clone());
        rows.push(graph.node("Unsqueeze", &[&style, &axis], &[]));
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    Ok(graph.node("Concat", &rows, &[("axis", Attribute::Int(1))]))
}

/// Convolutions of stride 2 down to one pixel, then a linear layer.
fn map_to_style(graph: &mut Graph, map: &str, layer: &str, halvings: usize, w_dim: usize) -> Result<Name> {
    let mut x = map.to_owned();
    for i in 0..halvings {
        x = graph.conv_layer(&x, &format!("{layer}.convs.{}", 2 * i), 2, 1)?;
        x = graph.node("LeakyRelu", &[&x], &[("alpha", Attribute::Float(SLOPE))]);
    }
    let x = graph.node("Flatten", &[&x], &[]);
    equalized(graph, &x, &format!("{layer}.linear"), w_dim)
}

/// A linear layer with an equalised learning rate.
fn equalized(graph: &mut Graph, x: &str, layer: &str, inputs: usize) -> Result<Name> {
    graph.linear(x, layer, 1. / (inputs as f64).sqrt(), 1.)
}

/// The map above at twice its size, plus a 1x1 convolution of the backbone's.
fn lateral(graph: &mut Graph, above: &str, map: &str, layer: &str) -> Result<Name> {
    let own = graph.conv_layer(map, layer, 1, 0)?;
    let scales = graph.numbers(&[1., 1., 2., 2.]);
    let attributes =
        [("mode", Attribute::Text("linear")), ("coordinate_transformation_mode", Attribute::Text("align_corners"))];
    let above = graph.node("Resize", &[above, "", &scales], &attributes);
    Ok(graph.binary("Add", &above, &own))
}

/// Means over areas of `x` of this side, 7x7 of them: a matrix from the left and its transpose from the right.
fn areas(graph: &mut Graph, x: &str, side: usize) -> Result<Name> {
    let identity = Tensor::eye(side, DType::F32, &Device::Cpu)?.reshape((1, side, side, 1))?;
    let weights = resize_area(&identity, GRID, 1)?.reshape((side, GRID))?;
    let right = graph.constant("areas.right", &weights)?;
    let left = graph.constant("areas.left", &weights.t()?.contiguous()?)?;
    let x = graph.binary("MatMul", &left, x);
    Ok(graph.binary("MatMul", &x, &right))
}

/// A residual unit with squeeze and excitation.
fn residual_unit(graph: &mut Graph, x: &str, unit: &str, stride: i64) -> Result<Name> {
    let layer = |number: usize| format!("{unit}.res_layer.{number}");
    let y = graph.batch_norm(x, &layer(0))?;
    let y = graph.conv_layer(&y, &layer(1), 1, 1)?;
    let y = prelu(graph, &y, &layer(2))?;
    let y = graph.conv_layer(&y, &layer(3), stride, 1)?;
    let y = graph.batch_norm(&y, &layer(4))?;
    let level = graph.node("GlobalAveragePool", &[&y], &[]);
    let level = graph.conv_layer(&level, &format!("{}.fc1", layer(5)), 1, 0)?;
    let level = graph.node("Relu", &[&level], &[]);
    let level = graph.conv_layer(&level, &format!("{}.fc2", layer(5)), 1, 0)?;
    let level = graph.node("Sigmoid", &[&level], &[]);
    let y = graph.binary("Mul", &y, &level);
    let shortcut = if graph.has(&format!("{unit}.shortcut_layer.0.weight")) {
        let s = graph.conv_layer(x, &format!("{unit}.shortcut_layer.0"), stride, 0)?;
        graph.batch_norm(&s, &format!("{unit}.shortcut_layer.1"))?
    } else if stride == 1 {
        x.to_owned()
    } else {
        let attributes = [("kernel_shape", Attribute::Ints(&[1, 1])), ("strides", Attribute::Ints(&[stride, stride]))];
        graph.node("MaxPool", &[x], &attributes)
    };
    Ok(graph.binary("Add", &y, &shortcut))
}

/// PReLU with the slopes `{layer}.weight` `[c]`.
fn prelu(graph: &mut Graph, x: &str, layer: &str) -> Result<Name> {
    let name = format!("{layer}.weight");
    let slope = graph.constant(&name, &graph.param(&name)?.reshape(((), 1, 1))?)?;
    Ok(graph.binary("PRelu", x, &slope))
}
