//! What the arguments of `stylegan invert` mean.

use super::edited::Edit;
use super::encoder::Encoder;
use super::files::{MEASURES, Outputs, SHEET, alone};
use super::mask::{self, Masks};
use super::picture::Picture;
use super::settings::Settings;
use super::targets::{Place, Target, places};
use super::variants::Variants;
use super::{Args, Space};
use crate::destination;
use crate::evaluate::networks;
use crate::exit::wrong;
use crate::network::{Network, NetworkArgs, check_exists, checkpoint};
use crate::status::say;
use candle_core::{Device, Tensor};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_core::printable;
use stylegan_metrics::features::{Classifier, FeatureNetworks, PerceptualDistance};
use stylegan_train::inversion::{self, ProjectOptions, digest, hash_of};

/// The distance of the official projector, where its weights are given.
const DISTANCE: &str = "lpips-vgg16";

pub(super) struct Plan {
    pub(super) network: Network,
    /// SHA-256 of the network's contents.
    network_hash: String,
    pub(super) pictures: Vec<Picture>,
    pub(super) distances: FeatureNetworks,
    /// What knows what is in a picture.
    pub(super) classifier: Option<Classifier>,
    /// Whether faces are measured alone as well.
    pub(super) face: bool,
    pub(super) encoder: Option<Encoder>,
    /// Whether styles are searched for; else the encoder alone finds them.
    pub(super) search: bool,
    pub(super) options: ProjectOptions,
    /// The name of the distance that the search goes by, where one was asked for.
    distance: Option<String>,
    pub(super) tune: bool,
    pub(super) video: bool,
    pub(super) edit: Option<Edit>,
    pub(super) variants: Option<Variants>,
    /// The folder of reconstructions alone.
    pub(super) reconstructions: Option<PathBuf>,
    pub(super) out: PathBuf,
}

impl Plan {
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        let options = options(args)?;
        let class = args.class.as_deref();
        let network = Network::open(&NetworkArgs::plain(&args.network, class, args.device, args.precision))?;
        network.check_styles("inversion")?;
        network.labels(1)?;
        let encoder = args.encoder.as_deref().map(|path| Encoder::open(path, args, &network));
        let encoder = encoder.transpose()?;
        if encoder.as_ref().is_some_and(Encoder::reads_maps) && (args.steps.is_some() || args.tune) {
            wrong!("--steps and --tune come nearer to a picture, and the encoder looks at label maps; leave them out");
        }
        let pictures = pictures(args)?;
        let file = network.file().to_path_buf();
        let beside = args.features.iter().chain(&args.classifier).chain(&args.truth).chain(&args.mask);
        // A run takes results beside its checkpoints.
        let encoder_file = args.encoder.as_deref().map(checkpoint).transpose()?;
        let files = args.pictures.iter().chain(beside).chain(&args.directions).chain(&encoder_file).chain([&file]);
        let inputs: Vec<&Path> = files.map(PathBuf::as_path).collect();
        destination::later_folder(&args.out, &inputs)?;
        destination::check_names(&args.out, [SHEET, MEASURES], &inputs)?;
        for picture in &pictures {
            // They have the folder's name before them.
            destination::check_names(Path::new(""), picture.files.all(), &inputs)?;
        }
        if let Some(folder) = &args.reconstructions {
            destination::later_folder(folder, &inputs)?;
            let path = |picture: &Picture| alone(folder, picture.place.name_in_set());
            destination::check_names(Path::new(""), pictures.iter().map(path), &inputs)?;
        }
        let device = network.model().params().device();
        let distances = networks(&args.features, device)?;
        check_distance(args.distance.as_deref(), &distances)?;
        let classifier = args.classifier.as_deref().map(|path| classifier(path, device)).transpose()?;
        let network_hash = hash_of(network.model())?;
        let (tune, video, out) = (args.tune, args.video, args.out.clone());
        let (search, edit, variants) = (searches(args), Edit::of(args, &network)?, Variants::of(args, &network)?);
        let plan = Plan {
            network,
            network_hash,
            pictures,
            distances,
            classifier,
            face: args.face,
            encoder,
            search,
            options,
            tune,
            video,
            edit,
            variants,
            distance: args.distance.clone(),
            reconstructions: args.reconstructions.clone(),
            out,
        };
        plan.check_pictures()?;
        destination::folder(&plan.out, &inputs)?;
        Ok(plan)
    }

    /// Opens every picture, so that hours of work do not end at one that is broken.
    fn check_pictures(&self) -> anyhow::Result<()> {
        let [h, w] = self.network.size();
        for picture in &self.pictures {
            let [from_h, from_w] = self.target(picture)?.from;
            if let Some(mask) = &picture.mask {
                let looks: Vec<_> = self.encoder.iter().map(Encoder::size).chain([[h, w]]).collect();
                mask::check(mask, &picture.place, [from_h, from_w], &looks)?;
            }
            if let Some(encoder) = self.encoder.as_ref().filter(|encoder| encoder.reads_maps()) {
                encoder.check_map(&picture.place)?;
            }
            if from_h < h || from_w < w {
                say(&format!(
                    "note: {} has {from_w}x{from_h} pixels and is enlarged to the {w}x{h} of the network: it is blurred",
                    picture.place
                ));
            }
            if let Some(truth) = &picture.truth {
                self.of_network(truth)?;
            }
        }
        Ok(())
    }

    /// What a picture is compared by.
    pub(super) fn distance(&self) -> anyhow::Result<&dyn PerceptualDistance> {
        match self.distances.distance(self.distance.as_deref().unwrap_or(DISTANCE)) {
            Some(distance) => Ok(distance),
            None => wrong!("--features brings no network that compares pictures"),
        }
    }

    /// The picture as the network would make it.
    pub(super) fn target(&self, picture: &Picture) -> anyhow::Result<Target> {
        self.of_network(&picture.place)
    }

    /// What of a picture is compared, `[1, 1, h, w]`: 0 where it is hidden; `None` if nothing is.
    pub(super) fn kept(&self, picture: &Picture) -> anyhow::Result<Option<Tensor>> {
        let kept = picture.mask.as_ref().map(|mask| mask.kept(self.network.size())).transpose()?;
        kept.map(|kept| Ok(kept.image.to_dtype(self.network.dtype())?)).transpose()
    }

    /// What the reconstruction of a picture is compared with.
    pub(super) fn truth(&self, picture: &Picture) -> anyhow::Result<Target> {
        self.of_network(picture.truth.as_ref().unwrap_or(&picture.place))
    }

    fn of_network(&self, place: &Place) -> anyhow::Result<Target> {
        let generator = self.network.generator();
        place.target(generator.spec().img_size, generator.spec().img_channels, self.network.dtype())
    }

    /// All that decides what is found of a picture.
    pub(super) fn settings(&self, picture: &Picture, target: &Target) -> anyhow::Result<Settings> {
        let class = self.network.labels(1)?.map(|label| digest([&label])).transpose()?;
        let mut settings = Settings::new(&self.network_hash, class.as_deref(), &digest([&target.image])?);
        settings.precision(self.network.generator().precision());
        if let Some(encoder) = &self.encoder {
            encoder.note(&mut settings, picture)?;
        }
        if let Some(mask) = &picture.mask {
            settings.shown(&format!("what the mask {} keeps", digest([&mask.kept(target.from)?.image])?));
        }
        if self.search {
            settings.search(&self.options, self.distance()?);
        }
        Ok(settings)
    }

    /// SHA-256 of the network's contents.
    pub(super) fn network_hash(&self) -> &str {
        &self.network_hash
    }
}

/// Refuses a distance that no network at hand has.
fn check_distance(asked: Option<&str>, networks: &FeatureNetworks) -> anyhow::Result<()> {
    let known: Vec<&str> = networks.distances().map(PerceptualDistance::name).collect();
    match asked.filter(|asked| !known.contains(asked)) {
        Some(asked) => {
            wrong!("--distance {asked}: the networks at hand have {}; --features FILE brings others", known.join(", "))
        }
        None => Ok(()),
    }
}

/// Whether styles are searched for.
fn searches(args: &Args) -> bool {
    args.encoder.is_none() || args.steps.is_some()
}

/// How they are searched for.
fn options(args: &Args) -> anyhow::Result<ProjectOptions> {
    if args.steps == Some(0) {
        wrong!("--steps 0: nothing would be looked for; give at least 1, commonly 1000");
    }
    if !searches(args) && (args.video || args.space == Some(Space::W) || args.distance.is_some()) {
        wrong!(
            "{} is about the search, which --encoder alone does not do; give --steps as well, such as --steps 200",
            match args.distance {
                _ if args.video => "--video",
                Some(_) => "--distance",
                None => "--space w",
            }
        );
    }
    let space = match (args.space, &args.encoder) {
        (Some(Space::W), _) | (None, None) => inversion::Space::W,
        (Some(Space::WPlus), _) | (None, Some(_)) => inversion::Space::WPlus,
    };
    let usual = ProjectOptions::default();
    Ok(ProjectOptions { space, steps: args.steps.unwrap_or(usual.steps), seed: args.seed, ..usual })
}

/// A classifier whose features can be compared, on a device.
fn classifier(path: &Path, device: &Device) -> anyhow::Result<Classifier> {
    check_exists(path)?;
    let classifier = Classifier::open(path, device)?;
    if !classifier.has_features() {
        wrong!(
            "--classifier {}: it has one score for one attribute and keeps its features to itself; give one of `stylegan classifier`",
            path.display()
        );
    }
    Ok(classifier)
}

/// The pictures with the files of their results, no two of one name, and with what they are compared with.
fn pictures(args: &Args) -> anyhow::Result<Vec<Picture>> {
    let mut pictures: Vec<Picture> = Vec::new();
    // Reconstructions that stand alone may lie in the folder of the other results.
    let sheet = (args.out.join(SHEET), "the sheet of all pictures".to_owned());
    let (mut known, mut lone) = (HashMap::new(), HashMap::from([sheet]));
    let mut truths = truths(args.truth.as_deref())?;
    let masks = args.mask.as_deref().map(Masks::of).transpose()?;
    for place in args.pictures.iter().map(|path| places(path)).collect::<anyhow::Result<Vec<_>>>()?.concat() {
        let name = place.name();
        let files = Outputs::new(&args.out, &name);
        files.all().iter().try_for_each(|file| claim(&mut known, file.to_path_buf(), &place))?;
        if let Some(folder) = &args.reconstructions {
            claim(&mut lone, alone(folder, place.name_in_set()), &place)?;
        }
        let truth = truths.remove(&name);
        if let (Some(path), None) = (&args.truth, &truth) {
            wrong!(
                "--truth {}: there is no picture {}, which {place} is to be compared with",
                path.display(),
                printable(&name)
            );
        }
        let mask = masks.as_ref().map(|masks| masks.of_picture(&place)).transpose()?;
        pictures.push(Picture { name, place, truth, mask, files });
    }
    Ok(pictures)
}

/// Takes a file for the results of a picture; refuses one that is taken.
fn claim(known: &mut HashMap<PathBuf, String>, file: PathBuf, place: &Place) -> anyhow::Result<()> {
    if let Some(other) = known.insert(file.clone(), place.to_string()) {
        wrong!("{other} and {place} would both become {}; rename one, or invert it apart", file.display());
    }
    Ok(())
}

/// What pictures are compared with, by name.
fn truths(path: Option<&Path>) -> anyhow::Result<HashMap<String, Place>> {
    let found = path.map(places).transpose()?.unwrap_or_default();
    Ok(found.into_iter().map(|place| (place.name(), place)).collect())
}
