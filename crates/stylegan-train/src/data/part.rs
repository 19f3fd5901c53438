//! Which part of a set is lost where one of its files is broken.

use super::{CLASS_FILE, Files, Finding, INSTANCE_FOLDER, LABEL_FILE, MAP_FOLDER, Severity, names};
use std::iter::successors;

/// What a set says of all of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The label file.
    Labels,
    /// The class table.
    Classes,
    /// All label maps.
    Maps,
    /// All instance maps.
    Instances,
}

impl Part {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Labels, Self::Classes, Self::Maps, Self::Instances];
}

impl Files {
    /// The part of the set that a finding takes away, so that without its file this would be another set; `None` if a
    /// single picture is concerned.
    pub fn broken_part(&self, finding: &Finding) -> Option<Part> {
        if finding.problem.severity() != Severity::Broken {
            return None;
        }
        // A name that is not read may be written as Windows does.
        match finding.file.rsplit(['/', '\\']).next() {
            Some(LABEL_FILE) => return Some(Part::Labels),
            Some(CLASS_FILE) => return Some(Part::Classes),
            _ => {}
        }
        let lost = |folder, there: bool| !there && self.is_in(&finding.file, folder);
        if lost(MAP_FOLDER, self.has_maps()) {
            Some(Part::Maps)
        } else if lost(INSTANCE_FOLDER, self.has_instances()) {
            Some(Part::Instances)
        } else {
            None
        }
    }

    /// Whether a file lies in a folder of this name, or is it, which stands beside all pictures or around them and has none of
    /// them.
    fn is_in(&self, file: &str, folder: &str) -> bool {
        successors(Some(self.common_folder()), |at| at.strip_suffix('/').map(names::folder)).any(|at| {
            let inside = file.strip_prefix(at).and_then(|rest| rest.strip_prefix(folder));
            let place = format!("{at}{folder}/");
            inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                && !self.pictures.iter().any(|picture| picture.starts_with(&place))
        })
    }
}
