//! How near pictures are found again, as `stylegan invert` says in its measures.

use super::kept::Kept;
use crate::failure::Result;
use crate::measured::Measured;
use crate::program::Program;
use std::ffi::OsString;
use std::path::Path;

/// The space of rows without an encoder.
const SEARCH: &str = "search";

/// What measures count where larger is better: similarities.
const LARGER: [&str; 2] = ["classifier", "arcface"];

/// The numbers of an encoder's run; in the space `search` of a generator's run, whose styles are searched for.
pub(super) fn measured(program: &Program, run: &Path, space: &str, options: &[&str]) -> Result<Vec<Measured>> {
    let name = format!("inverted-{space}");
    let kept = Kept { run: run.into(), name, question: options.join(" ") };
    let out = kept.run.join(&kept.name);
    if !kept.is_current() {
        // What is there would be taken for done, and the time that it took is not known.
        let _ = std::fs::remove_dir_all(&out);
        let mut args: Vec<OsString> = vec!["invert".into(), "--network".into(), run.into()];
        if space != SEARCH {
            args.extend(["--encoder".into(), run.into()]);
        }
        args.extend(["--out".into(), out.clone().into()]);
        args.extend(options.iter().map(OsString::from));
        program.run(&args)?;
        kept.keep()?;
    }
    Ok(means(&std::fs::read_to_string(out.join("measures.json")).unwrap_or_default()))
}

/// The means of a file of measures, with their intervals.
fn means(json: &str) -> Vec<Measured> {
    let number = |object: &str, key: &str| -> Option<f64> {
        let (_, rest) = object.split_once(&format!("\"{key}\":"))?;
        rest.split([',', '}']).next()?.trim().parse().ok()
    };
    // A name, and an object with a mean and no other object in it.
    let of = |(before, rest): (&str, &str)| {
        let object = rest.split('}').next()?;
        let name = before.trim_end().strip_suffix(':')?.trim_end().strip_suffix('"')?.rsplit('"').next()?;
        let value = number(object, "mean").filter(|_| !object.contains('{'))?;
        let (low, high) = (number(object, "low").unwrap_or(value), number(object, "high").unwrap_or(value));
        Some(Measured { low, high, larger: LARGER.contains(&name), ..Measured::exact(name, value) })
    };
    json.match_indices('{').filter_map(|(at, _)| of((&json[..at], &json[at + 1..]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_read() {
        let json = r#"{
  "classifier": { "high": 0.6, "low": 0.4, "mean": 0.5 },
  "each": [ { "mse": 0.1, "name": "a" }, { "mse": 0.3, "name": "b" } ],
  "mse": {
    "high": 0.25,
    "low": 0.15,
    "mean": 2.0e-1
  },
  "networks": { "stlpips": "abc" },
  "seconds_per_picture": { "mean": 3.5 }
}"#;
        let found = means(json);
        let names: Vec<&str> = found.iter().map(|n| n.metric.as_str()).collect();
        assert_eq!(names, ["classifier", "mse", "seconds_per_picture"]);
        assert!(found[0].larger && !found[1].larger);
        assert_eq!((found[1].value, found[1].low, found[2].high), (0.2, 0.15, 3.5));
        assert_eq!(means(""), []);
    }
}
