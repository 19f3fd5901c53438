//! Networks that are part of the program: their bytes, and where they are unpacked.

use std::path::{Path, PathBuf};

/// A network that is part of the program.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// Its file.
    pub(crate) bytes: &'static [u8],
    pub(crate) card: &'static str,
    /// A file of directions that were found in it.
    pub(crate) directions: Option<&'static [u8]>,
}

macro_rules! models {
    ($($name:literal $(with $directions:literal)?),*) => {
        [$(Model {
            name: $name,
            bytes: include_bytes!(concat!("../assets/models/", $name, ".safetensors")),
            card: include_str!(concat!("../assets/models/", $name, ".md")),
            directions: directions!($($directions)?),
        }),*]
    };
}

macro_rules! directions {
    () => {
        None
    };
    ($file:literal) => {
        Some(include_bytes!(concat!("../assets/models/", $file)))
    };
}

/// All of them.
pub(crate) const MODELS: [Model; 3] =
    models!["avatars-64" with "avatars-64-directions.safetensors", "earth-64-spade", "avatars-32"];

impl Model {
    /// The one of this name.
    pub(crate) fn of(name: &Path) -> Option<&'static Self> {
        MODELS.iter().find(|model| Path::new(model.name) == name)
    }

    /// The place of its file, in the folder for temporary files.
    pub(crate) fn file(&self) -> PathBuf {
        folder().join(format!("{}.safetensors", self.name))
    }
}

/// Where networks are unpacked: a folder for each user, as what another has made cannot be written.
fn folder() -> PathBuf {
    let folder = concat!("stylegan-models-", env!("CARGO_PKG_VERSION"));
    #[cfg(target_os = "linux")]
    if let Ok(process) = std::fs::metadata("/proc/self") {
        let user = std::os::unix::fs::MetadataExt::uid(&process);
        return std::env::temp_dir().join(format!("{folder}-{user}"));
    }
    // Other systems have a folder for temporary files for each user.
    std::env::temp_dir().join(folder)
}

/// Whether this is the file of a network that comes with the program.
pub(crate) fn is_unpacked(file: &Path) -> bool {
    MODELS.iter().any(|model| model.file() == file)
}

/// A message with the networks that come with the program by their names: where they are unpacked nobody asked.
pub(crate) fn by_name(message: &str) -> String {
    MODELS.iter().fold(message.to_owned(), |text, model| text.replace(&model.file().display().to_string(), model.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_names() {
        let file = MODELS[0].file();
        let message = format!("{} takes 3 and not 4, ./avatars-64.safetensors 5", file.display());
        assert_eq!(by_name(&message), "avatars-64 takes 3 and not 4, ./avatars-64.safetensors 5");
    }
}
