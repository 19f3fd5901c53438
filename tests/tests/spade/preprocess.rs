//! Preprocessing, byte by byte: pictures, label maps and instance maps of the original code.

use super::cases::{CPU, Tensors};
use candle_core::DType;
use serde::Deserialize;
use stylegan_kernels::Labels;
use stylegan_train::data::preprocess::{Cut, Preprocess, PreprocessMode};
use stylegan_train::data::{InstanceMap, NO_CLASS};

#[derive(Deserialize)]
struct Cases {
    label_nc: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    mode: PreprocessMode,
    load_size: usize,
    crop_size: usize,
    #[serde(default = "square")]
    aspect_ratio: f64,
    input_hw: [usize; 2],
    crop_pos_xy: [usize; 2],
    flip: bool,
    out_hw: [usize; 2],
}

fn square() -> f64 {
    1.
}

/// The original asks whether the width is the short side, which that of a square is: squares are squashed.
#[test]
fn sides_are_scaled_by_the_shorter() {
    for mode in [PreprocessMode::ScaleShortside, PreprocessMode::ScaleShortsideAndCrop] {
        let way = Preprocess { mode, load_size: 32, crop_size: 32, aspect_ratio: 1. };
        for (from, to) in [([64, 64], [32, 64]), ([64, 48], [42, 48]), ([48, 64], [48, 42]), ([32, 32], [32, 32])] {
            assert_eq!(way.resized(from), to);
        }
    }
}

#[test]
fn eight_ways_of_preprocessing() {
    let text = include_str!("../../golden/spade/preprocess.json");
    let Cases { label_nc, cases } = serde_json::from_str(text).unwrap();
    let io = Tensors::load("preprocess.io");
    assert_eq!(cases.len(), 10);
    for (i, case) in cases.into_iter().enumerate() {
        let Case { mode, load_size, crop_size, aspect_ratio, input_hw, crop_pos_xy: [x, y], flip, out_hw } = case;
        let preprocess = Preprocess { mode, load_size, crop_size, aspect_ratio };
        let cut = Cut { x, y, flip };
        assert_eq!(preprocess.size(input_hw), out_hw, "{mode:?}");
        let [h, w] = out_hw;
        let bytes = |name: &str| io.get(name).flatten_all().unwrap().to_vec1::<u8>().unwrap();
        // Bytes as PyTorch makes them values in [-1, 1]: over 255, then minus and over 0.5, which f32 gives back.
        let picture = preprocess.picture(&bytes(&format!("in.{i}.image")), 3, input_hw, cut);
        let expected = io.get(&format!("{i}.image_tensor")).permute((1, 2, 0)).unwrap();
        assert_eq!(expected.dims(), [h, w, 3]);
        let expected = ((expected.flatten_all().unwrap() + 1.).unwrap() * 127.5).unwrap();
        let expected: Vec<u8> = expected.to_vec1::<f32>().unwrap().into_iter().map(|x| x.round() as u8).collect();
        assert_eq!(picture.len(), expected.len());
        let worst = picture.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert_eq!(worst, 0, "{mode:?}: the picture");

        let classes = preprocess.map(&bytes(&format!("in.{i}.label")), input_hw, cut);
        let number = |&class: &u8| if class == NO_CLASS { label_nc as u32 } else { u32::from(class) };
        let classes: Vec<u32> = classes.iter().map(number).collect();
        let expected = io.get(&format!("{i}.label_tensor")).to_dtype(DType::U32).unwrap().flatten_all().unwrap();
        assert_eq!(classes, expected.to_vec1::<u32>().unwrap(), "{mode:?}: the label map");

        let ids = io
            .get(&format!("in.{i}.instance"))
            .to_dtype(DType::U32)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<u32>()
            .unwrap();
        let ids = preprocess.map(&ids, input_hw, cut);
        let expected = io.get(&format!("{i}.instance_tensor")).to_dtype(DType::U32).unwrap().flatten_all().unwrap();
        assert_eq!(ids, expected.to_vec1::<u32>().unwrap(), "{mode:?}: the instance map");

        let edges = InstanceMap { size: out_hw, ids }.edges().unwrap();
        let classes = candle_core::Tensor::from_vec(classes, (1, 1, h, w), &CPU).unwrap();
        let map = Labels::new(&classes, Some(&edges), label_nc + 1).unwrap();
        let found = map.one_hot(DType::U8, &CPU).unwrap().flatten_all().unwrap().to_vec1::<u8>().unwrap();
        assert_eq!(found, bytes(&format!("{i}.semantics")), "{mode:?}: what networks read");
    }
}

/// Cuts lie inside the picture, everywhere in it, and are those of their sample.
#[test]
fn cuts_are_drawn_by_their_sample() {
    let key = stylegan_core::latent::StreamKey::new(1, "cuts", 0);
    let preprocess = Preprocess { load_size: 12, crop_size: 8, ..Preprocess::default() };
    let cuts: Vec<[usize; 2]> = (0..400).map(|i| preprocess.corner([30, 50], &key, i)).collect();
    assert_eq!(cuts[7], preprocess.corner([30, 50], &key, 7));
    for place in 0..=4 {
        assert!(cuts.iter().any(|cut| cut[0] == place) && cuts.iter().any(|cut| cut[1] == place));
    }
    assert!(cuts.iter().flatten().all(|&place| place <= 4));
    let fixed = Preprocess { mode: PreprocessMode::Fixed, ..preprocess };
    assert_eq!(fixed.corner([30, 50], &key, 7), [0, 0]);
    // Without a draw: resized to the crop alone, and cut in the middle.
    let wide = Preprocess { mode: PreprocessMode::ScaleWidthAndCrop, ..preprocess };
    assert_eq!(
        (wide.whole().resized([50, 25]), wide.whole().middle([50, 25])),
        ([16, 8], Cut { x: 0, y: 4, flip: false })
    );
    assert_eq!(fixed.whole(), fixed);
}
