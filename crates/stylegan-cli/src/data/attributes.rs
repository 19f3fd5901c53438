//! What distinguishes one avatar from another.

use super::style::Style;

/// The background colours.
pub(super) const BACKGROUNDS: [&str; 5] = ["#b6e3f4", "#c0aede", "#d1d4f9", "#ffd5dc", "#ffdfbf"];

/// What distinguishes one avatar from another, in the order of the columns of `attributes.csv`.
pub(crate) const ATTRIBUTES: [Attribute; 11] = [
    Attribute::Variant("hair"),
    Attribute::Variant("rearHair"),
    Attribute::Variant("beard"),
    Attribute::Variant("eyes"),
    Attribute::Variant("eyebrows"),
    Attribute::Variant("mouth"),
    Attribute::Variant("clothes"),
    Attribute::Color("skinColor", "skin"),
    Attribute::Color("hairColor", "hair"),
    Attribute::Color("clothesColor", "clothes"),
    Attribute::Background,
];

/// The names of all.
pub(crate) fn names() -> Vec<&'static str> {
    ATTRIBUTES.iter().map(|attribute| attribute.name()).collect()
}

/// The number in [`ATTRIBUTES`] of the one of this name.
pub(super) fn number(name: &str) -> Option<usize> {
    ATTRIBUTES.iter().position(|attribute| attribute.name() == name)
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// The variant of a component, or `none`.
    Variant(&'static str),
    /// The colour of a role.
    Color(&'static str, &'static str),
    /// The colour behind the head.
    Background,
}

impl Attribute {
    /// Its name in `attributes.csv` and for `--label`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Variant(name) | Self::Color(name, _) => name,
            Self::Background => "background",
        }
    }

    /// Its values, and the part of avatars that do not have the first one, `none`.
    pub(super) fn values(self, style: &Style) -> (Vec<&str>, f64) {
        match self {
            Self::Variant(component) => {
                let (mut values, probability) = style.variants(component);
                if probability < 1.0 {
                    values.insert(0, "none");
                }
                (values, probability)
            }
            Self::Color(_, role) => (style.colors(role), 1.0),
            Self::Background => (BACKGROUNDS.to_vec(), 1.0),
        }
    }
}
