//! NumPy's own files: one array (`.npy`), or a ZIP archive of them (`.npz`), as projectors write latents.

use super::numpy::{element_of, strides};
use super::strided_tensor::{MAX_RANK, StridedTensor};
use super::torch::check_entries;
use super::{Found, ImportError};
use candle_core::Tensor;
use std::borrow::Cow;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// What every array begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Headers of plain arrays have 118 bytes.
const MAX_HEADER: usize = 4096;
/// What the arrays of a packed file may unpack to, at least, and for each of its bytes.
const UNPACKED: (usize, usize) = (64 << 20, 8);

/// The arrays of a file of either kind, `None` if it is something else. A single one is called `arr_0`, as
/// NumPy calls arrays that were saved without a name.
pub(super) fn arrays(bytes: &[u8]) -> Result<Option<Found>, ImportError> {
    let tensors = if bytes.starts_with(MAGIC) {
        vec![("arr_0".to_owned(), array(bytes, "arr_0")?)]
    } else if first_entry(bytes).is_some_and(|name| name.ends_with(b".npy")) {
        archive(bytes)?
    } else {
        return Ok(None);
    };
    let content = "NumPy arrays; latents (z, w or ws) are taken by `stylegan generate --latents`";
    let extra = [("content".to_owned(), content.to_owned())].into();
    Ok(Some(Found { origin: "NumPy file", tensors, extra, ..Found::default() }))
}

/// The name of the file that a ZIP archive begins with.
fn first_entry(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.get(26..28).filter(|_| bytes.starts_with(b"PK\x03\x04"))?;
    bytes.get(30..30 + usize::from(u16::from_le_bytes([length[0], length[1]])))
}

fn archive(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, ImportError> {
    check_entries(bytes)?;
    let damaged = |error: String| ImportError(format!("NumPy archive: {error}; the file is truncated or damaged"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
    let mut left = UNPACKED.0.max(bytes.len().saturating_mul(UNPACKED.1));
    let mut tensors = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|error| damaged(error.to_string()))?;
        let name = entry.name().map_err(|error| damaged(error.to_string()))?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        let mut unpacked = Vec::new();
        let read = entry.take(left as u64 + 1).read_to_end(&mut unpacked);
        read.map_err(|error| damaged(format!("array `{name:.80}`: {error}")))?;
        left = left.checked_sub(unpacked.len()).ok_or_else(|| {
            ImportError(
                "NumPy archive: its arrays unpack to more than a file of its size should; use numpy.savez".into(),
            )
        })?;
        tensors.push((name.to_owned(), array(&unpacked, name)?));
    }
    Ok(tensors)
}

/// One array: the magic, a version, the length of the header, the header, and the numbers.
fn array(bytes: &[u8], name: &str) -> Result<Tensor, ImportError> {
    let bad = |problem: &str| ImportError(format!("NumPy array `{name:.80}`: {problem}"));
    let damaged = || bad("its header is damaged");
    let body = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (length, rest) = match body {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(damaged()),
    };
    let (header, storage) = rest.split_at_checked(length).filter(|_| length <= MAX_HEADER).ok_or_else(damaged)?;
    let header = std::str::from_utf8(header).map_err(|_| damaged())?;
    let kind = field(header, "descr").ok_or_else(damaged)?;
    let kind = quoted(kind).ok_or_else(|| bad("it holds records, where plain numbers are needed"))?;
    let (order, code) = kind.split_at_checked(1).ok_or_else(damaged)?;
    let element =
        element_of(code).ok_or_else(|| bad(&format!("its elements are of type `{kind:.40}`, not numbers")))?;
    let fortran = field(header, "fortran_order").ok_or_else(damaged)?.starts_with("True");
    let shape = shape(field(header, "shape").ok_or_else(damaged)?).ok_or_else(damaged)?;
    if shape.len() > MAX_RANK {
        return Err(bad("it has more dimensions than latents have"));
    }
    let strides = strides(&shape, fortran);
    let storage = Cow::Borrowed(storage);
    StridedTensor { element, shape, strides, offset: 0, big_endian: order == ">", storage }.to_tensor(name)
}

/// What follows a key in the header, a dictionary as Python prints it.
fn field<'t>(header: &'t str, key: &str) -> Option<&'t str> {
    header.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.split_once('\'').map(|(inner, _)| inner)
}

/// `(1, 18, 512)` or `(7,)`, of Python 2 with an `L` behind each number.
fn shape(text: &str) -> Option<Vec<usize>> {
    let (sides, _) = text.strip_prefix('(')?.split_once(')')?;
    let sides = sides.split(',').map(|side| side.trim().trim_end_matches('L'));
    sides.filter(|side| !side.is_empty()).map(|side| side.parse().ok()).collect()
}
