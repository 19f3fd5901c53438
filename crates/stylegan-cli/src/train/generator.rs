//! The trained generator that an encoder is to be of.

use crate::exit::wrong;
use crate::models;
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
             lists those that come with the program)",
            typed.display()
        ),
    }
    Ok(())
}
