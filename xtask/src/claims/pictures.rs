//! Pictures that a claim shows of a network.

use crate::json::Json;

use super::asked::Asked;
use super::claim::{Claim, Picture, Pictures};
use super::run::Run;
use super::section::Section;
use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Has the pictures drawn into `folder`; those that a network cannot show are left out.
pub(super) fn section(claim: &Claim, pictures: &Pictures, asked: &Asked, folder: &Path) -> Result<Section> {
    let run = |config: &'static str| Ok::<_, Failure>(Run::trainings(claim, config, &asked.seeds)?[0].folder());
    let network: PathBuf = match &asked.network {
        Some(network) => network.clone(),
        None => run(pictures.config)?,
    };
    let unmade = |error| Failure::other(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(unmade)?;
    let mut text = String::new();
    for picture in pictures.each {
        asked.program.run(arguments(picture, &network, folder, &run)?)?;
        if let Some(made) = picture.made.map(|made| network.join(made)).filter(|made| made.is_file()) {
            let unread = |error| Failure::other(format!("{}: {error}", made.display()));
            std::fs::copy(&made, folder.join(picture.file)).map_err(unread)?;
        }
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
        reports: vec![],
        unmeasured: 0,
        data: Json::object([("network", Json::text(network)), ("pictures", Json::List(files))]),
    })
}

fn arguments(
    picture: &Picture,
    network: &Path,
    out: &Path,
    run: &impl Fn(&'static str) -> Result<PathBuf>,
) -> Result<Vec<OsString>> {
    let place = |word: &'static str| -> Result<OsString> {
        if let Some(config) = word.strip_prefix("{run:").and_then(|word| word.strip_suffix('}')) {
            return Ok(run(config)?.into());
        }
        let of = [("{network}", network), ("{out}", out)];
        let placed = of.iter().find_map(|(name, folder)| match word.strip_prefix(name)? {
            "" => Some(folder.into()),
            rest => Some(folder.join(rest.strip_prefix('/')?).into()),
        });
        Ok(placed.unwrap_or_else(|| word.into()))
    };
    picture.args.split_whitespace().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in() {
        let run = |config: &'static str| Ok(Path::new("runs").join(config));
        let picture = Picture { title: "", file: "a.png", args: "figures --network {network} --out {out}", made: None };
        let found = arguments(&picture, Path::new("my net.pkl"), Path::new("out"), &run);
        assert_eq!(
            found.ok(),
            Some(["figures", "--network", "my net.pkl", "--out", "out"].map(OsString::from).to_vec())
        );
        let picture = Picture { args: "{out}/a.png {network}/b {run:c} {other}", ..picture };
        let found = arguments(&picture, Path::new("n"), Path::new("o"), &run).unwrap_or_default();
        let expected = [Path::new("o").join("a.png"), Path::new("n").join("b"), Path::new("runs").join("c")];
        assert_eq!(found[..3], expected.map(PathBuf::into_os_string));
        assert_eq!(found[3], "{other}");
    }
}
