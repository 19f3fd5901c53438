//! The trained generator that an encoder is to be of.

use crate::configs;
use crate::exit::wrong;
use crate::models;
use crate::shell::quote;
use std::path::Path;
use stylegan_train::config::RecipeConfig;

/// Puts the file of a generator that comes with the program in the place of its name. Refuses one that a new run cannot begin
/// with because it is not there.
pub(super) fn find(config: &mut RecipeConfig) -> anyhow::Result<()> {
    let RecipeConfig::Encoder(config) = config else { return Ok(()) };
    let (typed, begun) = (Path::new(&config.generator), !config.generator_hash.is_empty());
    // A run knows its generator by the contents; the folder for temporary files may have been emptied since it began.
    let unpacked = typed.file_stem().filter(|_| begun && !typed.exists()).map(Path::new);
    match models::built_in(unpacked.unwrap_or(typed))? {
        Some(file) => config.generator = file.display().to_string(),
        None if begun || config.generator.is_empty() || typed.exists() => {}
        None => wrong!(
            "generator = {}: there is no such file or folder; name another with --set generator=FILE|RUN|NAME (`stylegan models` \
             lists those that come with the program){}",
            typed.display(),
            making(typed)
        ),
    }
    Ok(())
}

/// How a run is made that is called as a built-in configuration is: `runs/sg2-avatars-64`.
fn making(run: &Path) -> String {
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let config = configs::names().find(|config| config.replace('/', "-") == name);
    config.map_or_else(String::new, |config| {
        format!(", or train it: stylegan train --config {config} --out {}", quote(run))
    })
}
