//! The trained generator that an encoder finds styles for.

use crate::config::EncoderTrainConfig;
use crate::inversion::hash_of;
use crate::{Error, Result, checkpoints};
use candle_core::{DType, Device, Tensor};
use std::path::{Path, PathBuf};
use stylegan_core::{GeneratorConfig, Model, Params};

/// A generator of a file.
pub(super) struct Decoder {
    /// The file, from the root of the file system on.
    pub(super) file: PathBuf,
    /// SHA-256 of its contents.
    pub(super) hash: String,
    pub(super) config: GeneratorConfig,
    pub(super) params: Params,
}

impl Decoder {
    /// The generator of a configuration, if the encoder fits it.
    pub(super) fn load(config: &EncoderTrainConfig) -> Result<Self> {
        if config.generator.is_empty() {
            return Err(Error::Config {
                place: "generator".into(),
                problem: "is empty: name the trained generator whose styles are to be found, such as --set \
                          generator=runs/faces"
                    .into(),
            });
        }
        let problem = |problem: String| Error::Config { place: format!("generator = {}", config.generator), problem };
        let file = file(Path::new(&config.generator))?;
        let file = file.canonicalize().map_err(|error| {
            problem(format!("cannot be read ({error}); if it was moved, name it with --set generator=PATH"))
        })?;
        let model = Model::load(&file, &Device::Cpu)?;
        let hash = hash_of(&model)?;
        if !config.generator_hash.is_empty() && config.generator_hash != hash {
            return Err(problem(format!(
                "has contents {hash}, and the run began with {}; give the generator that it began with, or start anew in \
                 another folder",
                config.generator_hash
            )));
        }
        check(config, &model).map_err(problem)?;
        let params = model.params().vars().into_iter();
        let params = params.map(|(name, var)| Ok((name, var.as_detached_tensor().to_dtype(DType::F32)?)));
        let params = Params::from_tensors(params.collect::<Result<Vec<(String, Tensor)>>>()?)?;
        Ok(Self { file, hash, config: model.config().clone(), params })
    }
}

/// The file that a path means: itself, or the newest whole checkpoint of a run.
fn file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    match checkpoints::newest(path, |_| Ok(()))? {
        (Some(checkpoint), _) => Ok(checkpoint.path().to_owned()),
        (None, _) => Err(Error::Config {
            place: format!("generator = {}", path.display()),
            problem: "holds no whole checkpoint of a run; give a file, or the folder of a run".into(),
        }),
    }
}

/// Whether a generator has styles that this encoder could find; if not, why: the rest of a sentence.
fn check(config: &EncoderTrainConfig, model: &Model) -> Result<(), String> {
    let (spec, encoder) = (model.generator().spec(), &config.encoder);
    if !spec.mapping {
        return Err("makes pictures of latents as they are and has no styles; take a StyleGAN or StyleGAN2".into());
    }
    if spec.condition.label_dim() > 0 {
        return Err("makes pictures of classes, whose styles have no average in common; take one without labels".into());
    }
    let ([h, w], c) = (spec.img_size, spec.img_channels);
    if h != w || c != 3 {
        return Err(format!("makes pictures of {w}x{h} pixels with {c} channels, expected square ones in RGB"));
    }
    if (spec.num_ws, spec.w_dim) != (encoder.num_ws, encoder.w_dim) {
        return Err(format!(
            "takes {} style rows of {} numbers, and the encoder makes {} of {}; set encoder.num_ws = {} and encoder.w_dim = {}",
            spec.num_ws, spec.w_dim, encoder.num_ws, encoder.w_dim, spec.num_ws, spec.w_dim
        ));
    }
    Ok(())
}
