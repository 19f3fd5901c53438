//! What becomes the class of an avatar: an attribute, or whether it is of one kind.

use super::attributes::{self, ATTRIBUTES};
use super::combinations::{Combination, Numbered};
use super::style::Style;
use crate::exit::wrong;

/// What becomes the class.
pub(super) enum Label {
    /// The value of the attribute of this number in [`ATTRIBUTES`].
    Value(usize),
    /// 1 where an avatar has all of a combination, else 0.
    Kind {
        /// The combination as it is typed.
        name: String,
        /// It by numbers.
        numbered: Numbered,
    },
}

impl Label {
    /// What `--label` means: an attribute, or a combination such as `hair=bun+spiky`.
    pub(super) fn of(typed: &str, style: &Style) -> anyhow::Result<Self> {
        if typed.contains('=') {
            return match typed.parse::<Combination>() {
                Ok(one) => Ok(Self::Kind { name: typed.into(), numbered: one.numbers("--label", style)? }),
                Err(problem) => wrong!("--label {typed}: {problem}"),
            };
        }
        match attributes::number(typed) {
            Some(number) => Ok(Self::Value(number)),
            None => wrong!(
                "avatars have no attribute {typed:?}; choose one of {}, none; or ask for two classes, as hair=bun+spiky does",
                attributes::names().join(", ")
            ),
        }
    }

    /// The names of the classes.
    pub(super) fn classes(&self, style: &Style) -> Vec<String> {
        match self {
            Self::Value(number) => ATTRIBUTES[*number].values(style).0.into_iter().map(str::to_owned).collect(),
            Self::Kind { name, .. } => vec!["other".into(), name.clone()],
        }
    }

    /// The class of an avatar, by the numbers of its values.
    pub(super) fn class(&self, chosen: &[usize]) -> u32 {
        match self {
            Self::Value(number) => chosen[*number] as u32,
            Self::Kind { numbered, .. } => numbered.is(chosen).into(),
        }
    }
}
