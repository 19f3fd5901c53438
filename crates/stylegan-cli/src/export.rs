//! `stylegan export`: a generator or an encoder for other programs to run.

use crate::assumed::tell_assumed;
use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::network::checkpoint;
use crate::numbers::whole;
use crate::status::{Progress, print};
use candle_core::Device;
use clap::ArgGroup;
use std::path::{Path, PathBuf};
use stylegan_core::export::{ONNX_OPSET, OnnxOptions, onnx, onnx_encoder};
use stylegan_core::{Model, TrainedEncoder};

/// Write a generator or an encoder as an ONNX model
///
/// The model takes latents z [n, z_dim], labels c [n, c_dim] if the network has classes, and the
/// truncation psi (one number) if it has an average style; one that paints label maps takes map
/// [n, classes, height, width] (1 in the channel of a pixel's class, 0 in the others; edges between
/// instances as one more channel, if it reads them), and z only if it has styles. It gives pictures
/// img [n, channels, height, width], about in -1 to 1. Noise is that stored in the network.
///
/// An encoder's model takes pictures img of its size and gives style rows ws [n, rows, width], as
/// the generator's synthesis takes them.
///
/// Examples:
///   stylegan export --network runs/avatars-32 --onnx avatars.onnx
///   stylegan export --network ffhq.safetensors --onnx ffhq.onnx --batch 1
///   stylegan export --encoder runs/encoder --onnx encoder.onnx
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, group(ArgGroup::new("what").args(["network", "encoder"]).required(true)))]
pub(crate) struct Args {
    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows, the folder of a run:
    /// then its newest checkpoint, or a name: `stylegan models` lists those that come with the program.
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: Option<PathBuf>,

    /// In place of a generator, an encoder of pictures into styles: a checkpoint, the folder of its run, or a released .pt
    /// file of pixel2style2pixel, e4e or ReStyle.
    #[arg(long, value_name = "FILE|RUN")]
    encoder: Option<PathBuf>,

    /// The ONNX file to write.
    #[arg(long, value_name = "OUT.onnx")]
    onnx: PathBuf,

    /// Pictures made at a time [default: left open]
    ///
    /// Example: --batch 1
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=100_000))]
    batch: Option<usize>,

    /// Truncates only the first K style rows (2 per resolution) [default: all rows]
    #[arg(long, value_name = "K", conflicts_with = "encoder")]
    trunc_cutoff: Option<usize>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let Some(named) = args.network.as_ref().or(args.encoder.as_ref()) else {
        wrong!("name a --network or an --encoder to export");
    };
    let progress = Progress::of_unknown_length("exporting");
    let file = checkpoint(named)?;
    destination::file(&args.onnx, &[&file])?;
    destination::ends_in(&args.onnx, "onnx", "an ONNX file")?;
    let Exported { inputs, output, bytes } =
        if args.network.is_some() { generator(&file, named, &args)? } else { encoder(&file, args.batch)? };
    stylegan_core::write_file(&args.onnx, &bytes)?;
    drop(progress);
    let (place, megabytes, inputs) = (args.onnx.display(), bytes.len() as f64 / 1e6, inputs.join(", "));
    print(&format!("{place}: {megabytes:.1} MB, opset {ONNX_OPSET}, from {inputs} to {output}\n"))?;
    Ok(Ending::Done)
}

/// A model, and the names of what goes in and comes out.
struct Exported {
    inputs: Vec<&'static str>,
    output: &'static str,
    bytes: Vec<u8>,
}

fn generator(file: &Path, named: &Path, args: &Args) -> anyhow::Result<Exported> {
    let model = Model::load(file, &Device::Cpu)?;
    let spec = model.generator().spec();
    if let Some(cutoff) = args.trunc_cutoff {
        let name = named.display();
        if model.generator().w_avg().is_none() {
            wrong!("--trunc-cutoff {cutoff}: {name} has no average style, and so no truncation; leave it out");
        }
        if cutoff > spec.num_ws {
            wrong!("--trunc-cutoff {cutoff}: {name} has {} style rows", spec.num_ws);
        }
    }
    if model.lod() > 0. {
        wrong!(
            "{}: is still growing (its level of detail is {}), and a model for other programs is of a grown network; train it on",
            named.display(),
            model.lod()
        );
    }
    tell_assumed(&model, named.display());
    let options = OnnxOptions { batch: args.batch, truncation_cutoff: args.trunc_cutoff };
    let bytes = onnx(model.config(), model.params(), &options)?;
    let mut inputs: Vec<&str> = model.config().map().map(|_| "map").into_iter().collect();
    inputs.extend((spec.z_dim > 0).then_some("z"));
    inputs.extend((spec.condition.label_dim() > 0).then_some("c"));
    inputs.extend(model.generator().w_avg().is_some().then_some("psi"));
    Ok(Exported { inputs, output: "img", bytes })
}

fn encoder(file: &Path, batch: Option<usize>) -> anyhow::Result<Exported> {
    let encoder = TrainedEncoder::load(file, &Device::Cpu)?;
    let bytes = onnx_encoder(encoder.config(), encoder.params(), batch)?;
    Ok(Exported { inputs: vec!["img"], output: "ws", bytes })
}
