//! NumPy arrays and scalars inside pickles.

use super::ImportError;
use super::pickle::{Global, Id, Pickle};
use super::strided_tensor::{Element, MAX_RANK, StridedTensor, contiguous_strides};

/// The array or scalar that a value rebuilds, `None` if it is neither.
///
/// # Errors
/// An array of an unknown type, or with fewer bytes than its shape needs.
pub(super) fn array<'a>(pickle: &Pickle<'a>, id: Id) -> Result<Option<StridedTensor<'a>>, ImportError> {
    let malformed = || ImportError("NumPy array: malformed parts; the file is damaged".into());
    if let Some(call) = pickle.call_of(id, Global::NumpyScalar) {
        let &[dtype, bytes] = pickle.sequence(call.args).ok_or_else(malformed)? else { return Err(malformed()) };
        let storage = pickle.bytes(bytes).ok_or_else(malformed)?;
        let (element, big_endian) = element(pickle, dtype)?;
        return Ok(Some(StridedTensor { element, shape: vec![], strides: vec![], offset: 0, big_endian, storage }));
    }
    let (shape, dtype, fortran, bytes) = if let Some(call) = pickle.call_of(id, Global::NumpyFromBuffer) {
        let parts = pickle.sequence(call.args).ok_or_else(malformed)?;
        let &[bytes, dtype, shape, order] = parts else { return Err(malformed()) };
        (shape, dtype, pickle.text(order).as_deref() == Some("F"), bytes)
    } else if let Some(call) = pickle.call_of(id, Global::NumpyReconstruct) {
        // The state is (version, shape, dtype, is_fortran, bytes).
        let state = call.state.and_then(|state| pickle.sequence(state)).ok_or_else(malformed)?;
        let &[_, shape, dtype, fortran, bytes] = state else { return Err(malformed()) };
        (shape, dtype, pickle.int(fortran) == Some(1), bytes)
    } else {
        return Ok(None);
    };
    let sides = pickle.sequence(shape).ok_or_else(malformed)?;
    if sides.len() > MAX_RANK {
        return Err(ImportError(format!("NumPy array: {} dimensions; no network needs that many", sides.len())));
    }
    let shape: Vec<usize> = sides.iter().map(|&side| pickle.size(side)).collect::<Option<_>>().ok_or_else(malformed)?;
    let strides = strides(&shape, fortran);
    let storage = pickle.bytes(bytes).ok_or_else(malformed)?;
    let (element, big_endian) = element(pickle, dtype)?;
    Ok(Some(StridedTensor { element, shape, strides, offset: 0, big_endian, storage }))
}

/// The type of an array's elements, and whether their most significant byte comes first.
fn element(pickle: &Pickle<'_>, dtype: Id) -> Result<(Element, bool), ImportError> {
    let call = pickle.call_of(dtype, Global::NumpyDtype);
    let name = call.and_then(|call| pickle.text(*pickle.sequence(call.args)?.first()?));
    // The state's second part is the byte order.
    let order = call.and_then(|call| pickle.text(*pickle.sequence(call.state?)?.get(1)?));
    let name = name.as_deref().unwrap_or("unknown");
    let unknown = || ImportError(format!("NumPy array: element type `{name:.40}` is not supported"));
    let element = element_of(name).ok_or_else(unknown)?;
    Ok((element, order.as_deref() == Some(">")))
}

/// The element type that NumPy calls so, without its byte order.
pub(super) fn element_of(name: &str) -> Option<Element> {
    Some(match name {
        "f8" => Element::F64,
        "f4" => Element::F32,
        "f2" => Element::F16,
        "i8" => Element::I64,
        "u8" => Element::U64,
        "i4" => Element::I32,
        "i2" => Element::I16,
        "u4" => Element::U32,
        "u2" => Element::U16,
        "i1" => Element::I8,
        "u1" => Element::U8,
        "b1" => Element::Bool,
        _ => return None,
    })
}

/// The strides of an array that lies row by row, or column by column as Fortran has them.
pub(super) fn strides(shape: &[usize], fortran: bool) -> Vec<usize> {
    if !fortran {
        return contiguous_strides(shape);
    }
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    contiguous_strides(&reversed).into_iter().rev().collect()
}
