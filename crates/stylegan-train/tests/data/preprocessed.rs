//! Sets that are resized and cut as they are read.

use crate::pictures::*;
use candle_core::Device;
use image::{GrayImage, Luma, Rgb, RgbImage};
use stylegan_train::data::preprocess::{Cut, Preprocess, PreprocessMode};
use stylegan_train::data::{BatchMaps, Dataset, InstanceMap, Loader, SampleRequest};

const SIZES: [[usize; 2]; 3] = [[40, 50], [44, 36], [33, 33]];

fn colour(i: usize, x: usize, y: usize) -> [u8; 3] {
    [(x * 5 + y) as u8, (y * 5) as u8, (i * 60 + x * y % 7) as u8]
}

fn class(i: usize, x: usize, y: usize) -> u8 {
    if x < 4 { 255 } else { ((x / 8 + y / 9 + i) % 5) as u8 }
}

fn thing(x: usize, y: usize) -> u16 {
    (1000 + x / 7 + 13 * (y / 5)) as u16
}

fn files() -> Files {
    let mut files = Files::new();
    for (i, [h, w]) in SIZES.into_iter().enumerate() {
        let (w, h) = (w as u32, h as u32);
        let at = |x: u32, y: u32| (x as usize, y as usize);
        files.push((
            format!("{i}.png"),
            png(RgbImage::from_fn(w, h, |x, y| {
                let (x, y) = at(x, y);
                Rgb(colour(i, x, y))
            })),
        ));
        files.push((
            format!("labels/{i}.png"),
            png(GrayImage::from_fn(w, h, |x, y| {
                let (x, y) = at(x, y);
                Luma([class(i, x, y)])
            })),
        ));
        let things = image::ImageBuffer::<Luma<u16>, _>::from_fn(w, h, |x, y| {
            let (x, y) = at(x, y);
            Luma([thing(x, y)])
        });
        files.push((format!("instances/{i}.png"), png(image::DynamicImage::from(things))));
    }
    files
}

fn bytes(images: &candle_core::Tensor) -> Vec<u8> {
    let levels = ((images + 1.).unwrap() * 127.5).unwrap();
    levels.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(|x| x.round() as u8).collect()
}

/// Batches hold what the eight ways make of pictures, maps and instances, each of which is held to the original's by
/// golden cases: the same cut and mirror of all three, edges of what is left.
#[test]
fn batches_are_preprocessed() {
    use PreprocessMode::*;
    let place = Place::new();
    let path = place.folder("set", &files());
    for mode in [ResizeAndCrop, Crop, ScaleWidthAndCrop, ScaleShortsideAndCrop, Fixed] {
        let way = Preprocess { mode, load_size: 36, crop_size: 32, aspect_ratio: 2. };
        let set = std::sync::Arc::new(Dataset::open_as(&path, Some(way)).unwrap());
        let [h, w] = set.image_size();
        assert_eq!([h, w], if mode == Fixed { [16, 32] } else { [32, 32] });
        let requests: Vec<_> =
            (0..6).map(|i| SampleRequest { index: i % 3, mirror: i % 2 == 1, corner: Some([i % 2, i / 3]) }).collect();
        let batch =
            Loader::new(set.clone(), [requests.clone()].into_iter(), (BatchMaps::LabelsAndEdges, Device::Cpu), 1, 1);
        let batch = batch.into_iter().next().unwrap().unwrap();
        let values = |tensor: &Option<candle_core::Tensor>| -> Vec<u8> {
            tensor.as_ref().unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        let (images, maps, edges) = (bytes(&batch.images), values(&batch.maps), values(&batch.edges));
        for (i, request) in requests.iter().enumerate() {
            let (index, [x, y]) = (request.index, request.corner.unwrap());
            let size = SIZES[index];
            let pixels = |of: &dyn Fn(usize, usize) -> Vec<u8>| -> Vec<u8> {
                (0..size[0]).flat_map(|y| (0..size[1]).flat_map(move |x| of(x, y))).collect()
            };
            let cut = Cut { x, y, flip: request.mirror };
            let expected = way.picture(&pixels(&|x, y| colour(index, x, y).to_vec()), 3, size, cut);
            let plane = h * w;
            let found = &images[i * 3 * plane..][..3 * plane];
            let interleaved: Vec<u8> = (0..plane).flat_map(|p| (0..3).map(move |c| found[c * plane + p])).collect();
            assert!(interleaved == expected, "{mode:?}, sample {i}: the picture");
            let expected = way.map(&pixels(&|x, y| vec![class(index, x, y)]), size, cut);
            assert!(maps[i * plane..][..plane] == expected, "{mode:?}, sample {i}: the map");
            let ids: Vec<u32> = (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| thing(x, y).into())).collect();
            let expected = InstanceMap { size: [h, w], ids: way.map(&ids, size, cut) }.edges().unwrap();
            let expected: Vec<u8> = expected.flatten_all().unwrap().to_vec1().unwrap();
            assert!(edges[i * plane..][..plane] == expected, "{mode:?}, sample {i}: the edges");
            assert!(expected.contains(&1));
        }
        // Without a draw the picture is what the official code tests with.
        let whole = way.whole();
        let stored: Vec<u8> = (0..40).flat_map(|y| (0..50).flat_map(move |x| colour(0, x, y))).collect();
        let expected = whole.picture(&stored, 3, SIZES[0], whole.middle(SIZES[0]));
        let found = set.pixels(0).unwrap();
        let interleaved: Vec<u8> = (0..h * w).flat_map(|p| [0, 1, 2].map(|c| found[c * h * w + p])).collect();
        assert!(interleaved == expected, "{mode:?}: whole");
        assert_eq!(set.map(0).unwrap().len(), h * w);
        assert_eq!(set.instances(0).unwrap().size, [h, w]);
    }
}

/// Ways that leave pictures of many sizes make no set; grey pictures are read in colour; too large is too large.
#[test]
fn sets_that_do_not_become_one_size() {
    let place = Place::new();
    let path = place.folder("set", &files());
    let open = |way| Dataset::open_as(&path, Some(way)).map(|_| ()).unwrap_err().to_string();
    let to_width = Preprocess { mode: PreprocessMode::ScaleWidth, load_size: 32, ..Preprocess::default() };
    assert!(open(to_width).contains("pixels (width x height), but the set has"), "{}", open(to_width));
    let vast = Preprocess { mode: PreprocessMode::ScaleWidth, load_size: 16_384, ..Preprocess::default() };
    assert!(open(vast).contains("more than the 16384x16384"), "{}", open(vast));
    assert!(Dataset::open(&path).is_err());

    let way = Preprocess { load_size: 8, crop_size: 8, ..Preprocess::default() };
    let grey = with(files(), "1.png", png(GrayImage::from_pixel(36, 44, Luma([77]))));
    let set = Dataset::open_as(place.folder("grey", &grey), Some(way)).unwrap();
    assert_eq!((set.channels(), set.pixels(1).unwrap().to_vec()), (3, vec![77; 3 * 64]));
    // What features are kept by differs with the way.
    let other = Dataset::open_as(place.path("grey"), Some(Preprocess { crop_size: 4, ..way })).unwrap();
    assert_eq!(set.hash().unwrap(), other.hash().unwrap());
    assert_ne!(set.identity().unwrap(), other.identity().unwrap());
}
