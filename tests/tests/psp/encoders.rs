//! Encoders and the face network, as they are used.

use crate::cases::{close, load, params, weights};
use candle_core::{DType, IndexOp};
use stylegan_core::layers::Mode;
use stylegan_core::psp::{FaceConfig, FaceNetwork, Head, PspConfig, PspEncoder};

/// f64 against f64 stored as f64; f32 through 24 units of residuals, on either side.
const BOUNDS: [(DType, f64); 2] = [(DType::F64, 1e-5), (DType::F32, 2e-5)];

fn config(head: Head) -> PspConfig {
    PspConfig { num_ws: 10, w_dim: 64, channels: 16, head, hidden: 96, ..PspConfig::default() }
}

#[test]
fn pyramid() {
    let io = load("encoders.io");
    for (dtype, bound) in BOUNDS {
        let mut tensors = weights(&["backbone", "pyramid"], dtype);
        // The other rows of a level have networks of the same shape; theirs are not compared. The middle level's are
        // one convolution deeper than the first's, and get one of them twice.
        for row in [1, 2, 3, 4, 5, 6, 8, 9] {
            let from = if row > 7 { 7 } else { 0 };
            let copy = |(name, t): &(String, candle_core::Tensor)| {
                let part = name.strip_prefix(&format!("styles.{from}."))?;
                Some((format!("styles.{row}.{part}"), t.clone()))
            };
            let mut copies: Vec<_> = tensors.iter().filter_map(copy).collect();
            if (3..7).contains(&row) {
                let deeper = |(name, t): &(String, candle_core::Tensor)| {
                    let part = name.strip_prefix(&format!("styles.{row}.convs.6."))?;
                    Some((format!("styles.{row}.convs.8.{part}"), t.clone()))
                };
                let last: Vec<_> = copies.iter().filter_map(deeper).collect();
                copies.extend(last);
            }
            tensors.extend(copies);
        }
        let params = params(tensors);
        let encoder = PspEncoder::new(&config(Head::Pyramid), params.frozen()).unwrap();
        assert_eq!(params.unused(), Vec::<String>::new());
        let rows = encoder.forward(&io["x"].to_dtype(dtype).unwrap(), Mode::Eval).unwrap();
        assert_eq!(rows.dims(), [1, 10, 64]);
        for (i, row) in [0, 7].into_iter().enumerate() {
            let expected = io["pyramid.rows"].i((.., i)).unwrap();
            close(&format!("{dtype:?} row {row}"), &rows.i((.., row)).unwrap(), &expected, bound);
        }
    }
}

#[test]
fn one_vector() {
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
