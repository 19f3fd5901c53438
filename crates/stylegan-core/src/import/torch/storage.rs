//! References to storages, which lie beside the pickle.

use crate::import::ImportError;
use crate::import::pickle::{Global, Id, Pickle, Value};
use crate::import::strided_tensor::Element;

/// Keys of storages are numbers, or addresses in older files.
const MAX_KEY: usize = 64;

/// A reference to a storage: `('storage', torch.FloatStorage, key, device, elements, …)`.
pub(super) struct StorageRef {
    pub(super) element: Element,
    pub(super) key: String,
}

/// All storage references of a pickle.
pub(super) fn persistent_storage<'p>(
    pickle: &'p Pickle<'_>,
) -> impl Iterator<Item = Result<StorageRef, ImportError>> + 'p {
    pickle.persistent_ids().map(|id| storage_ref(pickle, id))
}

/// The storage that an identifying value refers to.
pub(super) fn storage_ref(pickle: &Pickle<'_>, id: Id) -> Result<StorageRef, ImportError> {
    let parts = pickle.sequence(id).unwrap_or_default();
    let element = parts.get(1).and_then(|&class| match pickle.global(class) {
        Some(Global::Storage(name)) => Element::from_name(name),
        _ => None,
    });
    if parts.get(5).is_some_and(|&view| pickle.value(view) != &Value::None) {
        return Err(ImportError(
            "torch file: a storage that is a part of another, as only old programs wrote them".into(),
        ));
    }
    let key = parts.get(2).and_then(|&key| pickle.text(key)).filter(|key| key.len() <= MAX_KEY);
    match (element, key) {
        (Some(element), Some(key)) => Ok(StorageRef { element, key: key.into_owned() }),
        _ => Err(ImportError("torch file: a storage of an unknown type".into())),
    }
}
