//! The stack machine: opcodes of protocols 0 to 5 on arena indices.

use super::cursor::Cursor;
use super::strings::unescape;
use super::{Id, MAX_VALUES, Pickle, PickleError, Value};
use std::collections::HashMap;
use std::ops::Range;

type Outcome<T> = Result<T, PickleError>;

/// The most items on the stack, and in all lists, tuples and mappings together.
const MAX_HELD: usize = 4 * MAX_VALUES;

pub(super) fn run(source: &[u8]) -> Outcome<(Pickle<'_>, usize)> {
    let mut machine = Machine {
        cursor: Cursor::new(source),
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        held: 0,
    };
    loop {
        let opcode = machine.cursor.opcode()?;
        if opcode == b'.' {
            break;
        }
        machine.step(opcode)?;
    }
    let root = machine.pop()?;
    Ok((Pickle { source, values: machine.values, root }, machine.cursor.position))
}

pub(super) struct Machine<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) values: Vec<Value>,
    stack: Vec<Id>,
    /// Stack heights at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Items that were put into lists, tuples and mappings: one value may be put there many times.
    held: usize,
}

impl Machine<'_> {
    fn step(&mut self, opcode: u8) -> Outcome<()> {
        match opcode {
            b'(' => self.mark()?,
            b'0' => self.discard()?,
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let top = self.top()?;
                self.push_id(top)?;
            }
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'I' | b'L' => self.decimal()?,
            b'F' => {
                let line = self.cursor.line()?;
                let float = self.cursor.text(line)?.trim().parse();
                let float = float.map_err(|_| self.cursor.error("a malformed decimal number"))?;
                self.push(Value::Float(float))?;
            }
            b'J' => self.int(i32::from_le_bytes)?,
            b'K' => self.int(u8::from_le_bytes)?,
            b'M' => self.int(u16::from_le_bytes)?,
            0x8a => self.long_of(u8::from_le_bytes)?,
            0x8b => self.long_of(u32::from_le_bytes)?,
            b'G' => {
                let float = f64::from_be_bytes(self.cursor.array()?);
                self.push(Value::Float(float))?;
            }
            b'B' => self.blob(u32::from_le_bytes, Value::Bytes)?,
            b'C' => self.blob(u8::from_le_bytes, Value::Bytes)?,
            0x8e | 0x96 => self.blob(u64::from_le_bytes, Value::Bytes)?,
            b'T' => self.blob(u32::from_le_bytes, Value::ByteString)?,
            b'U' => self.blob(u8::from_le_bytes, Value::ByteString)?,
            b'X' => self.blob(u32::from_le_bytes, Value::Text)?,
            0x8c => self.blob(u8::from_le_bytes, Value::Text)?,
            0x8d => self.blob(u64::from_le_bytes, Value::Text)?,
            b'S' => self.quoted()?,
            b'V' => {
                let line = self.cursor.line()?;
                let text = unescape(self.cursor.bytes(line)).ok_or_else(|| self.cursor.error("a malformed string"))?;
                self.push(Value::Unescaped(text))?;
            }
            b']' => self.push(Value::List(Vec::new()))?,
            b'l' => {
                let items = self.pop_mark()?;
                self.push(Value::List(items))?;
            }
            b')' => self.push(Value::Tuple(Box::default()))?,
            b't' => {
                let items = self.pop_mark()?;
                self.push(Value::Tuple(items.into()))?;
            }
            0x85..=0x87 => {
                let at = self.below(usize::from(opcode - 0x84))?;
                let items = self.stack.split_off(at);
                self.push(Value::Tuple(items.into()))?;
            }
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b'd' => {
                let pairs = self.pop_pairs()?;
                self.push(Value::Dict(pairs))?;
            }
            0x8f => self.push(Value::List(Vec::new()))?,
            0x91 => {
                let items = self.pop_mark()?;
                self.push(Value::List(items))?;
            }
            b'a' => {
                self.hold(1)?;
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.append(items)?;
            }
            b's' => {
                self.hold(2)?;
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![(key, value)])?;
            }
            b'u' => {
                let pairs = self.pop_pairs()?;
                self.set(pairs)?;
            }
            b'p' => {
                let key = self.memo_line()?;
                self.memoize(key)?;
            }
            b'q' => {
                let [key] = self.cursor.array()?;
                self.memoize(key.into())?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.cursor.array()?);
                self.memoize(key)?;
            }
            0x94 => {
                let key = self.memo.len() as u32;
                self.memoize(key)?;
            }
            b'g' => {
                let key = self.memo_line()?;
                self.recall(key)?;
            }
            b'h' => {
                let [key] = self.cursor.array()?;
                self.recall(key.into())?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.cursor.array()?);
                self.recall(key)?;
            }
            b'c' => {
                let global = self.global_lines()?;
                self.push(global)?;
            }
            0x93 => self.stack_global()?,
            b'R' | 0x81 => {
                let (args, callable) = (self.pop()?, self.pop()?);
                self.call(callable, args)?;
            }
            0x92 => {
                // NEWOBJ_EX: keyword arguments carry nothing that a checkpoint needs.
                let (_keywords, args, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(callable, args)?;
            }
            b'o' => {
                let mut items = self.pop_mark()?;
                if items.is_empty() {
                    return Err(self.cursor.error("an object without a class"));
                }
                let callable = items.remove(0);
                let args = self.add(Value::Tuple(items.into()))?;
                self.call(callable, args)?;
            }
            b'i' => {
                let global = self.global_lines()?;
                let callable = self.add(global)?;
                let items = self.pop_mark()?;
                let args = self.add(Value::Tuple(items.into()))?;
                self.call(callable, args)?;
            }
            b'b' => self.build()?,
            b'P' => {
                let line = self.cursor.line()?;
                let id = self.add(Value::ByteString(line))?;
                self.push(Value::Persistent(id))?;
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id))?;
            }
            0x80 => {
                let [protocol] = self.cursor.array()?;
                if protocol > 5 {
                    return Err(self.cursor.error(format!("protocol {protocol}; protocols 0 to 5 are known")));
                }
            }
            0x95 => drop(self.cursor.array::<8>()?),
            _ => {
                return Err(self
                    .cursor
                    .error(format!("opcode {opcode:#04x} is unknown or not allowed in a checkpoint")));
            }
        }
        Ok(())
    }

    fn add(&mut self, value: Value) -> Outcome<Id> {
        if self.values.len() >= MAX_VALUES {
            return Err(self.cursor.error(format!("more than {MAX_VALUES} values; no checkpoint needs that many")));
        }
        self.values.push(value);
        Ok((self.values.len() - 1) as Id)
    }

    pub(super) fn push(&mut self, value: Value) -> Outcome<()> {
        let id = self.add(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Outcome<()> {
        if self.stack.len() >= MAX_HELD {
            return Err(self.cursor.error("the stack grows beyond any checkpoint's"));
        }
        self.stack.push(id);
        Ok(())
    }

    fn mark(&mut self) -> Outcome<()> {
        if self.marks.len() >= MAX_VALUES {
            return Err(self.cursor.error("more open marks than any checkpoint's"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// The stack height `count` values below the top, none of which may lie under an open mark.
    fn below(&self, count: usize) -> Outcome<usize> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let at = self.stack.len().checked_sub(count).filter(|&at| at >= floor);
        at.ok_or_else(|| self.cursor.error("the stack holds too few values; the file is damaged"))
    }

    pub(super) fn pop(&mut self) -> Outcome<Id> {
        let at = self.below(1)?;
        let id = self.stack[at];
        self.stack.truncate(at);
        Ok(id)
    }

    pub(super) fn top(&self) -> Outcome<Id> {
        Ok(self.stack[self.below(1)?])
    }

    /// `POP`, which also removes a mark that is on top.
    fn discard(&mut self) -> Outcome<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn pop_mark(&mut self) -> Outcome<Vec<Id>> {
        match self.marks.pop() {
            Some(at) if at <= self.stack.len() => {
                self.hold(self.stack.len() - at)?;
                Ok(self.stack.split_off(at))
            }
            _ => Err(self.cursor.error("no open mark; the file is damaged")),
        }
    }

    /// Counts items that are put somewhere.
    pub(super) fn hold(&mut self, count: usize) -> Outcome<()> {
        self.held += count;
        if self.held > MAX_HELD {
            return Err(self.cursor.error(format!("lists and mappings of more than {MAX_HELD} items in all")));
        }
        Ok(())
    }

    fn pop_pairs(&mut self) -> Outcome<Vec<(Id, Id)>> {
        let items = self.pop_mark()?;
        if items.len() % 2 != 0 {
            return Err(self.cursor.error("a key without a value"));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    fn append(&mut self, mut items: Vec<Id>) -> Outcome<()> {
        let target = self.top()?;
        match &mut self.values[target as usize] {
            Value::List(list) => list.append(&mut items),
            Value::Call(call) => call.items.append(&mut items),
            _ => return Err(self.cursor.error("items are appended to something that is no list")),
        }
        Ok(())
    }

    fn set(&mut self, mut pairs: Vec<(Id, Id)>) -> Outcome<()> {
        let target = self.top()?;
        match &mut self.values[target as usize] {
            Value::Dict(entries) => entries.append(&mut pairs),
            Value::Call(call) => call.entries.append(&mut pairs),
            _ => return Err(self.cursor.error("entries are set on something that is no dictionary")),
        }
        Ok(())
    }

    fn memoize(&mut self, key: u32) -> Outcome<()> {
        let top = self.top()?;
        if self.memo.len() >= MAX_VALUES {
            return Err(self.cursor.error("the memo grows beyond any checkpoint's"));
        }
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Outcome<()> {
        match self.memo.get(&key) {
            Some(&id) => self.push_id(id),
            None => Err(self.cursor.error(format!("memo entry {key} is used before it is set"))),
        }
    }

    fn memo_line(&mut self) -> Outcome<u32> {
        let line = self.cursor.line()?;
        self.cursor.text(line)?.parse().map_err(|_| self.cursor.error("a malformed memo index"))
    }

    fn int<const N: usize, T: Into<i64>>(&mut self, decode: fn([u8; N]) -> T) -> Outcome<()> {
        let value = decode(self.cursor.array()?).into();
        self.push(Value::Int(value))
    }

    fn blob<const N: usize, T: TryInto<u64>>(
        &mut self,
        len: fn([u8; N]) -> T,
        value: fn(Range<usize>) -> Value,
    ) -> Outcome<()> {
        let range = self.sized(len)?;
        self.push(value(range))
    }

    fn sized<const N: usize, T: TryInto<u64>>(&mut self, len: fn([u8; N]) -> T) -> Outcome<Range<usize>> {
        let len = len(self.cursor.array()?).try_into().unwrap_or(u64::MAX);
        self.cursor.range(len)
    }

    fn long_of<const N: usize, T: TryInto<u64>>(&mut self, len: fn([u8; N]) -> T) -> Outcome<()> {
        let range = self.sized(len)?;
        let bytes = self.cursor.bytes(range.clone());
        if bytes.len() > 8 {
            return self.push(Value::BigInt(range));
        }
        let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [fill; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    /// `INT` and `LONG` of protocol 0, where `00` and `01` are booleans.
    fn decimal(&mut self) -> Outcome<()> {
        let line = self.cursor.line()?;
        let value = match self.cursor.text(line)?.trim() {
            "00" => Value::Bool(false),
            "01" => Value::Bool(true),
            text => match text.trim_end_matches('L').parse() {
                Ok(value) => Value::Int(value),
                Err(_) => return Err(self.cursor.error("a malformed or too large decimal integer")),
            },
        };
        self.push(value)
    }

    /// `STRING` of protocol 0: a Python 2 string literal in quotes.
    fn quoted(&mut self) -> Outcome<()> {
        let line = self.cursor.line()?;
        let bytes = self.cursor.bytes(line);
        let inner = match bytes {
            [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
            _ => return Err(self.cursor.error("a string without quotes")),
        };
        let text = unescape(inner).ok_or_else(|| self.cursor.error("a malformed string"))?;
        self.push(Value::Unescaped(text))
    }
}
