//! What the files of a set are by their names: pictures, their label maps, the labels.
//!
//! Archives are often packed with a folder around everything (`faces/00000.png`), so the root of a
//! set is the folder that all of its pictures lie in.

use super::names::{self, INSTANCE_FOLDER, Kind, LABEL_FILE, MAP_FOLDER};
use super::{Finding, Problem};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Files of sets that this program builds, which are neither pictures nor labels.
const OWN: [&str; 2] = ["attributes.csv", "recipe.json"];

/// A folder of all pictures, beside those of their maps.
const PICTURE_FOLDER: &str = "images";

/// How Cityscapes names a picture and what belongs to it: `aachen_000000_000019_leftImg8bit.png`, and, all in one folder,
/// files that have in the place of its ending one that begins with [`SCENE_MAP`].
const SCENE_PICTURE: &str = "_leftImg8bit";
const SCENE_MAP: &str = "_gtFine_";
/// Of label maps and of instance maps, without their endings.
const SCENE_MAPS: [&str; 2] = ["labelIds", "instanceIds"];

/// The files of a set by their meaning.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Names of the pictures, sorted.
    pub(super) pictures: Vec<String>,
    /// The label map of each picture, empty where it is missing; no entries if the set has no maps.
    pub(super) maps: Vec<String>,
    /// The instance map of each picture, likewise.
    pub(super) instances: Vec<String>,
    /// The class table that counts.
    pub(super) class_table: Option<String>,
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
        let (mut label_files, mut class_tables, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            match names::kind(&name) {
                Kind::Picture => layout.pictures.push(name),
                Kind::OtherPicture => {
                    let problem = Problem::Format(names::ending(&name));
                    layout.findings.push(Finding { file: name, problem });
                }
                Kind::Labels => label_files.push(name),
                Kind::Classes => class_tables.push(name),
                Kind::Archive => layout.findings.push(Finding { file: name, problem: Problem::Archive }),
                Kind::Other if OWN.contains(&name.rsplit('/').next().unwrap_or_default()) => {}
                Kind::Other => {
                    *layout.unread.entry(names::ending(&name)).or_default() += 1;
                    others.extend(names::misnamed(&name).map(|meant| (name, meant)));
                }
            }
        }
        layout.tell_maps();
        layout.choose_classes(class_tables);
        layout.choose_labels(label_files);
        layout.find_misnamed(others);
        layout
    }

    /// Pictures below `labels/` and `instances/` are maps if they are named after pictures, as Cityscapes does it as well.
    /// Otherwise such a folder is one of pictures, as a class of that name.
    fn tell_maps(&mut self) {
        let root = common_folder(&self.pictures).to_owned();
        let folder = |name: &str, instances| (format!("{root}{name}/"), instances, Vec::new());
        let mut folders = [folder(MAP_FOLDER, false), folder(INSTANCE_FOLDER, true)];
        let mut pictures = Vec::new();
        for name in std::mem::take(&mut self.pictures) {
            let place = folders.iter().position(|(folder, ..)| name.starts_with(folder.as_str()));
            match place.map(|place| if name.contains(SCENE_MAP) { scene_place(&name) } else { Some(place) }) {
                Some(Some(place)) => folders[place].2.push(name),
                Some(None) => *self.unread.entry(names::ending(&name)).or_default() += 1,
                None => pictures.push(name),
            }
        }
        let paired = |(folder, instances, files): &(String, bool, Vec<String>)| {
            pair(&root, folder, files, &pictures, *instances).iter().any(Option::is_some)
        };
        let (maps, others): (Vec<_>, Vec<_>) = folders.into_iter().partition(paired);
        let alone = pictures.is_empty();
        for (folder, _, files) in others {
            if !files.is_empty() && !alone {
                self.findings.push(Finding { file: folder, problem: Problem::MapsOfNothing });
            }
            pictures.extend(files);
        }
        pictures.sort_unstable();
        self.pictures = pictures;
        for (folder, instances, files) in maps {
            let of = pair(&root, &folder, &files, &self.pictures, instances);
            self.compare_maps(&of, &files, instances);
            if of.iter().flatten().any(|map| names::is_png(map)) {
                let read = |map: Option<&str>| map.filter(|map| names::is_png(map)).unwrap_or_default().to_owned();
                *(if instances { &mut self.instances } else { &mut self.maps }) = of.into_iter().map(read).collect();
            }
        }
    }

    /// Finds pictures without a map, maps of two pictures, maps of none, and maps that are no PNG files.
    fn compare_maps(&mut self, maps: &[Option<&str>], candidates: &[String], instances: bool) {
        let mut taken = HashMap::new();
        // Where none can be read it is enough to say that of each.
        let some = maps.iter().flatten().any(|map| names::is_png(map));
        for (picture, map) in self.pictures.iter().zip(maps) {
            let missing = if instances { Problem::InstancesMissing } else { Problem::MapMissing };
            let problem = match map {
                // a.jpg and a.png would share one map; of the instances it is said once.
                Some(map) if taken.insert(*map, picture).is_some() && !instances => Problem::Duplicate,
                Some(map) if names::is_png(map) => continue,
                Some(map) => {
                    let problem = Problem::MapNotPng(names::ending(map));
                    self.findings.push(Finding { file: (*map).to_owned(), problem });
                    if !some {
                        continue;
                    }
                    missing
                }
                None if !some => continue,
                None => missing,
            };
            self.findings.push(Finding { file: picture.clone(), problem });
        }
        let extra = candidates.iter().filter(|name| !taken.contains_key(name.as_str()));
        self.findings.extend(extra.map(|name| Finding { file: name.clone(), problem: Problem::MapWithoutPicture }));
    }

    /// The class table lies where all pictures are, as labels do, or in the folder of the label maps.
    fn choose_classes(&mut self, files: Vec<String>) {
        let maps: Vec<String> = self.maps.iter().filter(|map| !map.is_empty()).cloned().collect();
        let of_maps = common_folder(&maps);
        let root = common_folder(&self.pictures).to_owned();
        for file in files {
            let folder = names::folder(&file);
            let counts = root.starts_with(folder) || of_maps.starts_with(folder);
            if counts && self.class_table.is_none() {
                self.class_table = Some(file);
            } else {
                let used = self.class_table.clone();
                self.findings.push(Finding { file, problem: Problem::ClassesIgnored { used } });
            }
        }
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

    /// Labels and class tables that would count under another name, where there are none of that name.
    fn find_misnamed(&mut self, files: Vec<(String, &'static str)>) {
        for (file, meant) in files {
            let there = if meant == LABEL_FILE { &self.labels } else { &self.class_table };
            if there.is_none() && common_folder(&self.pictures).starts_with(names::folder(&file)) {
                self.findings.push(Finding { file, problem: Problem::Misnamed(meant) });
            }
        }
    }
}

/// The map of each picture among those below `folder`, sorted: by its path below `root` or, where all pictures lie in
/// `images/` (`images/a.jpg` beside `labels/a.png`), below that. Of several with other endings it is the PNG file; one of a
/// picture that is no PNG file is meant as its map all the same.
fn pair<'a>(
    root: &str,
    folder: &str,
    maps: &'a [String],
    pictures: &[String],
    instances: bool,
) -> Vec<Option<&'a str>> {
    let mut stems: Vec<(&str, usize)> = maps.iter().enumerate().map(|(i, map)| (names::stem(map), i)).collect();
    let rank = |i: usize| (!maps[i].ends_with(".png"), !names::is_png(&maps[i]), i);
    stems.sort_by(|a, b| a.0.cmp(b.0).then_with(|| rank(a.1).cmp(&rank(b.1))));
    stems.dedup_by_key(|(stem, _)| *stem);
    let (stems, places): (Vec<String>, Vec<usize>) = stems.into_iter().map(|(stem, i)| (stem.to_owned(), i)).unzip();
    let by_stem = Lookup::new(&stems);
    // A folder of any other name may be a class, as `labels` may be one.
    let own = format!("{root}{PICTURE_FOLDER}/");
    let find = |inside: &str| {
        let stem = names::stem(inside);
        let found = by_stem.find(&format!("{folder}{stem}")).or_else(|| {
            let (scene, end) = (stem.strip_suffix(SCENE_PICTURE)?, SCENE_MAPS[usize::from(instances)]);
            let below = |folder: &str| by_stem.find(&format!("{folder}{scene}{SCENE_MAP}{end}"));
            below(folder).or_else(|| below(&format!("{root}{MAP_FOLDER}/")))
        });
        found.map(|i| maps[places[i]].as_str())
    };
    let below_own = |picture: &String| picture.strip_prefix(&own).and_then(find);
    pictures.iter().map(|picture| find(&picture[root.len()..]).or_else(|| below_own(picture))).collect()
}

/// Which kind of map a file of Cityscapes is, none for those in colours for people.
fn scene_place(name: &str) -> Option<usize> {
    SCENE_MAPS.iter().position(|end| names::stem(name).ends_with(end))
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

    /// Maps in other letters are maps; those in other files than PNG are no pictures, and are said.
    #[test]
    fn maps_are_known_by_their_names_whatever_their_ending() {
        let set = layout(&["0.png", "1-a.jpg", "1.jpg", "labels/0.PNG", "labels/1-a.png", "labels/1.Png"]);
        assert_eq!(set.maps, ["labels/0.PNG", "labels/1-a.png", "labels/1.Png"]);
        assert!(set.pictures.len() == 3 && set.findings.is_empty(), "{:?}", set.findings);
        let set = layout(&["0.jpg", "labels/0.PNG", "labels/0.jpg", "labels/0.png"]);
        assert_eq!((set.maps, set.findings.len()), (vec!["labels/0.png".to_owned()], 2));
        let jpeg = |file: &str, ending: &str| Finding { file: file.into(), problem: Problem::MapNotPng(ending.into()) };
        let set = layout(&["images/0.png", "images/1.png", "labels/0.jpg", "labels/1.WebP"]);
        assert_eq!((set.pictures.len(), set.maps.len()), (2, 0));
        assert_eq!(set.findings, [jpeg("labels/0.jpg", "jpg"), jpeg("labels/1.WebP", "webp")]);
        let set = layout(&["0.png", "1.png", "instances/0.png", "instances/1.jpeg"]);
        assert_eq!(set.instances, ["instances/0.png", ""]);
        let missing = Finding { file: "1.png".into(), problem: Problem::InstancesMissing };
        assert_eq!(set.findings, [jpeg("instances/1.jpeg", "jpeg"), missing]);
    }

    #[test]
    fn cityscapes_is_read_as_it_is() {
        let scene = |folder: &str, end: &str| format!("{folder}/ulm/ulm_000003_000019_{end}.png");
        let ends = ["gtFine_color", "gtFine_instanceIds", "gtFine_labelIds"];
        let mut names: Vec<String> = ends.iter().map(|end| scene("labels", end)).collect();
        names.push(scene("images", "leftImg8bit"));
        let set = layout(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(set.pictures, [scene("images", "leftImg8bit")]);
        assert_eq!(set.maps, [scene("labels", "gtFine_labelIds")]);
        assert_eq!(set.instances, [scene("labels", "gtFine_instanceIds")]);
        assert!(set.findings.is_empty() && set.unread["png"] == 1, "{:?} {:?}", set.findings, set.unread);
        // Instance maps apart, and a picture that has none.
        names[1] = scene("instances", "gtFine_instanceIds");
        names.push("images/ulm/other_leftImg8bit.png".into());
        let set = layout(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(set.instances, ["", &scene("instances", "gtFine_instanceIds")]);
        assert_eq!(set.findings.len(), 2);
    }

    #[test]
    fn labels_count_where_all_pictures_are() {
        let of = |names: &[&str]| layout(names).labels;
        assert_eq!(of(&["faces/1.png", "faces/dataset.json"]).as_deref(), Some("faces/dataset.json"));
        assert_eq!(of(&["a/faces/1.png", "a/dataset.json"]).as_deref(), Some("a/dataset.json"));
        assert_eq!(of(&["a/1.png", "a/dataset.json", "dataset.json"]).as_deref(), Some("dataset.json"));
        // By another name they do not, and are found.
        for (files, meant) in [
            (&["a/1.png", "a/Dataset.json"], Some(LABEL_FILE)),
            (&["a/1.png", "labels.json"], Some(LABEL_FILE)),
            (&["a/1.png", "a/Classes.json"], Some("classes.json")),
            (&["a/1.png", "b/labels.json"], None),
        ] {
            let found: Vec<_> = layout(files).findings.into_iter().map(|finding| finding.problem).collect();
            assert_eq!(found, meant.map(Problem::Misnamed).into_iter().collect::<Vec<_>>());
        }
        assert!(layout(&["1.png", "dataset.json", "labels.json"]).findings.is_empty());
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
