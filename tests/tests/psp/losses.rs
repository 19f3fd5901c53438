//! The losses' gradients by picture and latent.

use super::cases::{Tensors, alexnet, close, load, picture, weights};
use candle_core::{Device, Tensor, Var};
use stylegan_core::psp::{FaceConfig, FaceNetwork};
use stylegan_kernels::autodiff::backward;
use stylegan_tests::golden::Place;
use stylegan_train::config::EncoderLossConfig;
use stylegan_train::recipe::encoder::{Identity, Losses};

const NONE: EncoderLossConfig = EncoderLossConfig {
    l2: 0.,
    lpips: 0.,
    l2_crop: 0.,
    lpips_crop: 0.,
    w_norm: 0.,
    id: 0.,
    lpips_weights: String::new(),
    arcface: String::new(),
    classifier: String::new(),
};

/// Sums over blocks of 16 pixels, and single numbers.
fn compare(what: &str, io: &Tensors, gradient: &Tensor) {
    let gradient = gradient.to_device(&Device::Cpu).unwrap();
    let blocks = gradient.reshape((1, 3, 16, 16, 16, 16)).unwrap().sum((3, 5)).unwrap();
    close(&format!("{what}: blocks"), &blocks, &io[&format!("{what}.grad_y_hat.block16")], 1e-3);
    let points = gradient.flatten_all().unwrap().index_select(&io["in.points"], 0).unwrap();
    close(&format!("{what}: points"), &points, &io[&format!("{what}.grad_y_hat.points")], 1e-3);
}

/// The case has two pictures, of which this is the first: its gradient is half of that of its own loss.
pub(crate) fn gradients(place: &Place) {
    let io = load("losses.io");
    let picture = |name: &str| picture(&io[name], place);
    let target = picture("in.y_u8");
    let config = FaceConfig { channels: 16, features: 80, ..FaceConfig::default() };
    let faces = weights(&["backbone", "face"], place);
    let id = |value| EncoderLossConfig { id: value, ..NONE };
    let sets = [
        ("encode", EncoderLossConfig { l2: 1., lpips: 0.8, w_norm: 0.005, ..id(0.1) }),
        (
            "frontal",
            EncoderLossConfig { l2: 0.001, lpips: 0.08, l2_crop: 0.01, lpips_crop: 0.8, w_norm: 0.005, ..id(1.) },
        ),
        ("crop_only", EncoderLossConfig { l2: 0.5, l2_crop: 1.5, lpips_crop: 0.8, w_norm: 0.01, ..NONE }),
        ("term.id", id(1.)),
        ("term.l2", EncoderLossConfig { l2: 1., ..NONE }),
        ("term.l2_crop", EncoderLossConfig { l2_crop: 1., ..NONE }),
        ("term.lpips", EncoderLossConfig { lpips: 1., ..NONE }),
        ("term.lpips_crop", EncoderLossConfig { lpips_crop: 1., ..NONE }),
    ];
    for (what, set) in sets {
        let face = Identity::Face(FaceNetwork::new(config, faces.frozen()).unwrap(), config.side);
        let losses = Losses::by(&set, Some(Box::new(alexnet(&place.device))), Some(face));
        let found = Var::from_tensor(&picture("in.y_hat_u8")).unwrap();
        let latent = Var::from_tensor(&place.take(&io["in.latent"])).unwrap();
        // The third set counts from 0.
        let offsets = match what {
            "crop_only" => latent.as_tensor().clone(),
            _ => latent.broadcast_sub(&place.take(&io["in.latent_avg"])).unwrap(),
        };
        let terms = losses.terms(&found, &target, &offsets).unwrap();
        let total = terms.into_iter().map(|(_, term)| term).reduce(|sum, term| (sum + term).unwrap()).unwrap();
        let gradients = backward(&(total.sum_all().unwrap() / 2.).unwrap()).unwrap();
        compare(what, &io, &gradients.get(found.as_tensor()).unwrap());
        if let Some(expected) = io.get(&format!("{what}.grad_latent")) {
            close(&format!("{what}: latent"), &gradients.get(latent.as_tensor()).unwrap(), expected, 1e-5);
        }
    }
    // What the identity loss is itself.
    let face = Identity::Face(FaceNetwork::new(config, faces.frozen()).unwrap(), config.side);
    let cosine = (&io["id.feat_y"] * &io["id.feat_y_hat"]).unwrap().sum(1).unwrap();
    let expected = cosine.affine(-1., 1.).unwrap();
    close("identity", &face.distance(&picture("in.y_hat_u8"), &target).unwrap(), &expected, 1e-5);
}
