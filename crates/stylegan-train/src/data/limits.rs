//! The most that is read: of files, of pictures, of labels.

/// The largest file that is read out of a set, in bytes unpacked (256 MiB).
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The largest width or height of a picture that is read, in pixels.
pub const MAX_SIDE: usize = 16384;

/// The most files of a set.
pub(super) const MAX_FILES: usize = 10_000_000;

/// The most classes, and the most numbers per label.
pub(super) const MAX_DIM: usize = 65536;
