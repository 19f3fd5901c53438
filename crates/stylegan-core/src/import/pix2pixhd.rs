//! Checkpoints of pix2pixHD's global generator: NVIDIA/pix2pixHD's own (`latest_net_G.pth`), and those of the
//! baseline in NVlabs/SPADE. Both number their layers.

use super::parts::Parts;
use super::spade::{Tensors, note, shape, weight};
use super::{Found, ImportError, ImportedNetwork};
use crate::checkpoint::prefix;
use crate::layers::{NormKind, WeightInit};
use crate::pix2pixhd::Pix2PixHdConfig;
use crate::{GeneratorConfig, NetworkConfig, Result as CoreResult};
use candle_core::{DType, Tensor};

/// Where layers stand in the list of a program.
struct Numbers {
    /// Of the first convolution that halves the resolution.
    first: usize,
    /// From one layer to the next.
    step: usize,
    /// Of the first and the second convolution in a residual block.
    block: [usize; 2],
    /// What stands between the number and the name of a parameter.
    inner: &'static str,
    /// Whether the file keeps the biases before normalisations.
    biased: bool,
    /// Whether there are normalisations.
    normed: bool,
}

/// The generator of the pix2pixHD repository: convolution, normalisation and activation have numbers of their own.
const NVIDIA: Numbers = Numbers { first: 4, step: 3, block: [1, 5], inner: "", biased: true, normed: true };
/// That of the SPADE repository: convolution and normalisation share one.
const SPADE: Numbers = Numbers { first: 3, step: 2, block: [1, 4], inner: "0.", biased: false, normed: true };
/// The same without normalisations (`norm_G` of `spectral` or `spectralnone`): its convolutions stand alone.
const BARE: Numbers = Numbers { inner: "", normed: false, ..SPADE };

/// The generator of a pix2pixHD file, `None` if it is something else.
pub(super) fn networks(file: &dyn Parts) -> Result<Option<Found>, ImportError> {
    let has = |name| file.holds(None, name);
    let numbers = if has("model.1.weight") && (has("model.4.weight") || has("model.4.conv_block.1.weight")) {
        NVIDIA
    } else if has("model.1.weight_orig") {
        BARE
    } else if has("model.1.0.weight_orig") || has("model.1.0.weight") && has("model.3.0.weight") {
        SPADE
    } else {
        return Ok(None);
    };
    let tensors: Tensors = file.tensors(None)?.into_iter().collect();
    let Some((config, tensors)) = generator(&tensors, &numbers)? else { return Ok(None) };
    let assumed: &[_] = if config.edges { &["img_size"] } else { &["img_size", "edges"] };
    let config = NetworkConfig::Generator(GeneratorConfig::Pix2PixHd(config));
    let network = ImportedNetwork { prefix: prefix::G_EMA.into(), config, tensors };
    let mut found =
        Found { origin: "pix2pixHD state dictionary (PyTorch)", networks: vec![network], ..Found::default() };
    found.extra.extend(note(assumed));
    Ok(Some(found))
}

/// A generator's configuration, and its tensors under our names.
type Painter = (Pix2PixHdConfig, Vec<(String, Tensor)>);

/// The configuration and the tensors under our names, `None` for a network that is built otherwise.
fn generator(tensors: &Tensors, numbers: &Numbers) -> CoreResult<Option<Painter>> {
    let number = |name: &str| layer(name.strip_prefix("model.")?.split('.').next()?);
    let mut blocks: Vec<usize> =
        tensors.keys().filter(|name| name.contains(".conv_block.")).filter_map(|name| number(name)).collect();
    blocks.sort_unstable();
    blocks.dedup();
    // The last convolution, behind as many layers that enlarge as there are that make smaller.
    let last = tensors.keys().filter(|name| name.ends_with(".weight")).filter_map(|name| number(name)).max();
    let resizing = last.and_then(|last| last.checked_sub(numbers.first + blocks.len() + 1));
    let Some(resizing) = resizing.filter(|resizing| resizing.is_multiple_of(2 * numbers.step)) else {
        return Ok(None);
    };
    let downsamplings = resizing / (2 * numbers.step);
    let first_block = numbers.first + downsamplings * numbers.step;
    let layout = Layout { numbers, first_block, blocks: blocks.len(), downsamplings };
    let last = format!("model.{}.weight", layout.last());
    // Networks of many kinds number their layers; what tells this one, without blocks, are its first and last kernels.
    let large = |name: &str| tensors.get(name).is_some_and(|tensor| matches!(tensor.dims(), [_, _, 7, 7]));
    match blocks.first() {
        Some(&found) if found != first_block => return Ok(None),
        None if !(large("model.1.weight") && large(&last)) => return Ok(None),
        _ => {}
    }
    let first = format!("model.1.{}", numbers.inner);
    let ([channels, map_channels, ..], spectral) = weight(tensors, first.trim_end_matches('.'))?;
    let [img_channels, ..] = shape::<4>(tensors, &last)?;
    let (mut own, mut biases) = (Vec::with_capacity(tensors.len()), Vec::new());
    for (name, tensor) in tensors {
        let Some(ours) = layout.ours(name) else { return Ok(None) };
        if ours.ends_with(".num_batches_tracked") {
            continue;
        }
        let tensor = tensor.to_dtype(DType::F32)?;
        match ours.strip_suffix("conv.bias") {
            Some(layer) if numbers.biased && layer != "output." => biases.push((format!("{layer}norm."), tensor)),
            _ => own.push((ours, tensor)),
        }
    }
    // Batch normalisations have weights. Instance normalisations have none; before PyTorch 0.4 they kept means that they
    // did not use.
    let batch = own.iter().any(|(name, _)| name.ends_with("norm.weight"));
    if !batch {
        own.retain(|(name, _)| !name.ends_with(".running_mean") && !name.ends_with(".running_var"));
    }
    // A bias goes with the mean of what it is added to. Batch normalisations take another mean away, which they learnt with
    // the bias in it, and must then be without it as well.
    for (norm, bias) in biases.iter().filter(|_| batch) {
        let kept = own.iter_mut().find(|(name, _)| name.strip_prefix(norm.as_str()) == Some("running_mean"));
        if let Some((_, mean)) = kept {
            *mean = (&*mean - bias)?;
        }
    }
    // 36 channels are the 35 classes of Cityscapes and edges, in both repositories' released networks.
    let edges = map_channels == 36;
    let config = Pix2PixHdConfig {
        img_size: match (edges, numbers.biased) {
            (true, true) => [512, 1024],
            (true, false) => [256, 512],
            _ => [256, 256],
        },
        img_channels,
        classes: map_channels - usize::from(edges),
        edges,
        channels,
        downsamplings,
        blocks: blocks.len(),
        norm: match (numbers.normed, batch) {
            (false, _) => NormKind::None,
            (true, true) => NormKind::Batch,
            (true, false) => NormKind::Instance,
        },
        spectral,
        init: if numbers.biased { WeightInit::Normal } else { WeightInit::Glorot },
        ..Pix2PixHdConfig::default()
    };
    Ok(Some((config, own)))
}

/// The number of a layer, of which no network has so many that sums of them overflow.
fn layer(number: &str) -> Option<usize> {
    number.parse::<u16>().ok().map(usize::from)
}

/// The numbers of a network's layers.
struct Layout<'a> {
    numbers: &'a Numbers,
    first_block: usize,
    blocks: usize,
    downsamplings: usize,
}

impl Layout<'_> {
    /// The number of the last convolution, behind the last padding.
    fn last(&self) -> usize {
        self.first_block + self.blocks + self.numbers.step * self.downsamplings + 1
    }

    /// Our name of a tensor.
    fn ours(&self, name: &str) -> Option<String> {
        let Numbers { first, step, block, inner, .. } = *self.numbers;
        let (number, rest) = name.strip_prefix("model.")?.split_once('.')?;
        let number = layer(number)?;
        let first_up = self.first_block + self.blocks;
        if number == self.last() {
            return Some(format!("output.conv.{rest}"));
        }
        if (self.first_block..first_up).contains(&number) {
            let (conv, rest) = rest.strip_prefix("conv_block.")?.split_once('.')?;
            let conv = layer(conv)?;
            let place = block.iter().position(|&at| at == conv || inner.is_empty() && at + 1 == conv)?;
            let part = part(inner, rest, conv - block[place])?;
            return Some(format!("block_{}.layer_{place}.{part}", number - self.first_block));
        }
        // The number of a layer and the distance from its convolution.
        let (module, beyond) = match number {
            _ if number < first => ("input".to_owned(), number.checked_sub(1)?),
            _ if number < self.first_block => (format!("down_{}", (number - first) / step), (number - first) % step),
            _ => (format!("up_{}", (number - first_up) / step), (number - first_up) % step),
        };
        Some(format!("{module}.{}", part(inner, rest, beyond)?))
    }
}

/// `conv.weight`, `norm.running_mean`, …: the part of a layer that the rest of a name is, `beyond` numbers from
/// the convolution.
fn part(inner: &str, rest: &str, beyond: usize) -> Option<String> {
    if inner.is_empty() {
        return match beyond {
            0 => Some(format!("conv.{rest}")),
            1 => Some(format!("norm.{rest}")),
            _ => None,
        };
    }
    match rest.split_once('.')? {
        ("0", rest) if beyond == 0 => Some(format!("conv.{rest}")),
        ("1", rest) if beyond == 0 => Some(format!("norm.{rest}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_layer_has_name_nothing() {
        let layout = Layout { numbers: &NVIDIA, first_block: 10, blocks: 1, downsamplings: 2 };
        assert_eq!(layout.ours("model.10.conv_block.5.weight").as_deref(), Some("block_0.layer_1.conv.weight"));
        for number in [u64::MAX, 1 << 16] {
            assert_eq!(layout.ours(&format!("model.{number}.weight")), None);
            assert_eq!(layout.ours(&format!("model.10.conv_block.{number}.weight")), None);
        }
    }
}
