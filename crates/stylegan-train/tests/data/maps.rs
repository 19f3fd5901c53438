//! Label maps of every kind, class tables, instance maps: what a set makes of them.

use crate::pictures::*;
use image::{GrayImage, Luma, Rgb, RgbImage};
use stylegan_train::config::MapClasses;
use stylegan_train::data::{ClassTable, Dataset, InstanceMap, LabelMap, NO_CLASS, Problem, doctor};

/// Three classes, one of them without a colour; two values and a colour that are none.
const TABLE: &str = r##"{"classes": [{"name": "sea", "color": "#0000ff"}, {"name": "wood", "color": [0, 128, 0]},
    {"name": "snow", "value": 7}], "dont_care": [9, "#000000"]}"##;

fn indexed(cells: &[u8], w: u32, depth: png::BitDepth, palette: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, w, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(depth);
    encoder.set_palette(palette.to_vec());
    encoder.write_header().unwrap().write_image_data(cells).unwrap();
    bytes
}

fn row(values: &[u8]) -> GrayImage {
    GrayImage::from_raw(values.len() as u32, 1, values.to_vec()).unwrap()
}

#[test]
fn values_are_classes_or_what_the_table_says() {
    let table = ClassTable::parse(TABLE.as_bytes()).unwrap();
    let decode = |bytes: &[u8], table| LabelMap::decode(bytes, table).map(|map| map.classes);
    assert_eq!(decode(&png(row(&[0, 3, 255])), None), Ok(vec![0, 3, NO_CLASS]));
    assert_eq!(decode(&png(row(&[0, 1, 7, 9])), Some(&table)), Ok(vec![0, 1, 2, NO_CLASS]));
    let wrong = Problem::MapValue { value: 2, named: true, at: [1, 0] };
    assert_eq!(decode(&png(row(&[0, 2])), Some(&table)), Err(wrong));
    // Four bits are not stretched to eight, whatever is at the end of a row.
    assert_eq!(decode(&shallow_map(), None).unwrap()[..4], [1, 2, 1, 2]);
    let palette = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4];
    assert_eq!(
        decode(&indexed(&[0b0001_1011, 0b1100_0000], 5, png::BitDepth::Two, &palette), None),
        Ok(vec![0, 1, 2, 3, 3])
    );
    assert_eq!(decode(&indexed(&[0b1010_0000], 3, png::BitDepth::One, &palette[..6]), None), Ok(vec![1, 0, 1]));
}

#[test]
fn colours_are_those_of_the_table() {
    let table = ClassTable::parse(TABLE.as_bytes()).unwrap();
    let colours = RgbImage::from_raw(3, 1, vec![0, 128, 0, 0, 0, 255, 0, 0, 0]).unwrap();
    let decode = |picture: RgbImage| LabelMap::decode(&png(picture), Some(&table)).map(|map| map.classes);
    assert_eq!(decode(colours.clone()), Ok(vec![1, 0, NO_CLASS]));
    assert_eq!(LabelMap::decode(&png(colours.clone()), None), Err(Problem::MapInColour));
    let opaque = image::DynamicImage::from(colours.clone()).to_rgba8();
    assert_eq!(LabelMap::decode(&png(opaque.clone()), Some(&table)).unwrap().classes, [1, 0, NO_CLASS]);
    let mut clear = opaque;
    clear.get_pixel_mut(0, 0)[3] = 9;
    let error = LabelMap::decode(&png(clear), Some(&table)).unwrap_err();
    assert!(error.to_string().contains("partly transparent"), "{error}");
    let mut smoothed = colours;
    smoothed.put_pixel(2, 0, Rgb([0, 64, 128]));
    let error = decode(smoothed).unwrap_err();
    assert!(error.to_string().contains("colour #004080 in column 2 of row 0"), "{error}");
    // A palette in which a class has the colour of another was not meant as class numbers.
    let turned = indexed(&[0, 1], 2, png::BitDepth::Eight, &[0, 128, 0, 0, 0, 255]);
    let error = LabelMap::decode(&turned, Some(&table)).unwrap_err();
    assert!(
        error.to_string().contains("place 0 of its palette in #008000") && error.to_string().contains("wood"),
        "{error}"
    );
    let right = indexed(&[0, 1], 2, png::BitDepth::Eight, &[0, 0, 255, 0, 128, 0]);
    assert_eq!(LabelMap::decode(&right, Some(&table)).unwrap().classes, [0, 1]);
}

/// A size that is not wanted is known by the head, turned maps as they are upright; what is behind it is not looked at.
#[test]
fn sizes_are_compared_before_pixels_are_decoded() {
    let head = |w, h, turn: Option<u8>| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, w, h);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        if let Some(turn) = turn {
            let exif = [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[turn, 0, 0, 0, 0, 0, 0]].concat();
            writer.write_chunk(png::chunk::eXIf, &exif).unwrap();
        }
        writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c]).unwrap();
        drop(writer);
        bytes
    };
    let place = Place::new();
    let said = |name: &str, map: Vec<u8>| {
        let files = vec![("1.png".to_owned(), png(rgb(8, 6, 1))), ("labels/1.png".to_owned(), map)];
        Dataset::open(place.folder(name, &files)).unwrap().map(0).unwrap_err().to_string()
    };
    assert!(said("vast", head(9000, 9000, None)).contains("map of 9000x9000 pixels for pictures of 8x6"));
    assert!(said("lying", head(6, 8, None)).contains("map of 6x8 pixels"));
    assert!(said("turned", head(6, 8, Some(6))).contains("truncated or damaged"));
    let up_to = |most| LabelMap::decode_up_to(most, &head(9, 7, None), None).unwrap_err();
    assert_eq!(up_to(8), Problem::TooLarge { size: [7, 9], most: 8 });
    assert!(matches!(up_to(9), Problem::Damaged(_)));
}

#[test]
fn tables_have_a_largest_size() {
    let error = ClassTable::parse(format!(r#"{{"classes": ["{}"]}}"#, "a".repeat(1 << 20)).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("larger than the 1 MiB"), "{error}");
}

#[test]
fn instances_may_be_any_numbers() {
    let ids = |bytes: Vec<u8>| InstanceMap::decode(&bytes).unwrap().ids;
    assert_eq!(ids(png(row(&[0, 200]))), [0, 200]);
    let deep = image::ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, vec![26_001u16, 300]).unwrap();
    assert_eq!(ids(png(image::DynamicImage::from(deep))), [26_001, 300]);
    assert_eq!(ids(png(RgbImage::from_raw(2, 1, vec![0, 1, 2, 1, 0, 0]).unwrap())), [258, 65_536]);
    let map = InstanceMap { size: [1, 4], ids: vec![5, 5, 6, 6] };
    assert_eq!(map.edges().unwrap().flatten_all().unwrap().to_vec1::<u8>().unwrap(), [0, 1, 1, 0]);
    assert_eq!(map.resized([2, 2]).ids, [5, 6, 5, 6]);
}

/// Pictures in a folder of their own, maps beside it, a table for them; instance maps as well.
#[test]
fn sets_hold_all_of_it() {
    let place = Place::new();
    let colour = |n: u32| png(RgbImage::from_fn(8, 6, |x, _| Rgb(if x < n { [0, 0, 255] } else { [0, 128, 0] })));
    let mut files: Files = (0..3).map(|n| (format!("images/{n}.png"), png(rgb(8, 6, n)))).collect();
    files.extend((0..3).map(|n| (format!("labels/{n}.png"), colour(n))));
    let without = place.folder("without", &files);
    let error = Dataset::open(&without).unwrap().load_maps(&plain(&[1])).unwrap_err().to_string();
    assert!(error.contains("labels/1.png") && error.contains("write a classes.json"), "{error}");
    for name in ["classes.json", "labels/classes.json"] {
        let set = place.folder(&name.replace('/', "-"), &with(files.clone(), name, TABLE));
        let set = Dataset::open(&set).unwrap();
        assert_eq!((set.len(), set.has_maps(), set.has_instances()), (3, true, false));
        assert_eq!(set.map(2).unwrap()[..4], [0, 0, 1, 1]);
        assert_eq!(set.class_table().unwrap().names(), ["sea", "wood", "snow"]);
        assert_eq!(set.notes().count(), 0);
    }
    let hash = |name: &str, files: &Files| Dataset::open(place.folder(name, files)).unwrap().hash().unwrap().to_owned();
    let named = with(files.clone(), "classes.json", TABLE);
    let spaced = with(files.clone(), "labels/classes.json", TABLE.replace(' ', "\n"));
    assert_eq!(hash("named", &named), hash("spaced", &spaced));
    assert_ne!(hash("plain", &files), hash("named-again", &named));
    // Names alone are no part of it.
    let grey = with(mapped(), "classes.json", r#"{"classes": ["a", "b", "c", "d", "e", "f"], "only_names": true}"#);
    assert_eq!(hash("grey", &mapped()), hash("grey-named", &grey));

    let mut whole = named.clone();
    whole.extend((0..3).map(|n| (format!("instances/{n}.png"), png(map(8, 6, n)))));
    let path = place.folder("whole", &whole);
    let set = Dataset::open(&path).unwrap();
    assert_eq!(set.instances(1).unwrap().ids[..3], [1, 2, 3]);
    assert_ne!(set.hash().unwrap(), hash("named-twice", &named));
    let report = doctor::examine(&path, None, || {}).unwrap();
    assert_eq!(report.findings, []);
    assert!(report.maps && report.instances);
    // 0, 1 and 2 of 8 columns are sea.
    assert_eq!(report.class_pixels[..3], [3 * 6, 21 * 6, 0]);
}

/// Classes that networks of a configuration do not know are named with their place, and the pictures can be used.
#[test]
fn the_doctor_compares_maps_with_what_networks_know() {
    let place = Place::new();
    let path = place.folder("mapped", &mapped());
    let listed = |count: usize, none: Option<bool>, path: &std::path::Path| {
        let know = MapClasses { count, setting: "generator.classes", none };
        let report = doctor::examine(path, Some(&know), || {}).unwrap();
        assert_eq!(report.usable, report.pictures);
        report.findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let most = doctor::examine(&path, None, || {}).unwrap().class_pixels.iter().rposition(|n| *n > 0).unwrap();
    assert!(listed(most + 1, Some(false), &path).is_empty());
    let found = listed(most, Some(false), &path);
    let part = format!("label map has class {most} in column ");
    assert!(!found.is_empty() && found.iter().all(|line| line.contains(&part) && line.contains("generator.classes")));
    let mut map = map(8, 6, 1);
    map.put_pixel(3, 2, image::Luma([255]));
    let path = place.folder("without", &with(mapped(), "labels/00/img0.png", png(map)));
    assert!(listed(most + 1, Some(true), &path).is_empty());
    let found = listed(most + 1, Some(false), &path);
    assert!(found.len() == 1 && found[0].contains("a pixel without a class in column 3 of row 2"), "{found:?}");
    assert_eq!(listed(most + 1, None, &path).len(), 1);
}

#[test]
fn the_doctor_lists_what_is_wrong_with_maps() {
    let place = Place::new();
    let said = |name: &str, files: &Files, part: &str| {
        let report = doctor::examine(place.folder(name, files), None, || {}).unwrap();
        let listed: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert!(listed.iter().any(|line| line.contains(part)), "{name}: {part} in {listed:?}");
        listed.len()
    };
    let extra = with(mapped(), "labels/09/img9.png", png(map(8, 6, 1)));
    assert_eq!(said("extra", &extra, "labels/09/img9.png: a map of a picture that does not exist"), 1);
    let table = r#"{"classes": ["a", "b", "c", "d"]}"#;
    let beyond = with(mapped(), "classes.json", table);
    assert_eq!(said("beyond", &beyond, "value 4 in column"), 4);
    assert_eq!(said("broken", &with(mapped(), "classes.json", "{"), "classes.json: not a class table"), 1);
    assert!(Dataset::open(place.path("broken")).unwrap_err().to_string().contains("classes.json"));
    let stray = with(mapped(), "00/classes.json", table);
    assert_eq!(said("stray", &stray, "00/classes.json: these classes are not read"), 1);
    let instances = with(mapped(), "instances/00/img0.png", png(map(8, 6, 1)));
    assert_eq!(said("instances", &instances, "01/img1.png: has no instance map"), 3);
    let mut sized = mapped();
    sized.extend((0..4).map(|n| (format!("instances/{n:02}/img{n}.png"), png(map(8 - n / 3, 6, n)))));
    assert_eq!(said("sized", &sized, "instances/03/img3.png: map of 7x6 pixels for pictures of 8x6"), 1);
}

/// Grey with an alpha channel, or with a value that would be transparent, is a map where no pixel is transparent.
#[test]
fn pixels_decide_whether_a_map_is_transparent() {
    let encoded = |kind: png::ColorType, depth: png::BitDepth, clear: Option<&[u8]>, cells: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(kind);
        encoder.set_depth(depth);
        if let Some(clear) = clear {
            encoder.set_trns(clear.to_vec());
        }
        encoder.write_header().unwrap().write_image_data(cells).unwrap();
        LabelMap::decode(&bytes, None).map(|map| map.classes)
    };
    let table = ClassTable::parse(TABLE.as_bytes()).unwrap();
    let (eight, sixteen) = (png::BitDepth::Eight, png::BitDepth::Sixteen);
    let (grey, alpha) = (png::ColorType::Grayscale, png::ColorType::GrayscaleAlpha);
    assert_eq!(encoded(alpha, eight, None, &[3, 255, 7, 255]), Ok(vec![3, 7]));
    assert_eq!(encoded(alpha, sixteen, None, &[0, 3, 255, 255, 0, 7, 255, 255]), Ok(vec![3, 7]));
    assert_eq!(encoded(grey, eight, Some(&[0, 9]), &[3, 7]), Ok(vec![3, 7]));
    assert_eq!(encoded(grey, sixteen, Some(&[1, 3]), &[0, 3, 0, 7]), Ok(vec![3, 7]));
    let clear = Err(Problem::MapKind("partly transparent".to_string()));
    assert_eq!(encoded(alpha, eight, None, &[3, 255, 7, 254]), clear);
    assert_eq!(encoded(alpha, sixteen, None, &[0, 3, 255, 254, 0, 7, 255, 255]), clear);
    assert_eq!(encoded(grey, eight, Some(&[0, 7]), &[3, 7]), clear);
    assert_eq!(encoded(grey, sixteen, Some(&[0, 7]), &[0, 3, 0, 7]), clear);
    for (colour, expected) in [([9, 9, 9], Ok(vec![1, 0])), ([0, 0, 255], clear)] {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_trns(colour.iter().flat_map(|&byte: &u8| [0, byte]).collect::<Vec<_>>());
        encoder.write_header().unwrap().write_image_data(&[0, 128, 0, 0, 0, 255]).unwrap();
        assert_eq!(LabelMap::decode(&bytes, Some(&table)).map(|map| map.classes), expected);
    }
}

/// Two classes of one name are said of maps as they are of labels.
#[test]
fn names_of_classes_of_maps_are_different() {
    let place = Place::new();
    let files = with(mapped(), "classes.json", r#"{"classes": ["a", "b", "c", "d", "a"], "only_names": true}"#);
    let report = doctor::examine(place.folder("set", &files), None, || {}).unwrap();
    let said: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let names = "classes.json: its key `classes` gives classes 0 and 4 the same name, a; ";
    assert!(said.len() == 1 && said[0].starts_with(names), "{said:?}");
}
