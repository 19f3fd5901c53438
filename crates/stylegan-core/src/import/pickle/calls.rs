//! Names and calls: both are written down, neither is acted on.

use super::machine::Machine;
use super::{Call, Global, Id, MAX_VALUES, PickleError, Value, globals};

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
        // One list may be given to many mappings.
        if self.given + pairs.len() > MAX_VALUES {
            return Err(self.cursor.error(format!("mappings made with more than {MAX_VALUES} entries")));
        }
        let entries = pairs.iter().filter_map(|&pair| match items(pair) {
            Some(&[key, value]) => Some((key, value)),
            _ => None,
        });
        let (entries, given) = (entries.collect(), pairs.len());
        self.given += given;
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
        let (module, name) = (self.cursor.text(module)?, self.cursor.text(name)?);
        self.known(module, name)
    }

    pub(super) fn stack_global(&mut self) -> Outcome<()> {
        let (name, module) = (self.pop()?, self.pop()?);
        let text = |id: Id| match &self.values[id as usize] {
            Value::Text(range) | Value::ByteString(range) => self.cursor.text(range.clone()),
            _ => Err(self.cursor.error("a global whose name is not text")),
        };
        let global = self.known(text(module)?, text(name)?)?;
        self.push(global)
    }

    fn known(&self, module: &str, name: &str) -> Outcome<Value> {
        let shown: String = format!("{module}.{name}").escape_debug().take(120).collect();
        let advice = if module == "torch._utils" || module == "torch" && name.ends_with("Storage") {
            "tensors of this kind are not read; save ordinary ones"
        } else {
            "a file that asks for it should not be trusted; if a program of yours saved a whole module, save its \
             state_dict()"
        };
        globals::lookup(module, name).map(Value::Global).ok_or_else(|| {
            self.cursor.error(format!(
                "global `{shown}` is not on the list of names that a checkpoint may use; nothing was executed; {advice}"
            ))
        })
    }
}
