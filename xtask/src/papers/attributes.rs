//! The binary attributes of drawn faces that separability is measured by, and the two of the missing combination.

/// An attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    /// The faces that have it, as `stylegan data build --label` calls them.
    pub(crate) label: &'static str,
    /// What they are, in words.
    pub(crate) says: &'static str,
}

/// All eight. A test of stylegan-cli reads the same file, and counts.
pub(crate) fn eight() -> Vec<Attribute> {
    include_str!("attributes.txt").lines().filter_map(read).collect()
}

/// The two of which no face of the set `two-factor` has both.
pub(crate) fn factors() -> Vec<Attribute> {
    eight().into_iter().filter(|attribute| ["beard", "rearHair"].contains(&attribute.name)).collect()
}

/// An attribute of a line: its name, its label, and what else stands there.
fn read(line: &'static str) -> Option<Attribute> {
    let (name, rest) = line.split_once(' ').filter(|_| !line.starts_with('#'))?;
    let (label, says) = rest.trim().split_once(' ')?;
    Some(Attribute { name, label, says: says.trim() })
}

impl Attribute {
    /// Where the set with its labels is.
    pub(crate) fn set(&self) -> String {
        format!("runs/data/avatars-32-{}.zip", self.name)
    }

    /// Where the classifier that sees it is.
    pub(crate) fn classifier(&self) -> String {
        format!("runs/attributes-32/{}.safetensors", self.name)
    }

    /// What reports call it: of two classes the second.
    pub(crate) fn reported(&self) -> String {
        format!("{} 1", self.name)
    }
}

/// The options by which `stylegan eval` asks the classifiers of these.
pub(crate) fn options(attributes: &[Attribute]) -> Vec<String> {
    attributes.iter().flat_map(|attribute| ["--classifier".into(), attribute.classifier()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let all = eight();
        assert_eq!(all.len(), 8);
        assert_eq!((all[3].name, all[3].label, all[3].says), ("mouth", "mouth=agape+laugh", "has the mouth open"));
        assert!(all.iter().all(|attribute| attribute.label.starts_with(&format!("{}=", attribute.name))));
        assert_eq!(factors().iter().map(|factor| factor.name).collect::<Vec<_>>(), ["beard", "rearHair"]);
        let words = options(&factors());
        assert_eq!(words[..2], ["--classifier", "runs/attributes-32/beard.safetensors"]);
    }
}
