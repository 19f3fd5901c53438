//! Where results go: a folder of pictures, one picture, or raw numbers, but never what is read.

use crate::exit::{WrongInput, wrong};
use crate::writer::is_own;
use anyhow::Context;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use stylegan_core::Unfinished;

/// Endings of files that somebody may hope for.
const OTHER_ENDINGS: [&str; 13] =
    ["jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "npy", "npz", "pt", "pth", "zip", "mp4"];

/// The sheet of all pictures in a folder of them.
pub(crate) const GRID: &str = "grid.png";

/// What the name given with `--out` means.
#[derive(Debug, Clone, PartialEq, Eq)]
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
            _ if is_folder(out) => Destination::Folder(out.to_path_buf()),
            Some("png") => Destination::Png(out.to_path_buf()),
            Some("safetensors") => Destination::Tensors(out.to_path_buf()),
            Some(ending) if OTHER_ENDINGS.contains(&ending) => {
                wrong!(
                    "--out {}: .{ending} is not written here; name a folder, a .png or a .safetensors file",
                    out.display()
                )
            }
            _ => Destination::Folder(out.to_path_buf()),
        })
    }

    /// As [`of`](Self::of) for a verb that makes no raw numbers: a folder or a picture.
    pub(crate) fn of_pictures(out: &Path) -> anyhow::Result<Self> {
        match Self::of(out) {
            Ok(Destination::Tensors(_)) | Err(_) => {
                wrong!("--out {}: pictures are written here; name a folder or a .png file", out.display())
            }
            right => right,
        }
    }

    /// As [`folder()`] and [`file()`].
    pub(crate) fn prepare(&self, inputs: &[&Path]) -> anyhow::Result<()> {
        match self {
            Destination::Folder(path) => folder(path, inputs),
            Destination::Png(path) | Destination::Tensors(path) => file(path, inputs),
        }
    }
}

/// Whether a name means a folder: one is there, or it ends as names of folders do.
pub(crate) fn is_folder(out: &Path) -> bool {
    out.to_string_lossy().ends_with(std::path::is_separator) || out.is_dir()
}

/// Refuses to write files of these `names` into the folder `out` as [`check`] does, or over a picture that another program made:
/// whoever names a folder does not know them.
pub(crate) fn check_names(
    out: &Path,
    names: impl IntoIterator<Item = impl AsRef<Path>>,
    inputs: &[&Path],
) -> anyhow::Result<()> {
    for file in names.into_iter().map(|name| out.join(name)) {
        check(&file, inputs)?;
        let is_picture = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
        if is_picture && file.exists() && !is_own(&file) {
            wrong!(
                "{} is there, would be replaced, and was not made by this program; name another folder, or move it away",
                file.display()
            );
        }
    }
    Ok(())
}

/// Refuses a name for a file whose ending is not `ending`: it would hide what the file is.
pub(crate) fn ends_in(out: &Path, ending: &str, what: &str) -> anyhow::Result<()> {
    match out.extension() {
        Some(found) if found.eq_ignore_ascii_case(ending) => Ok(()),
        _ => wrong!("{}: {what} is written; let its name end in .{ending}", out.display()),
    }
}

/// Makes sure, before any work, that files can be written into the folder `out`, which is made if it is
/// missing, and that nothing of `inputs` is overwritten by that.
pub(crate) fn folder(out: &Path, inputs: &[&Path]) -> anyhow::Result<()> {
    check(out, inputs)?;
    make(out)?;
    takes(&out.join("result"), out)
}

/// Makes sure, before any work, that the file `out` can be written, whose folder is made if it is missing,
/// and that nothing of `inputs` is overwritten by that.
pub(crate) fn file(out: &Path, inputs: &[&Path]) -> anyhow::Result<()> {
    check(out, inputs)?;
    if out.is_dir() {
        wrong!("{} is a folder; name a file to write", out.display());
    }
    if is_folder(out) {
        wrong!("{} ends as names of folders do; name a file to write", out.display());
    }
    out.parent().map_or(Ok(out), folder_of)?;
    match out.metadata() {
        Ok(found) if !found.is_file() => wrong!("{} is a device or a pipe; name a file to write", out.display()),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(users(error)).with_context(|| format!("cannot write {}", out.display()));
        }
        _ => {}
    }
    if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make(parent)?;
    }
    takes(out, out)
}

/// As [`folder()`], for a folder that is made when there is something to put into it: where it will be, files can be made.
pub(crate) fn later_folder(out: &Path, inputs: &[&Path]) -> anyhow::Result<()> {
    check(out, inputs)?;
    takes(&folder_of(out)?.join("result"), out)
}

/// The deepest folder that is there of all that a path names; refuses one that leads over something else.
fn folder_of(path: &Path) -> anyhow::Result<&Path> {
    let found = path.ancestors().find(|place| place.exists()).unwrap_or(Path::new(""));
    match found.metadata() {
        Ok(about) if about.is_file() => wrong!("{} is a file, not a folder; name another place", found.display()),
        Ok(about) if !about.is_dir() => {
            wrong!("{} is a device or a pipe, not a folder; name another place", found.display())
        }
        _ => Ok(found),
    }
}

/// Refuses to write the file or folder `out` where one of `inputs` is read: over a file, whatever its
/// name is there, or into the folder of a set.
pub(crate) fn check(out: &Path, inputs: &[&Path]) -> anyhow::Result<()> {
    if out.as_os_str() == "-" {
        wrong!("-: nothing is written to the standard output here; name a file or a folder (./- is one of that name)");
    }
    for input in inputs {
        let Ok(read) = input.canonicalize() else { continue };
        if same_file(out, &read) {
            wrong!("{} is read by this command; give the result another name", out.display());
        }
        if read.is_dir() && resolved(out).starts_with(&read) {
            wrong!(
                "{} lies in {}, whose files are read by this command; give the result a place outside",
                out.display(),
                input.display()
            );
        }
    }
    Ok(())
}

#[cfg(unix)]
fn same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    inode(a).is_some_and(|a| Some(a) == inode(b))
}

#[cfg(not(unix))]
fn same_file(a: &Path, b: &Path) -> bool {
    a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// The path without links as far as it exists, with the names that do not exist yet behind.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let known = path.ancestors().find_map(|known| Some((known.canonicalize().ok()?, path.strip_prefix(known).ok()?)));
    known.map(|(known, new)| known.join(new)).unwrap_or(path)
}

/// Makes `folder` and those above it.
pub(crate) fn make(folder: &Path) -> anyhow::Result<()> {
    folder_of(folder)?;
    let failed = || format!("cannot make the folder {}", folder.display());
    std::fs::create_dir_all(folder).map_err(users).with_context(failed)
}

/// Tries whether a file of this name can be made; `named` is what the user knows of it.
fn takes(path: &Path, named: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", named.display());
    Unfinished::file(path).map(drop).map_err(users).with_context(failed)
}

/// A place where the user cannot write is wrong input; a disk that is full, or broken, is not.
pub(crate) fn users(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::NotFound
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::InvalidFilename => WrongInput(format!("{error}; name another place")).into(),
        _ => error.into(),
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
        assert_eq!(Destination::of(Path::new("b.png/"))?, Destination::Folder("b.png/".into()));
        assert!(Destination::of(Path::new("b.jpg")).is_err());
        assert_eq!(Destination::of_pictures(Path::new("b.png"))?, Destination::Png("b.png".into()));
        for wrong in ["b.safetensors", "b.webp"] {
            let error = Destination::of_pictures(Path::new(wrong)).map_or_else(|e| e.to_string(), |_| String::new());
            assert!(error.ends_with("name a folder or a .png file"), "{error}");
        }
        ends_in(Path::new("a.b/c.PNG"), "png", "a picture")?;
        for wrong in ["c.jpg", "png", "a.png/c", "c.png.zip"] {
            assert!(ends_in(Path::new(wrong), "png", "a picture").is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn what_is_read_is_not_written() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("set/deep"))?;
        std::fs::write(at("net.pkl"), "net")?;
        std::fs::hard_link(at("net.pkl"), at("same.pkl"))?;
        std::fs::write(at("copy.pkl"), "net")?;
        let inputs = [at("set"), at("net.pkl"), at("absent")];
        let inputs = inputs.each_ref().map(PathBuf::as_path);
        for wrong in ["net.pkl", "same.pkl", "set/../net.pkl", "set", "set/a.png", "set/deep/new/a.png", "set/x/../y"] {
            assert!(check(&at(wrong), &inputs).is_err(), "{wrong}");
        }
        for right in ["copy.pkl", "new.pkl", "set-sheet.png", "new/set/a.png", "set/../a.png", "."] {
            check(&at(right), &inputs)?;
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("set"), at("link"))?;
            std::os::unix::fs::symlink(at("net.pkl"), at("link.pkl"))?;
            assert!(check_names(&at("."), ["net.pkl"], &inputs).is_err());
            check_names(&at("."), ["new.pkl", "copy.pkl"], &inputs)?;
            assert!(check(&at("link/a.png"), &inputs).is_err() && check(&at("link.pkl"), &inputs).is_err());
            assert!(check(&at("set/a"), &[&at("link")]).is_err());
            assert!(file(Path::new("/dev/null"), &[]).is_err());
        }
        Ok(())
    }

    #[test]
    fn places_are_tried_before_work() -> anyhow::Result<()> {
        let parent = tempfile::tempdir()?;
        let at = |name: &str| parent.path().join(name);
        std::fs::write(at("file"), "")?;
        assert!(file(&at("file/a.png"), &[]).is_err() && folder(&at("file"), &[]).is_err());
        assert!(file(parent.path(), &[]).is_err());
        for wrong in [format!("{}/", at("file").display()), "n".repeat(300)] {
            let error = file(Path::new(&wrong), &[]).err().context("it cannot be written")?;
            assert_eq!(crate::exit::code(&error), crate::exit::WRONG_INPUT, "{wrong}: {error}");
        }
        for make in [folder, file, later_folder] {
            let error = make(&at("file/deep/a"), &[]).err().context("it leads over a file")?.to_string();
            assert!(error.ends_with("file is a file, not a folder; name another place"), "{error}");
        }
        #[cfg(unix)]
        for make in [folder, later_folder] {
            let error = make(Path::new("/dev/null"), &[]).err().context("it is a device")?.to_string();
            assert_eq!(error, "/dev/null is a device or a pipe, not a folder; name another place");
        }
        assert!(file(Path::new("-"), &[]).is_err() && folder(Path::new("-"), &[]).is_err());
        file(&at("new/deep/a.png"), &[])?;
        folder(&at("folder"), &[])?;
        assert_eq!(std::fs::read_dir(at("new/deep"))?.count() + std::fs::read_dir(at("folder"))?.count(), 0);
        Ok(())
    }
}
