//! Labels of a set: `dataset.json` in the layout of the NVlabs tools.
//!
//! ```json
//! {"labels": [["00000/img00000000.png", 6], ["00000/img00000001.png", 2]]}
//! ```
//! A class number becomes a one-hot row; a list of numbers is kept as it is. `"labels": null`
//! means a set without labels. `"classes": ["road", …]` names classes 0, 1, …; other keys are ignored.

use super::{Finding, Problem};
use serde_json::Value;
use std::collections::HashMap;

/// The most classes, and the most numbers per label.
const MAX_DIM: usize = 65536;

/// The labels of all pictures of a set, in the order of the pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Labels {
    /// The set has no labels.
    #[default]
    None,
    /// One class per picture.
    Classes {
        /// Class of each picture, from 0.
        ids: Vec<u32>,
        /// Number of classes: the largest class plus one.
        count: usize,
        /// Names of classes from 0 on, as far as the set gives them.
        names: Vec<String>,
    },
    /// A list of numbers per picture.
    Vectors {
        /// `[pictures, dim]`.
        values: Vec<f32>,
        /// Numbers per picture.
        dim: usize,
    },
}

impl Labels {
    /// Numbers per label as networks see it: classes, or the length of the vectors; 0 without labels.
    pub fn dim(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Classes { count, .. } => *count,
            Self::Vectors { dim, .. } => *dim,
        }
    }

    /// The class of a picture, if labels are classes.
    pub fn class(&self, picture: usize) -> Option<u32> {
        if let Self::Classes { ids, .. } = self { ids.get(picture).copied() } else { None }
    }

    /// The label of a picture as it stands in `dataset.json`: a number or a list.
    pub fn value(&self, picture: usize) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Classes { ids, .. } => ids.get(picture).map(|&id| id.into()),
            Self::Vectors { values, dim } => {
                values.get(picture * dim..(picture + 1) * dim).map(|row| row.iter().map(|&x| Value::from(x)).collect())
            }
        }
    }

    /// Appends the label of a picture: one-hot for a class, `dim` numbers for a vector.
    pub fn push_row(&self, picture: usize, out: &mut Vec<f32>) {
        match self {
            Self::None => {}
            Self::Classes { ids, count, .. } => {
                let class = ids[picture] as usize;
                out.extend((0..*count).map(|c| if c == class { 1.0 } else { 0.0 }));
            }
            Self::Vectors { values, dim } => out.extend_from_slice(&values[picture * dim..(picture + 1) * dim]),
        }
    }
}

/// Reads `dataset.json` for the pictures with these names (sorted). Faults of single labels are
/// added to `findings`; the pictures concerned get class 0 or a row of zeros.
pub(super) fn parse(json: &[u8], pictures: &[String], findings: &mut Vec<Finding>) -> Result<Labels, Problem> {
    let file = |why: &str| Problem::LabelFile(why.to_string());
    let root: Value = serde_json::from_slice(json).map_err(|e| Problem::LabelFile(e.to_string()))?;
    let entries = match root.get("labels") {
        Some(Value::Array(entries)) if !entries.is_empty() => entries,
        Some(Value::Null | Value::Array(_)) => return Ok(Labels::None),
        Some(_) => return Err(file("`labels` is not a list")),
        None => return Err(file("there is no key `labels`")),
    };
    let mut by_name: HashMap<String, &Value> = HashMap::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        let (name, label) = match entry.as_array().map(Vec::as_slice) {
            Some([Value::String(name), label]) => (name.replace('\\', "/"), label),
            _ => return Err(Problem::LabelFile(format!("entry {i} of `labels` is not [name, label]"))),
        };
        let name = name.strip_prefix("./").map(str::to_string).unwrap_or(name);
        if pictures.binary_search(&name).is_err() {
            findings.push(Finding { file: name.clone(), problem: Problem::LabelWithoutPicture });
        }
        if by_name.insert(name.clone(), label).is_some() {
            findings.push(Finding { file: name, problem: Problem::Duplicate });
        }
    }
    let Some(first) = pictures.iter().find_map(|name| by_name.get(name)) else {
        return Err(file("none of its names is the name of a picture of the set"));
    };
    let mut labels = match first {
        Value::Number(_) => {
            let ids = Vec::with_capacity(pictures.len());
            Labels::Classes { ids, count: 0, names: class_names(&root) }
        }
        Value::Array(row) => Labels::Vectors { values: Vec::new(), dim: row.len() },
        other => return Err(Problem::LabelFile(format!("label {} is neither a class nor a list", short(other)))),
    };
    for name in pictures {
        let problem = match by_name.get(name) {
            Some(label) => match add(&mut labels, label) {
                true => continue,
                false => Problem::LabelMixed { found: short(label), first: short(first) },
            },
            None => Problem::LabelMissing,
        };
        findings.push(Finding { file: name.clone(), problem });
        match &mut labels {
            Labels::None => {}
            Labels::Classes { ids, .. } => ids.push(0),
            // Rows that stand in the file take two bytes a number at least.
            Labels::Vectors { values, dim } if values.len() + *dim > json.len() + MAX_DIM => {
                return Err(file("most pictures have no label"));
            }
            Labels::Vectors { values, dim } => values.resize(values.len() + *dim, 0.0),
        }
    }
    Ok(labels)
}

/// The names under `classes`, if all of them are text.
fn class_names(root: &Value) -> Vec<String> {
    let names = root.get("classes").and_then(Value::as_array);
    names.and_then(|names| names.iter().map(|name| name.as_str().map(str::to_string)).collect()).unwrap_or_default()
}

/// Adds one label if it is of the kind of the others; `false` if not.
fn add(labels: &mut Labels, label: &Value) -> bool {
    match (labels, label) {
        (Labels::Classes { ids, count, .. }, Value::Number(number)) => {
            let class = number.as_u64().filter(|&class| class < MAX_DIM as u64);
            class.map(|class| {
                ids.push(class as u32);
                *count = (*count).max(class as usize + 1);
            })
        }
        (Labels::Vectors { values, dim }, Value::Array(row)) if row.len() == *dim && (1..=MAX_DIM).contains(dim) => {
            let numbers: Option<Vec<f32>> = row.iter().map(|x| x.as_f64().map(|x| x as f32)).collect();
            numbers.filter(|row| row.iter().all(|x| x.is_finite())).map(|row| values.extend(row))
        }
        _ => None,
    }
    .is_some()
}

/// A label as text of bounded length.
fn short(label: &Value) -> String {
    let text = label.to_string();
    if text.chars().count() <= 40 { text } else { text.chars().take(40).chain(['…']).collect() }
}
