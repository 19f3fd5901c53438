//! Names of the files of a set: what they say about the file, and how archives write them.

use super::Problem;

/// The name of label files.
pub const LABEL_FILE: &str = "dataset.json";
/// The folder of label maps, at the root of the set.
pub const MAP_FOLDER: &str = "labels";
/// The folder of instance maps, likewise.
pub const INSTANCE_FOLDER: &str = "instances";
/// The name of class tables.
pub const CLASS_FILE: &str = "classes.json";

/// Endings of pictures that are read.
const READ: [&str; 6] = ["png", "jpg", "jpeg", "jpe", "jfif", "webp"];
/// Endings of pictures that are not.
const NOT_READ: [&str; 9] = ["gif", "bmp", "tif", "tiff", "avif", "heic", "jxl", "ppm", "tga"];

/// Endings of archives, which are not opened inside of a set.
const ARCHIVES: [&str; 8] = ["zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar"];

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture that is read.
    Picture,
    /// A picture of a format that is not read.
    OtherPicture,
    /// Labels.
    Labels,
    /// A class table.
    Classes,
    /// An archive.
    Archive,
    /// Anything else.
    Other,
}

/// What the file is by its name.
pub(super) fn kind(name: &str) -> Kind {
    let ending = ending(name);
    if READ.contains(&ending.as_str()) {
        Kind::Picture
    } else if NOT_READ.contains(&ending.as_str()) {
        Kind::OtherPicture
    } else if name.rsplit('/').next() == Some(LABEL_FILE) {
        Kind::Labels
    } else if name.rsplit('/').next() == Some(CLASS_FILE) {
        Kind::Classes
    } else if ARCHIVES.contains(&ending.as_str()) {
        Kind::Archive
    } else {
        Kind::Other
    }
}

/// Whether a file of this name is looked at.
pub(super) fn is_read(name: &str) -> bool {
    !matches!(kind(name), Kind::Archive | Kind::Other)
}

/// The name under which a file would be read that is probably meant as labels or as a class table: `Dataset.json`,
/// `labels.json`, `Classes.json`.
pub(super) fn misnamed(name: &str) -> Option<&'static str> {
    let own = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    match own.as_str() {
        LABEL_FILE | "labels.json" => Some(LABEL_FILE),
        CLASS_FILE => Some(CLASS_FILE),
        _ => None,
    }
}

/// What stands behind the last dot of the file's own name, in small letters; empty if there is none.
pub(super) fn ending(name: &str) -> String {
    let own = name.rsplit('/').next().unwrap_or(name);
    own.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

/// A name without its ending.
pub(super) fn stem(name: &str) -> &str {
    let at = name.rfind('.').filter(|&at| at > name.rfind('/').unwrap_or(0));
    at.map_or(name, |at| &name[..at])
}

/// Whether the file may be a map: those are PNG files.
pub(super) fn is_png(name: &str) -> bool {
    ending(name) == "png"
}

/// The folder that a file lies in, with the `/` behind it; empty at the root of the set.
pub(super) fn folder(name: &str) -> &str {
    name.rfind('/').map_or("", |at| &name[..=at])
}

/// Files that systems leave behind: `.DS_Store`, `__MACOSX/…`, our own temporary files.
pub(super) fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.') || part == "__MACOSX")
}

/// The name of a ZIP entry as a relative path with `/` between its parts; empty for the root itself.
/// Archives packed on Windows write `\`; a `.` between slashes means nothing.
pub(super) fn of_entry(raw: &str) -> Result<String, Problem> {
    let name = raw.replace('\\', "/");
    let drive = matches!(name.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic());
    if drive || name.starts_with('/') {
        return Err(Problem::Name("is an absolute path, which leads out of the set"));
    }
    if name.contains('\0') {
        return Err(Problem::Name("holds a zero byte"));
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(Problem::Name("holds `..`, which leads out of the set"));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries_are_read_as_meant_and_stay_inside() {
        for (raw, name) in [
            ("a/b.png", "a/b.png"),
            ("a\\b.png", "a/b.png"),
            (".\\a\\.\\b.png", "a/b.png"),
            ("./a//b.png", "a/b.png"),
            ("12:30.png", "12:30.png"),
            ("a/c:b.png", "a/c:b.png"),
            ("C:b.png", "C:b.png"),
            ("a...b/..c.png", "a...b/..c.png"),
        ] {
            assert_eq!(of_entry(raw).unwrap(), name);
        }
        for raw in ["../a.png", "a\\..\\..\\b.png", "/a.png", "\\a.png", "\\\\host\\a.png", "C:\\a.png", "c:/a.png"] {
            assert!(of_entry(raw).unwrap_err().to_string().contains("leads out of the set"), "{raw}");
        }
    }

    #[test]
    fn endings_are_those_of_the_file_itself() {
        assert_eq!((ending("a.d/b"), ending("a/b.PNG"), ending("b.")), (String::new(), "png".into(), String::new()));
        assert_eq!((folder("a/b/c.png"), folder("c.png")), ("a/b/", ""));
        assert_eq!([stem("a.d/b.c.PNG"), stem("a.d/b"), stem("c.png")], ["a.d/b.c", "a.d/b", "c"]);
        assert_eq!([kind("a.jfif"), kind("a.JPE"), kind("a.gif")], [Kind::Picture, Kind::Picture, Kind::OtherPicture]);
        assert_eq!(kind("a/dataset.json"), Kind::Labels);
        assert_eq!((misnamed("a/Dataset.JSON"), misnamed("xdataset.json")), (Some(LABEL_FILE), None));
        assert_eq!((kind("a/xdataset.json"), kind("labels/classes.json")), (Kind::Other, Kind::Classes));
    }
}
