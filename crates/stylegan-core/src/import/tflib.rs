//! Networks of the TensorFlow generation (PGGAN, StyleGAN, StyleGAN2): pickled
//! `dnnlib.tflib.network.Network` and `tfutil.Network` objects.

use super::ImportError;
use super::pickle::{Global, Id};
use super::torch::TorchFile;
use candle_core::Tensor;
use serde_json::{Map, Value as Json};

/// Networks nest two deep (a generator with its mapping and synthesis).
const MAX_DEPTH: usize = 4;

/// A network as TensorFlow code pickled it.
#[derive(Debug)]
pub(crate) struct TensorFlowNetwork {
    /// The Python function that built it, e.g. `G_style`.
    pub(crate) build_func_name: String,
    /// The arguments that were given to it; others keep the function's defaults.
    pub(crate) static_kwargs: Map<String, Json>,
    /// Variables by TensorFlow name, in file order; those of a component start with its name
    /// (`mapping/Dense0/weight`).
    pub(crate) variables: Vec<(String, Tensor)>,
}

impl TorchFile<'_> {
    /// The network behind a value, `None` if the value is something else.
    ///
    /// # Errors
    /// A network without state, or with malformed variables.
    pub(crate) fn tensorflow_network(&self, id: Id) -> Result<Option<TensorFlowNetwork>, ImportError> {
        let Some(call) = self.pickle.call_of(id, Global::TensorFlowNetwork) else { return Ok(None) };
        let state = call.state.ok_or_else(|| ImportError("TensorFlow network without state".into()))?;
        let name = match self.look_up(state, "build_func_name")? {
            Some(name) => Some(name),
            None => self.look_up(state, "build_func_spec")?,
        };
        let build_func_name = name.and_then(|name| self.pickle.text(name)).unwrap_or_default().into_owned();
        let static_kwargs = match self.look_up(state, "static_kwargs")?.map(|id| self.json(id, 0)).transpose()? {
            Some(Json::Object(map)) => map,
            _ => Map::new(),
        };
        let mut variables = Vec::new();
        self.collect_variables(state, "", 0, &mut variables)?;
        Ok(Some(TensorFlowNetwork { build_func_name, static_kwargs, variables }))
    }

    fn collect_variables(
        &self,
        state: Id,
        prefix: &str,
        depth: usize,
        out: &mut Vec<(String, Tensor)>,
    ) -> Result<(), ImportError> {
        if depth > MAX_DEPTH {
            return Err(ImportError("TensorFlow networks nested too deep; the file is damaged".into()));
        }
        let pickle = &self.pickle;
        let list = self.look_up(state, "variables")?.and_then(|list| pickle.sequence(list));
        for &pair in list.ok_or_else(|| ImportError("TensorFlow network without variables".into()))? {
            let Some(&[name, value]) = pickle.sequence(pair) else {
                return Err(ImportError("TensorFlow network with a malformed variable".into()));
            };
            let name = format!("{prefix}{}", pickle.text(name).unwrap_or_default());
            let array = self.array(value)?;
            let array = array.ok_or_else(|| ImportError(format!("TensorFlow variable `{name}` is no NumPy array")))?;
            self.budget.visit()?;
            let tensor = self.keep(&array, &name)?;
            out.push((name, tensor));
        }
        let Some(components) = self.look_up(state, "components")? else { return Ok(()) };
        for &(key, network) in self.walk(components)? {
            let component = pickle.text(key).unwrap_or_default();
            let state = pickle.call_of(network, Global::TensorFlowNetwork).and_then(|call| call.state);
            let state =
                state.ok_or_else(|| ImportError(format!("TensorFlow component `{component}` without state")))?;
            self.collect_variables(state, &format!("{prefix}{component}/"), depth + 1, out)?;
        }
        Ok(())
    }
}
