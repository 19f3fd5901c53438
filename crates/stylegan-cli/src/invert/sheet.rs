//! The sheet of all pictures: source, reconstruction, and what the tuned network makes.

use super::plan::Plan;
use crate::numbers::count;
use crate::status::say;
use anyhow::Context;
use image::RgbImage;
use std::path::Path;
use stylegan_core::picture::{Band, Sheet, to_pictures, write_png};

/// The most pixels of a sheet, before it is enlarged.
const MAX_PIXELS: usize = 1 << 26;

/// Writes `sheet.png`, a row for each picture, as many as fit into memory.
pub(super) fn write(plan: &Plan) -> anyhow::Result<()> {
    let [h, w] = plan.network.size();
    let columns = if plan.tune { 3 } else { 2 };
    let rows = (MAX_PIXELS / (columns * h * w)).clamp(1, plan.pictures.len());
    let mut band = Band {
        columns: ["Source", "Reconstruction", "Tuned"][..columns].iter().map(|&name| name.to_owned()).collect(),
        across: columns,
        ..Band::default()
    };
    for picture in &plan.pictures[..rows] {
        band.rows.push(picture.name.clone());
        band.pictures.push(to_pictures(&plan.target(picture)?.image)?.pop());
        band.pictures.push(Some(read(&picture.files.reconstruction)?));
        if plan.tune {
            band.pictures.push(Some(read(&picture.files.tuned)?));
        }
    }
    let path = plan.out.join("sheet.png");
    write_png(&path, &Sheet::new(vec![band]).draw(), &plan.network.text())?;
    if rows < plan.pictures.len() {
        say(&format!("note: {} shows the first {}", path.display(), count(rows as u64, "picture")));
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<RgbImage> {
    Ok(image::open(path).with_context(|| format!("cannot read {}", path.display()))?.to_rgb8())
}
