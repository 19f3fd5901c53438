//! Writing a checkpoint: one pass, atomically.

use super::Metadata;
use super::metadata::{CONTENT_HASH, FORMAT_VERSION};
use crate::{Error, Result, Unfinished};
use candle_core::{DType, Tensor, WithDType};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes converted at a time.
const CHUNK: usize = 1 << 20;
/// Stands for the content hash until it is known.
const BLANK_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Writes tensors and metadata to `path`: to a temporary file in the same folder, which is synced
/// to disk and renamed over `path`, whose folder is synced too. A crash leaves the old file or the
/// new one, never half of one. The same input gives the same bytes.
///
/// # Errors
/// When a name occurs twice, an element type has no place in the format, or writing fails (no
/// temporary file is left behind then).
pub fn save(path: impl AsRef<Path>, metadata: &Metadata, tensors: &[(String, Tensor)]) -> Result<()> {
    let path = path.as_ref();
    let entries = layout(tensors)?;
    if path.file_name().is_none() {
        return Err(Error::Checkpoint {
            path: path.into(),
            problem: "is not a file name; give a path that ends in one, such as network.safetensors".into(),
        });
    }
    let fail = |source| io_error("write", path, source);
    let unfinished = Unfinished::file(path).map_err(fail)?;
    write(&mut unfinished.writer().map_err(fail)?, path, metadata, &entries)?;
    unfinished.finish().map_err(fail)
}

/// The bytes of the file that [`save`] would write.
///
/// # Errors
/// When a name occurs twice, or an element type has no place in the format.
pub fn encode(metadata: &Metadata, tensors: &[(String, Tensor)]) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    write(&mut bytes, Path::new("memory"), metadata, &layout(tensors)?)?;
    Ok(bytes.into_inner())
}

struct Entry<'a> {
    name: &'a str,
    tensor: &'a Tensor,
    dtype: &'static str,
    start: usize,
    end: usize,
}

/// The place of each tensor: wide elements first (so that all are aligned), then by name.
fn layout(tensors: &[(String, Tensor)]) -> Result<Vec<Entry<'_>>> {
    let mut sorted: BTreeMap<(usize, &str), (&Tensor, &'static str)> = BTreeMap::new();
    let mut names = std::collections::BTreeSet::new();
    for (name, tensor) in tensors {
        let dtype = match tensor.dtype() {
            DType::F64 => "F64",
            DType::F32 => "F32",
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            DType::I64 => "I64",
            DType::I32 => "I32",
            DType::I16 => "I16",
            DType::U32 => "U32",
            DType::U8 => "U8",
            other => {
                return Err(Error::Argument(format!(
                    "tensor `{name}` has element type {other:?}, which is not stored"
                )));
            }
        };
        if name == "__metadata__" || !names.insert(name) {
            return Err(Error::Argument(format!("tensor name `{name}` occurs twice or is reserved; rename one")));
        }
        sorted.insert((16 - tensor.dtype().size_in_bytes(), name), (tensor, dtype));
    }
    let mut start = 0;
    Ok(sorted
        .into_iter()
        .map(|((_, name), (tensor, dtype))| {
            let end = start + tensor.elem_count() * tensor.dtype().size_in_bytes();
            let entry = Entry { name, tensor, dtype, start, end };
            start = end;
            entry
        })
        .collect())
}

fn write(file: &mut (impl Write + Seek), path: &Path, metadata: &Metadata, entries: &[Entry]) -> Result<()> {
    let fail = |source| io_error("write", path, source);
    let mut strings = metadata.to_strings();
    strings.insert(CONTENT_HASH.into(), BLANK_HASH.into());
    // serde_json's map is ordered by key, so the header is a function of its contents.
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".into(), json!(strings));
    let mut hash = ContentHash::new(FORMAT_VERSION, &metadata.to_strings());
    for entry in entries {
        let value = json!({
            "dtype": entry.dtype, "shape": entry.tensor.dims(), "data_offsets": [entry.start, entry.end],
        });
        header.insert(entry.name.to_owned(), value);
        hash.entry(entry.name, entry.dtype, entry.tensor.dims(), entry.start);
    }
    let mut header = serde_json::Value::Object(header).to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    // With its key and its quotes, which no name can have: those of tensors may be 64 zeros as well.
    let key = format!("\"{CONTENT_HASH}\":\"");
    let Some(blank) = header.find(&format!("{key}{BLANK_HASH}\"")) else {
        return Err(Error::Argument(format!("the header of {} has no place for the content hash", path.display())));
    };

    file.write_all(&(header.len() as u64).to_le_bytes()).map_err(fail)?;
    file.write_all(header.as_bytes()).map_err(fail)?;
    for entry in entries {
        write_data(entry.tensor, &mut |bytes| {
            hash.data(bytes);
            file.write_all(bytes).map_err(fail)
        })?;
    }
    file.seek(SeekFrom::Start((8 + blank + key.len()) as u64)).map_err(fail)?;
    file.write_all(hash.finish().as_bytes()).map_err(fail)
}

type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// The elements of `tensor` in row-major order as little-endian bytes.
fn write_data(tensor: &Tensor, sink: Sink) -> Result<()> {
    fn run<T: WithDType, const N: usize>(tensor: &Tensor, bytes: impl Fn(T) -> [u8; N], sink: Sink) -> Result<()> {
        let values = tensor.flatten_all().and_then(|t| t.to_vec1::<T>())?;
        let mut buffer = Vec::with_capacity(CHUNK.min(values.len() * N));
        for chunk in values.chunks((CHUNK / N).max(1)) {
            buffer.clear();
            chunk.iter().for_each(|&value| buffer.extend_from_slice(&bytes(value)));
            sink(&buffer)?;
        }
        Ok(())
    }
    match tensor.dtype() {
        DType::F64 => run(tensor, f64::to_le_bytes, sink),
        DType::F32 => run(tensor, f32::to_le_bytes, sink),
        DType::F16 => run(tensor, half::f16::to_le_bytes, sink),
        DType::BF16 => run(tensor, half::bf16::to_le_bytes, sink),
        DType::I64 => run(tensor, i64::to_le_bytes, sink),
        DType::I32 => run(tensor, i32::to_le_bytes, sink),
        DType::I16 => run(tensor, i16::to_le_bytes, sink),
        DType::U32 => run(tensor, u32::to_le_bytes, sink),
        _ => run(tensor, u8::to_le_bytes, sink),
    }
}

/// SHA-256 of all that a file says: of the metadata but the hash itself; of names, types, shapes and
/// places of tensors, in the order of the data section; of the data section. Version 1 left out
/// metadata and places.
pub(super) struct ContentHash {
    version: u32,
    entries: Sha256,
    data: Sha256,
}

impl ContentHash {
    pub(super) fn new<'a>(version: u32, metadata: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let mut entries = Sha256::new();
        if version > 1 {
            let sorted: BTreeMap<_, _> = metadata.into_iter().filter(|(key, _)| *key != CONTENT_HASH).collect();
            for (key, value) in sorted {
                entries.update(format!("{} {} {key}{value}", key.len(), value.len()));
            }
        }
        Self { version, entries, data: Sha256::new() }
    }

    pub(super) fn entry(&mut self, name: &str, dtype: &str, shape: &[usize], start: usize) {
        self.entries.update(match self.version {
            1 => format!("{name:?} {dtype} {shape:?}\n"),
            _ => format!("{name:?} {dtype} {shape:?} {start}\n"),
        });
    }

    pub(super) fn data(&mut self, bytes: &[u8]) {
        self.data.update(bytes);
    }

    pub(super) fn finish(mut self) -> String {
        self.entries.update(self.data.finalize());
        format!("{:x}", self.entries.finalize())
    }
}

pub(super) fn io_error(verb: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { verb, path: PathBuf::from(path), source }
}
