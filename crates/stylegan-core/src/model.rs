//! A generator with its weights: what programs that use trained networks start from.

use crate::checkpoint::{ASSUMED, Checkpoint, Kind, Metadata, assumed_of, infer_generator, prefix};
use crate::import::{FILTER, Imported, check_filter, import, import_safetensors, is_foreign};
use crate::latent::latents_from_seeds;
use crate::network::Loaded;
use crate::{
    Condition, Error, Generator, GeneratorConfig, NetworkConfig, Params, Precision, Result, Sampler, SynthesisOptions,
    build_generator,
};
use candle_core::{DType, Device, Tensor};
use std::path::Path;

/// A generator loaded from a file.
///
/// It computes on the device that it was loaded to, takes tensors from any device, and gives its results back on that of
/// the latents or style rows that it was given. So nothing but the device differs for a GPU, and nothing of a chain of
/// calls leaves it where the latents lie there.
///
/// ```
/// use candle_core::Device;
/// use stylegan_core::{Model, SynthesisOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("network.safetensors");
/// # stylegan_core::doc::save_tiny_network(&path)?;
/// let model = Model::load(&path, &Device::Cpu)?;
/// let z = model.latents(&[85, 100])?; // NumPy's seeds
/// let ws = model.styles(&z, None)?;
/// let ws = model.truncate(&ws, 0.7, Some(8))?;
/// let img = model.synthesize(&ws, &SynthesisOptions::default())?;
/// assert_eq!(img.dims(), [2, 3, 16, 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Model {
    generator: Loaded,
    config: GeneratorConfig,
    metadata: Option<Metadata>,
    content_hash: Option<String>,
    params: Params,
}

impl Model {
    /// Loads the generator of a checkpoint: `G_ema`, else `G`. In a plain safetensors file the
    /// names may also stand without prefix or be rosinality's, and the configuration is inferred from
    /// shapes. Foreign files that [`import`](crate::import::import) knows are converted in memory. A checkpoint that is
    /// no longer what was written, by its content hash, is refused.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("network.safetensors");
    /// # stylegan_core::doc::save_tiny_network(&path)?;
    /// let model = stylegan_core::Model::load(&path, &candle_core::Device::Cpu)?;
    /// assert_eq!(model.generator().spec().img_size, [16, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// One sentence that names the file and what is wrong with it.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::open(path.as_ref(), None, device)
    }

    /// Loads a generator whose file does not say enough about itself.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(path: impl AsRef<Path>, config: GeneratorConfig, device: &Device) -> Result<Self> {
        Self::open(path.as_ref(), Some(config), device)
    }

    fn open(path: &Path, config: Option<GeneratorConfig>, device: &Device) -> Result<Self> {
        if is_foreign(path)? {
            return Self::from_imported(import(path)?, config, path, device);
        }
        let file = Checkpoint::open(path)?;
        file.verify()?;
        Self::read(&file, config, device)
    }

    /// Loads the generator of a file that is open, which is one that [`load`](Self::load) would not take for another
    /// program's. Its contents are not compared with their hash; [`Checkpoint::verify`] does that.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn of_checkpoint(file: &Checkpoint, device: &Device) -> Result<Self> {
        Self::read(file, None, device)
    }

    fn read(file: &Checkpoint, config: Option<GeneratorConfig>, device: &Device) -> Result<Self> {
        let path = file.path();
        // State dictionaries that this program wrote for others have the configuration beside them.
        if config.is_none()
            && file.metadata().is_some_and(|metadata| metadata.kind == Kind::Weights)
            && let Some(imported) = import_safetensors(file)?
        {
            return Self::from_imported(imported, None, path, device);
        }
        let holds = |prefix: &str| file.names().any(|name| name.starts_with(prefix));
        let prefix = match [prefix::G_EMA, prefix::G].into_iter().find(|prefix| holds(&format!("{prefix}."))) {
            Some(prefix) => prefix,
            None if holds("synthesis.") => "",
            None => {
                if let Some(imported) = import_safetensors(file)? {
                    return Self::from_imported(imported, config, path, device);
                }
                let content = file.metadata().and_then(|metadata| metadata.extra.get("content"));
                return Err(file.bad(match content {
                    Some(content) => format!("holds no generator that can be run, but: {content}"),
                    None => "holds no generator: no tensor is called G_ema.…, G.… or synthesis.…".into(),
                }));
            }
        };
        let stated = file.metadata().and_then(|metadata| metadata.networks.get(prefix)).cloned();
        let (mut metadata, content_hash) = (file.metadata().cloned(), file.content_hash().map(str::to_owned));
        let config = match (config, stated) {
            (Some(config), _) | (None, Some(NetworkConfig::Generator(config))) => config,
            (None, Some(NetworkConfig::Discriminator(_) | NetworkConfig::Encoder(_) | NetworkConfig::Segmenter(_))) => {
                return Err(file.bad(format!("says that its network {prefix} is no generator; convert it again")));
            }
            (None, None) => {
                let full = |name: &str| if prefix.is_empty() { name.into() } else { format!("{prefix}.{name}") };
                let config = infer_generator(&|name| file.shape(&full(name)))
                    .map_err(|error| file.bad(format!("cannot be loaded: {error}")))?;
                metadata.get_or_insert_default().extra.insert(ASSUMED.into(), assumed_of(&config));
                config
            }
        };
        let named = |error: Error| match error {
            error @ (Error::Checkpoint { .. } | Error::Io { .. }) => error,
            error => file.bad(format!("does not hold this network: {error}")),
        };
        let params = file.params(prefix, device).map_err(named)?;
        let mut model = Self::from_params(config, params).and_then(|model| model.told(metadata)).map_err(named)?;
        model.content_hash = content_hash;
        Ok(model)
    }

    fn from_imported(
        mut imported: Imported,
        config: Option<GeneratorConfig>,
        path: &Path,
        device: &Device,
    ) -> Result<Self> {
        let bad = |problem: String| Error::Checkpoint { path: path.into(), problem };
        let stated =
            [prefix::G_EMA, prefix::G].into_iter().find_map(|prefix| match imported.metadata.networks.get(prefix)? {
                NetworkConfig::Generator(config) => Some((prefix, config.clone())),
                NetworkConfig::Discriminator(_) | NetworkConfig::Encoder(_) | NetworkConfig::Segmenter(_) => None,
            });
        let content = imported.metadata.extra.get("content").map_or(imported.origin, String::as_str);
        let (prefix, stated) =
            stated.ok_or_else(|| bad(format!("holds no generator that can be run, but: {content}")))?;
        if config.is_some() {
            imported.metadata.extra.remove(ASSUMED);
        }
        // Taken one by one, so that each foreign tensor is freed as its copy is made.
        let own = imported.tensors.into_iter();
        let own =
            own.filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned(), tensor)));
        let params = Params::from_tensors(own)?.to_device(device)?;
        let content_hash = imported.metadata.extra.get("source_sha256").cloned();
        let mut model = Self::from_params(config.unwrap_or(stated), params)
            .and_then(|model| model.told(Some(imported.metadata)))
            .map_err(|error| bad(format!("does not hold this network: {error}")))?;
        model.content_hash = content_hash;
        Ok(model)
    }

    /// With what its file says of it.
    fn told(self, metadata: Option<Metadata>) -> Result<Self> {
        let (lod, most) = (metadata.as_ref().map_or(0., Metadata::lod), self.generator.spec().max_lod);
        if lod > most {
            return Err(Error::Argument(format!("its level of detail is {lod}, at most {most} for such a network")));
        }
        Ok(Self { generator: self.generator.at(lod), metadata, ..self })
    }

    /// A generator on parameters at hand.
    ///
    /// # Errors
    /// When a parameter is missing, of another shape, or belongs to no module.
    pub fn from_params(config: GeneratorConfig, params: Params) -> Result<Self> {
        let generator = Loaded::new(build_generator(&config, params.frozen())?, params.device());
        // The official StyleGAN2 stores its constant low-pass filters beside the parameters.
        let (filters, unused): (Vec<_>, Vec<_>) = params.unused().into_iter().partition(|name| name.ends_with(FILTER));
        if let Some(name) = unused.first() {
            return Err(Error::UnusedParameters { name: name.clone(), count: unused.len() });
        }
        for (name, filter) in filters.iter().filter_map(|name| Some((name, params.get(name)?))) {
            check_filter(name, &filter, 1.)?;
        }
        Ok(Self { generator, config, metadata: None, content_hash: None, params })
    }

    /// The same network on another device; itself where it is there already.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn to_device(self, device: &Device) -> Result<Self> {
        if self.params.device().same_device(device) {
            return Ok(self);
        }
        let params = self.params.to_device(device)?;
        let generator = Loaded::new(build_generator(&self.config, params.frozen())?, device);
        let generator = generator.with(self.generator.precision()).at(self.lod());
        Ok(Self { generator, params, ..self })
    }

    /// The same network with the convolutions of its synthesis computed in `precision`, unless the options of a synthesis
    /// ask for less than f32 themselves; a network of f64 stays in f64. Weights in another precision than f32 are kept
    /// from pass to pass, so its parameters must not be changed from then on.
    ///
    /// ```
    /// # use candle_core::Device;
    /// # use stylegan_core::{Model, Precision, SynthesisOptions};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("network.safetensors");
    /// # stylegan_core::doc::save_tiny_network(&path)?;
    /// let model = Model::load(&path, &Device::Cpu)?.in_precision(Precision::Bf16x3);
    /// let ws = model.styles(&model.latents(&[0])?, None)?;
    /// let image = model.synthesize(&ws, &SynthesisOptions::default())?; // in bf16x3
    /// assert_eq!(model.generator().precision(), Precision::Bf16x3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { generator: self.generator.with(precision), ..self }
    }

    /// The latents of published seeds `[n, z_dim]`, in main memory: NumPy's `RandomState(seed).randn`.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub fn latents(&self, seeds: &[u32]) -> Result<Tensor> {
        let z = latents_from_seeds(seeds, self.generator.spec().z_dim, &Device::Cpu)?;
        Ok(z.to_dtype(self.params.dtype())?)
    }

    /// Labels `[n, c_dim]` of one class for all, in main memory, or `None` for an unconditional network.
    ///
    /// # Errors
    /// When the class does not exist.
    pub fn labels(&self, class: usize, n: usize) -> Result<Option<Tensor>> {
        let c_dim = self.generator.spec().condition.label_dim();
        if c_dim == 0 {
            return Ok(None);
        }
        if class >= c_dim {
            return Err(Error::Argument(format!("class {class} does not exist; this network has 0 to {}", c_dim - 1)));
        }
        let mut values = vec![0f32; n * c_dim];
        values.iter_mut().skip(class).step_by(c_dim).for_each(|value| *value = 1.);
        Ok(Some(Tensor::from_vec(values, (n, c_dim), &Device::Cpu)?.to_dtype(self.params.dtype())?))
    }

    /// Latents `[n, z_dim]` (and labels `[n, c_dim]`) to style rows `[n, num_ws, w_dim]`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn styles<'a>(&self, z: &Tensor, condition: impl Into<Condition<'a>>) -> Result<Tensor> {
        self.sampler().untruncated(z, condition.into())
    }

    /// Moves style rows below `cutoff` (all for `None`) towards the average style; see
    /// [`latent::truncate`](crate::latent::truncate). Networks without an average style leave them
    /// as they are when `psi` is 1.
    ///
    /// # Errors
    /// When the network has no average style and `psi` is not 1.
    pub fn truncate(&self, ws: &Tensor, psi: f64, cutoff: Option<usize>) -> Result<Tensor> {
        Sampler { psi, cutoff, ..self.sampler() }.truncate(ws)
    }

    /// Style rows `[n, num_ws, w_dim]` to pictures `[n, c, h, w]`, about in [-1, 1].
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn synthesize(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        self.generator.synthesis(ws, options)
    }

    /// A sampler of its images, without truncation.
    pub fn sampler(&self) -> Sampler<'_> {
        Sampler::new(&self.generator)
    }

    /// The network.
    pub fn generator(&self) -> &dyn Generator {
        &self.generator
    }

    /// The level of detail at which it makes pictures, 0 for full size: that to which a growing network had come when its file
    /// was written. Its pictures are as large as those of the grown network.
    pub fn lod(&self) -> f64 {
        self.generator.lod()
    }

    /// Its configuration.
    pub fn config(&self) -> &GeneratorConfig {
        &self.config
    }

    /// Its parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// What its file says about itself, if it does, and what was assumed where it does not
    /// ([`Metadata::assumed`]).
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// Names of its classes, from class 0 on, as far as its file gives them.
    pub fn classes(&self) -> Vec<String> {
        self.metadata.as_ref().map(Metadata::classes).unwrap_or_default()
    }

    /// SHA-256 of what was loaded, in hexadecimal: the content hash of a checkpoint, if it has one, with which
    /// [`load`](Self::load) has compared the contents, or the hash of a foreign file.
    pub fn content_hash(&self) -> Option<&str> {
        self.content_hash.as_deref()
    }

    /// The element type it computes in.
    pub fn dtype(&self) -> DType {
        self.params.dtype()
    }
}
