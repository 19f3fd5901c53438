//! The styles that maps are painted in: seeds, pictures through the encoder, or the one that there is.

use super::maps::{bytes, refused, stem};
use super::painter::Painter;
use crate::exit::wrong;
use crate::network::{check_exists, checkpoint};
use crate::numbers::Numbers;
use candle_core::{DType, Device, Tensor};
use image::RgbImage;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::import::is_foreign;
use stylegan_core::load_spade_encoder;
use stylegan_core::spade::SpadeEncoder;
use stylegan_train::data::Picture;
use stylegan_train::data::preprocess::Preprocess;
use stylegan_train::data::resize::{bicubic, middle};
use stylegan_train::state::config_of;

/// The styles, in order.
pub(super) enum Styles {
    /// The network starts from the map alone: there is one.
    One,
    /// Latents of seeds, as NumPy draws them.
    Seeds { seeds: Vec<u32>, z: Tensor },
    /// Latents of pictures: the means that the encoder gives them (Park et al. 2019, section 3.2).
    Pictures { files: Vec<PathBuf>, shown: Vec<RgbImage>, z: Tensor },
}

impl Styles {
    /// The styles of these seeds, or seed 0.
    pub(super) fn seeds(seeds: Option<&Numbers>, painter: &Painter) -> anyhow::Result<Self> {
        if painter.z_dim() == 0 {
            return match seeds {
                None => Ok(Self::One),
                Some(_) => wrong!("--seeds: {}", alone(painter)),
            };
        }
        let seeds = seeds.map_or_else(|| vec![0], |seeds| seeds.distinct("--seeds").0);
        let z = painter.latents(&seeds)?;
        Ok(Self::Seeds { seeds, z })
    }

    /// The styles of these pictures, by the encoder in the file or run `encoder`.
    pub(super) fn pictures(files: &[PathBuf], encoder: &Path, painter: &Painter) -> anyhow::Result<Self> {
        if painter.z_dim() == 0 {
            wrong!("--style: {}", alone(painter));
        }
        let file = checkpoint(encoder)?;
        let Some(encoder) = StyleReader::open(&file, painter.model().params().device())? else {
            wrong!(
                "--style: {} holds no image encoder (E) to read styles of pictures with; name the file that does with \
                 --encoder (latest_net_E.pth of a released network), or take styles of seeds: --seeds 0-3",
                file.display()
            );
        };
        if encoder.z_dim() != painter.z_dim() {
            wrong!(
                "{} gives styles of {} numbers, {} takes {}; they do not belong together",
                file.display(),
                encoder.z_dim(),
                painter.file().display(),
                painter.z_dim()
            );
        }
        let mut known = HashSet::new();
        let (mut shown, mut means) = (Vec::new(), Vec::new());
        for file in files {
            if !known.insert(stem(file)) {
                wrong!("--style: two pictures are called {}; results are named after them, rename one", stem(file));
            }
            check_exists(file)?;
            let picture = Picture::decode(bytes(file)?).map_err(|problem| refused(file, &problem))?;
            let picture = encoder.shown(&picture.pixels.into_rgb8(), painter.size())?;
            means.push(encoder.style(&picture)?);
            shown.push(picture);
        }
        Ok(Self::Pictures { files: files.to_vec(), shown, z: Tensor::cat(&means, 0)? })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One => 1,
            Self::Seeds { seeds, .. } => seeds.len(),
            Self::Pictures { files, .. } => files.len(),
        }
    }

    /// The latents `[n, z_dim]` of these styles, if there are latents.
    pub(super) fn latents(&self, numbers: &[usize]) -> anyhow::Result<Option<Tensor>> {
        let (Self::Seeds { z, .. } | Self::Pictures { z, .. }) = self else { return Ok(None) };
        let rows: Vec<u32> = numbers.iter().map(|&number| number as u32).collect();
        Ok(Some(z.index_select(&Tensor::new(rows, z.device())?, 0)?))
    }

    /// The pictures themselves, above whose columns they stand.
    pub(super) fn shown(&self) -> Option<&[RgbImage]> {
        match self {
            Self::Pictures { shown, .. } => Some(shown),
            Self::One | Self::Seeds { .. } => None,
        }
    }

    /// What style `i` is called.
    pub(super) fn caption(&self, i: usize) -> String {
        match self {
            Self::One => "painted".to_owned(),
            Self::Seeds { seeds, .. } => format!("seed {}", seeds[i]),
            Self::Pictures { files, .. } => stem(&files[i]),
        }
    }

    /// What a file's name says of style `i`, behind the map's: nothing where there is one alone.
    pub(super) fn suffix(&self, i: usize) -> String {
        match self {
            _ if self.len() == 1 => String::new(),
            Self::One => String::new(),
            Self::Seeds { seeds, .. } => format!("-seed{:04}", seeds[i]),
            Self::Pictures { files, .. } => format!("-{}", stem(&files[i])),
        }
    }

    /// What files say of these styles.
    pub(super) fn text(&self, numbers: &[usize]) -> Option<(&'static str, String)> {
        match self {
            Self::One => None,
            Self::Seeds { seeds, .. } => {
                let seeds = numbers.iter().map(|&i| seeds[i]).collect();
                Some(("stylegan:seed", Numbers(seeds).to_string()))
            }
            Self::Pictures { files, .. } => {
                let name = |&i: &usize| files[i].file_name().unwrap_or_default().to_string_lossy().into_owned();
                Some(("stylegan:style", numbers.iter().map(name).collect::<Vec<_>>().join(", ")))
            }
        }
    }
}

/// Why a network has no styles to choose from.
fn alone(painter: &Painter) -> String {
    format!("{} starts from the map alone and paints each in one way; leave it out", painter.file().display())
}

/// An image encoder that reads styles of pictures.
pub(crate) struct StyleReader {
    encoder: SpadeEncoder,
    device: Device,
    resizing: Resizing,
}

/// How pictures become as large as those that an image encoder was trained on; always by Pillow's bicubic filter.
enum Resizing {
    /// Whatever their shape, as released networks see them.
    Stretched,
    /// The middle of them, as the pictures of sets are.
    Cropped,
    /// As the run says.
    Preprocessed(Preprocess),
}

impl StyleReader {
    /// The image encoder in a file, on `device`; `None` if there is none.
    pub(crate) fn open(file: &Path, device: &Device) -> anyhow::Result<Option<Self>> {
        let Some(encoder) = load_spade_encoder(file, device)? else { return Ok(None) };
        let run = if is_foreign(file)? { None } else { config_of(&Checkpoint::open(file)?) };
        let resizing = match run.map(|run| run.data().preprocess) {
            None => Resizing::Stretched,
            Some(None) => Resizing::Cropped,
            Some(Some(way)) => Resizing::Preprocessed(way.whole()),
        };
        Ok(Some(Self { encoder, device: device.clone(), resizing }))
    }

    /// Numbers of a style.
    pub(crate) fn z_dim(&self) -> usize {
        self.encoder.config().z_dim
    }

    /// A picture as it is read, of `[h, w]` pixels.
    pub(crate) fn shown(&self, rgb: &RgbImage, size: [usize; 2]) -> anyhow::Result<RgbImage> {
        let from = [rgb.height() as usize, rgb.width() as usize];
        let (pixels, from) = match &self.resizing {
            Resizing::Stretched => (rgb.as_raw().clone(), from),
            Resizing::Cropped => middle(rgb, 3, from, size),
            Resizing::Preprocessed(way) => (way.picture(rgb, 3, from, way.middle(from)), way.size(from)),
        };
        if from.contains(&0) {
            wrong!("a picture of {}x{} pixels has none left once it is resized", rgb.width(), rgb.height());
        }
        let [h, w] = size.map(|side| side as u32);
        let shown = RgbImage::from_raw(w, h, bicubic(&pixels, 3, from, size));
        shown.ok_or_else(|| anyhow::anyhow!("the picture has no pixels"))
    }

    /// The latent `[1, z_dim]` of the style of a picture that is shown: the mean that the encoder gives it (Park et al. 2019,
    /// section 3.2).
    pub(crate) fn style(&self, picture: &RgbImage) -> anyhow::Result<Tensor> {
        let image = image(picture, self.encoder.config().img_channels)?.to_device(&self.device)?;
        Ok(self.encoder.forward(&image)?.mean.to_device(&Device::Cpu)?)
    }
}

/// A picture as an image `[1, channels, h, w]` in [-1, 1].
fn image(picture: &RgbImage, channels: usize) -> anyhow::Result<Tensor> {
    let (w, h) = picture.dimensions();
    let rgb = Tensor::from_slice(picture.as_raw(), (h as usize, w as usize, 3), &Device::Cpu)?;
    let rgb = ((rgb.to_dtype(DType::F32)? / 127.5)? - 1.)?.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()?;
    if channels == 3 { Ok(rgb) } else { Ok(rgb.mean_keepdim(1)?.repeat((1, channels, 1, 1))?) }
}
