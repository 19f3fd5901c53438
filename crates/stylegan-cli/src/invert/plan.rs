//! What the arguments of `stylegan invert` mean.

use super::files::Outputs;
use super::settings::Settings;
use super::targets::{Place, Target, places};
use super::{Args, Space};
use crate::destination;
use crate::evaluate::networks;
use crate::exit::wrong;
use crate::network::{Network, NetworkArgs};
use crate::status::say;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_metrics::features::{FeatureNetworks, PerceptualDistance};
use stylegan_train::inversion::{self, ProjectOptions, digest};

/// The distance of the official projector, where its weights are given.
const DISTANCE: &str = "lpips-vgg16";

/// A picture to invert.
pub(super) struct Picture {
    /// What its results are called by.
    pub(super) name: String,
    place: Place,
    pub(super) files: Outputs,
}

pub(super) struct Plan {
    pub(super) network: Network,
    /// SHA-256 of the network's contents.
    network_hash: String,
    pub(super) pictures: Vec<Picture>,
    distances: FeatureNetworks,
    pub(super) options: ProjectOptions,
    pub(super) tune: bool,
    pub(super) video: bool,
    pub(super) out: PathBuf,
}

impl Plan {
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        if args.steps == Some(0) {
            wrong!("--steps 0: nothing would be looked for; give at least 1, commonly 1000");
        }
        let options = ProjectOptions {
            space: match args.space {
                Space::W => inversion::Space::W,
                Space::WPlus => inversion::Space::WPlus,
            },
            steps: args.steps.unwrap_or(ProjectOptions::default().steps),
            seed: args.seed,
            ..ProjectOptions::default()
        };
        let network = Network::open(&NetworkArgs::plain(&args.network, args.class.as_deref()))?;
        network.check_styles("inversion")?;
        network.labels(1)?;
        let mut pictures: Vec<Picture> = Vec::new();
        let mut known: HashMap<PathBuf, String> = HashMap::new();
        for place in args.pictures.iter().map(|path| places(path)).collect::<anyhow::Result<Vec<_>>>()?.concat() {
            let name = place.name();
            let files = Outputs::new(&args.out, &name);
            for file in files.all() {
                if let Some(other) = known.insert(file.to_path_buf(), place.to_string()) {
                    wrong!("{other} and {place} would both become {}; rename one, or invert it apart", file.display());
                }
            }
            pictures.push(Picture { files, name, place });
        }
        let inputs = || args.pictures.iter().map(PathBuf::as_path).chain([network.file()]);
        let inputs: Vec<&Path> = inputs().chain(args.features.iter().map(PathBuf::as_path)).collect();
        let distances = networks(&args.features)?;
        destination::folder(&args.out, &inputs)?;
        for picture in &pictures {
            picture.files.all().iter().try_for_each(|file| destination::check(file, &inputs))?;
        }
        let network_hash = match network.model().content_hash() {
            Some(hash) => hash.to_owned(),
            None => digest(network.model().params().vars().iter().map(|(_, var)| var.as_tensor()))?,
        };
        let (tune, video, out) = (args.tune, args.video, args.out.clone());
        let plan = Plan { network, network_hash, pictures, distances, options, tune, video, out };
        plan.check_pictures()?;
        Ok(plan)
    }

    /// Opens every picture, so that hours of work do not end at one that is broken.
    fn check_pictures(&self) -> anyhow::Result<()> {
        let [h, w] = self.network.size();
        for picture in &self.pictures {
            let [from_h, from_w] = self.target(picture)?.from;
            if from_h < h || from_w < w {
                say(&format!(
                    "note: {} has {from_w}x{from_h} pixels and is enlarged to the {w}x{h} of the network: it is blurred",
                    picture.place
                ));
            }
        }
        Ok(())
    }

    /// What a picture is compared by.
    pub(super) fn distance(&self) -> anyhow::Result<&dyn PerceptualDistance> {
        match self.distances.distance(DISTANCE) {
            Some(distance) => Ok(distance),
            None => wrong!("--features brings no network that compares pictures"),
        }
    }

    /// The picture as the network would make it.
    pub(super) fn target(&self, picture: &Picture) -> anyhow::Result<Target> {
        let generator = self.network.generator();
        picture.place.target(generator.spec().img_size, generator.spec().img_channels, self.network.dtype())
    }

    /// All that decides what is found.
    pub(super) fn settings(&self, target: &Target) -> anyhow::Result<Settings> {
        let distance = self.distance()?;
        let class = self.network.labels(1)?.map(|label| digest([&label])).transpose()?;
        Ok(Settings::new(&self.options, &self.network_hash, class.as_deref(), distance, &digest([&target.image])?))
    }

    /// SHA-256 of the network's contents.
    pub(super) fn network_hash(&self) -> &str {
        &self.network_hash
    }
}
