//! The studio's view of a network that paints label maps.

use super::order::MadeFile;
use super::uploads::Uploads;
use super::wish::{Source, State};
use crate::paint::painter::Painter;
use crate::paint::styles::StyleReader;
use candle_core::{Device, Tensor};
use image::RgbImage;
use serde_json::{Value, json};
use std::path::PathBuf;
use stylegan_core::Model;
use stylegan_core::picture::{encode_png, to_pictures};
use stylegan_train::data::{ClassTable, InstanceMap, LabelMap, class_colour};

/// An open network that paints.
pub(super) struct MapNetwork {
    painter: Painter,
    /// Names and colours of its classes, where a file beside it gives them.
    table: Option<ClassTable>,
    encoder: Option<StyleReader>,
}

impl MapNetwork {
    /// The network of a file that is open, and whether another program wrote that; `table` is what lies beside it.
    ///
    /// # Errors
    /// When the file's encoder is damaged.
    pub(super) fn new(
        (file, foreign): (PathBuf, bool),
        model: Model,
        table: Option<ClassTable>,
    ) -> anyhow::Result<Self> {
        // Files of other programs hold one network each.
        let encoder = if foreign { None } else { StyleReader::open(&file, model.params().device())? };
        let painter = Painter::of(file, model)?;
        let encoder = encoder.filter(|encoder| encoder.z_dim() == painter.z_dim());
        Ok(Self { painter, table, encoder })
    }

    fn no_class(&self) -> Option<usize> {
        self.painter.no_class(self.table.as_ref().map(|table| table.classes().len()))
    }

    /// What a page needs to know of it.
    pub(super) fn description(&self) -> Value {
        let (model, [h, w]) = (self.painter.model(), self.painter.size());
        let named = self.table.as_ref().map_or_else(|| model.classes().to_vec(), ClassTable::names);
        let none = self.no_class();
        let class = |class: usize| {
            let number = class as u8;
            let name = match named.get(class) {
                Some(name) => name.clone(),
                None if none == Some(class) => "no class".to_owned(),
                None => format!("class {class}"),
            };
            json!({ "name": name, "colour": class_colour(number, self.table.as_ref()) })
        };
        json!({
            "architecture": model.config().title(),
            "styles": false,
            "height": h,
            "width": w,
            "num_ws": 0,
            "truncation": false,
            "classes": 0,
            "class_names": [],
            "map": {
                "classes": (0..self.painter.spec().classes.min(256)).map(class).collect::<Vec<_>>(),
                "seeds": self.painter.z_dim() > 0,
                "pictures": self.encoder.is_some(),
            },
            "hash": model.content_hash(),
        })
    }

    /// The picture of a map.
    ///
    /// # Errors
    /// When the map or its style is not kept, or the network does not read it.
    pub(super) fn picture(&self, state: &State, uploads: &Uploads) -> anyhow::Result<RgbImage> {
        let State::Paint { map, style, .. } = state else { anyhow::bail!("this is no map") };
        let map = uploads.map(map)?;
        if let Err(problem) = self.painter.check_shape(map.size) {
            anyhow::bail!("the map {problem}");
        }
        let [height, width] = self.painter.size();
        let map = map.resized([height, width]);
        let classes = Tensor::from_vec(self.classes(&map)?, (1, 1, height, width), &Device::Cpu)?;
        let edges = self.painter.spec().edges.then(|| {
            // Nobody draws instances here: what is of one class is one thing.
            let ids = map.classes.iter().map(|&class| u32::from(class)).collect();
            InstanceMap { size: map.size, ids }.edges()
        });
        let z = match (self.painter.z_dim(), style, &self.encoder) {
            (0, _, _) => None,
            (_, Source::Seed(seed), _) => Some(self.painter.latents(&[*seed])?),
            (_, Source::Picture(id), Some(encoder)) => {
                let picture = encoder.shown(&*uploads.picture(id)?, self.painter.size())?;
                Some(encoder.style(&picture)?)
            }
            (_, Source::Picture(_), None) => {
                anyhow::bail!("this network came without an encoder that reads styles of pictures: choose a seed")
            }
        };
        let picture = to_pictures(&self.painter.paint(&classes, edges.transpose()?.as_ref(), z.as_ref())?)?.pop();
        picture.ok_or_else(|| anyhow::anyhow!("no picture was made"))
    }

    /// The classes of a map as the network reads them.
    fn classes(&self, map: &LabelMap) -> anyhow::Result<Vec<u32>> {
        let none = self.no_class();
        if let Some((unknown, [x, y])) = map.first(|class| self.painter.class(class, none).is_none()) {
            anyhow::bail!(
                "the map has class {unknown} in column {x} of row {y}; {}: paint over it",
                self.painter.expects(none)
            );
        }
        Ok(map.classes.iter().filter_map(|&class| self.painter.class(class, none)).collect())
    }

    /// The picture of a map as a file.
    ///
    /// # Errors
    /// As [`picture`](Self::picture).
    pub(super) fn download(&self, state: &State, uploads: &Uploads) -> anyhow::Result<MadeFile> {
        let picture = self.picture(state, uploads)?;
        let State::Paint { map, style, .. } = state else { anyhow::bail!("this is no map") };
        let mut text = self.painter.text();
        text.push(("stylegan:map", format!("drawn in the studio, {map}")));
        if self.painter.z_dim() > 0 {
            text.push(match style {
                Source::Seed(seed) => ("stylegan:seed", seed.to_string()),
                Source::Picture(id) => ("stylegan:style", format!("uploaded picture {id}")),
            });
        }
        Ok(MadeFile { name: format!("painted-{map}.png"), kind: "image/png", bytes: encode_png(&picture, &text)? })
    }
}
