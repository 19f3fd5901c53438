//! Other engines that do the same work, each in a Python process of its own.

use crate::spec::Spec;
use std::path::Path;
use std::process::{Command, Stdio};

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

/// All of them. PyTorch has two memory layouts, of which one or the other is faster.
pub(crate) const PEERS: [Peer; 2] = [
    Peer { name: "torch", script: "torch_peer.py", module: "torch", mode: "contiguous" },
    Peer { name: "torch-channels-last", script: "torch_peer.py", module: "torch", mode: "channels_last" },
];

/// A Python, `python3` unless the user names another.
pub(crate) struct Python(pub(crate) String);

impl Python {
    /// Whether the peer's module is there.
    pub(crate) fn has(&self, peer: &Peer) -> bool {
        let mut check = Command::new(&self.0);
        check.args(["-c", &format!("import {}", peer.module)]).stdout(Stdio::null()).stderr(Stdio::null());
        check.status().is_ok_and(|status| status.success())
    }

    /// The command that does `spec` by `peer`.
    pub(crate) fn command(&self, peer: &Peer, spec: &Spec, threads: usize) -> serde_json::Result<Command> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/peers");
        let mut command = Command::new(&self.0);
        command.arg(scripts.join(peer.script)).args([peer.mode, &serde_json::to_string(spec)?, &threads.to_string()]);
        Ok(command)
    }
}
