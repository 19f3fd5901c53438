//! Combinations of values that no avatar of a set has.

use super::attributes::{self, ATTRIBUTES};
use super::style::Style;
use crate::exit::wrong;
use std::str::FromStr;

/// A combination as it is typed: `beard=fullBeard+longBeard,rearHair=longStraight`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Combination(Vec<(String, Vec<String>)>);

/// A combination by numbers: of each attribute the number in [`ATTRIBUTES`], and which of its values belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbered(Vec<(usize, Vec<bool>)>);

impl Numbered {
    /// Whether an avatar with values of these numbers has all of it.
    pub(super) fn is(&self, chosen: &[usize]) -> bool {
        self.0.iter().all(|(attribute, values)| values[chosen[*attribute]])
    }
}

impl FromStr for Combination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |part: &str| match part.split_once('=') {
            Some((name, values)) if !name.is_empty() && !values.is_empty() => {
                Ok((name.to_owned(), values.split('+').map(str::to_owned).collect()))
            }
            _ => Err(format!("{part:?} is no attribute with its values; write beard=fullBeard or hair=bun+spiky")),
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}

impl std::fmt::Display for Combination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.0.iter().map(|(name, values)| format!("{name}={}", values.join("+")));
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

impl Combination {
    /// It by numbers; `option` is what it is typed behind.
    pub(super) fn numbers(&self, option: &str, style: &Style) -> anyhow::Result<Numbered> {
        let mut found: Vec<(usize, Vec<bool>)> = vec![];
        for (name, values) in &self.0 {
            let Some(number) = attributes::number(name) else {
                let names = attributes::names().join(", ");
                wrong!("{option} {self}: avatars have no attribute {name}; choose of {names}");
            };
            if found.iter().any(|(known, _)| *known == number) {
                wrong!("{option} {self}: {name} is there twice; write {name}=one+other");
            }
            let all = ATTRIBUTES[number].values(style).0;
            if let Some(value) = values.iter().find(|value| !all.contains(&value.as_str())) {
                wrong!("{option} {self}: there is no {name} {value}, but {}", all.join(", "));
            }
            let belongs: Vec<bool> = all.iter().map(|value| values.iter().any(|one| one == value)).collect();
            found.push((number, belongs));
        }
        if found.iter().all(|(_, belongs)| belongs.iter().all(|one| *one)) {
            wrong!("{option} {self}: every avatar is such a one; give fewer values");
        }
        Ok(Numbered(found))
    }
}
