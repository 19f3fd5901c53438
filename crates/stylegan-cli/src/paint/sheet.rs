//! All pictures as one: beside their maps, or as a table of maps and styles (Park et al. 2019, figure 1), with the truth and
//! what other networks paint in columns of their own.

use super::Plan;
use super::maps::Map;
use super::painting::Painting;
use crate::map_picture::{beside, map_picture};
use image::RgbImage;
use std::collections::HashSet;
use std::path::Path;
use stylegan_core::picture::{Band, write_png};

/// The most letters of a name that stand beside a row, where nothing else limits them.
const HEADING: usize = 40;

/// Writes the sheet.
pub(super) fn write(plan: &Plan, path: &Path) -> anyhow::Result<()> {
    let Painting { painter, maps, styles, .. } = &plan.painting;
    let painted = plan.painting.pictures()?;
    let [h, w] = painter.size();
    let shown = |map: &Map| map_picture(&map.labels.classes, [h, w], maps.table.as_ref());
    // Maps of one name are told apart by their folders.
    let stems: HashSet<&String> = maps.all.iter().map(|map| &map.stem).collect();
    let name = |map: &Map| match stems.len() == maps.all.len() {
        true => map.stem.clone(),
        false => map.folder.join(&map.stem).display().to_string(),
    };
    let names = || maps.all.iter().map(name);
    let band = match (styles.len(), styles.shown()) {
        (1, None) if !plan.has_columns() => Band {
            across: plan.layout.columns(plan.painting.len(), [h, 2 * w])?,
            pictures: maps
                .all
                .iter()
                .map(shown)
                .zip(&painted)
                .map(|(map, picture)| Some(beside(&map, picture)))
                .collect(),
            captions: names().collect(),
            ..Band::default()
        },
        (across, above) => {
            let others = plan.beside.iter().map(Painting::pictures).collect::<anyhow::Result<Vec<_>>>()?;
            let (mut pictures, mut rows): (Vec<Option<RgbImage>>, Vec<String>) =
                (vec![], names().map(shortened).collect());
            if let Some(above) = above {
                rows.insert(0, String::new());
                pictures.push(None);
                pictures.extend(plan.truths.iter().map(|_| None));
                pictures.extend(above.iter().cloned().map(Some));
                pictures.extend(others.iter().map(|_| None));
            }
            for (i, (map, row)) in maps.all.iter().zip(painted.chunks(across)).enumerate() {
                pictures.push(Some(shown(map)));
                pictures.extend(plan.truths.iter().map(|truths| Some(truths[i].clone())));
                pictures.extend(row.iter().cloned().map(Some));
                pictures
                    .extend(others.iter().zip(&plan.beside).map(|(all, of)| Some(all[i * of.styles.len()].clone())));
            }
            let own = |style: usize| match (across, plan.beside.is_empty()) {
                (1, false) => plan.painting.name.clone(),
                _ => styles.caption(style),
            };
            let truth = plan.truths.iter().map(|_| "truth".to_owned());
            let captions = (0..across).map(own).chain(plan.beside.iter().map(|other| other.name.clone()));
            let columns: Vec<String> = std::iter::once(String::new()).chain(truth).chain(captions).collect();
            Band { across: columns.len(), columns, rows, pictures, ..Band::default() }
        }
    };
    let all: Vec<usize> = (0..plan.painting.len()).collect();
    Ok(write_png(path, &plan.layout.sheet(vec![band]).draw(), &plan.text(&all))?)
}

/// A name as headings of rows show it: of a long one both ends, as files are often told apart by a number at the end.
fn shortened(name: String) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= HEADING {
        return name;
    }
    let (start, end) = (HEADING / 2 - 1, letters.len() - HEADING / 2);
    letters[..start].iter().chain(&['…']).chain(&letters[end..]).collect()
}

#[cfg(test)]
mod tests {
    use super::{HEADING, shortened};

    #[test]
    fn long_names_keep_both_ends() {
        let name = "IMG_2026-11-30_holiday_beach_0001";
        assert_eq!(shortened(name.to_owned()), name);
        let long = |number: u8| shortened(format!("die_schönsten_Ferien_am_Strand_von_Ostende_{number:04}"));
        assert_eq!(long(1), "die_schönsten_Ferie…and_von_Ostende_0001");
        assert!(long(1).chars().count() == HEADING && long(1) != long(2));
    }
}
