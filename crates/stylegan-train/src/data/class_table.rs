//! The class table: what the values and colours of label maps mean.

use super::Problem;
use super::problem::hexadecimal;
use super::{folder, json_text};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::Path;

/// The class number of pixels without a class, as the data sets of SPADE's paper have it.
pub const NO_CLASS: u8 = 255;

/// The largest class table that is read, in bytes (1 MiB); 255 classes with their colours take some 20 kB.
const MAX_BYTES: u64 = 1 << 20;

/// A class of label maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapClass {
    /// What it is called.
    pub name: String,
    /// Its colour in maps in colour.
    pub colour: Option<[u8; 3]>,
    /// Its value in grey maps and those of a palette.
    pub value: u8,
}

/// The classes of label maps in order, and what stands for pixels without a class.
///
/// ```json
/// {"classes": ["water", {"name": "forest", "color": "#185a3c"}, {"name": "snow", "value": 15}], "dont_care": [255, "#000000"]}
/// ```
/// A class without a value has one more than the class before it, the first 0. Without `dont_care` value 255 has no
/// class. With `"only_names": true` the table names classes and their colours alone: maps are of class numbers, which mean the
/// same without it, and so a set is the same with it or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassTable {
    classes: Vec<MapClass>,
    /// The class of each value; [`NO_CLASS`] for values that are not to be looked at.
    by_value: HashMap<u8, u8>,
    by_colour: HashMap<[u8; 3], u8>,
    /// Whether it says nothing that maps are read by.
    only_names: bool,
}

impl ClassTable {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and if it is no file that can be read.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        Self::parse(&folder::read(path, Some(Self::ENOUGH))?)
    }

    /// Reads the text of a `classes.json`.
    ///
    /// # Errors
    /// [`Problem::ClassFile`] with the entry that is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, Problem> {
        read(text).map_err(Problem::ClassFile)
    }

    /// As many bytes of a file as can be a table, and one more, by which larger ones are known.
    pub(super) const ENOUGH: u64 = MAX_BYTES + 1;

    /// The classes, in order.
    pub fn classes(&self) -> &[MapClass] {
        &self.classes
    }

    /// The names of the classes, in order.
    pub fn names(&self) -> Vec<String> {
        self.classes.iter().map(|class| class.name.clone()).collect()
    }

    /// What is wrong with the names, though the table can be used: two classes of one name.
    pub(super) fn fault_of_names(&self) -> Option<Problem> {
        let mut known = HashMap::new();
        for (class, MapClass { name, .. }) in self.classes.iter().enumerate() {
            if let Some(first) = known.insert(name, class) {
                return Some(Problem::ClassNames(same_name(first, class, name)));
            }
        }
        None
    }

    /// The class of a value, [`NO_CLASS`] for one without; `None` for values that the table does not have.
    pub(super) fn of_value(&self, value: u16) -> Option<u8> {
        self.by_value.get(&u8::try_from(value).ok()?).copied()
    }

    /// The class of a colour, as [`of_value`](Self::of_value).
    pub(super) fn of_colour(&self, colour: [u8; 3]) -> Option<u8> {
        self.by_colour.get(&colour).copied()
    }

    /// A table that names classes from 0 on and gives them colours, and that no map is read by, as `classes.json` has it.
    pub fn of_names<'a>(classes: impl IntoIterator<Item = (&'a str, [u8; 3])>) -> Value {
        let class = |(name, colour)| json!({"name": name, "color": hexadecimal(colour)});
        json!({"classes": classes.into_iter().map(class).collect::<Vec<_>>(), "only_names": true})
    }

    /// All that maps are read by, in one form whatever the table's file looks like; `None` if that is nothing.
    pub(super) fn canonical(&self) -> Option<String> {
        if self.only_names {
            return None;
        }
        let mut values: Vec<_> = self.by_value.iter().collect();
        let mut colours: Vec<_> = self.by_colour.iter().collect();
        values.sort_unstable();
        colours.sort_unstable();
        Some(json!([self.names(), values, colours]).to_string())
    }

    /// The table of maps whose values are the numbers of these classes: what is written beside maps that were read by
    /// this one.
    pub fn of_numbers(&self) -> Value {
        let class = |class: &MapClass| match class.colour {
            Some(colour) => json!({"name": class.name, "color": hexadecimal(colour)}),
            None => json!(class.name),
        };
        let classes: Vec<_> = self.classes.iter().map(class).collect();
        match self.only_names {
            true => json!({"classes": classes, "only_names": true}),
            false => json!({"classes": classes, "dont_care": [NO_CLASS]}),
        }
    }
}

/// The table, or what is wrong with it.
fn read(text: &[u8]) -> Result<ClassTable, String> {
    if text.is_empty() {
        return Err("it is empty (0 bytes)".into());
    }
    // As a tree of values a text takes many times its size.
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than the {} MiB that are read", MAX_BYTES >> 20));
    }
    let value: Value = serde_json::from_str(&json_text::of(text)?).map_err(|error| error.to_string())?;
    let Value::Object(table) = value else { return Err("expected an object with the key `classes`".into()) };
    known(&table, &["classes", "dont_care", "only_names"], "the table")?;
    let only_names = match table.get("only_names") {
        None => false,
        Some(Value::Bool(only)) => *only,
        Some(_) => return Err("`only_names` is true or false".into()),
    };
    if only_names && table.contains_key("dont_care") {
        return Err(
            "`dont_care` says what maps are read by, which `only_names` rules out; leave one of them out".into()
        );
    }
    let Some(Value::Array(entries)) = table.get("classes") else {
        return Err("expected a list of classes under the key `classes`".into());
    };
    if entries.is_empty() || entries.len() > usize::from(NO_CLASS) {
        return Err(format!("has {} classes, expected 1 to {NO_CLASS}", entries.len()));
    }
    let mut read = ClassTable { classes: Vec::new(), by_value: HashMap::new(), by_colour: HashMap::new(), only_names };
    let mut next = 0u16;
    for (i, entry) in entries.iter().enumerate() {
        let class = class(entry, next).map_err(|why| format!("class {i}: {why}"))?;
        next = u16::from(class.value) + 1;
        if only_names && usize::from(class.value) != i {
            return Err(format!(
                "class {i}: has value {}, and with `only_names` values are class numbers",
                class.value
            ));
        }
        let colour = class.colour.filter(|_| !only_names);
        read.take(i as u8, Some(class.value), colour).map_err(|why| format!("class {i}: {why}"))?;
        read.classes.push(class);
    }
    match table.get("dont_care") {
        None if !read.by_value.contains_key(&NO_CLASS) => drop(read.by_value.insert(NO_CLASS, NO_CLASS)),
        None => {}
        Some(Value::Array(entries)) => {
            for entry in entries {
                let (value, colour) = match entry {
                    Value::Number(_) => (Some(byte(entry)?), None),
                    other => (None, Some(colour(other)?)),
                };
                read.take(NO_CLASS, value, colour).map_err(|why| format!("dont_care: {why}"))?;
            }
        }
        Some(_) => return Err("`dont_care` is a list of values and colours: [255, \"#000000\"]".into()),
    }
    Ok(read)
}

impl ClassTable {
    /// Lets a value and a colour stand for a class.
    fn take(&mut self, class: u8, value: Option<u8>, colour: Option<[u8; 3]>) -> Result<(), String> {
        if let Some(value) = value
            && self.by_value.insert(value, class).is_some()
        {
            return Err(format!("value {value} stands for another class already"));
        }
        if let Some(colour) = colour
            && self.by_colour.insert(colour, class).is_some()
        {
            return Err(format!("colour {} stands for another class already", hexadecimal(colour)));
        }
        Ok(())
    }
}

/// Words on two classes of one name.
pub(super) fn same_name(first: usize, second: usize, name: &str) -> String {
    format!("gives classes {first} and {second} the same name, {name}")
}

fn class(entry: &Value, next: u16) -> Result<MapClass, String> {
    let following = || u8::try_from(next).map_err(|_| "its value would be 256; values go up to 255".to_string());
    match entry {
        Value::String(name) if !name.trim().is_empty() => {
            Ok(MapClass { name: name.clone(), colour: None, value: following()? })
        }
        Value::Object(fields) => {
            known(fields, &["name", "color", "value"], "a class")?;
            let name = fields.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
            let name = name.ok_or("expected its name as text under the key `name`, which is not blank")?.to_owned();
            let value = fields.get("value").map_or_else(following, byte)?;
            Ok(MapClass { name, colour: fields.get("color").map(colour).transpose()?, value })
        }
        Value::String(_) => Err("its name is blank; give it one".into()),
        _ => Err("expected a name, or an object with the key `name` and maybe `color` and `value`".into()),
    }
}

fn known(fields: &Map<String, Value>, keys: &[&str], what: &str) -> Result<(), String> {
    match fields.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("{what} has no key `{key:.40}`; its keys are {}", keys.join(", "))),
        None => Ok(()),
    }
}

fn byte(value: &Value) -> Result<u8, String> {
    let byte = value.as_u64().and_then(|number| u8::try_from(number).ok());
    byte.ok_or_else(|| format!("value {:.40} is no whole number from 0 to 255", value.to_string()))
}

/// `"#185a3c"` or `[24, 90, 60]`.
fn colour(value: &Value) -> Result<[u8; 3], String> {
    let wrong = || format!("{:.40} is no colour; write \"#185a3c\" or [24, 90, 60]", value.to_string());
    match value {
        Value::String(text) => {
            let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
            let number = u32::from_str_radix(digits.ok_or_else(wrong)?, 16).map_err(|_| wrong())?;
            let [_, r, g, b] = number.to_be_bytes();
            Ok([r, g, b])
        }
        Value::Array(channels) => {
            let bytes: Vec<u8> = channels.iter().map(byte).collect::<Result<_, _>>()?;
            bytes.try_into().map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_from_the_class_before() {
        let table = ClassTable::parse(
            br##"{"classes": ["a", {"name": "b", "color": "#0102ff", "value": 7}, "c", {"name": "d", "color": [9, 8, 7]}],
            "dont_care": [0, 200, [1, 1, 1]]}"##,
        );
        assert!(table.unwrap_err().to_string().contains("value 0 stands for another class"));
        let table = ClassTable::parse(
            br##"{"classes": ["a", {"name": "b", "color": "#0102ff", "value": 7}, "c", {"name": "d", "color": [9, 8, 7]}],
            "dont_care": [200, [1, 1, 1]]}"##,
        )
        .unwrap();
        assert_eq!(
            [0, 7, 8, 9, 200, 255, 300].map(|value| table.of_value(value)),
            [Some(0), Some(1), Some(2), Some(3), Some(NO_CLASS), None, None]
        );
        let colours = [[1, 2, 255], [9, 8, 7], [1, 1, 1], [0, 0, 0]].map(|colour| table.of_colour(colour));
        assert_eq!(colours, [Some(1), Some(3), Some(NO_CLASS), None]);
        let again = ClassTable::parse(table.of_numbers().to_string().as_bytes()).unwrap();
        assert_eq!((again.names(), again.of_value(2), again.of_value(255)), (table.names(), Some(2), Some(NO_CLASS)));
        assert_eq!(again.of_colour([9, 8, 7]), Some(3));
    }

    #[test]
    fn two_classes_of_one_name_are_said() {
        let fault = |text: &str| ClassTable::parse(text.as_bytes()).unwrap().fault_of_names();
        let wrong = fault(r#"{"classes": ["a", "b", {"name": "a"}]}"#).unwrap();
        assert_eq!(wrong.to_string(), "its key `classes` gives classes 0 and 2 the same name, a");
        assert_eq!(fault(r#"{"classes": ["a", "A"]}"#), None);
    }

    /// A table of names alone gives maps no other meaning than they have without it.
    #[test]
    fn names_alone_are_no_part_of_a_set() {
        let text = ClassTable::of_names([("sea", [1, 2, 3]), ("land", [4, 5, 6])]).to_string();
        let table = ClassTable::parse(text.as_bytes()).unwrap();
        assert_eq!((table.names(), table.classes()[1].colour), (vec!["sea".into(), "land".into()], Some([4, 5, 6])));
        assert_eq!([0, 1, 2, 255].map(|value| table.of_value(value)), [Some(0), Some(1), None, Some(NO_CLASS)]);
        assert_eq!((table.of_colour([4, 5, 6]), table.canonical()), (None, None));
        assert_eq!(ClassTable::parse(table.of_numbers().to_string().as_bytes()).unwrap(), table);
        assert!(ClassTable::parse(br#"{"classes": ["sea"]}"#).unwrap().canonical().is_some());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("", "it is empty (0 bytes)"),
            ("[", "line 1"),
            ("[]", "the key `classes`"),
            (r#"{"classes": {}}"#, "a list of classes"),
            (r#"{"classes": []}"#, "0 classes"),
            (r#"{"classes": [3]}"#, "class 0: expected a name"),
            (r#"{"classes": ["a", " "]}"#, "class 1: its name is blank"),
            (r#"{"classes": [{"name": "\t"}]}"#, "class 0: expected its name"),
            (r##"{"classes": ["a", {"color": "#000000"}]}"##, "class 1: expected its name"),
            (r#"{"classes": ["a", {"name": "b", "colour": 3}]}"#, "no key `colour`"),
            (r#"{"classes": [{"name": "b", "color": "red"}]}"#, "\"red\" is no colour"),
            (r#"{"classes": [{"name": "b", "color": [1, 2]}]}"#, "[1,2] is no colour"),
            (r#"{"classes": [{"name": "b", "value": 256}]}"#, "value 256 is no whole number"),
            (r#"{"classes": [{"name": "b", "value": 255}, "c"]}"#, "would be 256"),
            (r#"{"classes": ["a", {"name": "b", "value": 0}]}"#, "value 0 stands for another class"),
            (r#"{"classes": ["a"], "dont_care": 255}"#, "a list of values and colours"),
            (r#"{"classes": ["a"], "only_names": 1}"#, "`only_names` is true or false"),
            (r#"{"classes": ["a"], "dont_care": [3], "only_names": true}"#, "leave one of them out"),
            (r#"{"classes": [{"name": "a", "value": 3}], "only_names": true}"#, "class 0: has value 3"),
        ] {
            let problem = ClassTable::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
