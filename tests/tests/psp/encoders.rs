//! The encoder of one vector and the face network, as they are used; the pyramid is in `training`.

use crate::cases::{close, load, params, weights};
use candle_core::{DType, IndexOp};
use stylegan_core::layers::Mode;
use stylegan_core::psp::{FaceConfig, FaceNetwork, Head, PspConfig, PspEncoder};
use stylegan_tests::golden::with_each_instruction_set;

/// f64 against f64 stored as f64; f32 through 24 units of residuals, on either side.
const BOUNDS: [(DType, f64); 2] = [(DType::F64, 1e-5), (DType::F32, 2e-5)];

fn config(head: Head) -> PspConfig {
    PspConfig { num_ws: 10, w_dim: 64, channels: 16, head, hidden: 96, ..PspConfig::default() }
}

#[test]
fn one_vector() {
    with_each_instruction_set(check_one_vector);
}

fn check_one_vector() {
    let io = load("encoders.io");
    for (dtype, bound) in BOUNDS {
        let params = params(weights(&["backbone", "w"], dtype));
        let encoder = PspEncoder::new(&config(Head::W), params.frozen()).unwrap();
        assert_eq!(params.unused(), Vec::<String>::new());
        for (x, codes) in [("x", "w.codes"), ("w.x128", "w.codes128")] {
            let rows = encoder.forward(&io[x].to_dtype(dtype).unwrap(), Mode::Eval).unwrap();
            for row in [0, 9] {
                close(&format!("{dtype:?} {codes}"), &rows.i((.., row)).unwrap(), &io[codes], bound);
            }
        }
    }
}

#[test]
fn faces() {
    let io = load("face.io");
    let config = FaceConfig { channels: 16, features: 80, ..FaceConfig::default() };
    for (dtype, bound) in BOUNDS {
        let params = params(weights(&["backbone", "face"], dtype));
        let network = FaceNetwork::new(config, params.frozen()).unwrap();
        assert_eq!(params.unused(), Vec::<String>::new());
        let found = network.embed(&io["x112"].to_dtype(dtype).unwrap()).unwrap();
        close(&format!("{dtype:?} vectors"), &found, &io["feat"], bound);
    }
}
