//! Bounds-checked reading of opcode arguments.

use super::PickleError;
use std::ops::Range;

pub(super) struct Cursor<'a> {
    source: &'a [u8],
    /// Where the next byte is read.
    pub(super) position: usize,
    /// Where the current opcode started.
    pub(super) opcode_at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self { source, position: 0, opcode_at: 0 }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> PickleError {
        PickleError { offset: self.opcode_at, message: message.into() }
    }

    pub(super) fn opcode(&mut self) -> Result<u8, PickleError> {
        self.opcode_at = self.position;
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let range = self.range(N as u64)?;
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.source[range]);
        Ok(bytes)
    }

    /// The next `len` bytes of the stream.
    pub(super) fn range(&mut self, len: u64) -> Result<Range<usize>, PickleError> {
        let left = self.source.len() - self.position;
        match usize::try_from(len) {
            Ok(len) if len <= left => {
                self.position += len;
                Ok(self.position - len..self.position)
            }
            _ => Err(self.error(format!("{len} bytes expected, {left} left; the file is truncated or damaged"))),
        }
    }

    /// A text argument that ends with a line feed (which is taken too).
    pub(super) fn line(&mut self) -> Result<Range<usize>, PickleError> {
        let rest = &self.source[self.position..];
        let Some(len) = rest.iter().position(|&b| b == b'\n') else {
            return Err(self.error("a line without an end; the file is truncated or damaged"));
        };
        let range = self.position..self.position + len;
        self.position += len + 1;
        Ok(range)
    }

    pub(super) fn text(&self, range: Range<usize>) -> Result<&'a str, PickleError> {
        std::str::from_utf8(&self.source[range]).map_err(|_| self.error("text that is not UTF-8"))
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        &self.source[range]
    }
}
