//! The JSON of a label file, read as a stream: labels are handed on one by one, so that memory is taken
//! for them and not for what stands around them. A tree of JSON values takes thirty times the size of its
//! text.

use super::Problem;
use super::limits::MAX_DIM;
use super::names::{self, Kind};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Takes in what is read.
pub(super) trait Sink {
    /// The label of the file with this name.
    fn add(&mut self, name: &str, label: Label);
    /// The names of classes from 0 on; `None` if what stands in their place is no list of them.
    fn name_classes(&mut self, names: Option<Vec<String>>);
}

/// Reads a label file. Returns whether it has labels, be it none.
pub(super) fn read(json: &str, sink: &mut dyn Sink) -> serde_json::Result<bool> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let any = Root(sink).deserialize(&mut reader)?;
    reader.end()?;
    Ok(any)
}

/// One label as it was read.
pub(super) enum Label {
    Missing,
    Class(u32),
    Row(Box<[f32]>),
    Bad(Box<Problem>),
}

impl Label {
    fn number(x: f64) -> Self {
        let is_class = x.fract() == 0. && (0.0..MAX_DIM as f64).contains(&x);
        if is_class { Self::Class(x as u32) } else { Self::Bad(Problem::LabelClass(x.to_string()).into()) }
    }

    fn other(shown: &str) -> Self {
        Self::Bad(Problem::LabelKind(short(shown)).into())
    }

    /// As it stands in the file, shortened.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Class(class) => class.to_string(),
            Self::Row(row) => {
                let numbers: Vec<String> = row.iter().take(21).map(ToString::to_string).collect();
                short(&format!("[{}]", numbers.join(",")))
            }
            Self::Missing | Self::Bad(_) => String::new(),
        }
    }
}

/// A text of bounded length.
fn short(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_string() } else { text.chars().take(40).chain(['…']).collect() }
}

/// The whole file; whether it has labels, be it none.
struct Root<'a>(&'a mut dyn Sink);

impl<'de> DeserializeSeed<'de> for Root<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the key `labels`")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut any = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "labels" => {
                    map.next_value_seed(Table(&mut *self.0))?;
                    any = true;
                }
                "classes" => self.0.name_classes(match map.next_value()? {
                    Names::List(names) => Some(names),
                    Names::Null => Some(Vec::new()),
                    Names::One(_) | Names::Other => None,
                }),
                name if names::kind(name) == Kind::Picture => {
                    let label = map.next_value_seed(OneLabel)?;
                    self.0.add(name, label);
                    any = true;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(any)
    }
}

/// What stands under `labels`.
struct Table<'a>(&'a mut dyn Sink);

impl<'de> DeserializeSeed<'de> for Table<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Table<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of [name, label] under `labels`")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0;
        while list.next_element_seed(Pair(&mut *self.0, number))?.is_some() {
            number += 1;
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let label = map.next_value_seed(OneLabel)?;
            self.0.add(&name, label);
        }
        Ok(())
    }
}

/// One `[name, label]`, and its number in the list.
struct Pair<'a>(&'a mut dyn Sink, usize);

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[name, label] in entry {} of `labels`", self.1)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<(), A::Error> {
        let name = pair.next_element::<String>()?;
        let label = pair.next_element_seed(OneLabel)?;
        match (name, label, pair.next_element::<IgnoredAny>()?) {
            (Some(name), Some(label), None) => self.0.add(&name, label),
            _ => return Err(A::Error::custom(format_args!("entry {} of `labels` is not [name, label]", self.1))),
        }
        Ok(())
    }
}

/// One label of any kind.
struct OneLabel;

impl<'de> DeserializeSeed<'de> for OneLabel {
    type Value = Label;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Label, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneLabel {
    type Value = Label;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a class number or a list of numbers")
    }
    fn visit_u64<E>(self, x: u64) -> Result<Label, E> {
        Ok(Label::number(x as f64))
    }
    fn visit_i64<E>(self, x: i64) -> Result<Label, E> {
        Ok(Label::number(x as f64))
    }
    fn visit_f64<E>(self, x: f64) -> Result<Label, E> {
        Ok(Label::number(x))
    }
    fn visit_bool<E>(self, x: bool) -> Result<Label, E> {
        Ok(Label::other(if x { "true" } else { "false" }))
    }
    fn visit_str<E>(self, x: &str) -> Result<Label, E> {
        Ok(Label::other(&format!("\"{}\"", short(x))))
    }
    fn visit_unit<E>(self) -> Result<Label, E> {
        Ok(Label::other("null"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Label, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Label::other("{…}"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Label, A::Error> {
        let mut row = Vec::new();
        while let Some(Number(number)) = list.next_element()? {
            let Some(number) = number else {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Label::other("[…]"));
            };
            if row.len() == MAX_DIM {
                return Err(A::Error::custom(format_args!("a label has more than {MAX_DIM} numbers")));
            }
            row.push(number);
        }
        Ok(if row.is_empty() { Label::other("[]") } else { Label::Row(row.into()) })
    }
}

/// A finite number of a list; `None` for what is none.
struct Number(Option<f32>);

impl<'de> serde::Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_f64<E: serde::de::Error>(self, x: f64) -> Result<Number, E> {
                let x = x as f32;
                if x.is_finite() { Ok(Number(Some(x))) } else { Err(E::custom("a number of a label is too large")) }
            }
            fn visit_u64<E: serde::de::Error>(self, x: u64) -> Result<Number, E> {
                self.visit_f64(x as f64)
            }
            fn visit_i64<E: serde::de::Error>(self, x: i64) -> Result<Number, E> {
                self.visit_f64(x as f64)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_str<E>(self, _: &str) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Number, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// What stands under `classes`: names, if it is a list of text and nothing else.
enum Names {
    One(String),
    List(Vec<String>),
    Null,
    Other,
}

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names of classes")
            }
            fn visit_str<E>(self, name: &str) -> Result<Names, E> {
                Ok(Names::One(name.to_string()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
                let mut names = Some(Vec::new());
                while let Some(name) = list.next_element()? {
                    match (name, &mut names) {
                        (Names::One(name), Some(names)) if names.len() < MAX_DIM => names.push(name),
                        _ => names = None,
                    }
                }
                Ok(names.map_or(Names::Other, Names::List))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Names::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Names, E> {
                Ok(Names::Other)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Names, E> {
                Ok(Names::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Names, E> {
                Ok(Names::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Names, E> {
                Ok(Names::Other)
            }
            fn visit_unit<E>(self) -> Result<Names, E> {
                Ok(Names::Null)
            }
        }
        deserializer.deserialize_any(Any)
    }
}
