//! What problems have in common, and what to do about each.

use super::{LABEL_FILE, Problem};

impl Problem {
    /// What problems of the same kind have in common, as a heading.
    pub fn heading(&self) -> &'static str {
        match self {
            Self::NotASet | Self::Empty | Self::OnlyArchives(_) | Self::TooManyFiles => "no set",
            Self::Archive => "archives inside of the set",
            Self::NoBytes => "empty files",
            Self::Unreadable(_) => "cannot be read",
            Self::Link { .. } => "links that lead nowhere",
            Self::NotAFile(_) => "not files",
            Self::FolderTwice => "folders reached twice",
            Self::NotAPicture => "not pictures, whatever their names say",
            Self::OtherPicture(_) => "pictures of kinds that are not read",
            Self::Damaged(_) => "truncated or damaged",
            Self::Size { .. } => "of another size than most",
            Self::TooLarge { .. } => "too large",
            Self::NoMemory { .. } => "too large for the memory at hand",
            Self::Channels { .. } => "of other colours than most",
            Self::Alpha => "with transparency",
            Self::Deep => "with more than 8 bits per channel",
            Self::Duplicate => "names that occur twice",
            Self::Format(_) => "formats that are not read",
            Self::LabelFile(_) => "labels that cannot be read",
            Self::LabelsIgnored { .. } => "labels that are not read",
            Self::Misnamed(_) => "labels or classes by another name",
            Self::ClassNames(_) => "names of classes",
            Self::LabelTwice => "labelled twice",
            Self::LabelMissing => "without a label",
            Self::LabelClass(_) | Self::LabelKind(_) | Self::LabelMixed { .. } => "labels of the wrong kind",
            Self::LabelWithoutPicture | Self::MoreLabelsWithoutPicture(_) => "labels without a picture",
            Self::MapsOfNothing => "folders named as those of maps",
            Self::MapMissing => "without a label map",
            Self::InstancesMissing => "without an instance map",
            Self::MapWithoutPicture => "maps without a picture",
            Self::MapNotPng(_) => "maps that are no PNG files",
            Self::ClassesIgnored { .. } => "class tables that are not read",
            Self::MapSize { .. } => "maps of another size",
            Self::MapFormat(_) | Self::MapKind(_) => "label maps of another format",
            Self::MapInColour => "label maps in colour without a table of classes",
            Self::MapValue { .. } => "label maps with values of no class",
            Self::MapColour { .. } => "label maps with colours of no class",
            Self::MapClass { .. } => "label maps with classes that the networks do not know",
            Self::MapPalette { .. } => "label maps with another palette",
            Self::ClassFile(_) => "class tables that cannot be read",
            Self::Zip(_) | Self::ZipOverlap(_) => "damaged archives",
            Self::ZipEncrypted => "encrypted",
            Self::ZipMethod(_) => "compressed in other ways",
            Self::Name(_) => "names that cannot be used",
            Self::TooManyBytes { .. } | Self::TooManyBytesInAll { .. } => "too many bytes",
        }
    }

    /// What to do about it, as the second half of a sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotASet => "give a folder of pictures or a .zip of them",
            Self::Empty => "check the path, and the endings of the files",
            Self::OnlyArchives(_) => "unpack it and give the folder",
            Self::Archive => "unpack it if its pictures are to be part of the set",
            Self::NoBytes => "copy it again from its source or remove it",
            Self::Link { .. } => "bring back what it leads to, or remove it",
            Self::NotAFile(_) => "remove it or rename it",
            Self::FolderTwice => "remove the link if you do not need it",
            Self::TooManyFiles => "name the folder of the pictures itself",
            Self::Unreadable(_) => "check that the file exists and its permissions",
            Self::NotAPicture => "remove it or save it as PNG",
            Self::OtherPicture(_) => "save it as PNG",
            Self::Damaged(_) => "copy it again from its source or remove it",
            Self::Size { .. } => "resize all pictures alike with `stylegan data build SET --size N`",
            Self::TooLarge { .. } => "make it smaller or remove it",
            Self::NoMemory { .. } => "allow more (ulimit -v), close other programs, or make the picture smaller",
            Self::Channels { .. } => "make all pictures alike with `stylegan data build SET`",
            Self::Alpha => {
                "`stylegan data build SET` lays pictures over white, or keeps alpha in all of them (--channels 4)"
            }
            Self::Deep => "`stylegan data build SET` converts to 8 bits",
            Self::Duplicate => "remove or rename one of them",
            Self::Format(_) => "save it as PNG, JPEG or WebP",
            Self::LabelFile(_) => {
                "write {\"labels\": [[\"name.png\", 3], …]} with one class number or one list of numbers per picture"
            }
            Self::Misnamed(LABEL_FILE) => "call it dataset.json",
            Self::Misnamed(_) => "call it classes.json",
            Self::ClassNames(_) => {
                "write \"classes\": [\"cat\", \"dog\", …], a name of its own for each class from 0 on"
            }
            Self::LabelTwice => "keep one of its labels",
            Self::LabelsIgnored { .. } => "write one dataset.json at the root of the set",
            Self::LabelClass(_) | Self::LabelKind(_) => {
                "give every picture a class number from 0 up, or every picture a list of numbers"
            }
            Self::MapsOfNothing => {
                "name the files after pictures (labels/<name>.png, instances/<name>.png) if they are maps"
            }
            Self::LabelMissing => "label every picture or none",
            Self::LabelMixed { .. } => {
                "give every picture a class number from 0 up, or every picture a list of numbers of the same length"
            }
            Self::LabelWithoutPicture | Self::MoreLabelsWithoutPicture(_) => "add the picture or remove its label",
            Self::MapMissing => "add labels/<name>.png for every picture or for none",
            Self::InstancesMissing => "add instances/<name>.png for every picture or for none",
            Self::MapWithoutPicture => "add the picture or remove the map",
            Self::MapNotPng(_) => "save it as PNG from what it was made of; if it is a picture, let it lie elsewhere",
            Self::ClassesIgnored { .. } => "write one classes.json at the root of the set or beside its maps",
            Self::MapSize { .. } => "make the map as large as the picture, resized by nearest neighbour",
            Self::MapFormat(_) | Self::MapKind(_) => "save class numbers 0 to 255 as grey values",
            Self::MapInColour => {
                "write a classes.json with the colour of each class beside the set or its maps, or save class numbers as grey \
                 values"
            }
            Self::MapValue { .. } => "paint over these pixels, or give the value a class in classes.json",
            Self::MapColour { .. } => {
                "paint over these pixels (edges must not be smoothed), or give the colour a class in classes.json"
            }
            Self::MapClass { .. } => {
                "paint over these pixels, or train networks that know more (generator.classes, and dont_care for pixels \
                 without a class; encoder.img_channels)"
            }
            Self::MapPalette { .. } => "save the map in colour, without a palette",
            Self::ClassFile(_) => {
                "write {\"classes\": [\"water\", {\"name\": \"forest\", \"color\": \"#185a3c\"}], \"dont_care\": [255]}"
            }
            Self::Zip(_) => "download or pack it again",
            Self::ZipEncrypted => "unpack it with its password and pack it without one",
            Self::ZipMethod(_) => "pack it again with `zip -0` (stored) or `zip -9` (deflated)",
            Self::ZipOverlap(_) | Self::TooManyBytesInAll { .. } => "unpack it and pack it again",
            Self::Name(_) => "rename it, in an archive by packing that again",
            Self::TooManyBytes { .. } => "remove it: a picture is not that large",
        }
    }
}
