//! The losses' gradients by picture and latent, and the inputs of super-resolution.

use crate::cases::{Tensors, alexnet, close, load, params, weights};
use candle_core::{DType, Device, Tensor, Var};
use stylegan_core::latent::StreamKey;
use stylegan_core::psp::{FaceConfig, FaceNetwork};
use stylegan_kernels::autodiff::backward;
use stylegan_train::config::{EncoderLossConfig, Input, TaskConfig};
use stylegan_train::recipe::encoder::{Identity, Losses, Source, input};

const F64: DType = DType::F64;
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
    let blocks = gradient.reshape((1, 3, 16, 16, 16, 16)).unwrap().sum((3, 5)).unwrap();
    close(&format!("{what}: blocks"), &blocks, &io[&format!("{what}.grad_y_hat.block16")], 1e-3);
    let points = gradient.flatten_all().unwrap().index_select(&io["in.points"], 0).unwrap();
    close(&format!("{what}: points"), &points, &io[&format!("{what}.grad_y_hat.points")], 1e-3);
}

/// The case has two pictures, of which this is the first: its gradient is half of that of its own loss.
#[test]
fn gradients() {
    let io = load("losses.io");
    let picture = |name: &str| {
        let bytes = io[name].to_dtype(DType::F32).unwrap();
        ((bytes / 127.5).unwrap() - 1.).unwrap().to_dtype(F64).unwrap()
    };
    let target = picture("in.y_u8");
    let config = FaceConfig { channels: 16, features: 80, ..FaceConfig::default() };
    let faces = params(weights(&["backbone", "face"], F64));
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
        let losses = Losses::by(&set, Some(Box::new(alexnet())), Some(face));
        let found = Var::from_tensor(&picture("in.y_hat_u8")).unwrap();
        let latent = Var::from_tensor(&io["in.latent"].to_dtype(F64).unwrap()).unwrap();
        // The third set counts from 0.
        let offsets = match what {
            "crop_only" => latent.as_tensor().clone(),
            _ => latent.broadcast_sub(&io["in.latent_avg"].to_dtype(F64).unwrap()).unwrap(),
        };
        let terms = losses.terms(&found, &target, &offsets).unwrap();
        let total =
            terms.iter().fold(Tensor::zeros(1, F64, &Device::Cpu).unwrap(), |sum, (_, term)| (sum + term).unwrap());
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

/// Exact in 8 bits, but for the factor 1, where products that are integers in theory are rounded down.
#[test]
fn downscaled_inputs() {
    let io = load("downscale.io");
    let bytes = io["picture"].to_dtype(DType::F32).unwrap().permute((2, 0, 1)).unwrap().unsqueeze(0).unwrap();
    let pictures = ((bytes / 127.5).unwrap() - 1.).unwrap().contiguous().unwrap();
    for factor in [1, 2, 4, 8, 16, 32] {
        let task = TaskConfig { input: Input::Downscaled, factors: vec![factor], ..TaskConfig::default() };
        let source = Source { pictures: &pictures, maps: None, key: StreamKey::new(0, "shown", 0), indices: &[0] };
        let shown = input(&task, 3, &source).unwrap().squeeze(0).unwrap().permute((1, 2, 0)).unwrap();
        let rows: Vec<u32> = (96..160).step_by(4).collect();
        let rows = shown.contiguous().unwrap().index_select(&Tensor::new(rows, &Device::Cpu).unwrap(), 0).unwrap();
        let found = ((rows + 1.).unwrap() * 127.5).unwrap().round().unwrap().flatten_all().unwrap();
        let expected = io[&format!("up_{factor}")].to_dtype(DType::F32).unwrap().flatten_all().unwrap();
        let (found, expected) = (found.to_vec1::<f32>().unwrap(), expected.to_vec1::<f32>().unwrap());
        let off = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0., f32::max);
        println!("factor {factor}: {off} of {} differ, by {worst}", found.len());
        let allowed = if factor == 1 { found.len() / 100 } else { 0 };
        assert!(off <= allowed && worst <= 1., "factor {factor}: {off} of {} differ, by {worst}", found.len());
    }
}
