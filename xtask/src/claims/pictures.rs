//! Pictures that a claim shows of a network.

use crate::json::Json;

use super::asked::Asked;
use super::claim::{Picture, Pictures};
use super::run::Run;
use super::section::Section;
use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Has the pictures drawn into `folder`; those that a network cannot show are left out.
pub(super) fn section(pictures: &Pictures, asked: &Asked, folder: &Path) -> Result<Section> {
    let network: PathBuf = match &asked.network {
        Some(network) => network.clone(),
        None => Run::of(pictures.config, &asked.seeds[0])?.folder(),
    };
    let unmade = |error| Failure::other(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(unmade)?;
    let mut text = String::new();
    for picture in pictures.each {
        asked.program.run(arguments(picture, &network, folder))?;
        // Writing to a String cannot fail.
        let _ = if folder.join(picture.file).is_file() {
            write!(text, "{}\n\n![{}]({{folder}}/{})\n\n", picture.title, picture.title, picture.file)
        } else {
            write!(text, "{}: left out, as the network has nothing to show there.\n\n", picture.title)
        };
    }
    let network = network.file_name().unwrap_or_default().to_string_lossy();
    let _ = writeln!(text, "The network: `{network}`.");
    let files = pictures.each.iter().map(|picture| Json::text(picture.file)).collect();
    Ok(Section {
        text,
        headline: String::new(),
        files: vec![],
        data: Json::object([("network", Json::text(network)), ("pictures", Json::List(files))]),
    })
}

fn arguments(picture: &Picture, network: &Path, out: &Path) -> Vec<OsString> {
    let place = |word: &str| match (word, word.strip_prefix("{out}/")) {
        ("{network}", _) => network.into(),
        ("{out}", _) => out.into(),
        (_, Some(file)) => out.join(file).into(),
        (word, None) => word.into(),
    };
    picture.args.split_whitespace().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in() {
        let picture = Picture { title: "", file: "a.png", args: "figures --network {network} --out {out}" };
        let found = arguments(&picture, Path::new("my net.pkl"), Path::new("out"));
        assert_eq!(found, ["figures", "--network", "my net.pkl", "--out", "out"]);
        let picture = Picture { args: "{out}/a.png", ..picture };
        assert_eq!(arguments(&picture, Path::new("n"), Path::new("o")), [Path::new("o").join("a.png").as_os_str()]);
    }
}
