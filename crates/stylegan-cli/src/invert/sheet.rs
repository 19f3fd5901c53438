//! The sheet of all pictures: source, what was shown of it, what it is compared with, reconstruction, what the tuned network
//! makes, and what becomes of it along directions.

use super::edited::Edit;
use super::files::SHEET;
use super::picture::Picture;
use super::plan::Plan;
use crate::numbers::count;
use crate::status::say;
use anyhow::Context;
use image::RgbImage;
use std::path::Path;
use stylegan_core::picture::{Band, Sheet, to_pictures, write_png};
use stylegan_kernels::resize_area;

/// The most pixels of a sheet, before it is enlarged.
const MAX_PIXELS: usize = 1 << 26;

/// Writes `sheet.png`, a row for each picture, as many as fit into memory.
pub(super) fn write(plan: &Plan) -> anyhow::Result<()> {
    let [h, w] = plan.network.size();
    let first = plan.pictures.first().map(|picture| shown(plan, picture)).transpose()?.flatten();
    let truth = plan.pictures.iter().any(|picture| picture.truth.is_some()).then_some("Truth");
    let edited = plan.edit.as_ref().map(|_| "Edited");
    let made = [Some("Reconstruction"), plan.tune.then_some("Tuned"), edited];
    let names = [Some("Source"), first.map(|_| "Shown"), truth].into_iter().chain(made);
    let names: Vec<String> = names.flatten().map(str::to_owned).collect();
    let columns = names.len();
    let rows = (MAX_PIXELS / (columns * h * w)).clamp(1, plan.pictures.len());
    let title = plan.edit.as_ref().map(Edit::typed).unwrap_or_default();
    let mut band = Band { title, columns: names, across: columns, ..Band::default() };
    for picture in &plan.pictures[..rows] {
        band.rows.push(picture.name.clone());
        band.pictures.push(to_pictures(&plan.target(picture)?.image)?.pop());
        if let Some(shown) = shown(plan, picture)? {
            band.pictures.push(Some(shown));
        }
        if picture.truth.is_some() {
            band.pictures.push(to_pictures(&plan.truth(picture)?.image)?.pop());
        }
        band.pictures.push(Some(read(&picture.files.reconstruction)?));
        if plan.tune {
            band.pictures.push(Some(read(&picture.files.tuned)?));
        }
        if plan.edit.is_some() {
            band.pictures.push(Some(read(&picture.files.edited)?));
        }
    }
    let path = plan.out.join(SHEET);
    write_png(&path, &Sheet::new(vec![band]).draw(), &plan.network.text())?;
    if rows < plan.pictures.len() {
        say(&format!("note: {} shows the first {}", path.display(), count(rows as u64, "picture")));
    }
    Ok(())
}

/// What the encoder or the search was shown of a picture, at the size of the network's, where that is not the picture itself.
fn shown(plan: &Plan, picture: &Picture) -> anyhow::Result<Option<RgbImage>> {
    let seen = match (&plan.encoder, plan.kept(picture)?) {
        (Some(encoder), _) => encoder.visible(picture)?,
        (None, Some(kept)) => Some(plan.target(picture)?.image.broadcast_mul(&kept)?),
        (None, None) => None,
    };
    let Some(seen) = seen else { return Ok(None) };
    let [h, w] = plan.network.size();
    Ok(to_pictures(&resize_area(&seen, h, w)?)?.pop())
}

/// A picture that was written before.
pub(super) fn read(path: &Path) -> anyhow::Result<RgbImage> {
    Ok(image::open(path).with_context(|| format!("cannot read {}", path.display()))?.to_rgb8())
}
