//! Other engines that do the same work, each in a Python process of its own.

use crate::Result;
use crate::spec::Spec;
use crate::worker::{encoder_of, generator_of, painter_of};
use std::path::Path;
use std::process::{Command, Stdio};
use stylegan_core::export::{OnnxOptions, onnx, onnx_encoder};

/// One engine in one way of using it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peer {
    /// The name in reports and in `--against`.
    pub(crate) name: &'static str,
    /// Its script below `xtask/peers`.
    script: &'static str,
    /// The module that must be importable.
    module: &'static str,
    /// What the script is told besides the work.
    mode: &'static str,
}

/// All of them. PyTorch has two memory layouts, of which one or the other is faster. Two round factors to bf16:
/// `torch-bf16` by autocast, and `openvino-default` where it thinks that worth it, such as on processors with tiles.
pub(crate) const PEERS: [Peer; 8] = [
    Peer { name: "torch", script: "torch_peer.py", module: "torch", mode: "contiguous" },
    Peer { name: "torch-channels-last", script: "torch_peer.py", module: "torch", mode: "channels_last" },
    Peer { name: "torch-bf16", script: "torch_peer.py", module: "torch", mode: "bf16" },
    Peer { name: "onnxruntime", script: ONNX, module: "onnxruntime", mode: "onnxruntime" },
    Peer { name: "openvino", script: ONNX, module: "openvino", mode: "openvino" },
    Peer { name: "openvino-default", script: ONNX, module: "openvino", mode: "openvino-default" },
    Peer { name: "mnn", script: ONNX, module: "MNN", mode: "mnn" },
    Peer { name: "ncnn", script: "ncnn_peer.py", module: "ncnn", mode: "" },
];

/// Whether the peer of this name computes in less than f32, or may.
pub(crate) fn is_reduced(name: &str) -> bool {
    ["torch-bf16", "openvino-default"].contains(&name)
}

/// The script of those that run ONNX models.
const ONNX: &str = "onnx_peer.py";

/// A Python, `python3` unless the user names another.
pub(crate) struct Python(pub(crate) String);

impl Python {
    /// Whether the peer's module is there.
    pub(crate) fn has(&self, peer: &Peer) -> bool {
        let mut check = Command::new(&self.0);
        check.args(["-c", &format!("import {}", peer.module)]).stdout(Stdio::null()).stderr(Stdio::null());
        check.status().is_ok_and(|status| status.success())
    }

    /// The command that does `spec` by `peer`. Models are written to `folder`.
    pub(crate) fn command(&self, peer: &Peer, spec: &Spec, threads: usize, folder: &Path) -> Result<Command> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/peers");
        let mut command = Command::new(&self.0);
        command.arg(scripts.join(peer.script)).args([peer.mode, &serde_json::to_string(spec)?, &threads.to_string()]);
        let generator = |(config, params), batch| {
            let options = OnnxOptions { batch: Some(batch), ..OnnxOptions::default() };
            onnx(&config, &params, &options)
        };
        let exported = match *spec {
            _ if peer.script != ONNX => None,
            Spec::Synthesis { network, size, batch, channel_base, .. } => {
                Some(generator(generator_of(network, size, channel_base)?, batch)?)
            }
            Spec::Paint { size, batch, channels } => Some(generator(painter_of(size, channels)?, batch)?),
            Spec::Encode { size, batch } => {
                let (config, params) = encoder_of(size)?;
                Some(onnx_encoder(&config, &params, Some(batch))?)
            }
            _ => None,
        };
        if let Some(model) = exported {
            let file = folder.join("model.onnx");
            std::fs::write(&file, model)?;
            command.arg(file);
        }
        Ok(command)
    }
}
