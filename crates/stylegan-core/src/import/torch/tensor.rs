//! From the calls that rebuild tensors to tensors.

use super::TorchFile;
use super::storage::storage_ref;
use crate::import::pickle::{Global, Id, Value};
use crate::import::strided_tensor::{Element, MAX_RANK, StridedTensor};
use crate::import::{ImportError, numpy};
use candle_core::Tensor;
use std::borrow::Cow;

impl<'a> TorchFile<'a> {
    /// The tensor or NumPy array that a value rebuilds, in memory; `None` if the value is neither.
    ///
    /// # Errors
    /// Parts that do not fit together, and when the file asks for more than its size allows.
    pub(crate) fn load(&self, id: Id, name: &str) -> Result<Option<Tensor>, ImportError> {
        self.budget.visit()?;
        let raw = match self.tensor(id)? {
            Some(raw) => Some(raw),
            None => self.array(id)?,
        };
        raw.map(|raw| self.keep(&raw, name)).transpose()
    }

    /// A tensor of this file in memory.
    ///
    /// # Errors
    /// A damaged tensor, or one too many.
    pub(crate) fn keep(&self, raw: &StridedTensor<'_>, name: &str) -> Result<Tensor, ImportError> {
        self.budget.tensor()?;
        // More than is stored is an error of the tensor itself.
        let wanted = raw.shape.iter().fold(raw.element.size(), |bytes, &side| bytes.saturating_mul(side));
        self.budget.bytes(wanted.min(raw.storage.len()))?;
        raw.to_tensor(name)
    }

    /// The tensor that a value rebuilds, `None` if the value is no tensor.
    ///
    /// # Errors
    /// A tensor whose parts do not fit together.
    fn tensor(&self, id: Id) -> Result<Option<StridedTensor<'a>>, ImportError> {
        let pickle = &self.pickle;
        let Some(call) = pickle.call(id) else { return Ok(None) };
        let args = pickle.sequence(call.args).unwrap_or_default();
        match pickle.global(call.callable) {
            Some(Global::RebuildParameter) => match args.first() {
                // A parameter wraps a tensor, never another parameter: one level.
                Some(&data) if pickle.call_of(data, Global::RebuildTensor).is_some() => self.tensor(data),
                _ => Err(ImportError("torch file: a parameter without a tensor".into())),
            },
            Some(Global::RebuildFromType) => match args.get(2).and_then(|&args| pickle.sequence(args)) {
                Some(args) => self.rebuild(args).map(Some),
                None => Err(ImportError("torch file: a typed tensor without arguments".into())),
            },
            Some(Global::RebuildTensor) => self.rebuild(args).map(Some),
            _ => Ok(None),
        }
    }

    /// `_rebuild_tensor_v2(storage, offset, size, stride, …)`.
    fn rebuild(&self, args: &[Id]) -> Result<StridedTensor<'a>, ImportError> {
        let pickle = &self.pickle;
        let &[storage, offset, shape, strides, ..] = args else {
            return Err(ImportError("torch file: a tensor with too few arguments".into()));
        };
        let ranks = [shape, strides].map(|sizes| pickle.sequence(sizes).map_or(0, <[Id]>::len));
        if let Some(rank) = ranks.into_iter().find(|&rank| rank > MAX_RANK) {
            return Err(ImportError(format!("torch file: a tensor of {rank} dimensions; no network needs that many")));
        }
        let sizes = |id| pickle.sequence(id)?.iter().map(|&side| pickle.size(side)).collect::<Option<Vec<_>>>();
        let (Some(offset), Some(shape), Some(strides)) = (pickle.size(offset), sizes(shape), sizes(strides)) else {
            return Err(ImportError("torch file: a tensor with malformed sizes or strides".into()));
        };
        let (element, big_endian, storage) = self.storage(storage)?;
        Ok(StridedTensor { element, shape, strides, offset, big_endian, storage })
    }

    /// Element type, byte order (whether the most significant byte comes first) and bytes of a storage.
    fn storage(&self, id: Id) -> Result<(Element, bool, Cow<'a, [u8]>), ImportError> {
        let pickle = &self.pickle;
        if let Value::Persistent(reference) = pickle.value(id) {
            let reference = storage_ref(pickle, *reference)?;
            let missing = || ImportError(format!("torch file: storage `{}` is missing", reference.key));
            let range = self.storages.get(&reference.key).ok_or_else(missing)?;
            return Ok((reference.element, self.big_endian, Cow::Borrowed(&self.source[range.clone()])));
        }
        let nested = pickle.call_of(id, Global::LoadFromBytes).and_then(|call| pickle.sequence(call.args)?.first());
        let Some(bytes) = nested.and_then(|&bytes| pickle.bytes(bytes)) else {
            return Err(ImportError("torch file: a tensor without a storage".into()));
        };
        self.budget.bytes(bytes.len())?;
        let (element, big_endian, range) = nested_storage(&bytes)?;
        let bytes = match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
            Cow::Owned(bytes) => Cow::Owned(bytes[range].to_vec()),
        };
        Ok((element, big_endian, bytes))
    }

    /// The NumPy array that a value rebuilds, `None` if the value is none.
    ///
    /// # Errors
    /// An array of an unknown type, or whose parts do not fit together.
    pub(crate) fn array(&self, id: Id) -> Result<Option<StridedTensor<'a>>, ImportError> {
        let array = numpy::array(&self.pickle, id)?;
        // Text has to be decoded to bytes first, each time it is used.
        if let Some(StridedTensor { storage: Cow::Owned(decoded), .. }) = &array {
            self.budget.bytes(decoded.len())?;
        }
        Ok(array)
    }
}

/// The one storage of a nested torch file: element type, byte order, and the range of its bytes.
fn nested_storage(bytes: &[u8]) -> Result<(Element, bool, std::ops::Range<usize>), ImportError> {
    let file = super::legacy::is_legacy(bytes)
        .then(|| super::legacy::open(bytes))
        .ok_or_else(|| ImportError("torch file: a nested storage that is no torch file".into()))??;
    let Value::Persistent(reference) = file.pickle.value(file.pickle.root()) else {
        return Err(ImportError("torch file: a nested storage that is no storage".into()));
    };
    let reference = storage_ref(&file.pickle, *reference)?;
    let missing = || ImportError(format!("torch file: storage `{}` is missing", reference.key));
    let range = file.storages.get(&reference.key).ok_or_else(missing)?;
    Ok((reference.element, file.big_endian, range.clone()))
}
