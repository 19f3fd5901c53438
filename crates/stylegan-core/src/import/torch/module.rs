//! From the objects of a PyTorch pickle to named tensors and settings.

use super::TorchFile;
use crate::import::ImportError;
use crate::import::pickle::{Global, Id, Value};
use candle_core::Tensor;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// Modules nest no deeper than this in any known network.
const MAX_DEPTH: usize = 32;
/// What a map of one entry takes: the nodes of its tree have room for eleven.
const MAP_NODE: usize = 11 * size_of::<(String, Json)>();

/// A `torch_utils.persistence` object: a network with the arguments it was made with.
#[derive(Debug)]
pub(crate) struct PersistentObject {
    /// The Python class, e.g. `Generator`.
    pub(crate) class_name: String,
    /// The keyword arguments of its constructor.
    pub(crate) init: Map<String, Json>,
    /// Parameters and buffers by module path, in file order.
    pub(crate) tensors: Vec<(String, Tensor)>,
}

impl TorchFile<'_> {
    /// The persistent object behind a value, `None` if the value is something else.
    ///
    /// # Errors
    /// An object without a class or state, or with malformed tensors.
    pub(crate) fn persistent(&self, id: Id) -> Result<Option<PersistentObject>, ImportError> {
        let Some(state) = self.module_state(id)? else { return Ok(None) };
        let meta = self.meta(id).unwrap_or(state);
        let class_name = self.look_up(meta, "class_name")?.and_then(|name| self.pickle.text(name));
        let class_name =
            class_name.ok_or_else(|| ImportError("network object without a class name".into()))?.into_owned();
        let init = match self.look_up(state, "_init_kwargs")? {
            Some(kwargs) => match self.json(kwargs, 0)? {
                Json::Object(map) => map,
                _ => Map::new(),
            },
            None => Map::new(),
        };
        let mut tensors = Vec::new();
        self.collect_module(state, "", 0, &mut tensors)?;
        Ok(Some(PersistentObject { class_name, init, tensors }))
    }

    /// All tensors below a mapping, by their path in it. Names lose the `module.` that PyTorch's
    /// parallel wrapper puts before every one.
    pub(crate) fn tensors(&self, id: Id) -> Result<Vec<(String, Tensor)>, ImportError> {
        let mut tensors = Vec::new();
        self.collect_entries(id, "", 0, &mut tensors)?;
        if tensors.iter().all(|(name, _)| name.starts_with("module.")) {
            tensors.iter_mut().for_each(|(name, _)| drop(name.drain(.."module.".len())));
        }
        Ok(tensors)
    }

    /// The Python class of a persistent object, before its tensors are read.
    pub(crate) fn persistent_class(&self, id: Id) -> Option<Cow<'_, str>> {
        self.pickle.text(self.pickle.get(self.meta(id)?, "class_name")?)
    }

    fn meta(&self, id: Id) -> Option<Id> {
        let call = self.pickle.call_of(id, Global::Persistent)?;
        self.pickle.sequence(call.args)?.first().copied()
    }

    /// The tensors of a module that torch brings with it, `None` if the value is something else.
    ///
    /// # Errors
    /// Malformed tensors, or modules nested too deep.
    pub(crate) fn torch_module(&self, id: Id) -> Result<Option<Vec<(String, Tensor)>>, ImportError> {
        let Some(state) = self.pickle.call_of(id, Global::TorchModule).and_then(|call| call.state) else {
            return Ok(None);
        };
        let mut tensors = Vec::new();
        self.collect_module(state, "", 0, &mut tensors)?;
        Ok(Some(tensors))
    }

    /// The `__dict__` of a module: of a persistent object, or of a plain one.
    fn module_state(&self, id: Id) -> Result<Option<Id>, ImportError> {
        if let Some(meta) = self.meta(id) {
            let state = self.look_up(meta, "state")?;
            return state.map(Some).ok_or_else(|| ImportError("network object without state".into()));
        }
        let plain =
            [Global::TorchScript, Global::TorchModule].into_iter().find_map(|global| self.pickle.call_of(id, global));
        Ok(plain.and_then(|call| call.state))
    }

    fn collect_module(
        &self,
        state: Id,
        path: &str,
        depth: usize,
        out: &mut Vec<(String, Tensor)>,
    ) -> Result<(), ImportError> {
        check_depth(depth)?;
        for group in ["_parameters", "_buffers"] {
            if let Some(mapping) = self.look_up(state, group)? {
                self.collect_entries(mapping, path, depth, out)?;
            }
        }
        let Some(modules) = self.look_up(state, "_modules")? else { return Ok(()) };
        for &(key, module) in self.walk(modules)? {
            let Some(name) = self.pickle.text(key) else { continue };
            if let Some(state) = self.module_state(module)? {
                self.collect_module(state, &self.join(path, &name)?, depth + 1, out)?;
            }
        }
        Ok(())
    }

    fn collect_entries(
        &self,
        mapping: Id,
        path: &str,
        depth: usize,
        out: &mut Vec<(String, Tensor)>,
    ) -> Result<(), ImportError> {
        check_depth(depth)?;
        for &(key, value) in self.walk(mapping)? {
            let Some(name) = self.pickle.text(key) else { continue };
            let name = self.join(path, &name)?;
            if let Some(tensor) = self.load(value, &name)? {
                out.push((name, tensor));
            } else if self.pickle.entries(value).is_some() {
                self.collect_entries(value, &name, depth + 1, out)?;
            }
        }
        Ok(())
    }

    /// The entries of a mapping, to be walked through once, none for other values. Each counts, whatever
    /// its key is, for a large mapping may stand in many places.
    pub(crate) fn walk(&self, mapping: Id) -> Result<&[(Id, Id)], ImportError> {
        let entries = self.pickle.entries(mapping).unwrap_or_default();
        self.budget.visits(entries.len())?;
        Ok(entries)
    }

    /// The value under a text key of a mapping.
    pub(crate) fn look_up(&self, mapping: Id, key: &str) -> Result<Option<Id>, ImportError> {
        self.walk(mapping)?;
        Ok(self.pickle.get(mapping, key))
    }

    /// The path of a module or tensor in another.
    pub(crate) fn join(&self, path: &str, name: &str) -> Result<String, ImportError> {
        self.budget.bytes(path.len() + name.len())?;
        Ok(if path.is_empty() { name.to_string() } else { format!("{path}.{name}") })
    }

    /// A settings value as JSON; what has no JSON form (classes, tensors) becomes null.
    pub(crate) fn json(&self, id: Id, depth: usize) -> Result<Json, ImportError> {
        check_depth(depth)?;
        self.budget.visit()?;
        self.budget.bytes(size_of::<Json>())?;
        let pickle = &self.pickle;
        if let Some(text) = pickle.text(id) {
            self.budget.bytes(text.len())?;
            return Ok(Json::String(text.into_owned()));
        }
        if let Some(items) = pickle.sequence(id) {
            return items.iter().map(|&item| self.json(item, depth + 1)).collect();
        }
        if pickle.entries(id).is_some() {
            let mut map = Map::new();
            for &(key, value) in self.walk(id)? {
                if let Some(key) = pickle.text(key) {
                    self.budget.bytes(MAP_NODE + key.len())?;
                    map.insert(key.into_owned(), self.json(value, depth + 1)?);
                }
            }
            return Ok(Json::Object(map));
        }
        Ok(match pickle.value(id) {
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            _ => Json::Null,
        })
    }
}

fn check_depth(depth: usize) -> Result<(), ImportError> {
    if depth > MAX_DEPTH {
        return Err(ImportError(format!("objects nested more than {MAX_DEPTH} deep; no checkpoint needs that")));
    }
    Ok(())
}
