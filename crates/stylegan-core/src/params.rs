//! The ordered store of a network's parameters.

use crate::latent::Stream;
use crate::{Error, Result};
use candle_core::{CpuStorage, DType, Device, Shape, Storage, Tensor, Var};
use candle_nn::init::NormalOrUniform;
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a tensor of this name is a buffer: saved with the network, never trained.
pub fn is_buffer(name: &str) -> bool {
    matches!(
        name.rsplit('.').next(),
        Some("w_avg" | "latent_avg" | "noise_const" | "running_mean" | "running_var" | "weight_u" | "weight_v")
    )
}

/// Parameters and buffers by name, in the order of names. Clones share the store.
///
/// Networks are built on one of two views: [`trainable`](Self::trainable) hands out the variables
/// themselves, [`frozen`](Self::frozen) detached tensors on the same storage. A frozen network
/// follows every later step of the optimiser and costs no gradient.
///
/// ```
/// use candle_core::{DType, Device};
/// use stylegan_core::Params;
///
/// let params = Params::new(0, DType::F32, &Device::Cpu);
/// let w = params.trainable().pp("fc").get((2, 3), "weight")?;
/// assert!(w.is_variable() && !params.frozen().pp("fc").get((2, 3), "weight")?.is_variable());
/// assert_eq!(params.vars()[0].0, "fc.weight");
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Params {
    store: Arc<Store>,
}

struct Store {
    seed: u64,
    dtype: DType,
    device: Device,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    vars: BTreeMap<String, Var>,
    asked_for: BTreeSet<String>,
}

impl Params {
    /// An empty store. Its [`trainable`](Self::trainable) view creates what a network asks for,
    /// drawn from a random stream addressed by `(seed, name)`: neither the order of construction
    /// nor other parameters change a value.
    pub fn new(seed: u64, dtype: DType, device: &Device) -> Self {
        let store = Store { seed, dtype, device: device.clone(), entries: Mutex::default() };
        Self { store: Arc::new(store) }
    }

    /// A store that holds copies of `tensors`, all f32 or all f64 (f16 and bf16 are widened to f32).
    ///
    /// # Errors
    /// When there are no tensors, their types differ or are integers, one holds numbers that are not
    /// finite, or a name occurs twice.
    pub fn from_tensors(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Result<Self> {
        Self::from_vars(tensors.into_iter().map(|(name, tensor)| {
            let var = Self::variable(&name, &tensor)?;
            Ok((name, var))
        }))
    }

    /// A variable with a copy of `tensor`.
    pub(crate) fn variable(name: &str, tensor: &Tensor) -> Result<Var> {
        let tensor = match tensor.dtype() {
            DType::F32 | DType::F64 => tensor.detach().contiguous()?,
            DType::F16 | DType::BF16 => tensor.detach().to_dtype(DType::F32)?,
            other => return Err(Error::ParameterType { name: name.into(), found: other.as_str().into() }),
        };
        Ok(Var::from_tensor(&tensor)?)
    }

    /// A store of these variables, which it shares with whoever else holds them: a network that has some
    /// tensors in common with another, or several networks under one optimiser. They are taken one at a
    /// time and not copied.
    ///
    /// # Errors
    /// As [`from_tensors`](Self::from_tensors), and the first error among `named`.
    pub fn from_vars(named: impl IntoIterator<Item = Result<(String, Var)>>) -> Result<Self> {
        let mut vars = BTreeMap::new();
        let mut common: Option<(DType, Device)> = None;
        for item in named {
            let (name, var) = item?;
            let (dtype, _) = common.get_or_insert_with(|| (var.dtype(), var.device().clone()));
            if *dtype != var.dtype() {
                return Err(Error::ParameterType { name, found: format!("{:?} among {dtype:?}", var.dtype()) });
            }
            if !is_finite(&var) {
                return Err(Error::NotFinite { name });
            }
            if vars.insert(name.clone(), var).is_some() {
                return Err(Error::Argument(format!("parameter `{name}` occurs twice; names must be unique")));
            }
        }
        let Some((dtype, device)) = common else {
            return Err(Error::Argument("there are no parameters to make a network of".into()));
        };
        let params = Self::new(0, dtype, &device);
        params.lock().vars = vars;
        Ok(params)
    }

    /// A deep copy: same names and values, other storage (the start of a moving average).
    ///
    /// # Errors
    /// When the device has no room.
    pub fn copy(&self) -> Result<Self> {
        let copy = Self::new(self.store.seed, self.store.dtype, &self.store.device);
        for (name, var) in self.vars() {
            // Detached, as candle would hand out the same variable again.
            copy.lock().vars.insert(name, Var::from_tensor(&var.as_detached_tensor())?);
        }
        Ok(copy)
    }

    /// The same names and values on `device`: itself where they are there already, else a copy.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        if self.store.device.same_device(device) {
            return Ok(self.clone());
        }
        let moved = Self::new(self.store.seed, self.store.dtype, device);
        for (name, var) in self.vars() {
            moved.lock().vars.insert(name, Var::from_tensor(&var.as_detached_tensor().to_device(device)?)?);
        }
        Ok(moved)
    }

    /// The view to train with: hands out variables (buffers come detached), creates missing ones.
    pub fn trainable(&self) -> VarBuilder<'static> {
        self.view(View { params: self.clone(), trainable: true })
    }

    /// The view to run with: hands out detached tensors that share the variables' storage, so they
    /// follow later steps. Asking for what the store does not hold is an error that names it.
    pub fn frozen(&self) -> VarBuilder<'static> {
        self.view(View { params: self.clone(), trainable: false })
    }

    fn view(&self, view: View) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(view), self.store.dtype, self.store.device.clone())
    }

    /// Parameters and buffers, ordered by name.
    pub fn vars(&self) -> Vec<(String, Var)> {
        self.lock().vars.iter().map(|(name, var)| (name.clone(), var.clone())).collect()
    }

    /// Parameters without buffers, ordered by name: what an optimiser steps.
    pub fn parameters(&self) -> Vec<(String, Var)> {
        self.vars().into_iter().filter(|(name, _)| !is_buffer(name)).collect()
    }

    /// One parameter or buffer.
    pub fn get(&self, name: &str) -> Option<Var> {
        self.lock().vars.get(name).cloned()
    }

    /// Names that no network built on a view of this store has asked for.
    pub fn unused(&self) -> Vec<String> {
        let entries = self.lock();
        entries.vars.keys().filter(|name| !entries.asked_for.contains(*name)).cloned().collect()
    }

    /// The element type of all parameters.
    pub fn dtype(&self) -> DType {
        self.store.dtype
    }

    /// The device of all parameters.
    pub fn device(&self) -> &Device {
        &self.store.device
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.store.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value a new parameter starts from.
    fn initial(&self, name: &str, shape: &Shape, init: Init) -> candle_core::Result<Tensor> {
        let (dtype, device) = (self.store.dtype, &self.store.device);
        let mut stream = Stream::addressed(self.store.seed, "init", &[], name);
        let mut draw = |next: &mut dyn FnMut(&mut Stream) -> f64| {
            let values: Vec<f64> = (0..shape.elem_count()).map(|_| next(&mut stream)).collect();
            match dtype {
                DType::F32 => {
                    Tensor::from_vec(values.into_iter().map(|x| x as f32).collect::<Vec<_>>(), shape.clone(), device)
                }
                _ => Tensor::from_vec(values, shape.clone(), device)?.to_dtype(dtype),
            }
        };
        match init {
            Init::Const(value) => Tensor::full(value, shape.clone(), device)?.to_dtype(dtype),
            Init::Randn { mean, stdev } => draw(&mut |s| mean + stdev * s.normal()),
            Init::Uniform { lo, up } => draw(&mut |s| lo + (up - lo) * s.uniform()),
            Init::Kaiming { dist, fan, non_linearity } => {
                let stdev = non_linearity.gain() / (fan.for_shape(shape) as f64).sqrt();
                match dist {
                    NormalOrUniform::Normal => draw(&mut |s| stdev * s.normal()),
                    NormalOrUniform::Uniform => draw(&mut |s| stdev * 3f64.sqrt() * (2. * s.uniform() - 1.)),
                }
            }
        }
    }
}

/// Whether all numbers are finite. Integers are taken to be, and so are tensors elsewhere than in main memory, which were
/// checked on their way there, and strided views, which no caller passes.
pub(crate) fn is_finite(tensor: &Tensor) -> bool {
    debug_assert!(tensor.is_contiguous(), "a strided view is not looked at");
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else { return true };
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => values[start..end].iter().all(|x| x.is_finite()),
        Storage::Cpu(CpuStorage::F64(values)) => values[start..end].iter().all(|x| x.is_finite()),
        Storage::Cpu(CpuStorage::F16(values)) => values[start..end].iter().all(|x| x.is_finite()),
        Storage::Cpu(CpuStorage::BF16(values)) => values[start..end].iter().all(|x| x.is_finite()),
        _ => true,
    }
}

struct View {
    params: Params,
    trainable: bool,
}

impl View {
    fn hand_out(&self, name: &str, var: &Var) -> Tensor {
        if self.trainable && !is_buffer(name) { var.as_tensor().clone() } else { var.as_detached_tensor() }
    }
}

impl SimpleBackend for View {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        _dtype: DType,
        _device: &Device,
    ) -> candle_core::Result<Tensor> {
        self.params.lock().asked_for.insert(name.to_owned());
        let var = match (self.params.get(name), self.trainable) {
            (Some(var), _) => var,
            (None, true) => {
                let var = Var::from_tensor(&self.params.initial(name, &shape, init)?)?;
                self.params.lock().vars.entry(name.to_owned()).or_insert(var).clone()
            }
            (None, false) => {
                return Err(Error::MissingParameter { name: name.into(), shape: shape.dims().to_vec() }.into());
            }
        };
        if var.shape() != &shape {
            let (expected, found) = (shape.dims().to_vec(), var.dims().to_vec());
            return Err(Error::ParameterShape { name: name.into(), expected, found }.into());
        }
        Ok(self.hand_out(name, &var))
    }

    fn get_unchecked(&self, name: &str, _dtype: DType, _device: &Device) -> candle_core::Result<Tensor> {
        self.params.lock().asked_for.insert(name.to_owned());
        match self.params.get(name) {
            Some(var) => Ok(self.hand_out(name, &var)),
            None => Err(Error::MissingParameter { name: name.into(), shape: vec![] }.into()),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.params.get(name).is_some()
    }
}
