//! `stylegan export`: a generator for other programs to run.

use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::network::checkpoint;
use crate::status::{Progress, print};
use candle_core::Device;
use std::path::PathBuf;
use stylegan_core::Model;
use stylegan_core::export::{ONNX_OPSET, OnnxOptions, onnx};

/// Write a generator as an ONNX model
///
/// The model takes latents z [n, z_dim], labels c [n, c_dim] if the network has classes, and the
/// truncation psi (one number) if it has an average style; one that paints label maps takes map
/// [n, classes, height, width] (1 in the channel of a pixel's class, 0 in the others; edges between
/// instances as one more channel, if it reads them), and z only if it has styles. It gives pictures
/// img [n, channels, height, width], about in -1 to 1. Noise is that stored in the network.
///
/// Examples:
///   stylegan export --network runs/avatars-32 --onnx avatars.onnx
///   stylegan export --network ffhq.safetensors --onnx ffhq.onnx --batch 1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows, the folder of a run:
    /// then its newest checkpoint, or a name: `stylegan models` lists those that come with the program.
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: PathBuf,

    /// The ONNX file to write.
    #[arg(long, value_name = "OUT.onnx")]
    onnx: PathBuf,

    /// Pictures made at a time [default: left open]
    ///
    /// Example: --batch 1
    #[arg(long, value_name = "N")]
    batch: Option<usize>,

    /// Truncates only the first K style rows (2 per resolution) [default: all rows]
    #[arg(long, value_name = "K")]
    trunc_cutoff: Option<usize>,
}

pub(crate) fn run(args: Args) -> Outcome {
    if args.batch == Some(0) {
        wrong!("--batch 0: give at least 1, or leave it out to keep the number of pictures open");
    }
    let progress = Progress::of_unknown_length("exporting");
    let file = checkpoint(&args.network)?;
    let model = Model::load(&file, &Device::Cpu)?;
    let rows = model.generator().spec().num_ws;
    if let Some(cutoff) = args.trunc_cutoff.filter(|&cutoff| cutoff > rows) {
        wrong!("--trunc-cutoff {cutoff}: {} has {rows} style rows", args.network.display());
    }
    destination::file(&args.onnx, &[&file])?;
    destination::ends_in(&args.onnx, "onnx", "an ONNX file")?;
    let options = OnnxOptions { batch: args.batch, truncation_cutoff: args.trunc_cutoff };
    let bytes = onnx(model.config(), model.params(), &options)?;
    stylegan_core::write_file(&args.onnx, &bytes)?;
    drop(progress);
    let mut inputs: Vec<&str> = model.config().map().map(|_| "map").into_iter().collect();
    inputs.extend((model.generator().spec().z_dim > 0).then_some("z"));
    inputs.extend((model.generator().spec().condition.label_dim() > 0).then_some("c"));
    inputs.extend(model.generator().w_avg().is_some().then_some("psi"));
    let megabytes = bytes.len() as f64 / 1e6;
    print(&format!(
        "{}: {megabytes:.1} MB, opset {ONNX_OPSET}, from {} to img\n",
        args.onnx.display(),
        inputs.join(", ")
    ))?;
    Ok(Ending::Done)
}
