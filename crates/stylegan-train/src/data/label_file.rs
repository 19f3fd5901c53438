//! Reads `dataset.json`: labels in the layout of the NVlabs tools, and as other programs write it.
//!
//! ```json
//! {"labels": [["00000/img00000000.png", 6], ["00000/img00000001.png", 2]]}
//! ```
//! A class number (`6`, `6.0`) becomes a one-hot row; a list of numbers is kept as it is.
//! `{"labels": {"a.png": 6}}` and `{"a.png": 6}` mean the same; `"labels": null` means a set without
//! labels. `"classes": ["road", …]` names classes 0, 1, …; other keys are ignored. Names are
//! relative to the folder that the file lies in. UTF-8, UTF-16 and UTF-32, with or without a byte order mark.

use super::class_table::same_name;
use super::label_json::{self, Label, Sink};
use super::labels::Labels;
use super::layout::Lookup;
use super::limits::MAX_DIM;
use super::names;
use super::source::Source;
use super::{Finding, Problem, json_text};
use std::borrow::Cow;
use std::collections::HashMap;

/// The largest label file that is read, in bytes (64 MiB): two million classes, or as many numbers
/// as a dozen for each of as many pictures.
const MAX_BYTES: u64 = 64 << 20;

/// Labels without their picture that are listed one by one.
const MAX_STRANGERS: usize = 1000;

/// Reads the label file with this name for the pictures with these names (sorted). Faults of single
/// labels are added to `findings`; the pictures concerned get class 0 or a row of zeros.
pub(super) fn read(
    source: &dyn Source,
    file: &str,
    pictures: &[String],
    findings: &mut Vec<Finding>,
) -> Result<Labels, Problem> {
    let bytes = source.read(file, Some(MAX_BYTES + 1))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Problem::LabelFile(format!("it is larger than the {} MiB that are read", MAX_BYTES >> 20)));
    }
    if bytes.is_empty() {
        return Err(Problem::LabelFile("it is empty (0 bytes)".to_string()));
    }
    let json = json_text::of(&bytes).map_err(Problem::LabelFile)?;
    let mut entries = Entries {
        pictures,
        names: Lookup::new(pictures),
        folder: names::folder(file),
        labels: (0..pictures.len()).map(|_| Label::Missing).collect(),
        class_names: Some(Vec::new()),
        found: 0,
        strangers: 0,
        findings,
    };
    let any = label_json::read(&json, &mut entries).map_err(|e| Problem::LabelFile(e.to_string()))?;
    if !any {
        return Err(Problem::LabelFile("there is no key `labels`".to_string()));
    }
    let Entries { labels, class_names, found, strangers, findings, .. } = entries;
    if strangers > MAX_STRANGERS {
        let problem = Problem::MoreLabelsWithoutPicture(strangers - MAX_STRANGERS);
        findings.push(Finding { file: file.to_string(), problem });
    }
    if found == 0 {
        if strangers == 0 {
            return Ok(Labels::None);
        }
        return Err(Problem::LabelFile("none of its names is the name of a picture of the set".to_string()));
    }
    let faults = fault_of_names(class_names.as_deref(), &labels);
    let read = collect(labels, pictures, class_names.unwrap_or_default(), json.len(), findings)?;
    findings.extend(faults.map(|why| Finding { file: file.to_string(), problem: Problem::ClassNames(why) }));
    Ok(read)
}

/// What is wrong with the names of classes, beside these labels; names of classes without a picture are none too many.
fn fault_of_names(names: Option<&[String]>, labels: &[Label]) -> Option<String> {
    let Some(names) = names else { return Some("is no list of names, and is not read".into()) };
    let mut known = HashMap::new();
    for (class, name) in names.iter().enumerate() {
        if name.trim().is_empty() {
            return Some(format!("gives class {class} a blank name"));
        }
        if let Some(first) = known.insert(name, class) {
            return Some(same_name(first, class, name));
        }
    }
    let last =
        labels.iter().filter_map(|label| if let Label::Class(class) = label { Some(*class) } else { None }).max();
    let classes = last? as usize + 1;
    (!names.is_empty() && names.len() < classes).then(|| format!("names {} of {classes} classes", names.len()))
}

/// Puts labels in the order of the pictures.
fn collect(
    labels: Vec<Label>,
    pictures: &[String],
    names: Vec<String>,
    bytes: usize,
    findings: &mut Vec<Finding>,
) -> Result<Labels, Problem> {
    let good = labels.iter().find(|label| matches!(label, Label::Class(_) | Label::Row(_)));
    let first = good.map(Label::shown).unwrap_or_default();
    let mut all = match good {
        Some(Label::Class(_)) => Labels::Classes { ids: Vec::with_capacity(pictures.len()), count: 0, names },
        Some(Label::Row(row)) => Labels::Vectors { values: Vec::new(), dim: row.len() },
        _ => {
            let bad =
                labels.into_iter().find_map(|label| if let Label::Bad(problem) = label { Some(problem) } else { None });
            return Err(Problem::LabelFile(bad.map_or_else(String::new, |problem| problem.to_string())));
        }
    };
    for (picture, label) in pictures.iter().zip(labels) {
        let problem = match (&mut all, label) {
            (Labels::Classes { ids, count, .. }, Label::Class(class)) => {
                ids.push(class);
                *count = (*count).max(class as usize + 1);
                continue;
            }
            (Labels::Vectors { values, dim }, Label::Row(row)) if row.len() == *dim => {
                values.extend_from_slice(&row);
                continue;
            }
            (_, Label::Bad(problem)) => *problem,
            (_, Label::Missing) => Problem::LabelMissing,
            (_, label) => Problem::LabelMixed { found: label.shown(), first: first.clone() },
        };
        findings.push(Finding { file: picture.clone(), problem });
        match &mut all {
            Labels::None => {}
            Labels::Classes { ids, .. } => ids.push(0),
            // Rows that stand in the file take two bytes a number at least.
            Labels::Vectors { values, dim } if values.len() + *dim > bytes + MAX_DIM => {
                return Err(Problem::LabelFile("most pictures have no label".to_string()));
            }
            Labels::Vectors { values, dim } => values.resize(values.len() + *dim, 0.0),
        }
    }
    Ok(all)
}

/// What has been read so far.
struct Entries<'a> {
    pictures: &'a [String],
    names: Lookup<'a>,
    /// The folder that the label file lies in.
    folder: &'a str,
    labels: Vec<Label>,
    /// `None` for what is no list of names.
    class_names: Option<Vec<String>>,
    found: usize,
    strangers: usize,
    findings: &'a mut Vec<Finding>,
}

impl Sink for Entries<'_> {
    fn add(&mut self, name: &str, label: Label) {
        let mut name: Cow<'_, str> = if name.contains('\\') { name.replace('\\', "/").into() } else { name.into() };
        while let Some(rest) = name.strip_prefix("./") {
            name = rest.to_string().into();
        }
        let here = format!("{}{name}", self.folder);
        // Names may as well begin at the root of the set.
        match self.names.find(&here).or_else(|| self.names.find(&name)) {
            Some(place) => {
                if !matches!(self.labels[place], Label::Missing) {
                    let file = self.pictures[place].clone();
                    self.findings.push(Finding { file, problem: Problem::LabelTwice });
                }
                self.labels[place] = label;
                self.found += 1;
            }
            None => {
                self.strangers += 1;
                if self.strangers <= MAX_STRANGERS {
                    self.findings.push(Finding { file: here, problem: Problem::LabelWithoutPicture });
                }
            }
        }
    }

    fn name_classes(&mut self, names: Option<Vec<String>>) {
        self.class_names = names;
    }
}
