//! `stylegan mix`: a table of pictures, each row's style mixed with each column's.

use crate::destination::{self, Destination, GRID};
use crate::exit::{Ending, Outcome, wrong};
use crate::latents::Latents;
use crate::layout::LayoutArgs;
use crate::network::{Network, NetworkArgs};
use crate::numbers::{Numbers, count};
use crate::status::{Progress, say};
use crate::writer::{Text, Writer};
use candle_core::Tensor;
use image::RgbImage;
use std::collections::HashSet;
use std::path::PathBuf;
use std::str::FromStr;
use stylegan_core::latent::mix;
use stylegan_core::picture::{Band, to_pictures, write_png};

/// Mix styles: rows x columns of seeds
///
/// Picture (r, c) takes the style rows --styles from column c's seed and all others from row r's.
/// The pictures of the seeds themselves stand at the left and at the top.
///
/// Examples:
///   stylegan mix --network runs/avatars-32 --rows 0-3 --cols 10-15 --styles coarse --out mix.png
///   stylegan mix --network ffhq.safetensors --rows 85,100 --cols 55,821 --styles 0-6 --out out/
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// Seeds of the rows.
    ///
    /// Example: --rows 0-3
    #[arg(long, value_name = "LIST")]
    rows: Numbers,

    /// Seeds of the columns.
    ///
    /// Example: --cols 55,821,1789
    #[arg(long, value_name = "LIST")]
    cols: Numbers,

    /// Style rows that come from the columns: numbers and inclusive ranges, or coarse (0-3: pose,
    /// shape), middle (4-7: features, hair) or fine (8 and up: colours).
    ///
    /// Example: --styles 4-7
    #[arg(long, value_name = "LIST|NAME", default_value = "coarse")]
    styles: Styles,

    #[command(flatten)]
    layout: LayoutArgs,

    /// A .png file for the table, or a folder: then also one PNG per picture.
    #[arg(long, value_name = "FOLDER|FILE", default_value = "out")]
    out: PathBuf,
}

/// A choice of style rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Styles {
    /// These rows.
    Rows(Numbers),
    /// Rows `first..`, at most up to `end`, as far as the network has them.
    Span {
        /// The first row.
        first: usize,
        /// The row after the last.
        end: usize,
    },
}

impl Styles {
    /// Rows 0 to 3, resolutions 4 and 8 (StyleGAN, Figure 3).
    pub(crate) const COARSE: Styles = Styles::Span { first: 0, end: 4 };
    /// Rows 4 to 7, resolutions 16 and 32.
    pub(crate) const MIDDLE: Styles = Styles::Span { first: 4, end: 8 };
    /// Rows from 8, resolutions from 64.
    pub(crate) const FINE: Styles = Styles::Span { first: 8, end: usize::MAX };

    /// The rows of a network that has `num_ws` of them, as `option` chose them.
    pub(crate) fn rows(&self, option: &str, num_ws: usize) -> anyhow::Result<Vec<usize>> {
        match self {
            Styles::Span { first, end } => Ok((*first..*end.min(&num_ws)).collect()),
            Styles::Rows(numbers) => {
                let rows: Vec<usize> = numbers.0.iter().map(|&row| row as usize).collect();
                match rows.iter().find(|&&row| row >= num_ws) {
                    Some(row) => wrong!("{option} {row}: this network has style rows 0 to {}", num_ws - 1),
                    None => Ok(rows),
                }
            }
        }
    }
}

impl FromStr for Styles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "coarse" => Ok(Styles::COARSE),
            "middle" => Ok(Styles::MIDDLE),
            "fine" => Ok(Styles::FINE),
            _ if text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                Err(format!("{text:?} is neither a list of style rows nor one of coarse, middle and fine"))
            }
            _ => text.parse().map(Styles::Rows),
        }
    }
}

/// The file of one picture of the table.
fn file_name(row: u32, column: u32) -> String {
    format!("row{row:04}-col{column:04}.png")
}

pub(crate) fn run(args: Args) -> Outcome {
    let out = Destination::of_pictures(&args.out)?;
    args.network.check_idle()?;
    let network = Network::open(&args.network)?;
    if !network.has_styles() {
        wrong!(
            "{} is a Progressive GAN, which has no styles that could be mixed; give a StyleGAN or StyleGAN2",
            args.network.network.display()
        );
    }
    args.layout.columns((args.rows.0.len() + 1) * (args.cols.0.len() + 1), network.size())?;
    let styles = args.styles.rows("--styles", network.generator().spec().num_ws)?;
    if styles.is_empty() {
        wrong!(
            "--styles: this network has only {} and none of those rows",
            count(network.generator().spec().num_ws as u64, "style row")
        );
    }
    let half = (network.generator().spec().num_ws / 2).max(1) - 1;
    note_whole(&styles, &network, &format!("; --styles 0-{half} takes fewer"));
    out.prepare(&[network.file()])?;
    if let Destination::Folder(folder) = &out {
        let row = |row: &u32| args.cols.0.iter().map(|column| file_name(*row, *column)).collect::<Vec<_>>();
        let names = args.rows.0.iter().flat_map(row);
        destination::check_names(folder, names.chain([GRID.to_owned()]), &[network.file()])?;
    }
    let text = |rows: &Numbers, columns: &Numbers| {
        let mut text = network.text();
        text.extend(seed_text(rows, columns, &styles));
        text
    };
    let table = Table::compute(&network, &args.rows, &args.cols, &styles)?;
    let sheet = match &out {
        Destination::Folder(folder) => {
            let mut written = HashSet::new();
            let mut writer = Writer::new()?;
            for (r, row) in args.rows.0.iter().enumerate() {
                for (c, column) in args.cols.0.iter().enumerate() {
                    // A seed that is named twice has its place in the table twice, and one file.
                    if !written.insert((row, column)) {
                        continue;
                    }
                    let picture = table.mixed[r * args.cols.0.len() + c].clone();
                    let text = text(&Numbers(vec![*row]), &Numbers(vec![*column]));
                    writer.png(folder.join(file_name(*row, *column)), picture, text)?;
                }
            }
            writer.finish()?;
            folder.join(GRID)
        }
        Destination::Png(path) | Destination::Tensors(path) => path.clone(),
    };
    let picture = args.layout.sheet(vec![table.band(title(&styles, &network.heading()))]).draw();
    write_png(&sheet, &picture, &text(&args.rows, &args.cols))?;
    say(&format!(
        "{} by {} in {}",
        count(args.rows.0.len() as u64, "row"),
        count(args.cols.0.len() as u64, "column"),
        sheet.display()
    ));
    Ok(Ending::Done)
}

/// Says where a table shows nothing that is mixed, and what to do: a small network has few style rows.
pub(crate) fn note_whole(styles: &[usize], network: &Network, remedy: &str) {
    let rows = network.generator().spec().num_ws;
    if (0..rows).all(|row| styles.contains(&row)) {
        say(&format!(
            "note: all {rows} style rows of this network come from the columns, so each row shows the columns' own \
             pictures{remedy}"
        ));
    }
}

/// What stands above a table: whose styles are whose, and what else its pictures share.
pub(crate) fn title(styles: &[usize], heading: &str) -> String {
    let title = format!("Style rows {} of the columns, all others of the rows", style_list(styles));
    if heading.is_empty() { title } else { format!("{title}; {heading}") }
}

/// What files of mixes say of their seeds.
pub(crate) fn seed_text(rows: &Numbers, columns: &Numbers, styles: &[usize]) -> Text {
    vec![
        ("stylegan:row-seed", rows.to_string()),
        ("stylegan:column-seed", columns.to_string()),
        ("stylegan:column-styles", style_list(styles)),
    ]
}

/// Style rows as a list: `0-3`.
pub(crate) fn style_list(styles: &[usize]) -> String {
    Numbers(styles.iter().map(|&row| row as u32).collect()).to_string()
}

/// Pictures of row seeds, column seeds, and of every mix of the two.
pub(crate) struct Table {
    pub(crate) row_seeds: Numbers,
    pub(crate) column_seeds: Numbers,
    pub(crate) rows: Vec<RgbImage>,
    pub(crate) columns: Vec<RgbImage>,
    /// Row by row.
    pub(crate) mixed: Vec<RgbImage>,
}

impl Table {
    /// Computes the table; `styles` come from the columns.
    pub(crate) fn compute(
        network: &Network,
        rows: &Numbers,
        columns: &Numbers,
        styles: &[usize],
    ) -> anyhow::Result<Self> {
        let (r, c) = (rows.0.len(), columns.0.len());
        let progress = Progress::new("mixing", r + c + r * c);
        let row_ws = Latents::seeds(rows).styles(network, 0, r)?;
        let column_ws = Latents::seeds(columns).styles(network, 0, c)?;
        let from_column: Vec<_> = styles.iter().map(|&row| row..row + 1).collect();
        let seed = |numbers: &Numbers, i: usize| u64::from(numbers.0[i]);
        let draw = |ws: &[Tensor], indices: &[u64]| -> anyhow::Result<Vec<RgbImage>> {
            let mut pictures = Vec::with_capacity(ws.len());
            for (ws, indices) in ws.chunks(network.batch()).zip(indices.chunks(network.batch())) {
                pictures.extend(to_pictures(&network.synthesize(&Tensor::cat(ws, 0)?, indices)?)?);
                progress.advance(ws.len());
            }
            Ok(pictures)
        };
        let each = |ws: &Tensor, n: usize| (0..n).map(|i| ws.narrow(0, i, 1)).collect::<Result<Vec<_>, _>>();
        let (row_ws, column_ws) = (each(&row_ws, r)?, each(&column_ws, c)?);
        let row_indices: Vec<u64> = (0..r).map(|i| seed(rows, i)).collect();
        let column_indices: Vec<u64> = (0..c).map(|i| seed(columns, i)).collect();
        let mut mixed_ws = Vec::with_capacity(r * c);
        let mut mixed_indices = Vec::with_capacity(r * c);
        for (row, index) in row_ws.iter().zip(&row_indices) {
            for column in &column_ws {
                mixed_ws.push(mix(row, &from_column.iter().map(|range| (column, range.clone())).collect::<Vec<_>>())?);
                mixed_indices.push(*index);
            }
        }
        Ok(Table {
            row_seeds: rows.clone(),
            column_seeds: columns.clone(),
            rows: draw(&row_ws, &row_indices)?,
            columns: draw(&column_ws, &column_indices)?,
            mixed: draw(&mixed_ws, &mixed_indices)?,
        })
    }

    /// The table on a sheet: columns' seeds at the top, rows' seeds at the left.
    pub(crate) fn band(&self, title: String) -> Band {
        let headings = |seeds: &Numbers| {
            // Nothing stands above the column, nor beside the row, of the pictures that are mixed.
            std::iter::once(String::new()).chain(seeds.0.iter().map(|seed| format!("seed {seed}"))).collect()
        };
        let mut pictures = vec![None];
        pictures.extend(self.columns.iter().cloned().map(Some));
        for (row, mixed) in self.rows.iter().zip(self.mixed.chunks(self.columns.len().max(1))) {
            pictures.push(Some(row.clone()));
            pictures.extend(mixed.iter().cloned().map(Some));
        }
        Band {
            title,
            columns: headings(&self.column_seeds),
            rows: headings(&self.row_seeds),
            across: self.columns.len() + 1,
            pictures,
            captions: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_lists_choose_rows() -> anyhow::Result<()> {
        let rows = |text: &str, num_ws| text.parse::<Styles>().map_err(anyhow::Error::msg)?.rows("--styles", num_ws);
        assert_eq!(rows("coarse", 18)?, [0, 1, 2, 3]);
        assert_eq!(rows("middle", 6)?, [4, 5]);
        assert_eq!(rows("fine", 10)?, [8, 9]);
        assert_eq!(rows("0-1,5", 18)?, [0, 1, 5]);
        assert!(rows("18", 18).is_err() && rows("corse", 18).is_err());
        Ok(())
    }
}
