//! An encoder with its weights, as a file has it.

use crate::checkpoint::{Checkpoint, Kind, Metadata, prefix};
use crate::error::bad_argument;
use crate::import::{is_foreign, networks};
use crate::layers::Mode;
use crate::psp::{AVERAGE, PspConfig, PspEncoder};
use crate::{EncoderConfig, Error, Generator, GeneratorSpec, NetworkConfig, Params, Result, SynthesisOptions};
use candle_core::{DType, Device, Tensor};
use serde_json::Value as Json;
use std::path::Path;
use stylegan_kernels::resize_area;

/// An encoder loaded from a file: pictures to style rows, as the generator takes them. It takes pictures from any device and
/// gives its rows back there.
pub struct TrainedEncoder {
    encoder: PspEncoder,
    params: Params,
    device: Device,
    /// `[num_ws, w_dim]`
    average: Option<Tensor>,
    content_hash: Option<String>,
    options: Json,
}

impl TrainedEncoder {
    /// Loads the network `E` of a checkpoint, or the encoder of a file of pixel2style2pixel, e4e or ReStyle (`.pt`, or
    /// safetensors of its names), with the average style that is kept with it.
    ///
    /// # Errors
    /// One sentence that names the file and what is wrong with it.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let bad = |problem: &str| Error::Checkpoint { path: path.into(), problem: problem.into() };
        let own = if is_foreign(path)? { None } else { Some(Checkpoint::open(path)?) };
        // A checkpoint says itself what it holds; other files are told by their names.
        let own = own.filter(|file| file.metadata().is_some_and(|metadata| metadata.kind != Kind::Weights));
        let (metadata, params, content_hash) = if let Some(file) = own {
            file.verify()?;
            let holds = file.names().any(|name| name.starts_with("E."));
            let params = if holds { Some(file.params(prefix::E, device)?) } else { None };
            (file.metadata().cloned(), params, file.content_hash().map(str::to_owned))
        } else {
            let mut file = networks(path)?;
            let hash = file.metadata.extra.get("source_sha256").cloned();
            let own = std::mem::take(&mut file.tensors).into_iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(prefix::E)?.strip_prefix('.')?.to_owned(), tensor))
            });
            let own: Vec<_> = own.collect();
            let params = if own.is_empty() { None } else { Some(Params::from_tensors(own)?.to_device(device)?) };
            (Some(file.metadata), params, hash)
        };
        let (Some(config), Some(params)) = (metadata.as_ref().and_then(config), params) else {
            return Err(bad(
                "holds no encoder of pictures into styles; give a checkpoint with a pSp encoder E, or a released \
                            .pt file of pixel2style2pixel, e4e or ReStyle",
            ));
        };
        let options = metadata.as_ref().map(options).unwrap_or_default();
        if options["dataset_type"] == "cars_encode" {
            return Err(bad(
                "holds an encoder of cars (dataset_type cars_encode), which is shown pictures of 256x192 pixels, where those \
                 of other data are shown squares: such encoders are not run here; its generator is (--network)",
            ));
        }
        let encoder = PspEncoder::new(config, params.frozen())
            .map_err(|error| bad(&format!("does not hold this encoder: {error}")))?;
        let average = params.get(AVERAGE).map(|average| average.as_detached_tensor());
        if let Some(average) = &average
            && average.dims() != [config.num_ws, config.w_dim]
        {
            return Err(bad(&format!(
                "has an average style {:?}, expected [{}, {}]",
                average.dims(),
                config.num_ws,
                config.w_dim
            )));
        }
        Ok(Self { encoder, params, device: device.clone(), average, content_hash, options })
    }

    /// Its configuration.
    pub fn config(&self) -> &PspConfig {
        self.encoder.config()
    }

    /// Its parameters, with the average style ([`AVERAGE`]) where the file has one.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// SHA-256 of what was loaded, in hexadecimal, if it is known.
    pub fn content_hash(&self) -> Option<&str> {
        self.content_hash.as_deref()
    }

    /// The options of its training (`dataset_type`, `label_nc`, …), as a released file has them; null where a file has none.
    pub fn options(&self) -> &Json {
        &self.options
    }

    /// Whether its rows fit a generator: their number and width.
    ///
    /// # Errors
    /// When they do not; a sentence with both.
    pub fn check_fits(&self, generator: &GeneratorSpec) -> Result<()> {
        let PspConfig { num_ws, w_dim, .. } = *self.config();
        if (num_ws, w_dim) == (generator.num_ws, generator.w_dim) {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "the encoder makes {num_ws} style rows of {w_dim} numbers, the network takes {} of {}; give the network that the \
             encoder was trained for",
            generator.num_ws, generator.w_dim
        )))
    }

    /// Style rows `[n, num_ws, w_dim]` of pictures `[n, img_channels, h, w]` f32 of the encoder's size, in [-1, 1]: what
    /// the encoder gives plus the average style.
    ///
    /// # Errors
    /// Pictures of another shape, or an encoder that looks at what the generator makes as well: see
    /// [`refine`](Self::refine).
    pub fn encode(&self, images: &Tensor) -> Result<Tensor> {
        if self.config().head.is_iterative() {
            bad_argument!("this encoder of ReStyle looks at what the generator makes of its rows as well; use `refine`")
        }
        let rows = self.encoder.forward(&images.to_device(&self.device)?, Mode::Eval)?;
        let rows = match &self.average {
            Some(average) => rows.broadcast_add(average)?,
            None => rows,
        };
        Ok(rows.to_device(images.device())?)
    }
}

impl TrainedEncoder {
    /// Style rows `[n, num_ws, w_dim]` of pictures `[n, picture_channels, h, w]` f32 of the encoder's size, in [-1, 1], after
    /// each of `passes` passes of an encoder of ReStyle (Alaluf et al. 2021, section 3.1): it looks at the picture beside
    /// what the generator makes, with its own noise maps, of the rows of the pass before, and what it gives is added to
    /// these. The first pass starts from the average style.
    ///
    /// # Errors
    /// Pictures of another shape, an encoder that is run once, or a generator that it does not fit or that makes pictures
    /// of other channels.
    pub fn refine(&self, images: &Tensor, generator: &dyn Generator, passes: usize) -> Result<Vec<Tensor>> {
        let (config, spec) = (self.config(), generator.spec());
        self.check_fits(spec)?;
        if !config.head.is_iterative() {
            bad_argument!("this encoder finds the rows of a picture at once; use `encode`")
        }
        if spec.img_channels != config.picture_channels() {
            bad_argument!(
                "the encoder looks at pictures of {} channels, the network makes {}; give the network that the encoder was \
                 trained for",
                config.picture_channels(),
                spec.img_channels
            )
        }
        let average = match (&self.average, generator.w_avg()) {
            (Some(average), _) => average.clone(),
            (None, Some(average)) => average.to_device(&self.device)?.to_dtype(DType::F32)?.unsqueeze(0)?,
            (None, None) => bad_argument!("neither the encoder nor the network has an average style to start from"),
        };
        let (n, [h, w], home) = (images.dim(0)?, config.img_size, images.device());
        let images = images.to_device(&self.device)?;
        let mut rows = average.broadcast_as((n, config.num_ws, config.w_dim))?.contiguous()?;
        let mut after = Vec::with_capacity(passes);
        for _ in 0..passes {
            let made = generator.synthesis(&rows, &SynthesisOptions::default())?;
            let made = resize_area(&made.to_dtype(images.dtype())?, h, w)?;
            let seen = Tensor::cat(&[&images, &made], 1)?;
            rows = (rows + self.encoder.forward(&seen, Mode::Eval)?)?;
            after.push(rows.to_device(home)?);
        }
        Ok(after)
    }
}

/// What a file keeps of the options that a released encoder was trained with.
fn options(metadata: &Metadata) -> Json {
    metadata.extra.get("opts").and_then(|options| serde_json::from_str(options).ok()).unwrap_or_default()
}

/// The encoder's configuration, if the file has a pSp encoder.
fn config(metadata: &Metadata) -> Option<&PspConfig> {
    match metadata.networks.get(prefix::E)? {
        NetworkConfig::Encoder(EncoderConfig::Psp(config)) => Some(config),
        _ => None,
    }
}
