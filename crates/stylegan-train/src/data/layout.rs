//! What the files of a set are by their names: pictures, their label maps, the labels.
//!
//! Archives are often packed with a folder around everything (`faces/00000.png`), so the root of a
//! set is the folder that all of its pictures lie in.

use super::names::{self, Kind, MAP_FOLDER};
use super::{Finding, Problem};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Files of sets that this program builds, which are neither pictures nor labels.
const OWN: [&str; 2] = ["attributes.csv", "recipe.json"];

/// The files of a set by their meaning.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Names of the pictures, sorted.
    pub(super) pictures: Vec<String>,
    /// The label map of each picture, empty where it is missing; no entries if the set has no maps.
    pub(super) maps: Vec<String>,
    /// The label file that counts.
    pub(super) labels: Option<String>,
    /// What names alone show.
    pub(super) findings: Vec<Finding>,
    /// Files that are not looked at: how many of each ending.
    pub(super) unread: BTreeMap<String, usize>,
}

impl Layout {
    /// Sorts out the files with these names (sorted, each once).
    pub(super) fn of(names: Vec<String>) -> Self {
        let mut layout = Self::default();
        let mut label_files = Vec::new();
        for name in names {
            match names::kind(&name) {
                Kind::Picture => layout.pictures.push(name),
                Kind::OtherPicture => {
                    let problem = Problem::Format(names::ending(&name));
                    layout.findings.push(Finding { file: name, problem });
                }
                Kind::Labels => label_files.push(name),
                Kind::Other if OWN.contains(&name.rsplit('/').next().unwrap_or_default()) => {}
                Kind::Other => *layout.unread.entry(names::ending(&name)).or_default() += 1,
            }
        }
        layout.tell_maps();
        layout.choose_labels(label_files);
        layout
    }

    /// Pictures below `labels/` are label maps if they are named after pictures. Otherwise the
    /// folder is one of pictures, such as a class of that name.
    fn tell_maps(&mut self) {
        let folder = format!("{}{MAP_FOLDER}/", common_folder(&self.pictures));
        let (candidates, pictures): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pictures).into_iter().partition(|name| name.starts_with(&folder));
        let by_name = Lookup::new(&candidates);
        let map_of = |picture: &String| {
            let inside = &picture[folder.len() - MAP_FOLDER.len() - 1..];
            let stem = inside.rsplit_once('.').map_or(inside, |(stem, _)| stem);
            by_name.find(&format!("{folder}{stem}.png")).map(|i| candidates[i].clone())
        };
        let maps: Vec<Option<String>> = pictures.iter().map(map_of).collect();
        if maps.iter().all(Option::is_none) {
            if !candidates.is_empty() && !pictures.is_empty() {
                self.findings.push(Finding { file: folder, problem: Problem::MapsOfNothing });
            }
            self.pictures = pictures.into_iter().chain(candidates).collect();
            self.pictures.sort_unstable();
            return;
        }
        let mut taken = HashMap::new();
        for (picture, map) in pictures.iter().zip(&maps) {
            let problem = match map {
                None => Problem::MapMissing,
                // a.jpg and a.png would share one map.
                Some(map) if taken.insert(map.clone(), picture).is_some() => Problem::Duplicate,
                Some(_) => continue,
            };
            self.findings.push(Finding { file: picture.clone(), problem });
        }
        self.maps = maps.into_iter().map(Option::unwrap_or_default).collect();
        self.pictures = pictures;
    }

    /// The label file that counts lies at the root, or in a folder that all pictures lie in.
    fn choose_labels(&mut self, mut files: Vec<String>) {
        let root = common_folder(&self.pictures);
        // The outermost first.
        files.sort_by_key(String::len);
        for file in files {
            if self.labels.is_none() && root.starts_with(names::folder(&file)) {
                self.labels = Some(file);
            } else {
                let used = self.labels.clone();
                self.findings.push(Finding { file, problem: Problem::LabelsIgnored { used } });
            }
        }
    }
}

/// The deepest folder that all of these files lie in, with the `/` behind it.
pub(super) fn common_folder(names: &[String]) -> &str {
    let Some((first, rest)) = names.split_first() else { return "" };
    rest.iter().fold(names::folder(first), |mut folder, name| {
        while !name.starts_with(folder) {
            folder = names::folder(&folder[..folder.len() - 1]);
        }
        folder
    })
}

/// Finds names whichever way their accents are written: macOS stores `é` as `e` and an accent, most
/// others as one letter.
pub(super) struct Lookup<'a> {
    names: &'a [String],
    composed: HashMap<String, usize>,
}

impl<'a> Lookup<'a> {
    /// For these names, sorted.
    pub(super) fn new(names: &'a [String]) -> Self {
        let accented = names.iter().enumerate().filter(|(_, name)| !name.is_ascii());
        Self { names, composed: accented.map(|(i, name)| (name.nfc().collect(), i)).collect() }
    }

    /// The place of a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let exact = self.names.binary_search_by(|other| other.as_str().cmp(name)).ok();
        exact.or_else(|| {
            if name.is_ascii() {
                return None;
            }
            let composed: Cow<'_, str> = if is_nfc(name) { name.into() } else { name.nfc().collect() };
            self.composed.get(composed.as_ref()).copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(names: &[&str]) -> Layout {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
        names.sort_unstable();
        Layout::of(names)
    }

    #[test]
    fn the_common_folder_is_that_of_all() {
        for (names, folder) in [
            (&["a/b/1.png", "a/b/2.png"][..], "a/b/"),
            (&["a/b/1.png", "a/bc/2.png"], "a/"),
            (&["a/1.png", "ab/2.png"], ""),
            (&["1.png"], ""),
            (&[], ""),
        ] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
            assert_eq!(common_folder(&names), folder);
        }
    }

    #[test]
    fn maps_are_pictures_named_after_pictures() {
        let set = layout(&["faces/1.jpg", "faces/2.png", "faces/labels/1.png", "faces/labels/2.png"]);
        assert_eq!(set.maps, ["faces/labels/1.png", "faces/labels/2.png"]);
        assert_eq!(set.pictures.len(), 2);
        // Text files beside pictures, as YOLO has them.
        let set = layout(&["images/1.png", "labels/1.txt"]);
        assert_eq!((set.pictures.len(), set.maps.len(), set.findings.len()), (1, 0, 0));
        assert_eq!(set.unread, BTreeMap::from([("txt".to_string(), 1)]));
        // A class.
        let set = layout(&["cat/1.png", "labels/1.png"]);
        assert_eq!((set.pictures.len(), set.maps.len()), (2, 0));
        assert_eq!(set.findings[0].problem, Problem::MapsOfNothing);
        let set = layout(&["labels/1.png", "labels/2.png"]);
        assert_eq!((set.pictures.len(), set.findings.len()), (2, 0));
    }

    #[test]
    fn labels_count_where_all_pictures_are() {
        let of = |names: &[&str]| layout(names).labels;
        assert_eq!(of(&["faces/1.png", "faces/dataset.json"]).as_deref(), Some("faces/dataset.json"));
        assert_eq!(of(&["a/faces/1.png", "a/dataset.json"]).as_deref(), Some("a/dataset.json"));
        assert_eq!(of(&["a/1.png", "a/dataset.json", "dataset.json"]).as_deref(), Some("dataset.json"));
        let set = layout(&["a/1.png", "b/1.png", "a/dataset.json"]);
        assert_eq!(set.labels, None);
        assert_eq!(set.findings[0].problem, Problem::LabelsIgnored { used: None });
    }

    #[test]
    fn accents_are_found_as_one_letter_or_two() {
        let names = ["e\u{301}.png".to_string(), "\u{fc}.png".to_string()];
        let lookup = Lookup::new(&names);
        assert_eq!(lookup.find("\u{e9}.png"), Some(0));
        assert_eq!(lookup.find("u\u{308}.png"), Some(1));
        assert_eq!(lookup.find("e.png"), None);
    }
}
