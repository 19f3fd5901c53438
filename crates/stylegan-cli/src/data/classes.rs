//! Classes by the folders that pictures lie in.

use crate::class_number::are_numbers;
use crate::exit::wrong;
use std::collections::{BTreeSet, HashMap};
use stylegan_train::data::Files;
use unicode_normalization::UnicodeNormalization;

/// Which of the folders around a picture is its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ClassFolder {
    /// The only one below the folder that all pictures lie in.
    #[default]
    Only,
    /// The outermost below the folder that all pictures lie in.
    First,
    /// The innermost.
    Last,
}

/// Classes of pictures.
pub(crate) struct Classes {
    /// Names of the classes, sorted: as numbers if all are.
    pub(crate) names: Vec<String>,
    /// The class of each picture.
    pub(crate) ids: Vec<u32>,
}

impl Classes {
    /// By the folders of a set that messages call `place`.
    pub(crate) fn of(files: &Files, which: ClassFolder, place: &str) -> anyhow::Result<Self> {
        let root = files.common_folder();
        let pictures = files.names();
        if let Some(packed) = packed(pictures) {
            wrong!(
                "{place}: the folder {packed} is how the set was packed, no class; --label-from-folders is for the pictures that \
                 it was made of"
            );
        }
        let mut folders = Vec::with_capacity(pictures.len());
        let flat = pictures.iter().all(|name| !name[root.len()..].contains('/'));
        for name in pictures {
            // A set of one class has its name as the folder that all pictures lie in.
            let around = if flat { root.trim_end_matches('/') } else { folder(&name[root.len()..]) };
            let class = match (around.split_once('/'), which) {
                _ if around.is_empty() => wrong!(
                    "{place}/{name} lies in no folder{}; --label-from-folders wants every picture in the folder of its class",
                    if root.is_empty() { String::new() } else { format!(" below {root}") }
                ),
                (None, _) => around,
                (Some(_), _) if flat => last(around),
                (Some((first, _)), ClassFolder::First) => first,
                (Some(_), ClassFolder::Last) => last(around),
                (Some((first, _)), ClassFolder::Only) => wrong!(
                    "{place}/{name} lies several folders deep; say which folder is the class: \
                     --label-from-folders=first (there {first}) or --label-from-folders=last (there {})",
                    last(around)
                ),
            };
            folders.push(class);
        }
        // Accents are one letter here, also where macOS made them two.
        let folders: Vec<String> = folders.iter().map(|folder| folder.nfc().collect()).collect();
        let mut names: Vec<String> = folders.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
        if are_numbers(&names) {
            // Class 2 before class 10, and where they begin with 0, numbers are names.
            names.sort_by_key(|name| name.parse::<u64>().ok());
        }
        let places: HashMap<&String, u32> = names.iter().zip(0..).collect();
        let ids = folders.iter().filter_map(|folder| places.get(folder).copied()).collect();
        Ok(Self { ids, names })
    }

    /// The classes as a few words.
    pub(crate) fn describe(&self) -> String {
        const SHOWN: usize = 8;
        let mut names = self.names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        if self.names.len() > SHOWN {
            names.push_str(", …");
        }
        if self.names.len() == 1 {
            format!("1 class: {names}")
        } else {
            format!("{} classes: {names}", self.names.len())
        }
    }
}

/// Whether the folders of pictures with these names can be their classes: there are several, and they are not how the set
/// was packed.
pub(crate) fn are_classes(pictures: &[String]) -> bool {
    packed(pictures).is_none() && pictures.iter().any(|name| folder(name) != folder(&pictures[0]))
}

/// The first folder of a set in the layout that NVlabs' tools and `data build` write (`00000/img00000000.png`), which puts
/// a thousand pictures into each; `None` for others.
fn packed(pictures: &[String]) -> Option<&str> {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_packed = |name: &String| {
        let (own, stem) = (last(folder(name)), name.rsplit('/').next().and_then(|name| name.split('.').next()));
        digits(own, 5) && stem.and_then(|stem| stem.strip_prefix("img")).is_some_and(|number| digits(number, 8))
    };
    pictures.iter().all(is_packed).then(|| pictures.first().map(|name| last(folder(name)))).flatten()
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn last(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}
