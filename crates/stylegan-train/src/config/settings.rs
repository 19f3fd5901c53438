//! The list of all settings, from the structures that hold them: their names, defaults and
//! documentation have one source.

use super::{ByResolution, EncoderTrainConfig, SpadeTrainConfig, TrainConfig};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A table of a configuration, in one of its kinds.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The name between brackets; empty for the keys above all tables.
    pub name: String,
    /// The key and value that choose the kind, such as `architecture = "stylegan1"`, where a table
    /// has kinds.
    pub kind: Option<String>,
    /// What it is.
    pub doc: String,
    /// Its settings, by name.
    pub settings: Vec<Setting>,
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// Its value where nothing is said, as TOML: StyleGAN's published one, or SPADE's.
    pub default: Option<String>,
    /// Another published run with its value there, where that is another: StyleGAN2's, or pix2pixHD's of the
    /// recipe `"spade"`.
    pub other: Option<(&'static str, String)>,
    /// What it means.
    pub doc: String,
}

/// All settings of a generator and a discriminator of images, from the documentation of [`TrainConfig`] and
/// what it holds.
///
/// ```
/// let tables = stylegan_train::config::tables();
/// let schedule = tables.iter().find(|table| table.name == "schedule").unwrap();
/// let lr = schedule.settings.iter().find(|setting| setting.key == "lr").unwrap();
/// assert!(lr.doc.starts_with("Learning rate") && lr.other == Some(("StyleGAN2", "0.002".into())));
/// ```
pub fn tables() -> Vec<Table> {
    let mut tables = tables_of::<TrainConfig>(
        published(&TrainConfig::default().to_toml()),
        ("StyleGAN2", published(&TrainConfig::stylegan2().to_toml())),
    );
    // What paints label maps is of the other recipe.
    let of_other = ["spade", "pix2pixhd", "multiscale-patch"].map(|name| format!("architecture = \"{name}\""));
    tables.retain(|table| table.kind.as_ref().is_none_or(|kind| !of_other.contains(kind)));
    tables
}

/// All settings of the recipe `"spade"`, from the documentation of [`SpadeTrainConfig`] and what it holds.
pub fn spade_tables() -> Vec<Table> {
    tables_of::<SpadeTrainConfig>(
        published(&SpadeTrainConfig::default().to_toml()),
        ("pix2pixHD", published(&SpadeTrainConfig::pix2pixhd().to_toml())),
    )
}

/// All settings of the recipe `"encoder"`, from the documentation of [`EncoderTrainConfig`] and what it holds.
pub fn encoder_tables() -> Vec<Table> {
    let own = published(&EncoderTrainConfig::default().to_toml());
    tables_of::<EncoderTrainConfig>(own.clone(), ("", own))
}

/// A published run. What cannot be read back cannot be written either: `to_toml` is tested.
fn published(toml: &crate::Result<String>) -> toml::Table {
    toml.as_ref().ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The tables of `C`, whose values are `first`, with another published run.
fn tables_of<C: JsonSchema>(first: toml::Table, (run, second): (&'static str, toml::Table)) -> Vec<Table> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<C>();
    let mut tables =
        vec![Table { name: String::new(), kind: None, doc: text(schema.get("description")), settings: vec![] }];
    for (name, schema) in properties(&schema) {
        let values = (first.get(name).and_then(toml::Value::as_table), second.get(name));
        let (own, other) = (values.0, values.1.and_then(toml::Value::as_table));
        let about = text(schema.get("description"));
        let kinds = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array);
        let kinds: Vec<&Value> = kinds.into_iter().flatten().filter(|kind| kind.get("properties").is_some()).collect();
        if !kinds.is_empty() {
            for kind in kinds {
                let mut table = Table { name: name.clone(), kind: None, doc: about.clone(), settings: vec![] };
                for (key, schema) in properties_of(kind) {
                    match schema.get("const") {
                        Some(value) => table.kind = Some(format!("{key} = {value}")),
                        None => table.settings.push(setting(key, schema, None, (run, None))),
                    }
                }
                let of_kind = text(kind.get("description"));
                table.doc =
                    [table.doc, of_kind].into_iter().filter(|doc| !doc.is_empty()).collect::<Vec<_>>().join(" ");
                tables.push(table);
            }
        } else if schema.get("properties").is_some() {
            let settings = properties_of(schema).map(|(key, schema)| {
                setting(key, schema, own.and_then(|t| t.get(key)), (run, other.and_then(|t| t.get(key))))
            });
            let settings = settings.collect();
            tables.push(Table { name: name.clone(), kind: None, doc: about, settings });
        } else {
            tables[0].settings.push(setting(name, schema, first.get(name), (run, second.get(name))));
        }
    }
    tables
}

fn setting(
    key: &str,
    schema: &Value,
    own: Option<&toml::Value>,
    (run, other): (&'static str, Option<&toml::Value>),
) -> Setting {
    let default = schema.get("default").and_then(|value| toml::Value::deserialize(value).ok()).map(|v| v.to_string());
    let other = other.filter(|other| own != Some(other)).map(|other| (run, other.to_string()));
    Setting { key: key.to_owned(), default, other, doc: text(schema.get("description")) }
}

fn properties(schema: &Schema) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn properties_of(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// A doc comment as running text, its links between items as the code that they name.
fn text(description: Option<&Value>) -> String {
    let text = description.and_then(Value::as_str).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = text.split("[`");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("`]").unwrap_or((part, ""));
        let rest = rest.strip_prefix('(').and_then(|target| target.split_once(')')).map_or(rest, |(_, rest)| rest);
        plain.push_str(&format!("`{name}`{rest}"));
    }
    plain
}

impl<T: JsonSchema> JsonSchema for ByResolution<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ByResolution_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<T>(), { "type": "object" }] })
    }
}
