//! Writes pickles (protocol 2 and later opcodes), for tests of their reader.

use candle_core::{DType, Tensor};

/// A pickle under construction: each method appends the opcodes that leave its value on the stack.
#[derive(Debug, Clone, Default)]
pub struct Pickle {
    bytes: Vec<u8>,
}

impl Pickle {
    /// `PROTO 2`, then nothing.
    pub fn new() -> Self {
        Self { bytes: vec![0x80, 2] }
    }

    /// Opcodes as they are.
    pub fn raw(mut self, opcodes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(opcodes.as_ref());
        self
    }

    /// The end of the stream.
    pub fn stop(self) -> Vec<u8> {
        self.raw(b".").bytes
    }

    /// A string.
    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw((text.len() as u32).to_le_bytes()).raw(text)
    }

    /// An integer.
    pub fn int(self, value: i32) -> Self {
        self.raw(b"J").raw(value.to_le_bytes())
    }

    /// A bytes object (protocol 3).
    pub fn blob(self, bytes: &[u8]) -> Self {
        self.raw(b"B").raw((bytes.len() as u32).to_le_bytes()).raw(bytes)
    }

    /// A Python name.
    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n"))
    }

    /// A tuple of what `items` push.
    pub fn tuple(self, items: impl FnOnce(Self) -> Self) -> Self {
        items(self.raw(b"(")).raw(b"t")
    }

    /// A list of what `items` push.
    pub fn list(self, items: impl FnOnce(Self) -> Self) -> Self {
        items(self.raw(b"](")).raw(b"e")
    }

    /// A dictionary of the keys and values that `items` push.
    pub fn dict(self, items: impl FnOnce(Self) -> Self) -> Self {
        items(self.raw(b"}(")).raw(b"u")
    }

    /// A call of a name with the arguments that `arguments` push.
    pub fn call(self, module: &str, name: &str, arguments: impl FnOnce(Self) -> Self) -> Self {
        self.global(module, name).tuple(arguments).raw(b"R")
    }

    /// An object made without arguments, whose state `state` pushes.
    pub fn object(self, module: &str, name: &str, state: impl FnOnce(Self) -> Self) -> Self {
        state(self.global(module, name).raw(b")\x81")).raw(b"b")
    }

    /// A torch tensor of f32, rebuilt from a storage of its own as pickled modules have it.
    pub fn torch(self, tensor: &Tensor) -> Self {
        let values = tensor.to_dtype(DType::F32).and_then(|t| t.flatten_all()?.to_vec1::<f32>()).unwrap_or_default();
        let sizes = |p: Self, sizes: &[usize]| p.tuple(|p| sizes.iter().fold(p, |p, &side| p.int(side as i32)));
        self.call("torch._utils", "_rebuild_tensor_v2", |p| {
            let p = p.call("torch.storage", "_load_from_bytes", |p| p.blob(&storage(&values))).int(0);
            sizes(sizes(p, tensor.dims()), tensor.stride()).raw(b"\x89").dict(|p| p)
        })
    }

    /// A NumPy array of a tensor's values, as f32.
    pub fn array(self, tensor: &Tensor) -> Self {
        let values = tensor.to_dtype(DType::F32).and_then(|t| t.flatten_all()?.to_vec1::<f32>()).unwrap_or_default();
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.array_of("f4", tensor.dims(), &bytes)
    }

    /// A NumPy array of any element type, shape and bytes.
    pub fn array_of(self, dtype: &str, shape: &[usize], bytes: &[u8]) -> Self {
        let start = |p: Self| p.global("numpy", "ndarray").tuple(|p| p.int(0)).blob(b"b");
        let shape = |p: Self| shape.iter().fold(p, |p, &side| p.int(side as i32));
        let dtype = |p: Self| {
            let p = p.call("numpy", "dtype", |p| p.text(dtype).int(0).int(1));
            p.tuple(|p| p.int(3).text("<").raw(b"NNN").int(-1).int(-1).int(0)).raw(b"b")
        };
        let array = self.call("numpy.core.multiarray", "_reconstruct", start);
        array.tuple(|p| dtype(p.int(1).tuple(shape)).raw(b"\x89").blob(bytes)).raw(b"b")
    }
}

/// `pickle.dumps(0x1950a86a20f9469cfc6c, protocol=2)`, with which torch's sequential files begin.
pub const TORCH_MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// A sequential torch file of one storage.
fn storage(values: &[f32]) -> Vec<u8> {
    let system = Pickle::new().dict(|p| p).stop();
    let count = values.len();
    let root = Pickle::new()
        .tuple(|p| p.text("storage").global("torch", "FloatStorage").text("0").text("cpu").int(count as i32))
        .raw(b"Q")
        .stop();
    let keys = Pickle::new().list(|p| p.text("0")).stop();
    let bytes: Vec<u8> = values.iter().copied().flat_map(f32::to_le_bytes).collect();
    [TORCH_MAGIC, b"\x80\x02M\xe9\x03.", &system, &root, &keys, &(count as u64).to_le_bytes(), &bytes].concat()
}
