//! What can be wrong with a set of pictures, and what to do about each.

use std::fmt;

/// A fault of a data set or of one file in it. `Display` states it; [`Problem::remedy`] says what
/// to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The path is neither a folder nor a ZIP file.
    NotASet,
    /// There are no pictures.
    Empty,
    /// The file could not be read at all.
    Unreadable(String),
    /// The bytes are not those of a PNG, JPEG or WebP file.
    NotAPicture,
    /// The file starts well but its contents are cut short or damaged.
    Damaged(String),
    /// The picture has another size than the set; `[h, w]` in pixels.
    Size {
        /// Size of the picture.
        found: [usize; 2],
        /// Size of the set.
        expected: [usize; 2],
    },
    /// The picture is larger than this program reads; `[h, w]` in pixels.
    TooLarge([usize; 2]),
    /// Grey among colour or colour among grey: channels found and expected.
    Channels {
        /// Channels of the picture.
        found: usize,
        /// Channels of the set.
        expected: usize,
    },
    /// The picture has an alpha channel.
    Alpha,
    /// The picture has more than 8 bits per channel.
    Deep,
    /// Two files, or two entries of the labels, have the same name.
    Duplicate,
    /// A picture file format that is not read (by its extension).
    Format(String),
    /// `dataset.json` is not what it should be.
    LabelFile(String),
    /// `dataset.json` has no label for this picture.
    LabelMissing,
    /// Class indices and vectors are mixed: this label differs in kind from the first.
    LabelMixed {
        /// The label found.
        found: String,
        /// The first label of the set.
        first: String,
    },
    /// `dataset.json` labels a picture that is not there.
    LabelWithoutPicture,
    /// The label map is missing while others have one.
    MapMissing,
    /// The label map has another size than the picture; `[h, w]` in pixels.
    MapSize {
        /// Size of the map.
        found: [usize; 2],
        /// Size of the set.
        expected: [usize; 2],
    },
    /// The label map is not an 8-bit grey PNG of class numbers.
    MapFormat(String),
    /// The ZIP archive itself is broken.
    Zip(String),
    /// The ZIP entry is encrypted.
    ZipEncrypted,
    /// The ZIP entry uses a compression method other than stored or deflated.
    ZipMethod(String),
    /// The name leads out of the folder (`..`, an absolute path) or is not valid text.
    Name,
    /// The file says that it unpacks to more bytes than are read.
    TooManyBytes {
        /// Bytes it would have.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASet => write!(f, "neither a folder nor a ZIP file"),
            Self::Empty => write!(f, "holds no PNG, JPEG or WebP pictures"),
            Self::Unreadable(why) => write!(f, "cannot be read ({why})"),
            Self::NotAPicture => write!(f, "not a PNG, JPEG or WebP picture, whatever its name says"),
            Self::Damaged(why) => write!(f, "truncated or damaged ({why})"),
            Self::Size { found: [h, w], expected: [eh, ew] } => {
                write!(f, "{w}x{h} pixels (width x height), but the set has {ew}x{eh}")
            }
            Self::TooLarge([h, w]) => write!(f, "{w}x{h} pixels, more than the {0}x{0} that are read", super::MAX_SIDE),
            Self::Channels { found, expected } => {
                write!(f, "{} where the set is {}", colour(*found), colour(*expected))
            }
            Self::Alpha => write!(f, "has an alpha channel (transparency)"),
            Self::Deep => write!(f, "has 16 bits or floats per channel where 8 bits are expected"),
            Self::Duplicate => write!(f, "this name occurs twice"),
            Self::Format(extension) => write!(f, ".{extension} pictures are not read"),
            Self::LabelFile(why) => write!(f, "not a label file: {why}"),
            Self::LabelMissing => write!(f, "has no label in dataset.json, but other pictures have"),
            Self::LabelMixed { found, first } => {
                write!(f, "label {found} is of another kind than the first label of dataset.json, {first}")
            }
            Self::LabelWithoutPicture => write!(f, "dataset.json labels this picture, but it does not exist"),
            Self::MapMissing => write!(f, "has no label map, but other pictures have"),
            Self::MapSize { found: [h, w], expected: [eh, ew] } => {
                write!(f, "label map of {w}x{h} pixels for pictures of {ew}x{eh}")
            }
            Self::MapFormat(found) => write!(f, "label map is {found}, expected an 8-bit grey PNG of class numbers"),
            Self::Zip(why) => write!(f, "truncated or damaged ZIP file ({why})"),
            Self::ZipEncrypted => write!(f, "encrypted with a password"),
            Self::ZipMethod(method) => write!(f, "compressed by {method}; only stored and deflated files are read"),
            Self::Name => write!(f, "the name is not a plain relative path in UTF-8"),
            Self::TooManyBytes { bytes, limit } => {
                write!(f, "unpacks to {bytes} bytes, more than the {limit} that are read from one file")
            }
        }
    }
}

impl Problem {
    /// What to do about it, as the second half of a sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotASet => "give a folder of pictures or a .zip of them",
            Self::Empty => "check the path, or make a set with `stylegan data build FOLDER`",
            Self::Unreadable(_) => "check that the file exists and its permissions",
            Self::NotAPicture => "remove it or save it as PNG",
            Self::Damaged(_) => "copy it again from its source or remove it",
            Self::Size { .. } => "resize all pictures alike with `stylegan data build FOLDER --size N`",
            Self::TooLarge(_) => "make it smaller or remove it",
            Self::Channels { .. } => "make all pictures alike with `stylegan data build FOLDER`",
            Self::Alpha => "`stylegan data build FOLDER` lays pictures over white",
            Self::Deep => "`stylegan data build FOLDER` converts to 8 bits",
            Self::Duplicate => "remove or rename one of them",
            Self::Format(_) => "save it as PNG, JPEG or WebP",
            Self::LabelFile(_) => {
                "write {\"labels\": [[\"name.png\", 3], …]} with one class number or one list of numbers per picture"
            }
            Self::LabelMissing => "label every picture or none",
            Self::LabelMixed { .. } => {
                "give every picture a class number from 0 up, or every picture a list of numbers of the same length"
            }
            Self::LabelWithoutPicture => "add the picture or remove its label",
            Self::MapMissing => "add labels/<name>.png for every picture or for none",
            Self::MapSize { .. } => "make the map as large as the picture, resized by nearest neighbour",
            Self::MapFormat(_) => "save class numbers 0 to 255 as grey values",
            Self::Zip(_) => "download or pack it again",
            Self::ZipEncrypted => "unpack it with its password and pack it without one",
            Self::ZipMethod(_) => "pack it again with `zip -0` (stored) or `zip -9` (deflated)",
            Self::Name => "rename the file and pack the set again",
            Self::TooManyBytes { .. } => "remove it: a picture is not that large",
        }
    }
}

fn colour(channels: usize) -> &'static str {
    if channels == 1 { "grey" } else { "RGB" }
}
