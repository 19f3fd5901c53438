//! Edits: the styles of a seed, or those found of a picture, moved along directions.

use super::cells::seed_name;
use super::moves::{FOUND, Move, Subject};
use super::order::MadeFile;
use super::style_file::style_file;
use super::style_network::{Preview, StyleNetwork, UNSEEN};
use super::uploads::Uploads;
use super::wish::{Look, State};
use crate::mix::style_list;
use crate::models;
use crate::writer::Text;
use candle_core::Tensor;
use image::RgbImage;
use serde_json::json;
use std::sync::Arc;
use stylegan_core::Model;
use stylegan_core::directions::{Direction, style_weights};
use stylegan_core::picture::encode_png;
use stylegan_metrics::directions::{Styles, closed_form, components};

/// Styles that deviations are measured on: enough for sliders, seconds on a laptop.
const STYLES: usize = 10_000;

/// Directions that are found at a time.
const COUNT: usize = 10;

/// Lists of directions that are kept of a network.
const MAX_LISTS: usize = 32;

/// What has been found in a network, and what came with it.
#[derive(Default)]
pub(super) struct Edits {
    /// The name and the list of the directions that came with it.
    own: Option<(&'static str, Arc<Vec<Direction>>)>,
    /// How its styles lie, under this class.
    styles: Option<(Option<usize>, Styles)>,
    /// Directions that were found.
    lists: Vec<List>,
}

/// Directions of one kind, for some style rows, of the styles of a class.
struct List {
    by: String,
    rows: Vec<usize>,
    class: Option<usize>,
    directions: Arc<Vec<Direction>>,
}

impl Edits {
    /// Those of a network that was opened.
    ///
    /// # Errors
    /// When the directions that come with it are damaged.
    pub(super) fn of(model: &Model) -> anyhow::Result<Self> {
        let own = models::directions(model)?.map(|(name, directions)| (name, Arc::new(directions.list)));
        Ok(Self { own, ..Self::default() })
    }

    /// The name of the list that came with the network, if one did.
    pub(super) fn own(&self) -> Option<&'static str> {
        self.own.as_ref().map(|(name, _)| *name)
    }

    /// The picture of an edit; a large one is shown to `preview` on the way.
    ///
    /// # Errors
    /// When it does not fit the network, or names what is not there.
    pub(super) fn picture(
        &mut self,
        network: &StyleNetwork,
        state: &State,
        uploads: &Uploads,
        preview: Preview,
    ) -> anyhow::Result<RgbImage> {
        self.edited(network, state, uploads)?.picture(network, preview)
    }

    /// The picture of an edit as a file.
    ///
    /// # Errors
    /// As [`picture`](Self::picture).
    pub(super) fn download(
        &mut self,
        network: &StyleNetwork,
        state: &State,
        uploads: &Uploads,
    ) -> anyhow::Result<MadeFile> {
        let edited = self.edited(network, state, uploads)?;
        let picture = edited.picture(network, UNSEEN)?;
        let Edited { look, words, source, .. } = edited;
        let mut text = text(network, look, source);
        let stem = match source {
            Subject::Seed(seed) => seed_name(*seed),
            Subject::Picture(_) => "picture.png".to_owned(),
            Subject::Styles(_) => "styles.png".to_owned(),
        };
        if !words.is_empty() {
            text.push(("stylegan:edit", words));
        }
        Ok(MadeFile { name: format!("edit-{stem}"), kind: "image/png", bytes: encode_png(&picture, &text)? })
    }

    /// The moved styles as a file, for `--latents`.
    ///
    /// # Errors
    /// As [`picture`](Self::picture).
    pub(super) fn styles(
        &mut self,
        network: &StyleNetwork,
        state: &State,
        uploads: &Uploads,
    ) -> anyhow::Result<MadeFile> {
        let Edited { ws, look, source, words, .. } = self.edited(network, state, uploads)?;
        style_file(ws, "edited styles", vec![("edit", words)], text(network, look, source))
    }

    /// Style rows `[2, num_ws, w_dim]` before and after moves, what chooses the fresh noise, and the moves in words.
    ///
    /// # Errors
    /// As [`picture`](Self::picture).
    pub(super) fn ends(
        &mut self,
        network: &StyleNetwork,
        look: &Look,
        source: &Subject,
        moves: &[Move],
        uploads: &Uploads,
    ) -> anyhow::Result<(Tensor, u64, String)> {
        let (plain, index) = self.source(network, look, source, uploads)?;
        let (moved, words) = self.moved(network, look, plain.clone(), moves, uploads)?;
        Ok((Tensor::cat(&[plain, moved], 0)?, index, words))
    }

    /// The directions of a kind, as pages list them.
    ///
    /// # Errors
    /// When there are none, or style rows that the network does not have.
    pub(super) fn list(
        &mut self,
        network: &StyleNetwork,
        look: &Look,
        wanted: &Move,
        uploads: &Uploads,
    ) -> anyhow::Result<MadeFile> {
        let list = self.directions(network, look, wanted, uploads)?;
        let found = FOUND.contains(&wanted.by.as_str());
        let entry = |d: &Direction| {
            let (rows, does) = (style_list(&d.rows), effect(d, found));
            json!({ "name": d.name, "rows": rows, "does": does, "how": d.how })
        };
        let bytes = json!(list.iter().map(entry).collect::<Vec<_>>()).to_string().into_bytes();
        Ok(MadeFile { name: "directions.json".into(), kind: "application/json", bytes })
    }

    /// The styles of an edit, moved, and what is to be said of them.
    fn edited<'a>(
        &mut self,
        network: &StyleNetwork,
        state: &'a State,
        uploads: &Uploads,
    ) -> anyhow::Result<Edited<'a>> {
        let State::Edit { look, source, moves } = state else { anyhow::bail!("this is no edit") };
        let (plain, index) = self.source(network, look, source, uploads)?;
        let (ws, words) = self.moved(network, look, plain, moves, uploads)?;
        Ok(Edited { ws, index, look, source, words })
    }

    /// The style rows `[1, num_ws, w_dim]` of what is edited, and what chooses their fresh noise.
    fn source(
        &self,
        network: &StyleNetwork,
        look: &Look,
        source: &Subject,
        uploads: &Uploads,
    ) -> anyhow::Result<(Tensor, u64)> {
        Ok(match source {
            Subject::Seed(seed) => (network.styles(&[*seed], look)?, u64::from(*seed)),
            Subject::Styles(id) => (network.truncated(&network.given(&*uploads.styles(id)?)?, look)?, 0),
            Subject::Picture(id) => (network.truncated(&*uploads.found(network.hash(), id)?, look)?, 0),
        })
    }

    /// Style rows, moved, and the moves in words.
    fn moved(
        &mut self,
        network: &StyleNetwork,
        look: &Look,
        mut ws: Tensor,
        moves: &[Move],
        uploads: &Uploads,
    ) -> anyhow::Result<(Tensor, String)> {
        let mut words = Vec::new();
        for part in moves.iter().filter(|part| part.strength != 0.) {
            let list = self.directions(network, look, part, uploads)?;
            let Some(direction) = list.get(part.direction) else {
                anyhow::bail!("there are {} directions of {}, counted from 0", list.len(), part.by)
            };
            let rows = if part.rows.is_empty() { &direction.rows } else { &part.rows };
            network.check_rows(rows)?;
            ws = direction.apply(&ws, part.strength, Some(rows))?;
            words.push(format!("{}={} (style rows {})", direction.name, part.strength, style_list(rows)));
        }
        Ok((ws, words.join(", ")))
    }

    /// The list that a move is of: found now, or known.
    fn directions(
        &mut self,
        network: &StyleNetwork,
        look: &Look,
        part: &Move,
        uploads: &Uploads,
    ) -> anyhow::Result<Arc<Vec<Direction>>> {
        network.check_styles("directions")?;
        if !FOUND.contains(&part.by.as_str()) {
            let list = match (uploads.list(&part.by), &self.own) {
                (Err(_), Some((name, own))) if *name == part.by => own.clone(),
                (list, _) => list?,
            };
            let w_dim = network.model().generator().spec().w_dim;
            if let Some(other) = list.iter().find(|direction| direction.vector.len() != w_dim) {
                anyhow::bail!(
                    "the directions of {} are of styles of {} numbers, this network's have {w_dim}: find directions in \
                     this network",
                    stylegan_core::printable(&part.by),
                    other.vector.len()
                );
            }
            return Ok(list);
        }
        let rows = if part.rows.is_empty() { (0..network.num_ws()).collect() } else { part.rows.clone() };
        network.check_rows(&rows)?;
        let is_it = |list: &&List| list.by == part.by && list.rows == rows && list.class == look.class;
        if let Some(list) = self.lists.iter().find(is_it) {
            return Ok(list.directions.clone());
        }
        let model = network.model();
        let label = network.labels(look, 1)?;
        let styles = match self.styles.take() {
            Some((class, styles)) if class == look.class => styles,
            _ => Styles::new(model.generator(), label.as_ref(), STYLES, 0, &mut |_| ())?,
        };
        let count = COUNT.min(model.generator().spec().w_dim);
        let list = match part.by.as_str() {
            "sefa" => style_weights(model)
                .map_err(anyhow::Error::from)
                .and_then(|weights| Ok(closed_form(&weights, &rows, &styles, count)?)),
            _ => components(&styles, &rows, count).map_err(anyhow::Error::from),
        };
        self.styles = Some((look.class, styles));
        let list = Arc::new(list?);
        if self.lists.len() >= MAX_LISTS {
            self.lists.remove(0);
        }
        self.lists.push(List { by: part.by.clone(), rows, class: look.class, directions: list.clone() });
        Ok(list)
    }
}

/// What files say of what is edited, and of the network and its settings.
pub(super) fn text(network: &StyleNetwork, look: &Look, source: &Subject) -> Text {
    let (class, subject) = match source {
        Subject::Seed(seed) => (look.class, ("stylegan:seed", seed.to_string())),
        // Styles are there already, whatever class is chosen.
        Subject::Picture(id) => (None, ("stylegan:inverted", format!("uploaded picture {id}"))),
        Subject::Styles(id) => (None, ("stylegan:latents", format!("uploaded styles {id}"))),
    };
    let mut text = network.text(&Look { class, ..look.clone() });
    text.push(subject);
    text
}

/// What a direction does, in plain words. One that was `found` in the network has a number for a name.
fn effect(direction: &Direction, found: bool) -> String {
    match found {
        true => "one of the largest changes".to_owned(),
        false => format!("towards {}", direction.name.replace(['-', '_'], " ")),
    }
}

/// An edit, ready to be drawn.
struct Edited<'a> {
    /// `[1, num_ws, w_dim]`.
    ws: Tensor,
    /// What chooses its fresh noise.
    index: u64,
    look: &'a Look,
    source: &'a Subject,
    /// The moves in words.
    words: String,
}

impl Edited<'_> {
    fn picture(&self, network: &StyleNetwork, preview: Preview) -> anyhow::Result<RgbImage> {
        network.picture(&self.ws, self.index, self.look, preview)
    }
}
