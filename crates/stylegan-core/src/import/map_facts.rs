//! What files of networks that read label maps do not tell, as those who have them know it.

use super::spade::note;
use super::{Imported, check};
use crate::checkpoint::{ASSUMED, NO_CLASS};
use crate::spade::{Depth, SpadeConfig};
use crate::{DiscriminatorConfig, Error, GeneratorConfig, NetworkConfig, Result};

/// What is known of a network; `None` leaves what was read or assumed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MapFacts {
    /// Height and width of its pictures, in pixels.
    pub img_size: Option<[usize; 2]>,
    /// Whether the last channel of its maps is edges between instances.
    pub edges: Option<bool>,
    /// How often SPADE's generator doubles its resolution.
    pub depth: Option<Depth>,
    /// Whether the last class is that of pixels without one.
    pub no_class: Option<bool>,
}

impl Imported {
    /// Corrects the networks that read label maps, and what the metadata say of them.
    ///
    /// # Errors
    /// When there is no such network, or its tensors are not those of one of these facts; then nothing is changed.
    pub fn tell(&mut self, facts: &MapFacts) -> Result<()> {
        let mut networks = self.metadata.networks.clone();
        let (mut classes, mut deep, mut recounted) = (None, facts.depth.is_none(), false);
        for (prefix, config) in &mut networks {
            deep |= matches!(config, NetworkConfig::Generator(GeneratorConfig::Spade(_)));
            let mut before = config.clone();
            let Some(told) = tell(config, facts)? else { continue };
            if *config != before {
                check(config, self.own(prefix))?;
            }
            recounted |= tell(&mut before, &MapFacts::default())? != Some(told);
            classes = Some(told);
        }
        let Some(classes) = classes else {
            return Err(Error::Argument("holds no network that reads label maps".into()));
        };
        if !deep {
            return Err(Error::Argument("holds no generator of SPADE, which alone has a depth".into()));
        }
        let metadata = &mut self.metadata;
        match facts.no_class {
            Some(true) => metadata.set_no_class(classes - 1),
            None if !recounted => {}
            // Of other classes it was not the last that had no label.
            Some(false) | None => {
                metadata.extra.remove(NO_CLASS);
            }
        }
        metadata.networks = networks;
        let told = |field: &str| match field {
            "img_size" => facts.img_size.is_some(),
            "edges" => facts.edges.is_some(),
            _ => facts.depth.is_some(),
        };
        let left: Vec<&str> = metadata.assumed().filter(|field| !told(field)).collect();
        let left = note(&left);
        metadata.extra.remove(ASSUMED);
        metadata.extra.extend(left);
        Ok(())
    }
}

/// Corrects a configuration, and says how many classes the network reads; `None` for one that reads no maps.
fn tell(config: &mut NetworkConfig, facts: &MapFacts) -> Result<Option<usize>> {
    let (img_size, classes, edges) = match config {
        NetworkConfig::Generator(GeneratorConfig::Spade(config)) => {
            deepen(config, facts.depth)?;
            (&mut config.img_size, &mut config.classes, &mut config.edges)
        }
        NetworkConfig::Generator(GeneratorConfig::Pix2PixHd(config)) => {
            (&mut config.img_size, &mut config.classes, &mut config.edges)
        }
        NetworkConfig::Discriminator(DiscriminatorConfig::MultiscalePatch(config)) => {
            (&mut config.img_size, &mut config.classes, &mut config.edges)
        }
        _ => return Ok(None),
    };
    *img_size = facts.img_size.unwrap_or(*img_size);
    if let Some(has) = facts.edges {
        let channels = *classes + usize::from(*edges);
        (*classes, *edges) = (channels - usize::from(has), has);
        if *classes == 0 {
            return Err(Error::Argument("its maps have one channel, which is a class and no edges".into()));
        }
    }
    Ok(Some(*classes))
}

/// Makes a generator as deep as it was said to be. What it starts from stays as large where the file tells that.
fn deepen(config: &mut SpadeConfig, depth: Option<Depth>) -> Result<()> {
    let Some(depth) = depth else { return Ok(()) };
    if (depth == Depth::Most) != (config.depth == Depth::Most) {
        return Err(Error::Argument(format!(
            "its layers {} those of depth `most`",
            if depth == Depth::Most { "are not" } else { "are" }
        )));
    }
    let start = config.start();
    config.depth = depth;
    if config.z_dim > 0 {
        config.img_size = start.map(|side| side << config.doublings());
    }
    Ok(())
}
