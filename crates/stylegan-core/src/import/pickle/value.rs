//! The arena of values that a pickle describes, and typed access to them.

use super::{Global, MAX_NAME};
use std::borrow::Cow;
use std::ops::Range;

/// Index of a value in its [`Pickle`].
pub(crate) type Id = u32;

/// What a pickle built, or would have built had it been executed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: its little-endian two's complement bytes.
    BigInt(Range<usize>),
    Float(f64),
    Bytes(Range<usize>),
    /// A Python 2 `str`: bytes or text, as the reader needs it.
    ByteString(Range<usize>),
    Text(Range<usize>),
    /// Text or bytes that are written with escapes (protocol 0).
    Unescaped(Box<str>),
    List(Vec<Id>),
    Tuple(Box<[Id]>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Call(Box<Call>),
    /// A torch storage or another object kept outside of the pickle, by its identifying value.
    Persistent(Id),
}

/// A call that the pickle asked for, and that was not made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// What was to be called.
    pub(crate) callable: Id,
    /// Its arguments, a tuple.
    pub(crate) args: Id,
    /// The state that was to be set on the result (`__setstate__` or `__dict__`).
    pub(crate) state: Option<Id>,
    /// Entries that were to be set on the result, where it is a mapping.
    pub(crate) entries: Vec<(Id, Id)>,
    /// Items that were to be appended to the result, where it is a sequence.
    pub(crate) items: Vec<Id>,
}

/// A pickle's values, borrowed from its bytes.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    pub(super) source: &'a [u8],
    pub(super) values: Vec<Value>,
    pub(super) root: Id,
}

impl<'a> Pickle<'a> {
    /// The value that the pickle as a whole stands for.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    pub(crate) fn value(&self, id: Id) -> &Value {
        // Ids are handed out by the machine only, for values it has pushed.
        &self.values[id as usize]
    }

    /// The text of a name or a setting; `None` for other values, and for longer text than any of
    /// those is.
    pub(crate) fn text(&self, id: Id) -> Option<Cow<'_, str>> {
        let length = match self.value(id) {
            Value::Text(range) | Value::ByteString(range) => range.len(),
            Value::Unescaped(text) => text.len(),
            _ => return None,
        };
        if length <= MAX_NAME { self.long_text(id) } else { None }
    }

    fn long_text(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.value(id) {
            Value::Text(range) => std::str::from_utf8(&self.source[range.clone()]).ok().map(Cow::Borrowed),
            Value::ByteString(range) => {
                Some(Cow::Owned(self.source[range.clone()].iter().map(|&b| char::from(b)).collect()))
            }
            Value::Unescaped(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// The bytes of a bytes value, of a Python 2 string, or of text encoded as Latin-1.
    pub(crate) fn bytes(&self, id: Id) -> Option<Cow<'a, [u8]>> {
        match self.value(id) {
            Value::Bytes(range) | Value::ByteString(range) => Some(Cow::Borrowed(&self.source[range.clone()])),
            Value::Unescaped(text) => latin1(text).map(Cow::Owned),
            Value::Call(call) if self.global(call.callable) == Some(Global::Encode) => {
                latin1(&self.long_text(*self.sequence(call.args)?.first()?)?).map(Cow::Owned)
            }
            _ => None,
        }
    }

    pub(crate) fn int(&self, id: Id) -> Option<i64> {
        match self.value(id) {
            Value::Int(value) => Some(*value),
            Value::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// A non-negative integer, as sizes and offsets are.
    pub(crate) fn size(&self, id: Id) -> Option<usize> {
        usize::try_from(self.int(id)?).ok()
    }

    pub(crate) fn global(&self, id: Id) -> Option<Global> {
        match self.value(id) {
            Value::Global(global) => Some(*global),
            _ => None,
        }
    }

    /// The call behind a value if it is one of this global.
    pub(crate) fn call_of(&self, id: Id, global: Global) -> Option<&Call> {
        self.call(id).filter(|call| self.global(call.callable) == Some(global))
    }

    pub(crate) fn call(&self, id: Id) -> Option<&Call> {
        match self.value(id) {
            Value::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The items of a list, a tuple, or a set.
    pub(crate) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::Call(call) if self.global(call.callable) == Some(Global::Sequence) => {
                if call.items.is_empty() {
                    self.plain_sequence(*self.plain_sequence(call.args)?.first()?)
                } else {
                    Some(&call.items)
                }
            }
            _ => self.plain_sequence(id),
        }
    }

    fn plain_sequence(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::List(items) => Some(items),
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dictionary or of a mapping object such as `OrderedDict`.
    pub(crate) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.value(id) {
            Value::Dict(entries) => Some(entries),
            Value::Call(call) if self.global(call.callable) == Some(Global::Mapping) => match call.state {
                Some(state) if call.entries.is_empty() => match self.value(state) {
                    Value::Dict(entries) => Some(entries),
                    _ => None,
                },
                _ => Some(&call.entries),
            },
            _ => None,
        }
    }

    /// The value under a text key of a mapping; the last one wins, as in Python.
    pub(crate) fn get(&self, mapping: Id, key: &str) -> Option<Id> {
        let entries = self.entries(mapping)?;
        entries.iter().rev().find(|(own, _)| self.is_text(*own, key)).map(|&(_, value)| value)
    }

    /// Whether a value is this text of ASCII characters; costs no more than to compare bytes.
    fn is_text(&self, id: Id, text: &str) -> bool {
        match self.value(id) {
            Value::Text(range) | Value::ByteString(range) => &self.source[range.clone()] == text.as_bytes(),
            Value::Unescaped(own) => &**own == text,
            _ => false,
        }
    }

    /// The identifying values of all objects kept outside of the pickle.
    pub(crate) fn persistent_ids(&self) -> impl Iterator<Item = Id> {
        self.values.iter().filter_map(|value| match value {
            Value::Persistent(id) => Some(*id),
            _ => None,
        })
    }
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
