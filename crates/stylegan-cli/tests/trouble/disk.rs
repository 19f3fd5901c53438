//! A small disk that can be filled: a tmpfs where one may be mounted, else a limit on the size of files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Room for a run with its checkpoints and pictures.
const MEGABYTES: u32 = 24;

pub(crate) struct Disk {
    folder: TempDir,
    mounted: bool,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={MEGABYTES}m"), "tmpfs"]).arg(folder.path());
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        Self { folder, mounted }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn how(&self) -> &'static str {
        if self.mounted { "a small tmpfs" } else { "a limit on the size of files (no tmpfs may be mounted)" }
    }

    /// The limit that a command starts with where no disk can be filled, in bytes.
    pub(crate) fn limit(&self, left: u64) -> Option<u64> {
        (!self.mounted).then_some(left)
    }

    /// Leaves `left` bytes, until what is returned is dropped.
    pub(crate) fn fill(&self, left: u64) -> Filled {
        let path = self.path().join("filler");
        if self.mounted {
            // As large as will go, then shorter by what is left.
            let size = u64::from(MEGABYTES) << 20;
            let mut written = 0;
            let block = vec![0u8; 1 << 12];
            let mut file = std::fs::File::create(&path).unwrap();
            while written < size && std::io::Write::write_all(&mut file, &block).is_ok() {
                written += block.len() as u64;
            }
            file.set_len(written.saturating_sub(left)).unwrap();
        }
        Filled(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: a test that failed may have left a process that works there.
            let _ = Command::new("umount").arg("-l").arg(self.path()).status();
        }
    }
}

pub(crate) struct Filled(PathBuf);

impl Drop for Filled {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
