//! The pictures that answer a state, one by one.

use super::order::MadeFile;
use super::style_file::style_file;
use super::style_network::{Preview, StyleNetwork, UNSEEN};
use super::wish::{Look, State, corners};
use crate::mix::{Table, seed_text, title};
use crate::numbers::Numbers;
use candle_core::Tensor;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use std::ops::Range;
use stylegan_core::latent::mix;
use stylegan_core::picture::{Sheet, encode_png};

/// Other files answer these states.
const OTHERS: &str = "edits, searches, maps and films are not pictures of seeds alone";

/// Computes the pictures `cells` of a state; a single large one is shown to `preview` on the way.
///
/// # Errors
/// When the state does not fit the network.
pub(super) fn pictures(
    network: &StyleNetwork,
    state: &State,
    cells: Range<usize>,
    preview: Preview,
) -> anyhow::Result<Vec<RgbImage>> {
    match state {
        State::Picture { look, x, y } => {
            let (ws, index) = blend(network, look, &corners(*x, *y))?;
            Ok(vec![network.picture(&ws, index, look, preview)?])
        }
        State::Mix { look, rows, columns, styles } => {
            network.check_rows(styles)?;
            let (mut ws, mut indices) = (Vec::with_capacity(cells.len()), Vec::with_capacity(cells.len()));
            for cell in cells {
                let (row, column) = seeds_of(rows, columns, cell);
                ws.push(mixed(network, look, row, column, styles)?);
                indices.extend(row.or(column).map(u64::from));
            }
            network.pictures(&Tensor::cat(&ws, 0)?, &indices, look)
        }
        State::Thumbnails { look, seeds, side } => {
            let seeds = &seeds[cells];
            let indices: Vec<u64> = seeds.iter().copied().map(u64::from).collect();
            let pictures = network.pictures(&network.styles(seeds, look)?, &indices, look)?;
            Ok(pictures.into_iter().map(|picture| shrunk(picture, *side)).collect())
        }
        State::Edit { .. } | State::Invert { .. } | State::Paint { .. } | State::Film { .. } => {
            anyhow::bail!("{OTHERS}")
        }
    }
}

/// Makes what a link to a picture of a state leads to; without a cell the whole of it, for which `so_far` takes its
/// pictures, a batch at each call: `None` as long as there are more.
///
/// # Errors
/// When the state does not fit the network, or has no such picture.
pub(super) fn download(
    network: &StyleNetwork,
    state: &State,
    cell: Option<usize>,
    so_far: &mut Vec<RgbImage>,
) -> anyhow::Result<Option<MadeFile>> {
    let all = state.cells();
    if cell.is_some_and(|cell| cell >= all) {
        anyhow::bail!("there are {all} pictures, counted from 0");
    }
    let one = |cell: usize| {
        let picture = pictures(network, state, cell..cell + 1, UNSEEN)?.pop();
        picture.ok_or_else(|| anyhow::anyhow!("no picture was made"))
    };
    let Some(look) = state.look() else { anyhow::bail!("{OTHERS}") };
    let mut text = network.text(look);
    let (name, picture) = match state {
        State::Picture { x, y, .. } => match corners(*x, *y)[..] {
            [(seed, _)] => {
                text.push(("stylegan:seed", seed.to_string()));
                (seed_name(seed), one(0)?)
            }
            ref corners => {
                text.push(("stylegan:blend", in_words(corners)));
                (format!("blend{x:.2}x{y:.2}.png"), one(0)?)
            }
        },
        State::Thumbnails { seeds, .. } => {
            let cell = cell.unwrap_or_default();
            text.push(("stylegan:seed", seeds[cell].to_string()));
            (seed_name(seeds[cell]), one(cell)?)
        }
        State::Mix { rows, columns, styles, .. } => match cell {
            Some(cell) => {
                let name = match seeds_of(rows, columns, cell) {
                    (Some(row), Some(column)) => {
                        text.extend(seed_text(&Numbers(vec![row]), &Numbers(vec![column]), styles));
                        format!("row{row:04}-col{column:04}.png")
                    }
                    (row, column) => {
                        let seed = row.or(column).unwrap_or_default();
                        text.push(("stylegan:seed", seed.to_string()));
                        seed_name(seed)
                    }
                };
                (name, one(cell)?)
            }
            None => {
                let done = so_far.len();
                so_far.extend(pictures(network, state, done..(done + network.batch()).min(all), UNSEEN)?);
                if so_far.len() < all {
                    return Ok(None);
                }
                text.extend(seed_text(&Numbers(rows.clone()), &Numbers(columns.clone()), styles));
                let title = title(styles, &network.heading(look));
                ("mix.png".to_owned(), sheet(std::mem::take(so_far), rows, columns, title))
            }
        },
        State::Edit { .. } | State::Invert { .. } | State::Paint { .. } | State::Film { .. } => {
            anyhow::bail!("{OTHERS}")
        }
    };
    Ok(Some(MadeFile { name, kind: "image/png", bytes: encode_png(&picture, &text)? }))
}

/// The styles of a place on the pad as a file.
///
/// # Errors
/// When the state does not fit the network.
pub(super) fn styles(network: &StyleNetwork, state: &State) -> anyhow::Result<MadeFile> {
    let State::Picture { look, x, y } = state else { anyhow::bail!("{OTHERS}") };
    network.check_styles("a file of styles")?;
    let corners = corners(*x, *y);
    let (ws, _) = blend(network, look, &corners)?;
    let facts = vec![("blend", in_words(&corners)), ("psi", look.psi.to_string())];
    style_file(ws, "styles of a place between seeds", facts, network.text(look))
}

/// Seeds with their weights, as files of pictures name them.
fn in_words(corners: &[(u32, f64)]) -> String {
    corners.iter().map(|(seed, weight)| format!("{seed}:{weight}")).collect::<Vec<_>>().join(",")
}

/// Style rows `[1, num_ws, w_dim]` between seeds, blended after truncation, and the seed that is nearest:
/// the noise is that of its picture.
fn blend(network: &StyleNetwork, look: &Look, corners: &[(u32, f64)]) -> anyhow::Result<(Tensor, u64)> {
    let seeds: Vec<u32> = corners.iter().map(|(seed, _)| *seed).collect();
    let ws = network.styles(&seeds, look)?;
    let nearest = corners.iter().fold((0, 0.), |best, corner| if corner.1 > best.1 { *corner } else { best }).0;
    if corners.len() == 1 {
        return Ok((ws, nearest.into()));
    }
    let mut sum: Option<Tensor> = None;
    for (i, (_, weight)) in corners.iter().enumerate() {
        let part = (ws.narrow(0, i, 1)? * *weight)?;
        sum = Some(match sum {
            Some(sum) => (sum + part)?,
            None => part,
        });
    }
    Ok((sum.unwrap_or(ws), nearest.into()))
}

/// Whose picture a cell of a table is: the columns' seeds come first, then each row's own and its mixes.
fn seeds_of(rows: &[u32], columns: &[u32], cell: usize) -> (Option<u32>, Option<u32>) {
    // The corner of the table is empty.
    let place = cell + 1;
    let (row, column) = (place / (columns.len() + 1), place % (columns.len() + 1));
    (row.checked_sub(1).map(|row| rows[row]), column.checked_sub(1).map(|column| columns[column]))
}

/// Style rows `[1, num_ws, w_dim]` of a cell.
fn mixed(
    network: &StyleNetwork,
    look: &Look,
    row: Option<u32>,
    column: Option<u32>,
    styles: &[usize],
) -> anyhow::Result<Tensor> {
    match (row, column) {
        (Some(row), Some(column)) => {
            let (row, column) = (network.styles(&[row], look)?, network.styles(&[column], look)?);
            let from_column: Vec<_> = styles.iter().map(|&row| (&column, row..row + 1)).collect();
            Ok(mix(&row, &from_column)?)
        }
        (row, column) => network.styles(&[row.or(column).unwrap_or_default()], look),
    }
}

/// The whole table of all its pictures, as `stylegan mix` lays it out.
fn sheet(mut all: Vec<RgbImage>, rows: &[u32], columns: &[u32], title: String) -> RgbImage {
    let mut table = Table {
        row_seeds: Numbers(rows.to_vec()),
        column_seeds: Numbers(columns.to_vec()),
        rows: Vec::with_capacity(rows.len()),
        columns: all.drain(..columns.len()).collect(),
        mixed: Vec::with_capacity(rows.len() * columns.len()),
    };
    let mut all = all.into_iter();
    while let Some(row) = all.next() {
        table.rows.push(row);
        table.mixed.extend(all.by_ref().take(columns.len()));
    }
    Sheet::new(vec![table.band(title)]).draw()
}

/// The name that `stylegan generate` gives the picture of a seed.
pub(super) fn seed_name(seed: u32) -> String {
    format!("seed{seed:04}.png")
}

/// The picture with neither side longer than `side`.
fn shrunk(picture: RgbImage, side: u32) -> RgbImage {
    let longer = picture.width().max(picture.height());
    if longer <= side {
        return picture;
    }
    let fit = |length: u32| (u64::from(length) * u64::from(side) / u64::from(longer)).max(1) as u32;
    resize(&picture, fit(picture.width()), fit(picture.height()), FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_go_through_the_table_row_by_row() {
        let seeds = |cell| seeds_of(&[10, 11], &[20, 21, 22], cell);
        assert_eq!((seeds(0), seeds(2)), ((None, Some(20)), (None, Some(22))));
        assert_eq!((seeds(3), seeds(4)), ((Some(10), None), (Some(10), Some(20))));
        assert_eq!((seeds(7), seeds(10)), ((Some(11), None), (Some(11), Some(22))));
    }

    #[test]
    fn thumbnails_keep_their_shape() {
        assert_eq!(shrunk(RgbImage::new(512, 256), 64).dimensions(), (64, 32));
        assert_eq!(shrunk(RgbImage::new(32, 32), 64).dimensions(), (32, 32));
    }
}
