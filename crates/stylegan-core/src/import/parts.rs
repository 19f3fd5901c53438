//! A checkpoint as tensors with names in parts with names, whatever kind of file it is.

use super::ImportError;
use super::torch::TorchFile;
use crate::checkpoint::Checkpoint;
use crate::{Error, Result as CoreResult};
use candle_core::{Device, Tensor};

/// What a network that was trained by several processes has before all of its names.
const WRAPPER: &str = "module.";

/// Parts are the networks of a checkpoint (`g_ema`); the file as a whole is the part `None`.
pub(super) trait Parts {
    /// Whether a part has a tensor of this name.
    fn holds(&self, part: Option<&str>, name: &str) -> bool;

    /// All tensors of a part by their names in it, without PyTorch's `module.`; none if there is no such
    /// part.
    ///
    /// # Errors
    /// Damaged tensors, and more than the file's size allows.
    fn tensors(&self, part: Option<&str>) -> Result<Vec<(String, Tensor)>, ImportError>;

    /// One tensor of the file as a whole.
    ///
    /// # Errors
    /// As [`tensors`](Self::tensors).
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, ImportError>;
}

impl Parts for TorchFile<'_> {
    fn holds(&self, part: Option<&str>, name: &str) -> bool {
        let (pickle, root) = (&self.pickle, self.pickle.root());
        let part = part.map_or(Some(root), |part| pickle.get(root, part));
        part.is_some_and(|part| {
            ["", WRAPPER].iter().any(|wrapper| pickle.get(part, &format!("{wrapper}{name}")).is_some())
        })
    }

    fn tensors(&self, part: Option<&str>) -> Result<Vec<(String, Tensor)>, ImportError> {
        let root = self.pickle.root();
        let part = part.map_or(Some(root), |part| self.pickle.get(root, part));
        part.map_or(Ok(Vec::new()), |part| TorchFile::tensors(self, part))
    }

    fn tensor(&self, name: &str) -> Result<Option<Tensor>, ImportError> {
        let id = self.pickle.get(self.pickle.root(), name);
        Ok(id.map(|id| self.load(id, name)).transpose()?.flatten())
    }
}

impl Parts for Checkpoint {
    fn holds(&self, part: Option<&str>, name: &str) -> bool {
        let part = prefix(part);
        ["", WRAPPER].iter().any(|wrapper| self.shape(&format!("{part}{wrapper}{name}")).is_some())
    }

    fn tensors(&self, part: Option<&str>) -> Result<Vec<(String, Tensor)>, ImportError> {
        let part = prefix(part);
        let own = self.names().filter_map(|name| Some((name, name.strip_prefix(&part)?)));
        let tensors = own.map(|(name, own)| {
            let own = own.strip_prefix(WRAPPER).unwrap_or(own);
            Ok((own.to_owned(), self.tensor(name, &Device::Cpu)?))
        });
        tensors.collect::<CoreResult<_>>().map_err(|error| match error {
            Error::Checkpoint { problem, .. } => ImportError(format!("it {problem}")),
            error => ImportError(error.to_string()),
        })
    }

    fn tensor(&self, name: &str) -> Result<Option<Tensor>, ImportError> {
        if self.shape(name).is_none() {
            return Ok(None);
        }
        let tensor = Checkpoint::tensor(self, name, &Device::Cpu);
        Ok(Some(tensor?))
    }
}

fn prefix(part: Option<&str>) -> String {
    part.map_or(String::new(), |part| format!("{part}."))
}
