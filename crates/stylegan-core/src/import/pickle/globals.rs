//! The closed list of Python names that a checkpoint may mention. None of them is ever called.

/// A known global. Variants group names that mean the same to the importers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict` and other mappings that behave as one.
    Mapping,
    /// `builtins.set`, `frozenset`, `list`, `tuple`.
    Sequence,
    /// `argparse.Namespace`, `copyreg` and plain `object`: only their state counts.
    Object,
    /// `_codecs.encode`: how protocol 2 writes bytes.
    Encode,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch._tensor._rebuild_from_type_v2`.
    RebuildFromType,
    /// `torch.storage._load_from_bytes`: a nested legacy torch file.
    LoadFromBytes,
    /// A typed torch storage, by its element type.
    Storage(&'static str),
    /// `torch.Size`, `torch.device` and dtypes such as `torch.float32`, which nothing here needs.
    TorchValue,
    /// An object of a TorchScript archive (`__torch__.…`): its state is a plain mapping.
    TorchScript,
    /// A module that torch brings with it (`torch.nn.…`): its state holds parameters and modules.
    TorchModule,
    /// `torch_utils.persistence._reconstruct_persistent_obj`.
    Persistent,
    /// A network of the TensorFlow generation (`dnnlib.tflib.network.Network`, `tfutil.Network`).
    TensorFlowNetwork,
    /// `numpy.core.multiarray._reconstruct`.
    NumpyReconstruct,
    /// `numpy.core.numeric._frombuffer`: how protocol 5 writes arrays.
    NumpyFromBuffer,
    /// `numpy.ndarray`.
    NumpyArray,
    /// `numpy.dtype`.
    NumpyDtype,
    /// `numpy.core.multiarray.scalar`.
    NumpyScalar,
}

const KNOWN: &[(&str, &str, Global)] = &[
    ("collections", "OrderedDict", Global::Mapping),
    ("collections", "defaultdict", Global::Mapping),
    ("dnnlib.util", "EasyDict", Global::Mapping),
    ("dnnlib", "EasyDict", Global::Mapping),
    ("builtins", "dict", Global::Mapping),
    ("builtins", "set", Global::Sequence),
    ("builtins", "frozenset", Global::Sequence),
    ("builtins", "list", Global::Sequence),
    ("builtins", "tuple", Global::Sequence),
    ("__builtin__", "dict", Global::Mapping),
    ("__builtin__", "set", Global::Sequence),
    ("__builtin__", "frozenset", Global::Sequence),
    ("__builtin__", "list", Global::Sequence),
    ("__builtin__", "object", Global::Object),
    ("builtins", "object", Global::Object),
    ("copy_reg", "_reconstructor", Global::Object),
    ("copyreg", "_reconstructor", Global::Object),
    ("argparse", "Namespace", Global::Object),
    ("_codecs", "encode", Global::Encode),
    ("torch._utils", "_rebuild_tensor", Global::RebuildTensor),
    ("torch._utils", "_rebuild_tensor_v2", Global::RebuildTensor),
    ("torch._utils", "_rebuild_parameter", Global::RebuildParameter),
    ("torch._tensor", "_rebuild_from_type_v2", Global::RebuildFromType),
    ("torch.storage", "_load_from_bytes", Global::LoadFromBytes),
    ("torch", "FloatStorage", Global::Storage("f32")),
    ("torch", "DoubleStorage", Global::Storage("f64")),
    ("torch", "HalfStorage", Global::Storage("f16")),
    ("torch", "BFloat16Storage", Global::Storage("bf16")),
    ("torch", "LongStorage", Global::Storage("i64")),
    ("torch", "IntStorage", Global::Storage("i32")),
    ("torch", "ShortStorage", Global::Storage("i16")),
    ("torch", "CharStorage", Global::Storage("i8")),
    ("torch", "ByteStorage", Global::Storage("u8")),
    ("torch", "BoolStorage", Global::Storage("bool")),
    ("torch", "Size", Global::TorchValue),
    ("torch", "device", Global::TorchValue),
    ("torch", "Tensor", Global::TorchValue),
    ("torch", "float16", Global::TorchValue),
    ("torch", "float32", Global::TorchValue),
    ("torch", "float64", Global::TorchValue),
    ("torch", "bfloat16", Global::TorchValue),
    ("torch", "int32", Global::TorchValue),
    ("torch", "int64", Global::TorchValue),
    ("torch", "uint8", Global::TorchValue),
    ("torch", "bool", Global::TorchValue),
    ("torch.nn.parameter", "Parameter", Global::TorchValue),
    ("torch.jit._pickle", "build_boollist", Global::Sequence),
    ("torch.jit._pickle", "build_doublelist", Global::Sequence),
    ("torch.jit._pickle", "build_intlist", Global::Sequence),
    ("torch.jit._pickle", "build_tensorlist", Global::Sequence),
    ("torch.jit._pickle", "restore_type_tag", Global::Sequence),
    ("torch_utils.persistence", "_reconstruct_persistent_obj", Global::Persistent),
    ("dnnlib.tflib.network", "Network", Global::TensorFlowNetwork),
    ("tfutil", "Network", Global::TensorFlowNetwork),
    ("network", "Network", Global::TensorFlowNetwork),
    ("numpy.core.multiarray", "_reconstruct", Global::NumpyReconstruct),
    ("numpy._core.multiarray", "_reconstruct", Global::NumpyReconstruct),
    ("numpy.core.multiarray", "scalar", Global::NumpyScalar),
    ("numpy._core.multiarray", "scalar", Global::NumpyScalar),
    ("numpy.core.numeric", "_frombuffer", Global::NumpyFromBuffer),
    ("numpy._core.numeric", "_frombuffer", Global::NumpyFromBuffer),
    ("numpy", "ndarray", Global::NumpyArray),
    ("numpy", "dtype", Global::NumpyDtype),
];

pub(super) fn lookup(module: &str, name: &str) -> Option<Global> {
    if module == "__torch__" || module.starts_with("__torch__.") {
        return Some(Global::TorchScript);
    }
    let known = KNOWN.iter().find(|(m, n, _)| *m == module && *n == name).map(|&(_, _, global)| global);
    known.or_else(|| module.starts_with("torch.nn.").then_some(Global::TorchModule))
}
