//! A batch of samples: which pictures, mirrored or not, as tensors.

use super::Dataset;
use crate::Result;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Pictures of [`Dataset::batches`]: 64, and no more than 64 of 1024x1024 pixels.
const BATCH: usize = 64;
const BATCH_PIXELS: usize = BATCH << 20;

/// One sample of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleRequest {
    /// Number of the picture in the set.
    pub index: usize,
    /// Whether the picture is flipped left to right.
    pub mirror: bool,
}

/// Samples as tensors on the CPU.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[n, c, h, w]` f32 in [-1, 1].
    pub images: Tensor,
    /// `[n, label_dim]` f32, one-hot for classes; `None` for a set without labels.
    pub labels: Option<Tensor>,
    /// Label maps `[n, h, w]` u8, class numbers; `None` unless they were asked for.
    pub maps: Option<Tensor>,
}

impl Batch {
    /// The first `n` samples.
    pub(crate) fn first(&self, n: usize) -> Result<Self> {
        let part = |tensor: &Option<Tensor>| tensor.as_ref().map(|tensor| tensor.narrow(0, 0, n)).transpose();
        Ok(Self { images: self.images.narrow(0, 0, n)?, labels: part(&self.labels)?, maps: part(&self.maps)? })
    }
}

impl Dataset {
    /// Decodes the samples asked for, in parallel. A picture that is asked for more than once is
    /// decoded once.
    ///
    /// # Errors
    /// If a picture does not exist or cannot be decoded.
    pub fn load(&self, requests: &[SampleRequest]) -> Result<Batch> {
        let wanted = unique(requests);
        let decoded = wanted.par_iter().map(|&i| Ok((i, self.pixels(i)?))).collect::<Result<_>>()?;
        self.assemble(requests, &decoded)
    }

    /// Like [`Dataset::load`], with label maps if asked for, on this thread alone: for threads that work
    /// beside the step.
    pub(crate) fn load_quietly(&self, requests: &[SampleRequest], maps: bool) -> Result<Batch> {
        let decoded = unique(requests).into_iter().map(|i| Ok((i, self.pixels(i)?))).collect::<Result<_>>()?;
        let mut batch = self.assemble(requests, &decoded)?;
        if maps {
            let maps = requests.iter().map(|request| self.mirrored_map(request)).collect::<Result<Vec<_>>>()?;
            batch.maps = Some(self.stack_maps(maps)?);
        }
        Ok(batch)
    }

    /// The label maps of samples: `[n, h, w]` u8 class numbers, mirrored with their pictures.
    ///
    /// # Errors
    /// If a picture or its map does not exist or the map cannot be decoded.
    pub fn load_maps(&self, requests: &[SampleRequest]) -> Result<Tensor> {
        self.stack_maps(requests.par_iter().map(|request| self.mirrored_map(request)).collect::<Result<_>>()?)
    }

    fn mirrored_map(&self, request: &SampleRequest) -> Result<Vec<u8>> {
        let mut map = self.map(request.index)?;
        if request.mirror {
            map.chunks_exact_mut(self.image_size()[1]).for_each(<[u8]>::reverse);
        }
        Ok(map)
    }

    fn stack_maps(&self, maps: Vec<Vec<u8>>) -> Result<Tensor> {
        let [h, w] = self.image_size();
        Ok(Tensor::from_vec(maps.concat(), (maps.len(), h, w), &Device::Cpu)?)
    }

    /// The pictures with these numbers, in this order, as `[n, c, h, w]` f32 in [-1, 1]: as many at a
    /// time as are worth it, fewer the larger they are.
    pub fn batches(&self, order: &[usize]) -> impl Iterator<Item = Result<Tensor>> + use<'_> {
        let [h, w] = self.image_size();
        let chunks: Vec<Vec<usize>> =
            order.chunks((BATCH_PIXELS / (h * w)).clamp(1, BATCH)).map(<[usize]>::to_vec).collect();
        chunks.into_iter().map(move |chunk| {
            let requests: Vec<_> = chunk.iter().map(|&index| SampleRequest { index, mirror: false }).collect();
            Ok(self.load(&requests)?.images)
        })
    }

    fn assemble(&self, requests: &[SampleRequest], decoded: &HashMap<usize, Arc<[u8]>>) -> Result<Batch> {
        let ([h, w], c, n) = (self.image_size(), self.channels(), requests.len());
        let mut images = Vec::with_capacity(n * c * h * w);
        for request in requests {
            for row in decoded[&request.index].chunks_exact(w) {
                if request.mirror {
                    images.extend(row.iter().rev().copied().map(to_f32));
                } else {
                    images.extend(row.iter().copied().map(to_f32));
                }
            }
        }
        let labels = self.labels().rows(requests.iter().map(|request| request.index))?;
        Ok(Batch { images: Tensor::from_vec(images, (n, c, h, w), &Device::Cpu)?, labels, maps: None })
    }
}

/// A byte as a value in [-1, 1].
fn to_f32(byte: u8) -> f32 {
    f32::from(byte) / 127.5 - 1.0
}

fn unique(requests: &[SampleRequest]) -> Vec<usize> {
    let mut wanted: Vec<usize> = requests.iter().map(|request| request.index).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}
