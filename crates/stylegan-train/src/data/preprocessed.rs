//! Pictures and maps of a set that is resized and cut as it is read.

use super::decode::{Head, Header};
use super::limits::MAX_SIDE;
use super::preprocess::{Cut, Preprocess};
use super::{Dataset, InstanceMap, Problem, SampleRequest, decode};
use crate::Result;
use std::sync::Arc;
use stylegan_core::latent::StreamKey;

/// How the pictures of a set are resized and cut, and what that needs to know of each.
pub(super) struct Preprocessed {
    pub(super) way: Preprocess,
    /// `[h, w]` of each picture as it is stored, in pixels.
    pub(super) sizes: Vec<[usize; 2]>,
}

impl Preprocessed {
    /// The heads of pictures as those of the samples that they become: of one size, and in colour where any of them
    /// is. What is beside them are the sizes as stored.
    pub(super) fn of(way: Preprocess, heads: &mut [Result<Head, Problem>]) -> Self {
        const GREY: usize = 1;
        const RGB: usize = 3;
        let sizes = heads.iter().map(|head| head.as_ref().map_or([0, 0], |head| head.size)).collect();
        let coloured = heads.iter().flatten().any(|head| head.channels == RGB);
        for entry in heads.iter_mut() {
            let Ok(head) = entry else { continue };
            let largest = way.resized(head.size).into_iter().chain(way.whole().resized(head.size)).max();
            if largest.is_some_and(|side| side > MAX_SIDE) {
                *entry = Err(Problem::TooLarge { size: way.resized(head.size), most: MAX_SIDE });
                continue;
            }
            head.size = way.whole().size(head.size);
            if coloured && head.channels == GREY {
                head.channels = RGB;
            }
        }
        Self { way, sizes }
    }
}

impl Dataset {
    /// How pictures are resized and cut as they are read, if they are.
    pub fn preprocess(&self) -> Option<&Preprocess> {
        self.preprocessed.as_ref().map(|preprocessed| &preprocessed.way)
    }

    /// What evaluations see of the set: its content hash, and how pictures are resized and cut where they are.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn identity(&self) -> Result<String> {
        let hash = self.hash()?;
        Ok(match self.preprocess().map(Preprocess::whole) {
            None => hash.to_owned(),
            Some(Preprocess { mode, load_size, crop_size, aspect_ratio }) => {
                format!("{hash} by {mode:?}, {load_size}, {crop_size}, {aspect_ratio}")
            }
        })
    }

    /// Where sample `place` of a run is cut out of its picture, drawn from its stream of `key`; `None` for a set that is
    /// read as it is.
    pub(crate) fn corner(&self, picture: usize, key: &StreamKey, place: u64) -> Option<[usize; 2]> {
        let Preprocessed { way, sizes } = self.preprocessed.as_ref()?;
        Some(way.corner(sizes.get(picture).copied()?, key, place))
    }

    /// The size of a picture and its maps as they are stored.
    pub(super) fn stored_size(&self, picture: usize) -> [usize; 2] {
        let sizes = self.preprocessed.as_ref().map(|preprocessed| &preprocessed.sizes);
        sizes.and_then(|sizes| sizes.get(picture).copied()).unwrap_or(self.header.size)
    }

    /// The pixels of a sample before it is mirrored, `[c, h, w]` bytes.
    pub(super) fn sample_pixels(&self, request: &SampleRequest) -> Result<Arc<[u8]>> {
        let (Some(Preprocessed { way, .. }), Some([x, y])) = (&self.preprocessed, request.corner) else {
            return self.pixels(request.index);
        };
        let size = self.stored_size(request.index);
        // What is drawn anew for each sample is the corner alone.
        let resized = self.cache.get(request.index, || {
            let stored = self.stored_pixels(request.index)?;
            Ok::<_, crate::Error>(way.resized_picture(&stored, self.header.channels, size).into())
        })?;
        let cut = Cut { x, y, flip: false };
        let cut = way.cut_out(&resized, self.header.channels, way.resized(size), cut);
        Ok(decode::planar(&cut, self.header.channels).into())
    }

    /// The classes of a sample's pixels before it is mirrored, `[h, w]`.
    pub(super) fn sample_map(&self, request: &SampleRequest) -> Result<Vec<u8>> {
        Ok(self.seen(self.stored_map(request.index)?, request))
    }

    /// The instances of a sample's pixels before it is mirrored.
    pub(super) fn sample_instances(&self, request: &SampleRequest) -> Result<InstanceMap> {
        let stored = self.stored_instances(request.index)?;
        Ok(InstanceMap { size: self.header.size, ids: self.seen(stored.ids, request) })
    }

    /// The pixels of a picture as evaluations see it, `[c, h, w]` bytes.
    pub(super) fn whole_pixels(&self, way: &Preprocess, picture: usize) -> Result<Vec<u8>> {
        let (way, size, channels) = (way.whole(), self.stored_size(picture), self.header.channels);
        let cut = way.picture(&self.stored_pixels(picture)?, channels, size, way.middle(size));
        Ok(decode::planar(&cut, channels))
    }

    /// The part of a map that a sample shows.
    fn seen<T: Copy + Default>(&self, values: Vec<T>, request: &SampleRequest) -> Vec<T> {
        let size = self.stored_size(request.index);
        match (&self.preprocessed, request.corner) {
            (None, _) => values,
            (Some(Preprocessed { way, .. }), Some([x, y])) => way.map(&values, size, Cut { x, y, flip: false }),
            (Some(Preprocessed { way, .. }), None) => {
                let way = way.whole();
                way.map(&values, size, way.middle(size))
            }
        }
    }

    /// Interleaved pixels as they are stored.
    fn stored_pixels(&self, picture: usize) -> Result<Vec<u8>> {
        let name = self.name(picture)?;
        let expected = Header { size: self.stored_size(picture), ..self.header };
        let bytes = self.files.source.read(name, None);
        let pixels = bytes.and_then(|bytes| decode::interleaved(&bytes, expected, &self.files.budget));
        pixels.map_err(|problem| self.files.error(name, problem))
    }
}
