//! What encoders are shown in super-resolution.

use super::cases::load;
use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::StreamKey;
use stylegan_train::config::{Input, TaskConfig};
use stylegan_train::recipe::encoder::{Source, input};

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
        println!("factor {factor}: {off} of {} differ", found.len());
        let allowed = if factor == 1 { found.len() / 100 } else { 0 };
        let near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1.);
        assert!(off <= allowed && near, "factor {factor}: {off} of {} differ", found.len());
    }
}
