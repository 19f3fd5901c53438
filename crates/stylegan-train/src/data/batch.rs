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
    /// Column and row at which the sample begins in the picture as it is resized for training; `None` for the picture as
    /// evaluations see it, and for sets that are read as they are.
    pub corner: Option<[usize; 2]>,
}

impl SampleRequest {
    /// The picture as evaluations see it.
    pub fn whole(index: usize) -> Self {
        Self { index, mirror: false, corner: None }
    }
}

/// Which maps come with the pictures of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchMaps {
    /// None.
    #[default]
    None,
    /// Label maps.
    Labels,
    /// Label maps, and the edges between instances.
    LabelsAndEdges,
}

/// Samples as tensors, on the CPU as they are read.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[n, c, h, w]` f32 in [-1, 1].
    pub images: Tensor,
    /// `[n, label_dim]` f32, one-hot for classes; `None` for a set without labels.
    pub labels: Option<Tensor>,
    /// Label maps `[n, h, w]` u8, class numbers; `None` unless they were asked for.
    pub maps: Option<Tensor>,
    /// Edges between instances `[n, h, w]` u8, 1 on edges; `None` unless they were asked for.
    pub edges: Option<Tensor>,
}

impl Batch {
    /// The same with images and labels on a device; maps stay.
    pub(crate) fn to_device(&self, device: &Device) -> Result<Self> {
        let labels = self.labels.as_ref().map(|labels| labels.to_device(device)).transpose()?;
        Ok(Self { images: self.images.to_device(device)?, labels, ..self.clone() })
    }

    /// The first `n` samples.
    pub(crate) fn first(&self, n: usize) -> Result<Self> {
        let part = |tensor: &Option<Tensor>| tensor.as_ref().map(|tensor| tensor.narrow(0, 0, n)).transpose();
        Ok(Self {
            images: self.images.narrow(0, 0, n)?,
            labels: part(&self.labels)?,
            maps: part(&self.maps)?,
            edges: part(&self.edges)?,
        })
    }
}

impl Dataset {
    /// Decodes the samples asked for, in parallel. What is asked for more than once is decoded once.
    ///
    /// # Errors
    /// If a picture does not exist or cannot be decoded.
    pub fn load(&self, requests: &[SampleRequest]) -> Result<Batch> {
        let wanted = unique(requests);
        let decoded = wanted.par_iter().map(|one| Ok((*one, self.sample_pixels(one)?))).collect::<Result<_>>()?;
        self.assemble(requests, &decoded)
    }

    /// Like [`Dataset::load`], with the maps asked for, on this thread alone: for threads that work
    /// beside the step.
    pub(crate) fn load_quietly(&self, requests: &[SampleRequest], maps: BatchMaps) -> Result<Batch> {
        let wanted = unique(requests).into_iter();
        let decoded = wanted.map(|one| Ok((one, self.sample_pixels(&one)?))).collect::<Result<_>>()?;
        let mut batch = self.assemble(requests, &decoded)?;
        if maps != BatchMaps::None {
            let maps = requests.iter().map(|request| self.mirrored_map(request)).collect::<Result<Vec<_>>>()?;
            batch.maps = Some(self.stack_maps(maps)?);
        }
        if maps == BatchMaps::LabelsAndEdges {
            let edges = requests.iter().map(|request| self.mirrored_edges(request)).collect::<Result<Vec<_>>>()?;
            batch.edges = Some(self.stack_maps(edges)?);
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

    /// The edges between instances of samples: `[n, h, w]` u8, 1 for pixels beside one of another instance, mirrored with
    /// their pictures.
    ///
    /// # Errors
    /// If a picture or its instance map does not exist or the map cannot be decoded.
    pub fn load_edges(&self, requests: &[SampleRequest]) -> Result<Tensor> {
        self.stack_maps(requests.par_iter().map(|request| self.mirrored_edges(request)).collect::<Result<_>>()?)
    }

    fn mirrored_map(&self, request: &SampleRequest) -> Result<Vec<u8>> {
        Ok(self.mirrored(self.sample_map(request)?, request))
    }

    /// Edges are those of the sample: where it ends is none.
    fn mirrored_edges(&self, request: &SampleRequest) -> Result<Vec<u8>> {
        let edges = self.sample_instances(request)?.edges()?;
        Ok(self.mirrored(edges.flatten_all()?.to_vec1()?, request))
    }

    fn mirrored(&self, mut map: Vec<u8>, request: &SampleRequest) -> Vec<u8> {
        if request.mirror {
            map.chunks_exact_mut(self.image_size()[1].max(1)).for_each(<[u8]>::reverse);
        }
        map
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
            order.chunks((BATCH_PIXELS / (h * w).max(1)).clamp(1, BATCH)).map(<[usize]>::to_vec).collect();
        chunks.into_iter().map(move |chunk| {
            let requests: Vec<_> = chunk.into_iter().map(SampleRequest::whole).collect();
            Ok(self.load(&requests)?.images)
        })
    }

    fn assemble(&self, requests: &[SampleRequest], decoded: &HashMap<SampleRequest, Arc<[u8]>>) -> Result<Batch> {
        let ([h, w], c, n) = (self.image_size(), self.channels(), requests.len());
        let mut images = Vec::with_capacity(n * c * h * w);
        for request in requests {
            for row in decoded[&upright(request)].chunks_exact(w.max(1)) {
                if request.mirror {
                    images.extend(row.iter().rev().copied().map(to_f32));
                } else {
                    images.extend(row.iter().copied().map(to_f32));
                }
            }
        }
        let labels = self.labels().rows(requests.iter().map(|request| request.index))?;
        Ok(Batch { images: Tensor::from_vec(images, (n, c, h, w), &Device::Cpu)?, labels, maps: None, edges: None })
    }
}

/// A byte as a value in [-1, 1].
fn to_f32(byte: u8) -> f32 {
    f32::from(byte) / 127.5 - 1.0
}

/// A sample before it is mirrored.
fn upright(request: &SampleRequest) -> SampleRequest {
    SampleRequest { mirror: false, ..*request }
}

fn unique(requests: &[SampleRequest]) -> Vec<SampleRequest> {
    let mut wanted: Vec<SampleRequest> = requests.iter().map(upright).collect();
    wanted.sort_unstable_by_key(|request| (request.index, request.corner));
    wanted.dedup();
    wanted
}
