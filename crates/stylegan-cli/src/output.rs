//! Where results go: a folder of pictures, one picture, or raw numbers.

use crate::exit::wrong;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// What the name given with `--out` means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A folder, made if it is missing: one PNG per picture.
    Folder(PathBuf),
    /// One PNG file: the picture, or a grid of several.
    Png(PathBuf),
    /// A safetensors file with the pictures as numbers.
    Tensors(PathBuf),
}

impl Destination {
    /// Reads the name's ending.
    pub(crate) fn of(out: &Path) -> anyhow::Result<Self> {
        let ending = out.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        Ok(match ending.as_deref() {
            _ if out.is_dir() => Destination::Folder(out.to_path_buf()),
            Some("png") => Destination::Png(out.to_path_buf()),
            Some("safetensors") => Destination::Tensors(out.to_path_buf()),
            Some(ending @ ("jpg" | "jpeg" | "webp" | "gif" | "bmp" | "tif" | "tiff" | "npy" | "npz" | "pt")) => {
                wrong!(
                    "--out {}: .{ending} is not written here; name a folder, a .png or a .safetensors file",
                    out.display()
                )
            }
            _ => Destination::Folder(out.to_path_buf()),
        })
    }

    /// Makes the folder that the results go to.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        match self {
            Destination::Folder(folder) => make_folder(folder),
            Destination::Png(file) | Destination::Tensors(file) => make_parent(file),
        }
    }
}

/// Makes `folder` and those above it.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Makes the folder that `file` goes to.
pub(crate) fn make_parent(file: &Path) -> anyhow::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => make_folder(folder),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_decide() -> anyhow::Result<()> {
        assert_eq!(Destination::of(Path::new("a/b.PNG"))?, Destination::Png("a/b.PNG".into()));
        assert_eq!(Destination::of(Path::new("b.safetensors"))?, Destination::Tensors("b.safetensors".into()));
        assert_eq!(Destination::of(Path::new("out.v2"))?, Destination::Folder("out.v2".into()));
        assert!(Destination::of(Path::new("b.jpg")).is_err());
        Ok(())
    }
}
