//! Names and calls: both are written down, neither is acted on.

use super::machine::Machine;
use super::{Call, Global, Id, MAX_NAME, PickleError, Value, globals};
use std::ops::Range;

type Outcome<T> = Result<T, PickleError>;

impl Machine<'_> {
    pub(super) fn call(&mut self, callable: Id, args: Id) -> Outcome<()> {
        if !matches!(self.values[callable as usize], Value::Global(_)) {
            return Err(self.cursor.error("a call of something that is not a known global; nothing was executed"));
        }
        if !matches!(self.values[args as usize], Value::Tuple(_)) {
            return Err(self.cursor.error("call arguments that are not a tuple"));
        }
        let mapping = self.values[callable as usize] == Value::Global(Global::Mapping);
        let entries = if mapping { self.given_entries(args)? } else { Vec::new() };
        self.push(Value::Call(Box::new(Call { callable, args, state: None, entries, items: Vec::new() })))
    }

    /// The entries of `OrderedDict([[key, value], …])`, which is how Python 2 pickles one.
    fn given_entries(&mut self, args: Id) -> Outcome<Vec<(Id, Id)>> {
        let items = |id: Id| match &self.values[id as usize] {
            Value::List(items) => Some(&items[..]),
            Value::Tuple(items) => Some(&items[..]),
            _ => None,
        };
        let pairs = items(args).and_then(|args| items(*args.first()?)).unwrap_or_default();
        let entries = pairs.iter().filter_map(|&pair| match items(pair) {
            Some(&[key, value]) => Some((key, value)),
            _ => None,
        });
        let (entries, given) = (entries.collect(), pairs.len());
        // One list may be given to many mappings.
        self.hold(2 * given)?;
        Ok(entries)
    }

    pub(super) fn build(&mut self) -> Outcome<()> {
        let state = self.pop()?;
        let target = self.top()?;
        match &mut self.values[target as usize] {
            Value::Call(call) => call.state = Some(state),
            _ => return Err(self.cursor.error("state is set on something that is no object")),
        }
        Ok(())
    }

    pub(super) fn global_lines(&mut self) -> Outcome<Value> {
        let (module, name) = (self.cursor.line()?, self.cursor.line()?);
        self.known(module, name)
    }

    pub(super) fn stack_global(&mut self) -> Outcome<()> {
        let (name, module) = (self.pop()?, self.pop()?);
        let text = |id: Id| match &self.values[id as usize] {
            Value::Text(range) | Value::ByteString(range) => Ok(range.clone()),
            _ => Err(self.cursor.error("a global whose name is not text")),
        };
        let global = self.known(text(module)?, text(name)?)?;
        self.push(global)
    }

    /// The global of this module and name, which may stand in one place of the file and be asked for
    /// from a million others: what it costs must not depend on how long it is.
    fn known(&self, module: Range<usize>, name: Range<usize>) -> Outcome<Value> {
        if let Some(length) = [module.len(), name.len()].into_iter().find(|&length| length > MAX_NAME) {
            return Err(self.cursor.error(format!(
                "a global whose name has {length} bytes, where {MAX_NAME} are the most; nothing was executed"
            )));
        }
        let (module, name) = (self.cursor.text(module)?, self.cursor.text(name)?);
        globals::lookup(module, name).map(Value::Global).ok_or_else(|| {
            let advice = if module == "torch._utils" || module == "torch" && name.ends_with("Storage") {
                "tensors of this kind are not read; save ordinary ones"
            } else {
                "a file that asks for it should not be trusted; if a program of yours saved a whole module, save its \
                 state_dict()"
            };
            self.cursor.error(format!(
                "global `{:.120}` is not on the list of names that a checkpoint may use; nothing was executed; {advice}",
                format!("{module}.{name}")
            ))
        })
    }
}
