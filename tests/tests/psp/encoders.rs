//! The encoder of one vector and the face network, as they are used; the pyramid is in `training`.

use super::cases::{close, load, weights};
use candle_core::IndexOp;
use stylegan_core::layers::Mode;
use stylegan_core::psp::{FaceConfig, FaceNetwork, Head, PspConfig, PspEncoder};
use stylegan_tests::golden::Place;

/// f64 against f64 stored as f64; f32 through 24 units of residuals, on either side.
fn bound(place: &Place) -> f64 {
    place.bound(1e-5, 2e-5)
}

fn config(head: Head) -> PspConfig {
    PspConfig { num_ws: 10, w_dim: 64, channels: 16, head, hidden: 96, ..PspConfig::default() }
}

pub(crate) fn one_vector(place: &Place) {
    let io = load("encoders.io");
    let params = weights(&["backbone", "w"], place);
    let encoder = PspEncoder::new(&config(Head::W), params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    for (x, codes) in [("x", "w.codes"), ("w.x128", "w.codes128")] {
        let rows = encoder.forward(&place.take(&io[x]), Mode::Eval).unwrap();
        for row in [0, 9] {
            close(&format!("{codes} {place}"), &rows.i((.., row)).unwrap(), &io[codes], bound(place));
        }
    }
}

pub(crate) fn faces(place: &Place) {
    let io = load("face.io");
    let config = FaceConfig { channels: 16, features: 80, ..FaceConfig::default() };
    let params = weights(&["backbone", "face"], place);
    let network = FaceNetwork::new(config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    let found = network.embed(&place.take(&io["x112"])).unwrap();
    close(&format!("vectors {place}"), &found, &io["feat"], bound(place));
}
