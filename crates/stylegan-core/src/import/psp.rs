//! Checkpoints of pixel2style2pixel (`best_model.pt`), e4e and ReStyle, which have one layout: an encoder, the StyleGAN2
//! generator that it was trained for, the average style that its rows are counted from, and the options of its training.

use super::parts::Parts;
use super::rosinality::stylegan2_generator;
use super::spade::{Tensors, kept, shape};
use super::torch::TorchFile;
use super::{Found, ImportError, ImportedNetwork};
use crate::checkpoint::prefix;
use crate::psp::{AVERAGE, Head, PspConfig};
use crate::{EncoderConfig, Error, GeneratorConfig, NetworkConfig, Result as CoreResult};
use candle_core::{DType, Tensor};
use serde_json::Value as Json;
use std::collections::HashMap;

/// Names that a whole file has: the first and the last unit of the backbone, and the generator.
const WHOLE: [&str; 3] =
    ["encoder.input_layer.0.weight", "encoder.body.23.res_layer.1.weight", "decoder.conv1.conv.weight"];
/// The part of a file that torch saved.
const STATE: &str = "state_dict";
/// Encoders that are built here, by the names that options give them: those of one vector have names of one start, but for
/// e4e's (`SingleStyleCodeEncoder`).
const KNOWN: [&str; 5] = ["GradualStyleEncoder", OFFSETS, "BackboneEncoder", LAST_OFFSETS, "SingleStyleCodeEncoder"];
const OFFSETS: &str = "Encoder4Editing";
const LAST_OFFSETS: &str = "ProgressiveBackboneEncoder";
/// What tells a pyramid from an encoder whose rows all look at the last map.
const LATERAL: &str = "latlayer1.weight";
/// The most style rows and halvings; bounds what names alone may ask for.
const MOST: usize = 64;

/// What the options of a torch file say.
pub(super) fn options(file: &TorchFile<'_>) -> Result<Option<Json>, ImportError> {
    let options = file.pickle.get(file.pickle.root(), "opts").filter(|&id| file.pickle.entries(id).is_some());
    options.map(|id| file.json(id, 0)).transpose()
}

/// Encoder and generator of a file, `None` if it is something else or only part of one.
pub(super) fn networks(file: &dyn Parts, options: Option<&Json>) -> Result<Option<Found>, ImportError> {
    let whole = |part: &Option<&str>| WHOLE.iter().all(|name| file.holds(*part, name));
    let Some(part) = [Some(STATE), None].into_iter().find(whole) else { return Ok(None) };
    let kind = options.and_then(|options| options.get("encoder_type")).and_then(Json::as_str);
    if let Some(kind) = kind
        && !KNOWN.contains(&kind)
        && !kind.starts_with("BackboneEncoderUsingLastLayerInto")
    {
        return Err(ImportError(format!("its encoder is of the kind `{kind:.60}`, which is not known here")));
    }
    let all = file.tensors(part)?;
    let of = |start: &str| -> Vec<(String, Tensor)> {
        all.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(start)?.to_owned(), tensor.clone()))).collect()
    };
    let mut found = Found::default();
    found.extra.extend(options.map(|options| ("opts".to_owned(), options.to_string())));
    let average = file.tensor(AVERAGE)?;
    let mut decoder: HashMap<String, Tensor> = of("decoder.").into_iter().collect();
    if let Some(average) = &average {
        decoder.insert("latent_avg".into(), rows_of(average, 1)?);
    }
    let (config, tensors) = stylegan2_generator(decoder, &mut found.extra)?;
    let NetworkConfig::Generator(GeneratorConfig::StyleGan2(generator)) = &config else {
        return Err(ImportError("its decoder is no StyleGAN2".into()));
    };
    let rows = 2 * generator.img_size[0].ilog2() as usize - 2;
    let mut encoder = kept(of("encoder."))?;
    let by_name: Tensors = encoder.iter().cloned().collect();
    let mut of_encoder = encoder_config(&by_name, rows, generator.w_dim)?;
    // Names of tensors alone do not tell offsets.
    match (kind, of_encoder.head) {
        (Some(OFFSETS), Head::Pyramid) => of_encoder.head = Head::Offsets,
        (Some(LAST_OFFSETS), Head::Restyle) => of_encoder.head = Head::RestyleOffsets,
        _ => {}
    }
    found.origin = match of_encoder.head.is_iterative() {
        true => "ReStyle checkpoint (PyTorch)",
        false => "pixel2style2pixel checkpoint (PyTorch)",
    };
    // Where the options say that rows are not counted from it, it is the generator's alone.
    let from_average = options.is_none_or(|options| options["start_from_latent_avg"] != false);
    if let Some(average) = average.filter(|_| from_average) {
        encoder.push((AVERAGE.to_owned(), rows_of(&average, of_encoder.num_ws)?));
    }
    let mut add = |prefix: &str, config, tensors| {
        found.networks.push(ImportedNetwork { prefix: prefix.into(), config, tensors });
    };
    add(prefix::G_EMA, config, tensors);
    add(prefix::E, NetworkConfig::Encoder(EncoderConfig::Psp(of_encoder)), encoder);
    Ok(Some(found))
}

/// The first `rows` rows of an average style `[rows, w_dim]`, or its only one `rows` times; that may be `[w_dim]`.
fn rows_of(average: &Tensor, rows: usize) -> CoreResult<Tensor> {
    let average = if average.rank() == 1 { &average.unsqueeze(0)? } else { average };
    let &[known, w_dim] = average.dims() else {
        return Err(Error::Argument(format!("`{AVERAGE}` is {:?}, expected [rows, w_dim]", average.dims())));
    };
    if known != 1 && known < rows {
        return Err(Error::Argument(format!("`{AVERAGE}` has {known} rows, the encoder makes {rows}")));
    }
    let first = average.narrow(0, 0, known.min(rows))?.to_dtype(DType::F32)?;
    Ok(first.broadcast_as((rows, w_dim))?.contiguous()?)
}

/// The configuration of an encoder into `rows` rows of `w_dim` numbers.
fn encoder_config(tensors: &Tensors, rows: usize, w_dim: usize) -> CoreResult<PspConfig> {
    let [channels, img_channels, ..] = shape::<4>(tensors, "input_layer.0.weight")?;
    let base = PspConfig { img_channels, num_ws: rows, w_dim, channels, ..PspConfig::default() };
    if tensors.contains_key("styles.0.linear.weight") {
        let count = |name: &dyn Fn(usize) -> String| (0..MOST).take_while(|i| tensors.contains_key(&name(*i))).count();
        let num_ws = count(&|i| format!("styles.{i}.linear.weight"));
        // Activations have numbers too.
        let halvings = count(&|i| format!("styles.0.convs.{}.weight", 2 * i));
        let [_, w_dim] = shape(tensors, "styles.0.linear.weight")?;
        if !(1..=6).contains(&halvings) {
            return Err(Error::Argument(format!("its rows have {halvings} convolutions, where 1 to 6 are known")));
        }
        let head = if tensors.contains_key(LATERAL) { Head::Pyramid } else { Head::Restyle };
        return Ok(PspConfig { img_size: [16 << halvings; 2], num_ws, w_dim, head, ..base });
    }
    if tensors.contains_key("output_layer_2.3.weight") {
        let [hidden, _] = shape(tensors, "output_layer_2.3.weight")?;
        return Ok(PspConfig { head: Head::WPlus, hidden, ..base });
    }
    Ok(PspConfig { head: Head::W, ..base })
}
