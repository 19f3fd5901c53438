//! What files of networks that read label maps do not tell, as options.

use crate::data::size::Size;
use clap::ValueEnum;
use stylegan_core::import::MapFacts;
use stylegan_core::spade::Depth;

/// What is known of a network that reads label maps.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct FactArgs {
    /// Of a network of SPADE or pix2pixHD whose file does not tell: width and height of its pictures, in pixels.
    ///
    /// Example: --size 512x256
    #[arg(long, value_name = "N|WxH")]
    size: Option<Size>,

    /// The last channel of its maps is edges between instances (--no_instance was not given when it was trained).
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    edges: Option<bool>,

    /// How often a generator of SPADE doubles its resolution (--num_upsampling_layers).
    #[arg(long, value_enum)]
    depth: Option<TypedDepth>,

    /// The last class of its maps is for pixels without one (--contain_dontcare_label).
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    dont_care: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TypedDepth {
    Normal,
    More,
    Most,
}

impl FactArgs {
    /// What was said; `None` if nothing was.
    pub(crate) fn facts(self) -> Option<MapFacts> {
        let facts = MapFacts {
            img_size: self.size.map(|size| [size.height as usize, size.width as usize]),
            edges: self.edges,
            depth: self.depth.map(|depth| match depth {
                TypedDepth::Normal => Depth::Normal,
                TypedDepth::More => Depth::More,
                TypedDepth::Most => Depth::Most,
            }),
            no_class: self.dont_care,
        };
        (facts != MapFacts::default()).then_some(facts)
    }
}
