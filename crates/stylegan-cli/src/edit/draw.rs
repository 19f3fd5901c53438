//! The edited pictures: files, sheets, films, styles.

use super::moves::Styled;
use super::plan::{Out, Plan};
use crate::destination::{Destination, check_names};
use crate::film::{Film, Format, usual_zoom};
use crate::numbers::count;
use crate::status::{Progress, say};
use crate::writer::{Text, Writer};
use candle_core::Tensor;
use image::RgbImage;
use std::path::{Path, PathBuf};
use stylegan_core::StyleOffsets;
use stylegan_core::checkpoint::{Kind, Metadata, save};
use stylegan_core::picture::{Band, columns, enlarge, to_pictures, write_png};

/// A picture before it is edited.
struct Source {
    /// `[1, num_ws, w_dim]`, truncated.
    ws: Tensor,
    /// What chooses its fresh noise.
    index: u64,
    name: String,
    caption: String,
    text: Vec<(&'static str, String)>,
}

impl Plan {
    pub(super) fn draw(&self) -> anyhow::Result<()> {
        let sources = self.sources()?;
        let n = sources.len();
        let path = match &self.out {
            Out::Film(path, format) => {
                self.film(&sources, path, *format)?;
                path
            }
            Out::Still(Destination::Tensors(path)) => {
                self.styles(&sources, path)?;
                path
            }
            Out::Still(Destination::Png(path)) => {
                let text = self.text(&sources);
                write_png(path, &self.layout.sheet(vec![self.band(&sources, &self.progress(n))?]).draw(), &text)?;
                path
            }
            Out::Still(Destination::Folder(folder)) => {
                let inputs: Vec<&Path> = self.inputs.iter().map(PathBuf::as_path).collect();
                check_names(folder, sources.iter().map(|source| self.file_name(source)), &inputs)?;
                self.folder(&sources, folder)?;
                folder
            }
        };
        say(&format!("{} in {}", count(n as u64, "edited picture"), path.display()));
        Ok(())
    }

    fn sources(&self) -> anyhow::Result<Vec<Source>> {
        let mut sources: Vec<Source> = Vec::new();
        for (file, latents) in &self.sources {
            let ws = latents.styles(&self.network, 0, latents.len())?;
            for i in 0..latents.len() {
                let (mut name, mut caption) = (latents.file_name(i), latents.caption(i));
                let mut text = vec![latents.text(i, 1)];
                if let Some(file) = file {
                    let one = latents.len() == 1;
                    (name, caption) = match one {
                        true => (format!("{file}.png"), file.clone()),
                        false => (format!("{file}-{name}"), format!("{file}, {caption}")),
                    };
                    text.push(("stylegan:latents", file.clone()));
                }
                let mut number = 2;
                let stem = name.trim_end_matches(".png").to_owned();
                // Files of one name in different folders.
                while sources.iter().any(|other| other.name == name) {
                    name = format!("{stem}-{number}.png");
                    number += 1;
                }
                sources.push(Source { ws: ws.narrow(0, i, 1)?, index: latents.index(i), name, caption, text });
            }
        }
        Ok(sources)
    }

    /// The pictures of these styles with the noise of these indices.
    fn pictures(&self, styled: &[Styled], indices: &[u64], progress: &Progress) -> anyhow::Result<Vec<RgbImage>> {
        let batch = self.network.batch();
        let mut pictures = Vec::with_capacity(styled.len());
        for (styled, indices) in styled.chunks(batch).zip(indices.chunks(batch)) {
            let ws = Tensor::cat(&styled.iter().map(|one| &one.ws).collect::<Vec<_>>(), 0)?;
            let offsets = StyleOffsets::of_batch(&styled.iter().map(|one| &one.offsets).collect::<Vec<_>>())?;
            pictures.extend(to_pictures(&self.network.synthesize_moved(&ws, &offsets, indices)?)?);
            progress.advance(styled.len());
        }
        Ok(pictures)
    }

    /// The styles of a picture at all strengths.
    fn edited(&self, source: &Source) -> anyhow::Result<Vec<Styled>> {
        self.strengths.iter().map(|strength| self.moves.apply(&source.ws, *strength)).collect()
    }

    /// Shows how many of the pictures of `sources` sources are made.
    fn progress(&self, sources: usize) -> Progress {
        let each = match (&self.out, self.span) {
            (Out::Still(Destination::Png(_)), None) => 2,
            _ => self.strengths.len(),
        };
        Progress::new("editing", sources * each)
    }

    /// A row for each picture: before and after, or at all strengths.
    fn band(&self, sources: &[Source], progress: &Progress) -> anyhow::Result<Band> {
        let (mut styled, mut indices) = (Vec::new(), Vec::new());
        for source in sources {
            let before = styled.len();
            if self.span.is_none() {
                styled.push(Styled { ws: source.ws.clone(), offsets: StyleOffsets::new() });
            }
            styled.extend(self.edited(source)?);
            indices.extend(vec![source.index; styled.len() - before]);
        }
        let headings = match self.span {
            None => vec!["Before".to_owned(), "After".to_owned()],
            Some(_) => self.strengths.iter().map(|strength| format!("{strength:+.2}")).collect(),
        };
        let pictures = self.pictures(&styled, &indices, progress)?.into_iter().map(Some).collect();
        Ok(Band {
            title: self.typed(),
            across: headings.len(),
            columns: headings,
            rows: sources.iter().map(|source| source.caption.clone()).collect(),
            pictures,
            captions: vec![],
        })
    }

    /// The file of a picture: that of the same seed as it was is another one.
    fn file_name(&self, source: &Source) -> String {
        let what = if self.span.is_some() { "strip" } else { "edited" };
        format!("{}-{what}.png", source.name.trim_end_matches(".png"))
    }

    /// A file for each picture: as it is edited, or its strip.
    fn folder(&self, sources: &[Source], folder: &Path) -> anyhow::Result<()> {
        let (mut writer, progress) = (Writer::new()?, self.progress(sources.len()));
        for source in sources {
            let picture = match self.span {
                Some(_) => self.layout.sheet(vec![self.band(std::slice::from_ref(source), &progress)?]).draw(),
                None => {
                    let picture = self.pictures(&self.edited(source)?, &[source.index], &progress)?;
                    let zoom = self.layout.zoom.unwrap_or(1);
                    picture.first().map(|picture| enlarge(picture, zoom)).unwrap_or_default()
                }
            };
            writer.png(folder.join(self.file_name(source)), picture, self.text(std::slice::from_ref(source)))?;
        }
        writer.finish()
    }

    /// The moved styles, one picture after the other.
    fn styles(&self, sources: &[Source], path: &Path) -> anyhow::Result<()> {
        let styled = sources.iter().map(|source| self.edited(source)).collect::<anyhow::Result<Vec<_>>>()?.concat();
        let ws: Vec<&Tensor> = styled.iter().map(|one| &one.ws).collect();
        let mut metadata =
            Metadata { kind: Kind::Weights, source: Some("stylegan edit".into()), ..Metadata::default() };
        metadata.extra.insert("content".into(), "edited styles (tensor ws), for --latents".into());
        metadata.extra.insert("edit".into(), self.typed());
        Ok(save(path, &metadata, &[("ws".to_owned(), Tensor::cat(&ws, 0)?)])?)
    }

    /// All pictures beside one another, from one end of the strengths to the other and back.
    fn film(&self, sources: &[Source], path: &Path, format: Format) -> anyhow::Result<()> {
        let [h, w] = self.network.size().map(|side| side as u32);
        let across = columns(sources.len(), self.network.size()).max(1) as u32;
        let down = (sources.len() as u32).div_ceil(across);
        let zoom = self.layout.zoom.unwrap_or(usual_zoom([h * down, w * across].map(|side| side as usize)));
        let back = self.strengths.iter().rev().skip(1).take(self.strengths.len().saturating_sub(2));
        let strengths: Vec<f64> = self.strengths.iter().chain(back).copied().collect();
        let size = [h * down * zoom, w * across * zoom];
        let mut film = Film::create(path, format, size, self.fps, strengths.len(), self.text(sources))?;
        let indices: Vec<u64> = sources.iter().map(|source| source.index).collect();
        let progress = Progress::new("editing", strengths.len() * sources.len());
        for strength in strengths {
            let styled = sources.iter().map(|source| self.moves.apply(&source.ws, strength));
            let pictures = self.pictures(&styled.collect::<anyhow::Result<Vec<_>>>()?, &indices, &progress)?;
            let mut frame = RgbImage::new(w * across, h * down);
            for (i, picture) in (0u32..).zip(&pictures) {
                image::imageops::replace(&mut frame, picture, (i % across * w).into(), (i / across * h).into());
            }
            film.push(enlarge(&frame, zoom))?;
        }
        film.finish()
    }

    /// The edit as it is typed.
    fn typed(&self) -> String {
        self.moves.text(&self.varied())
    }

    /// The strengths of the varied directions, as they are typed.
    fn varied(&self) -> String {
        self.span.map_or_else(String::new, |span| span.to_string())
    }

    fn text(&self, sources: &[Source]) -> Text {
        let mut text = self.network.text();
        if let [source] = sources {
            text.extend(source.text.iter().cloned());
        } else {
            // Rows are counted in each file.
            let all: Vec<_> = self.sources.iter().map(|(_, latents)| latents.text(0, latents.len())).collect();
            let joined = |parts: Vec<&str>| parts.join("; ");
            text.extend(all.first().map(|(key, _)| (*key, joined(all.iter().map(|(_, rows)| &rows[..]).collect()))));
            let files: Vec<&str> = self.sources.iter().filter_map(|(file, _)| file.as_deref()).collect();
            text.extend((!files.is_empty()).then(|| ("stylegan:latents", joined(files))));
        }
        text.extend(self.moves.about(&self.varied()));
        text
    }
}
