//! What can be wrong with a set of pictures, and what to do about each.

use super::limits::{MAX_DIM, MAX_FILES};
use std::fmt;

/// A fault of a data set or of one file in it. `Display` states it; [`Problem::remedy`] says what
/// to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The path is neither a folder nor a ZIP file.
    NotASet,
    /// There are no pictures.
    Empty,
    /// There are no pictures, but archives that may hold some: how many of which endings.
    OnlyArchives(String),
    /// An archive inside of the set, which is not opened.
    Archive,
    /// The file has no bytes.
    NoBytes,
    /// The file could not be read at all.
    Unreadable(String),
    /// A link that leads nowhere.
    Link {
        /// Where it leads.
        target: String,
        /// What the system says.
        why: String,
    },
    /// The name is that of a pipe, a device, a socket.
    NotAFile(&'static str),
    /// A link to a folder that is listed already, by its own name or through another link.
    FolderTwice,
    /// More files than a set may have.
    TooManyFiles,
    /// The bytes are not those of a PNG, JPEG or WebP file.
    NotAPicture,
    /// A picture of another kind, by the ending that is usual for it.
    OtherPicture(String),
    /// The file starts well but its contents are cut short or damaged.
    Damaged(String),
    /// The picture has another size than the set; `[h, w]` in pixels.
    Size {
        /// Size of the picture.
        found: [usize; 2],
        /// Size of the set.
        expected: [usize; 2],
    },
    /// The picture is larger than what is read.
    TooLarge {
        /// `[h, w]` in pixels.
        size: [usize; 2],
        /// The most pixels of a side.
        most: usize,
    },
    /// Its pixels find no room in what memory this process may have.
    NoMemory {
        /// `[h, w]` in pixels.
        size: [usize; 2],
        /// The bytes that there are no more of.
        bytes: u64,
    },
    /// Grey among colour, colour among grey, or no alpha among alpha: channels found and expected.
    Channels {
        /// Channels of the picture.
        found: usize,
        /// Channels of the set.
        expected: usize,
    },
    /// The picture has an alpha channel and the others do not, or is grey with one.
    Alpha,
    /// The picture has more than 8 bits per channel.
    Deep,
    /// Two files have the same name.
    Duplicate,
    /// A picture file format that is not read (by its extension).
    Format(String),
    /// `dataset.json` is not what it should be.
    LabelFile(String),
    /// A `dataset.json` that does not lie where all pictures are.
    LabelsIgnored {
        /// The label file that counts, if there is one.
        used: Option<String>,
    },
    /// Labels or a class table by a name that is not read; this one is.
    Misnamed(&'static str),
    /// The names that `dataset.json` gives to classes are not what they should be.
    ClassNames(String),
    /// `dataset.json` labels this picture more than once.
    LabelTwice,
    /// `dataset.json` has no label for this picture.
    LabelMissing,
    /// A number that is no class.
    LabelClass(String),
    /// A label that is neither a number nor a list of numbers.
    LabelKind(String),
    /// Class indices and vectors are mixed: this label differs in kind from the first.
    LabelMixed {
        /// The label found.
        found: String,
        /// The first label of the set.
        first: String,
    },
    /// `dataset.json` labels a picture that is not there.
    LabelWithoutPicture,
    /// So many more are not there.
    MoreLabelsWithoutPicture(usize),
    /// A folder of label maps by its name, of pictures by what lies in it.
    MapsOfNothing,
    /// The label map is missing while others have one.
    MapMissing,
    /// The instance map is missing while others have one.
    InstancesMissing,
    /// A map of a picture that is not there.
    MapWithoutPicture,
    /// A file named as the map of a picture that is no PNG file: its ending.
    MapNotPng(String),
    /// A `classes.json` that does not lie where all pictures or label maps are.
    ClassesIgnored {
        /// The class table that counts, if there is one.
        used: Option<String>,
    },
    /// The label map has another size than the picture; `[h, w]` in pixels.
    MapSize {
        /// Size of the map.
        found: [usize; 2],
        /// Size of the set.
        expected: [usize; 2],
    },
    /// The label map is not an 8-bit grey PNG of class numbers.
    MapFormat(String),
    /// The map is no PNG that maps are read from.
    MapKind(String),
    /// The label map is in colour, and there is no table of the classes' colours.
    MapInColour,
    /// A value of the label map is that of no class.
    MapValue {
        /// The value.
        value: u16,
        /// Whether there is a class table, which does not have it.
        named: bool,
        /// Column and row of the first such pixel.
        at: [usize; 2],
    },
    /// A colour of the label map is that of no class.
    MapColour {
        /// The colour.
        colour: [u8; 3],
        /// Column and row of the first such pixel.
        at: [usize; 2],
    },
    /// A class of the label map is none that networks know.
    MapClass {
        /// The class; `None` for a pixel without one.
        class: Option<u8>,
        /// How many they know.
        known: usize,
        /// Column and row of the first such pixel.
        at: [usize; 2],
    },
    /// A place in the palette of a label map has the colour of another class.
    MapPalette {
        /// The place, which the class table gives to one class.
        place: usize,
        /// Its colour.
        colour: [u8; 3],
        /// The class that the table gives this colour to.
        class: String,
    },
    /// `classes.json` is not what it should be.
    ClassFile(String),
    /// The ZIP archive itself is broken.
    Zip(String),
    /// The ZIP entry is encrypted.
    ZipEncrypted,
    /// The ZIP entry uses a compression method other than stored or deflated.
    ZipMethod(String),
    /// Entries of the ZIP archive share bytes: these two, and maybe others.
    ZipOverlap([String; 2]),
    /// What is the matter with the name: it leads out of the folder, or is no text.
    Name(&'static str),
    /// The file says that it unpacks to more bytes than are read.
    TooManyBytes {
        /// Bytes it would have.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// The files of an archive say that they unpack to more bytes than are read of one of its size.
    TooManyBytesInAll {
        /// Bytes they would have.
        bytes: u64,
        /// The most that are read.
        limit: u64,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASet => write!(f, "neither a folder nor a ZIP file"),
            Self::Empty => write!(f, "holds no PNG, JPEG or WebP pictures"),
            Self::OnlyArchives(found) => write!(f, "holds {found} and no PNG, JPEG or WebP pictures"),
            Self::Archive => write!(f, "an archive inside of the set, which is not opened"),
            Self::NoBytes => write!(f, "is empty (0 bytes)"),
            Self::Unreadable(why) => write!(f, "cannot be read ({why})"),
            Self::Link { target, why } => write!(f, "a link to {target}, which cannot be followed ({why})"),
            Self::NotAFile(kind) => write!(f, "{kind}, not a file"),
            Self::FolderTwice => write!(f, "a link to a folder that is listed already; its pictures count once"),
            Self::TooManyFiles => write!(f, "holds more than the {} files that are read", MAX_FILES),
            Self::NotAPicture => write!(f, "not a PNG, JPEG or WebP picture, whatever its name says"),
            Self::OtherPicture(kind) => write!(f, "a picture of the kind {kind}, and PNG, JPEG and WebP are read"),
            Self::Damaged(why) => write!(f, "truncated or damaged ({why})"),
            Self::Size { found: [h, w], expected: [eh, ew] } => {
                write!(f, "{w}x{h} pixels (width x height), but the set has {ew}x{eh}")
            }
            Self::TooLarge { size: [h, w], most } => {
                write!(f, "{w}x{h} pixels, more than the {most}x{most} that are read")
            }
            Self::NoMemory { size: [h, w], bytes } => write!(
                f,
                "{w}x{h} pixels, for which the system has no {} MiB of memory left to this process",
                bytes.div_ceil(1 << 20)
            ),
            Self::Channels { found, expected } => {
                write!(f, "{} where the set is {}", colour(*found), colour(*expected))
            }
            Self::Alpha => write!(f, "has an alpha channel (transparency)"),
            Self::Deep => write!(f, "has 16 bits or floats per channel where 8 bits are expected"),
            Self::Duplicate => write!(f, "this name occurs twice"),
            Self::Format(extension) => write!(f, ".{extension} pictures are not read"),
            Self::LabelFile(why) => write!(f, "not a label file: {why}"),
            Self::LabelsIgnored { used: None } => {
                write!(f, "these labels are not read: there are pictures outside of their folder")
            }
            Self::LabelsIgnored { used: Some(used) } => write!(f, "these labels are not read: those of {used} are"),
            Self::Misnamed(_) => write!(f, "is not read under this name"),
            Self::ClassNames(why) => write!(f, "its key `classes` {why}"),
            Self::LabelTwice => write!(f, "dataset.json labels this picture twice"),
            Self::LabelClass(label) => {
                write!(f, "label {label} is no class number: those are whole and go from 0 to {}", MAX_DIM - 1)
            }
            Self::LabelKind(label) => write!(f, "label {label} is neither a class number nor a list of numbers"),
            Self::MoreLabelsWithoutPicture(1) => write!(f, "1 more label has no picture"),
            Self::MoreLabelsWithoutPicture(n) => write!(f, "{n} more labels have no picture"),
            Self::MapsOfNothing => {
                write!(f, "its files are not named after pictures: they are pictures, not label maps")
            }
            Self::LabelMissing => write!(f, "has no label in dataset.json, but other pictures have"),
            Self::LabelMixed { found, first } => {
                write!(f, "label {found} is of another kind than the first label of dataset.json, {first}")
            }
            Self::LabelWithoutPicture => write!(f, "dataset.json labels this picture, but it does not exist"),
            Self::MapMissing => write!(f, "has no label map, but other pictures have"),
            Self::InstancesMissing => write!(f, "has no instance map, but other pictures have"),
            Self::MapWithoutPicture => write!(f, "a map of a picture that does not exist"),
            Self::MapNotPng(ending) => {
                write!(f, "a map in a .{ending} file, and maps must be PNG files: JPEG blurs class numbers")
            }
            Self::ClassesIgnored { used: None } => {
                write!(f, "these classes are not read: there are pictures outside of their folder")
            }
            Self::ClassesIgnored { used: Some(used) } => write!(f, "these classes are not read: those of {used} are"),
            Self::MapSize { found: [h, w], expected: [eh, ew] } => {
                write!(f, "map of {w}x{h} pixels for pictures of {ew}x{eh}")
            }
            Self::MapFormat(found) => write!(f, "label map is {found}, expected an 8-bit grey PNG of class numbers"),
            Self::MapKind(found) => {
                write!(f, "map is {found}, expected a PNG of numbers (grey or of a palette) or of colours with 8 bits")
            }
            Self::MapInColour => write!(f, "label map is in colour, and no classes.json says which class a colour is"),
            Self::MapValue { value, named: false, at: [x, y] } => {
                write!(f, "label map has value {value} in column {x} of row {y}; classes go up to 254, and 255 is none")
            }
            Self::MapValue { value, named: true, at: [x, y] } => {
                write!(f, "label map has value {value} in column {x} of row {y}, which classes.json gives to no class")
            }
            Self::MapColour { colour, at: [x, y] } => {
                let colour = hexadecimal(*colour);
                write!(
                    f,
                    "label map has colour {colour} in column {x} of row {y}, which classes.json gives to no class"
                )
            }
            Self::MapClass { class: None, known, at: [x, y] } => write!(
                f,
                "label map has a pixel without a class in column {x} of row {y}, and the networks know 0 to {} alone",
                known.saturating_sub(1)
            ),
            Self::MapClass { class: Some(class), known, at: [x, y] } => write!(
                f,
                "label map has class {class} in column {x} of row {y}, and the networks know 0 to {}",
                known.saturating_sub(1)
            ),
            Self::MapPalette { place, colour, class } => {
                let colour = hexadecimal(*colour);
                write!(
                    f,
                    "label map shows place {place} of its palette in {colour}, the colour of another class ({class})"
                )
            }
            Self::ClassFile(why) => write!(f, "not a class table: {why}"),
            Self::Zip(why) => write!(f, "truncated or damaged ZIP file ({why})"),
            Self::ZipEncrypted => write!(f, "encrypted with a password"),
            Self::ZipMethod(method) => write!(f, "compressed by {method}; only stored and deflated files are read"),
            Self::ZipOverlap([a, b]) => write!(f, "its entries {a} and {b} share bytes, as no honest archive's do"),
            Self::Name(why) => write!(f, "its name {why}"),
            Self::TooManyBytes { bytes, limit } => {
                write!(f, "unpacks to {bytes} bytes, more than the {limit} that are read from one file")
            }
            Self::TooManyBytesInAll { bytes, limit } => {
                write!(
                    f,
                    "unpacks to {bytes} bytes in all, more than the {limit} that are read of an archive of its size"
                )
            }
        }
    }
}

/// What a fault means for the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used at all, or the labels of the set cannot.
    Broken,
    /// The picture is not like the others of the set; `stylegan data build` makes it so.
    Unlike,
    /// The set can be used. The user may have meant something else.
    Harmless,
}

impl Problem {
    /// What it means for the set.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Size { .. } | Self::Channels { .. } | Self::Alpha | Self::Deep => Severity::Unlike,
            Self::LabelWithoutPicture
            | Self::MoreLabelsWithoutPicture(_)
            | Self::LabelsIgnored { .. }
            | Self::Misnamed(_)
            | Self::ClassNames(_)
            | Self::Archive
            | Self::ClassesIgnored { .. }
            | Self::MapWithoutPicture
            | Self::MapClass { .. }
            | Self::FolderTwice
            | Self::MapsOfNothing => Severity::Harmless,
            _ => Severity::Broken,
        }
    }
}

/// A colour as class tables and messages write it: `#185a3c`.
pub(super) fn hexadecimal([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// What channels are called.
pub(super) fn colour(channels: usize) -> &'static str {
    match channels {
        1 => "grey",
        2 => "grey with alpha",
        3 => "RGB",
        _ => "RGB with alpha",
    }
}
