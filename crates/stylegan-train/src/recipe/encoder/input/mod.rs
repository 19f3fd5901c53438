//! What an encoder is shown of a picture.

mod downscale;
mod mask;
mod sketch;

pub use sketch::sketch;

use crate::config::{Input, TaskConfig};
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::{Stream, StreamKey};

/// Pictures and what decides of each what is shown of it.
pub struct Source<'a> {
    /// Pictures `[n, 3, h, w]` f32 in [-1, 1].
    pub pictures: &'a Tensor,
    /// Their label maps `[n, h, w]` u8; only those who show maps look at them.
    pub maps: Option<&'a Tensor>,
    /// Streams of random numbers; each picture has its own.
    pub key: StreamKey,
    /// The number of each picture among all of them.
    pub indices: &'a [u64],
}

/// What a task shows of pictures: `[n, channels, h, w]` f32 in main memory. Pictures, small or masked ones, are in [-1, 1], sketches in
/// [0, 1], maps one-hot.
///
/// # Errors
/// When pictures are not RGB, maps are missing or hold a class from `channels` on.
pub fn input(task: &TaskConfig, channels: usize, source: &Source) -> Result<Tensor> {
    let (n, c, h, w) = source.pictures.dims4()?;
    if c != 3 || source.indices.len() != n {
        return Err(Error::Config {
            place: "an encoder's input".into(),
            problem: format!("is made of RGB pictures, one number for each, found {n} of {c} channels"),
        });
    }
    let maps = match (task.input, source.maps) {
        (Input::Map, Some(maps)) => Some(maps.flatten_all()?.to_vec1::<u8>()?),
        (Input::Map, None) => {
            return Err(Error::Config {
                place: "task.input = \"map\"".into(),
                problem: "needs a label map for each picture; put them into the set's folder labels/".into(),
            });
        }
        _ => None,
    };
    let values = source.pictures.flatten_all()?.to_vec1::<f32>()?;
    let mut shown = Vec::with_capacity(n * channels * h * w);
    for (i, (&index, picture)) in source.indices.iter().zip(values.chunks_exact(3 * h * w)).enumerate() {
        let mut stream = source.key.stream(index, 0);
        let mirrored = task.flip && stream.below(2) == 1;
        let map = maps.as_ref().map(|maps| &maps[i * h * w..][..h * w]);
        let mut one = one(task, channels, Picture { values: picture, size: [h, w] }, map, &mut stream)?;
        if mirrored {
            one.chunks_exact_mut(w).for_each(<[f32]>::reverse);
        }
        shown.extend(one);
    }
    Ok(Tensor::from_vec(shown, (n, channels, h, w), &Device::Cpu)?)
}

/// What a task shows, `[n, channels, h, w]`, as pictures `[n, 3, h, w]` in [-1, 1]: sketches in grey, classes as levels of
/// it.
///
/// # Errors
/// When it is not of this task.
pub fn visible(task: &TaskConfig, shown: &Tensor) -> Result<Tensor> {
    let plane = match task.input {
        Input::Sketch => shown.affine(2., -1.)?,
        Input::Map => {
            let steps = shown.dim(1)?.saturating_sub(1).max(1) as f64;
            shown.argmax_keepdim(1)?.to_dtype(DType::F32)?.affine(2. / steps, -1.)?
        }
        Input::Picture | Input::Downscaled | Input::Masked => return Ok(shown.clone()),
    };
    Ok(Tensor::cat(&[&plane, &plane, &plane], 1)?)
}

/// The planes of one picture in [-1, 1], and `[h, w]`.
#[derive(Clone, Copy)]
struct Picture<'a> {
    values: &'a [f32],
    size: [usize; 2],
}

impl Picture<'_> {
    /// The values as 8 bits, plane by plane.
    fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|x| ((x + 1.) * 127.5).round().clamp(0., 255.) as u8).collect()
    }
}

fn one(
    task: &TaskConfig,
    channels: usize,
    picture: Picture,
    map: Option<&[u8]>,
    stream: &mut Stream,
) -> Result<Vec<f32>> {
    Ok(match task.input {
        Input::Picture => picture.values.to_vec(),
        Input::Sketch => {
            sketch::sketch(&picture.bytes(), picture.size).into_iter().map(|x| f32::from(x) / 255.).collect()
        }
        Input::Map => one_hot(map.unwrap_or_default(), channels)?,
        Input::Downscaled => {
            let factor = task.factors.get(stream.below(task.factors.len() as u64) as usize).copied().unwrap_or(1);
            let small = downscale::small_and_large(&picture.bytes(), picture.size, factor);
            small.into_iter().map(|x| f32::from(x) / 127.5 - 1.).collect()
        }
        Input::Masked => {
            let hidden = mask::hidden(picture.size, stream);
            let values = picture.values.iter().zip(hidden.iter().cycle());
            values.map(|(x, hidden)| if *hidden { 0. } else { *x }).collect()
        }
    })
}

/// A plane for each class of a label map, 1 where the map has it.
fn one_hot(map: &[u8], classes: usize) -> Result<Vec<f32>> {
    let mut planes = vec![0f32; classes * map.len()];
    for (pixel, &class) in map.iter().enumerate() {
        match planes.get_mut(usize::from(class) * map.len() + pixel) {
            Some(value) => *value = 1.,
            None => {
                return Err(Error::Config {
                    place: "a label map".into(),
                    problem: format!(
                        "holds class {class}, and the encoder knows 0 to {}; set encoder.img_channels = {}, or correct the \
                         map",
                        classes.saturating_sub(1),
                        usize::from(class) + 1
                    ),
                });
            }
        }
    }
    Ok(planes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(task: &TaskConfig, channels: usize, maps: Option<&Tensor>) -> Result<Vec<f32>> {
        shown_from(8, task, channels, maps)
    }

    /// What two pictures are shown as that are the `first` of all and the next.
    fn shown_from(first: u64, task: &TaskConfig, channels: usize, maps: Option<&Tensor>) -> Result<Vec<f32>> {
        let values: Vec<f32> = (0..2 * 3 * 32 * 32).map(|i| ((i % 97) as f32 / 48.) - 1.).collect();
        let pictures = Tensor::from_vec(values, (2, 3, 32, 32), &Device::Cpu).unwrap();
        let key = StreamKey::new(3, "input", 0);
        let shown = input(task, channels, &Source { pictures: &pictures, maps, key, indices: &[first, first + 1] })?;
        assert_eq!(shown.dims(), [2, channels, 32, 32]);
        Ok(shown.flatten_all().unwrap().to_vec1().unwrap())
    }

    #[test]
    fn each_task_shows_its_own() {
        let task = |input| TaskConfig { input, ..TaskConfig::default() };
        let picture = shown(&task(Input::Picture), 3, None).unwrap();
        let masked = shown(&task(Input::Masked), 3, None).unwrap();
        let hidden = |image: usize| -> Vec<bool> {
            let at = |plane: usize, pixel: usize| masked[(3 * image + plane) * 1024 + pixel];
            (0..1024).map(|pixel| (0..3).all(|plane| at(plane, pixel) == 0.)).collect()
        };
        let part = hidden(0).iter().filter(|hidden| **hidden).count();
        assert!((16..1000).contains(&part), "{part}");
        assert!(masked.iter().zip(&picture).all(|(a, b)| a == b || *a == 0.));
        assert!(hidden(0) != hidden(1), "two pictures, one mask");
        let sketch = shown(&task(Input::Sketch), 1, None).unwrap();
        assert!(sketch.iter().all(|x| (0. ..=1.).contains(x)) && sketch.iter().any(|x| *x < 0.9));
        let small = TaskConfig { input: Input::Downscaled, factors: vec![8], ..TaskConfig::default() };
        let small = shown(&small, 3, None).unwrap();
        assert!(small != picture && small.iter().all(|x| (-1. ..=1.).contains(x)));
    }

    #[test]
    fn flips_are_of_single_pictures() {
        let picture = shown(&TaskConfig::default(), 3, None).unwrap();
        let mut turned = 0;
        for first in (0..32).step_by(2) {
            let shown = shown_from(first, &TaskConfig { flip: true, ..TaskConfig::default() }, 3, None).unwrap();
            for (half, straight) in shown.chunks_exact(3072).zip(picture.chunks_exact(3072)) {
                let mut mirrored = straight.to_vec();
                mirrored.chunks_exact_mut(32).for_each(<[f32]>::reverse);
                assert!(half == straight || half == mirrored);
                turned += usize::from(half == mirrored);
            }
        }
        assert!((8..=24).contains(&turned), "{turned} of 32");
    }

    #[test]
    fn maps_are_one_hot_and_known() {
        let task = TaskConfig { input: Input::Map, ..TaskConfig::default() };
        let maps = Tensor::from_vec((0..2048).map(|i| (i % 3) as u8).collect(), (2, 32, 32), &Device::Cpu).unwrap();
        let planes = shown(&task, 3, Some(&maps)).unwrap();
        assert_eq!([planes[0], planes[1], planes[1024 + 1], planes[2048 + 2]], [1., 0., 1., 1.]);
        assert_eq!(planes.iter().sum::<f32>(), 2048.);
        let error = shown(&task, 2, Some(&maps)).unwrap_err().to_string();
        assert!(error.contains("class 2") && error.contains("encoder.img_channels = 3"), "{error}");
        assert!(shown(&task, 2, None).unwrap_err().to_string().contains("labels/"));
    }
}
