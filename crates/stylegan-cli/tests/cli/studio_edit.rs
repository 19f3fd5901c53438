//! The studio's rooms Edit and Paint from outside: what is sent, searched for, moved and painted, and what is refused.
#![cfg(unix)]

use crate::bench::Bench;
use crate::generate::tiny;
use crate::invert::encoder;
use crate::paint::{config, save_painter};
use crate::studio::{Page, Studio, encoded, look};
use image::{GrayImage, Luma, Rgb, RgbImage};
use stylegan_core::spade::SpadeConfig;
use stylegan_core::stylegan1::StyleGan1Config;

fn edit(source: &str, moves: &str) -> String {
    format!(r#"{{"view":"edit","look":{},"source":{source},"moves":[{moves}]}}"#, look(""))
}

fn along(by: &str, rows: &str, direction: usize, strength: f64) -> String {
    format!(r#"{{"by":"{by}","rows":[{rows}],"direction":{direction},"strength":{strength}}}"#)
}

fn invert(picture: &str, steps: usize) -> String {
    format!(r#"{{"view":"invert","look":{},"picture":"{picture}","steps":{steps}}}"#, look(""))
}

fn paint(map: &str, style: &str) -> String {
    format!(r#"{{"view":"paint","network":"painter","map":"{map}","style":{style}}}"#)
}

fn png(picture: impl Into<image::DynamicImage>) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

/// A picture that is no map, and of another shape than the network's.
fn photograph() -> Vec<u8> {
    png(RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, 99])))
}

/// Sends what has an id.
fn sent(studio: &Studio, path: &str, body: &[u8]) -> String {
    let answer = studio.post(path, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn listed(studio: &Studio, by: &str, rows: &str) -> serde_json::Value {
    let list = format!(r#"{{"look":{},"of":{}}}"#, look(""), along(by, rows, 0, 0.));
    let answer = studio.get(&format!("/directions?list={}", encoded(&list)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The pixels that a page is shown of a state.
fn pixels(page: &mut Page, seq: u32, state: &str) -> Vec<u8> {
    page.wish(seq, state);
    let frame = page.frame();
    assert_eq!((frame.seq, frame.cell, frame.cells), (seq, 0, 1));
    frame.pixels
}

#[test]
fn edits_are_those_of_the_command() {
    let bench = Bench::with_network();
    bench.ok("directions sefa --network tiny.safetensors --rows 0-3 --samples 10000 --out own.safetensors");
    let studio = Studio::start(&bench, "--network tiny.safetensors --directions own.safetensors");
    let mut page = studio.socket().unwrap();
    let plain = pixels(&mut page, 1, &edit(r#"{"seed":3}"#, ""));
    bench.ok("generate --network tiny.safetensors --seeds 3 --out plain");
    assert!(bench.pixels("plain/seed0003.png").as_raw() == &plain);
    // A file's direction, and the same found in the network, move alike.
    bench.ok(
        "edit --network tiny.safetensors --seeds 3 --directions own.safetensors --direction sefa-0=2.5 --out moved",
    );
    let moved = bench.pixels("moved/seed0003-edited.png").into_raw();
    assert!(moved != plain);
    assert!(pixels(&mut page, 2, &edit(r#"{"seed":3}"#, &along("own", "", 0, 2.5))) == moved);
    assert!(pixels(&mut page, 3, &edit(r#"{"seed":3}"#, &along("sefa", "0,1,2,3", 0, 2.5))) == moved);
    assert!(pixels(&mut page, 4, &edit(r#"{"seed":3}"#, &along("pca", "0,1,2,3", 0, 2.5))) != moved);
    let list = listed(&studio, "sefa", "0,1,2,3");
    assert_eq!((&list[0]["name"], &list[0]["rows"]), (&"sefa-0".into(), &"0-3".into()));
    assert_eq!(studio.get("/directions").json(), serde_json::json!(["own"]));
    // Files: the picture says how it was made, the styles make it again.
    let state = edit(r#"{"seed":3}"#, &along("own", "", 0, 2.5));
    std::fs::write(bench.path("edit.png"), studio.picture(&state, None).body).unwrap();
    assert_eq!(bench.text("edit.png", "stylegan:seed").as_deref(), Some("3"));
    assert_eq!(bench.text("edit.png", "stylegan:edit").as_deref(), Some("sefa-0=2.5 (style rows 0-3)"));
    let styles = studio.get(&format!("/styles?state={}", encoded(&state)));
    std::fs::write(bench.path("styles.safetensors"), styles.body).unwrap();
    bench.ok("generate --network tiny.safetensors --latents styles.safetensors --out again");
    assert!(bench.pixels("again/row0000.png").into_raw() == moved);
    // Sent back, they are edited as they are.
    let id = sent(&studio, "/styles", &std::fs::read(bench.path("styles.safetensors")).unwrap());
    let source = format!(r#"{{"styles":"{id}"}}"#);
    assert!(pixels(&mut page, 6, &edit(&source, "")) == moved);
    page.wish(7, &edit(r#"{"styles":"gone"}"#, ""));
    assert!(page.sentence()["message"].as_str().unwrap().contains("drop their file"));
    // Uploaded directions are the same ones.
    let own = std::fs::read(bench.path("own.safetensors")).unwrap();
    assert_eq!(studio.post("/directions?name=sent", &own).json()["name"], "sent");
    assert!(pixels(&mut page, 8, &edit(r#"{"seed":3}"#, &along("sent", "", 0, 2.5))) == moved);
}

/// A class that is chosen is that of seeds, and not of styles that are there already.
#[test]
fn styles_are_of_no_chosen_class() {
    let bench = Bench::new();
    let config = tiny(StyleGan1Config { c_dim: 4, ..StyleGan1Config::default() });
    bench.save_random("classes.safetensors", config, &[]);
    let studio = Studio::start(&bench, "--network classes.safetensors");
    let look = look(r#""network":"classes","class":2"#);
    let said = |source: &str| {
        let state = format!(r#"{{"view":"edit","look":{look},"source":{source},"moves":[]}}"#);
        std::fs::write(bench.path("edit.png"), studio.picture(&state, None).body).unwrap();
        let styles = studio.get(&format!("/styles?state={}", encoded(&state))).body;
        (bench.text("edit.png", "stylegan:class"), styles)
    };
    let (class, styles) = said(r#"{"seed":3}"#);
    assert_eq!(class.as_deref(), Some("2"));
    let id = sent(&studio, "/styles", &styles);
    let (class, again) = said(&format!(r#"{{"styles":"{id}"}}"#));
    assert_eq!(class, None);
    let names_class = |file: &[u8]| file.windows(14).any(|part| part == b"stylegan:class");
    assert!(names_class(&styles) && !names_class(&again));
}

/// Of networks that come with the program pages are told the directions and the names of classes.
#[test]
fn what_comes_along_has_names() {
    let bench = Bench::with_network();
    let studio = Studio::start(&bench, "--network tiny.safetensors");
    let mut page = studio.socket().unwrap();
    let built_in = |state: String| state.replace("tiny", "avatars-64");
    page.wish(1, &built_in(edit(r#"{"seed":3}"#, "")));
    assert_eq!(page.network()["directions"], "avatars-64");
    let plain = page.frame().pixels;
    let list = built_in(format!(r#"{{"look":{},"of":{}}}"#, look(""), along("avatars-64", "", 0, 0.)));
    let list = studio.get(&format!("/directions?list={}", encoded(&list))).json();
    let name = list[0]["name"].as_str().unwrap();
    page.wish(2, &built_in(edit(r#"{"seed":3}"#, &along("avatars-64", "", 0, 2.5))));
    let moved = page.frame().pixels;
    assert!(moved != plain);
    bench.ok(&format!("edit --network avatars-64 --seeds 3 --direction {name}=2.5 --out moved"));
    assert!(bench.pixels("moved/seed0003-edited.png").into_raw() == moved);
    // Other networks have none of them.
    page.wish(3, &edit(r#"{"seed":3}"#, &along("avatars-64", "", 0, 2.5)));
    assert!(page.network()["directions"].is_null());
    assert!(page.sentence()["message"].as_str().unwrap().contains("no directions avatars-64"));
    let id = sent(&studio, "/maps?width=64&height=64", &[0; 64 * 64]);
    page.wish(4, &paint(&id, r#"{"seed":5}"#).replace("painter", "earth-64-spade"));
    let classes = page.network()["map"]["classes"].clone();
    assert_eq!((&classes[0]["name"], &classes[16]["name"]), (&"water".into(), &"barren".into()));
    assert_eq!(classes[0]["colour"], serde_json::json!([91, 151, 211]));
    assert_eq!(page.frame().size, [64, 64]);
}

#[test]
fn a_picture_is_searched_for_and_given_up() {
    let (_bench, studio) = Studio::tiny();
    let id = sent(&studio, "/pictures", &photograph());
    assert_eq!(sent(&studio, "/pictures", &photograph()), id, "the same picture, another name");
    let mut page = studio.socket().unwrap();
    let source = format!(r#"{{"picture":"{id}"}}"#);
    page.wish(1, &edit(&source, ""));
    assert!(page.sentence()["message"].as_str().unwrap().contains("Find its styles"));
    page.wish(2, &invert(&id, 23));
    for cell in 0..5 {
        let frame = page.frame();
        assert_eq!((frame.seq, frame.cell, frame.cells, frame.size), (2, cell, 5, [16, 16]));
    }
    let found = pixels(&mut page, 3, &edit(&source, ""));
    assert!(found != pixels(&mut page, 4, &edit(&source, &along("sefa", "", 0, 3.))));
    // What was found outlasts the network's being closed for two others.
    for name in ["avatars-64", "avatars-32"] {
        pixels(&mut page, 4, &edit(r#"{"seed":1}"#, "").replace("tiny", name));
    }
    assert!(pixels(&mut page, 4, &edit(&source, "")) == found);
    page.wish(4, &edit(r#"{"picture":"gone"}"#, ""));
    assert!(page.sentence()["message"].as_str().unwrap().contains("drop its file"));
    // Of a longer search some is seen, then no more; what was found can be edited.
    page.wish(5, &invert(&id, 2000));
    assert_eq!(page.frame().cell, 0);
    page.stop(6, "invert");
    page.wish(7, &edit(&source, ""));
    let mut late = 0;
    loop {
        let frame = page.frame();
        if frame.seq == 7 {
            break;
        }
        assert_eq!(frame.seq, 5);
        late += 1;
        assert!(late < 20, "the search goes on");
    }
    page.wish(8, &edit(&source, ""));
    assert_eq!(page.frame().seq, 8, "the search goes on");
    // A page that goes takes its search with it, and others have theirs.
    page.wish(9, &invert(&id, 2000));
    page.frame();
    drop(page);
    let mut other = studio.socket().unwrap();
    other.wish(1, &invert(&id, 10));
    assert_eq!((other.frame().cell, other.frame().cell), (0, 1));
}

/// With an encoder a search is that of `stylegan invert --encoder`, begun at what the encoder finds.
#[test]
fn a_search_starts_from_an_encoder() {
    let bench = Bench::with_network();
    encoder(&bench, "encoder.safetensors", 6);
    std::fs::write(bench.path("face.png"), photograph()).unwrap();
    bench.ok("invert --network tiny.safetensors --encoder encoder.safetensors --steps 5 --out found face.png");
    let searched = |options: &str| {
        let studio = Studio::start(&bench, &format!("--network tiny.safetensors {options}"));
        let mut page = studio.socket().unwrap();
        pixels(&mut page, 1, &invert(&sent(&studio, "/pictures", &photograph()), 5))
    };
    let with = searched("--encoder encoder.safetensors");
    assert!(with == bench.pixels("found/face-reconstruction.png").into_raw());
    assert!(with != searched(""));
    // One for another network leaves the search as it is.
    encoder(&bench, "other.safetensors", 8);
    assert!(searched("--encoder other.safetensors") == searched(""));
    bench.one_sentence("studio --encoder tiny.safetensors --no-open", &["holds no encoder"]);
}

#[test]
fn maps_are_painted_as_by_the_command() {
    let bench = Bench::with_network();
    std::fs::create_dir_all(bench.path("runs/painter")).unwrap();
    let network = "runs/painter/network-000001.safetensors";
    save_painter(&bench.path(network), SpadeConfig { z_dim: 8, ..config() }, &["sky", "field", "lake", "wood"]);
    let map = GrayImage::from_fn(32, 32, |x, y| Luma([if x + y < 8 { 3 } else { (x / 11) as u8 }]));
    map.save(bench.path("map.png")).unwrap();
    std::fs::write(bench.path("style.png"), photograph()).unwrap();
    bench.ok(&format!("paint --network {network} --map map.png --seeds 5 --out seed.png"));
    bench.ok(&format!("paint --network {network} --map map.png --style style.png --out style-of.png"));
    let studio = Studio::start(&bench, "--network tiny.safetensors");
    let mut page = studio.socket().unwrap();
    let id = sent(&studio, "/maps?width=32&height=32", map.as_raw());
    assert!(pixels(&mut page, 1, &paint(&id, r#"{"seed":5}"#)) == bench.pixels("seed.png").into_raw());
    let style = format!(r#"{{"picture":"{}"}}"#, sent(&studio, "/pictures", &photograph()));
    assert!(bench.pixels("seed.png") != bench.pixels("style-of.png"));
    assert!(pixels(&mut page, 2, &paint(&id, &style)) == bench.pixels("style-of.png").into_raw());
    // A file of the same map is the same map, and comes back as it was.
    let file = "/map-files?network=painter&width=32&height=32";
    assert_eq!(sent(&studio, file, &png(map.clone())), id);
    assert!(&studio.get(&format!("/maps/{id}")).body == map.as_raw());
    std::fs::write(bench.path("back.png"), studio.get(&format!("/maps/{id}/file")).body).unwrap();
    assert_eq!(image::open(bench.path("back.png")).unwrap().into_luma8(), map);
    std::fs::write(bench.path("painted.png"), studio.picture(&paint(&id, r#"{"seed":5}"#), None).body).unwrap();
    assert!(bench.text("painted.png", "stylegan:map").is_some_and(|text| text.contains(&id)));
    // Each network in its room.
    for (seq, state, part) in [
        (10, paint(&id, r#"{"seed":5}"#).replace("painter", "tiny"), "SPADE"),
        (11, edit(r#"{"seed":1}"#, "").replace("tiny", "painter"), "room Paint"),
        (12, paint("absent", r#"{"seed":5}"#), "no longer keeps"),
        (13, paint(&sent(&studio, "/maps?width=32&height=32", &[9; 1024]), r#"{"seed":5}"#), "class 9 in column 0"),
        (14, paint(&sent(&studio, "/maps?width=8&height=4", &[0; 32]), r#"{"seed":5}"#), "shape"),
    ] {
        page.wish(seq, &state);
        let told = page.sentence();
        assert!(told["seq"] == seq && told["message"].as_str().unwrap().contains(part), "{told}");
    }
}

#[test]
fn what_is_sent_is_checked() {
    let (_bench, studio) = Studio::tiny();
    let huge = png(GrayImage::new(9000, 9000));
    for (path, body, status, part) in [
        ("/pictures", &b"no picture"[..], 400, "picture"),
        ("/styles", &b"no styles"[..], 400, "styles"),
        ("/pictures", &huge[..], 400, "9000x9000"),
        ("/pictures", &vec![0; (32 << 20) + 1][..], 413, "32 MiB"),
        ("/maps?width=32&height=32", &[0; 1023][..], 400, "1023 classes"),
        ("/maps?width=100000&height=100000", &[0; 16][..], 400, "100000x100000"),
        ("/maps?width=0&height=0", &[][..], 400, "0x0"),
        ("/maps?width=18446744073709551615&height=2", &[0; 2][..], 400, "map"),
        ("/maps?width=-1&height=2", &[][..], 400, "width"),
        ("/maps", &[][..], 400, "width"),
        ("/map-files?network=tiny&width=32&height=32", &b"no map"[..], 400, "map"),
        ("/map-files?network=tiny&width=18446744073709551615&height=2", &b"no map"[..], 400, "2048 pixels"),
        ("/map-files?network=tiny&width=32&height=32", &huge[..], 400, "more than the 2048x2048"),
        ("/directions?name=sefa", &[0; 64][..], 400, "name"),
        ("/directions?name=x", &[0; 64][..], 400, "x"),
        ("/directions", &[0; 64][..], 400, "name"),
    ] {
        let answer = studio.post(path, body);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains(part), "{path}: {}", answer.text());
    }
    for path in ["/maps/absent", "/maps/absent/file", "/maps/..%2F..%2Fetc%2Fpasswd"] {
        assert_eq!(studio.get(path).status, 404, "{path}");
    }
    for path in ["/styles", "/styles?state=%7B%7D", "/directions?list=%7B%7D"] {
        assert_eq!(studio.get(path).status, 400, "{path}");
    }
    // States that do not fit are refused in words, and the page goes on.
    let mut page = studio.socket().unwrap();
    for (seq, state, part) in [
        (1, edit(r#"{"seed":1}"#, &along("absent", "", 0, 1.)), "no directions absent"),
        (2, edit(r#"{"seed":1}"#, &along("sefa", "", 999, 1.)), "counted from 0"),
        (3, edit(r#"{"seed":1}"#, &along("sefa", "77", 0, 1.)), "style row 77"),
        (4, edit(r#"{"picture":"../../etc/passwd"}"#, ""), "no longer keeps"),
        (5, invert("absent", 10), "no longer keeps"),
    ] {
        page.wish(seq, &state);
        let told = page.sentence();
        assert!(told["seq"] == seq && told["message"].as_str().unwrap().contains(part), "{told}");
    }
    assert!(!pixels(&mut page, 6, &edit(r#"{"seed":1}"#, "")).is_empty());
}
