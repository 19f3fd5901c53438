//! The drawing that `avatars` is made of: a DiceBear style, from its JSON to SVG.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// "ToonHead" by Johan Melin, CC BY 4.0 (see NOTICE), as published in the DiceBear style format.
const TOON_HEAD: &str = include_str!("../../assets/toon-head.json");

/// A style: components with variants, laid on a canvas, filled with colours by role.
#[derive(Debug, Deserialize)]
pub(crate) struct Style {
    canvas: Canvas,
    attributes: BTreeMap<String, Value>,
    components: BTreeMap<String, Component>,
    colors: BTreeMap<String, Palette>,
}

#[derive(Debug, Deserialize)]
struct Canvas {
    width: f32,
    height: f32,
    elements: Vec<Element>,
}

#[derive(Debug, Deserialize)]
struct Component {
    /// Per cent of drawings that have this component.
    #[serde(default = "always")]
    probability: f64,
    variants: BTreeMap<String, Variant>,
}

#[derive(Debug, Deserialize)]
struct Variant {
    elements: Vec<Element>,
}

#[derive(Debug, Deserialize)]
struct Palette {
    values: Vec<String>,
}

/// An SVG element, or the place of a component (by its name).
#[derive(Debug, Deserialize)]
struct Element {
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
    #[serde(default)]
    children: Vec<Element>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Element,
    Component,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    /// A colour by its role: hair, skin, clothes, stroke.
    Color {
        name: String,
    },
}

fn always() -> f64 {
    100.0
}

/// How a drawing is filled.
pub(crate) enum Paint<'a> {
    /// As the artist meant: each role has its colour. Roles that are not named keep the style's.
    Colors(&'a BTreeMap<&'a str, &'a str>),
    /// Each component in one grey, its number in this list plus one, with hard edges: a label map.
    Classes(&'a [&'a str]),
}

impl Style {
    /// The toon-head style.
    pub(crate) fn toon_head() -> serde_json::Result<Self> {
        serde_json::from_str(TOON_HEAD)
    }

    /// Width of the canvas (it is square) in the units of the drawing.
    pub(crate) fn width(&self) -> f32 {
        self.canvas.width
    }

    /// Variants of a component in alphabetical order, and the part of drawings that have it at all.
    pub(crate) fn variants(&self, component: &str) -> (Vec<&str>, f64) {
        match self.components.get(component) {
            Some(c) => (c.variants.keys().map(String::as_str).collect(), c.probability / 100.0),
            None => (Vec::new(), 0.0),
        }
    }

    /// Colours of a role, as `#rrggbb`.
    pub(crate) fn colors(&self, role: &str) -> Vec<&str> {
        self.colors.get(role).map(|p| p.values.iter().map(String::as_str).collect()).unwrap_or_default()
    }

    /// The drawing as SVG: `variants` names the variant of each component that is present.
    pub(crate) fn svg(&self, variants: &BTreeMap<&str, &str>, background: &str, paint: &Paint) -> String {
        let (w, h) = (self.canvas.width, self.canvas.height);
        let mut svg = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}""#);
        for (name, value) in &self.attributes {
            if name != "shape-rendering" {
                self.attribute(&mut svg, name, value, None, paint);
            }
        }
        svg.push_str(match paint {
            Paint::Colors(_) => ">",
            Paint::Classes(_) => r#" shape-rendering="crispEdges">"#,
        });
        let _ = write!(svg, r#"<rect width="{w}" height="{h}" fill="{background}"/>"#);
        for element in &self.canvas.elements {
            self.element(&mut svg, element, None, variants, paint);
        }
        svg.push_str("</svg>");
        svg
    }

    /// Appends one element; inside a label map, `class` is the grey of the component it is part of.
    fn element(
        &self,
        svg: &mut String,
        element: &Element,
        class: Option<&str>,
        variants: &BTreeMap<&str, &str>,
        paint: &Paint,
    ) {
        if element.kind == Kind::Component {
            let name = element.name.as_str();
            let chosen = variants.get(name).and_then(|variant| self.components.get(name)?.variants.get(*variant));
            let Some(variant) = chosen else { return };
            let class = match paint {
                Paint::Colors(_) => None,
                Paint::Classes(names) => names.iter().position(|n| *n == name).map(|i| grey(i as u8 + 1)),
            };
            let _ = write!(svg, r#"<g id="{name}""#);
            for (name, value) in &element.attributes {
                self.attribute(svg, name, value, None, paint);
            }
            svg.push('>');
            for child in &variant.elements {
                self.element(svg, child, class.as_deref(), variants, paint);
            }
            svg.push_str("</g>");
            return;
        }
        let _ = write!(svg, "<{}", element.name);
        for (name, value) in &element.attributes {
            self.attribute(svg, name, value, class, paint);
        }
        svg.push('>');
        for child in &element.children {
            self.element(svg, child, class, variants, paint);
        }
        let _ = write!(svg, "</{}>", element.name);
    }

    fn attribute(&self, svg: &mut String, name: &str, value: &Value, class: Option<&str>, paint: &Paint) {
        let text = match (class, name, value) {
            (Some(_), "fill-opacity" | "stroke-opacity" | "opacity" | "filter", _) => return,
            (Some(_), "fill" | "stroke", Value::Text(text)) if text == "none" => text,
            (Some(grey), "fill" | "stroke", _) => grey,
            (_, _, Value::Text(text)) => text.as_str(),
            (_, _, Value::Color { name: role }) => {
                let own = self.colors.get(role).and_then(|palette| palette.values.first());
                let chosen = if let Paint::Colors(colors) = paint { colors.get(role.as_str()).copied() } else { None };
                chosen.or(own.map(String::as_str)).unwrap_or("#000000")
            }
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let _ = write!(svg, r#" {name}="{text}""#);
    }
}

/// A grey level as an SVG colour.
pub(crate) fn grey(level: u8) -> String {
    format!("#{level:02x}{level:02x}{level:02x}")
}
