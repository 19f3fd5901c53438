//! Films of the studio from outside.
#![cfg(unix)]

use crate::bench::Bench;
use crate::studio::{Studio, at, encoded, look};

fn film(scene: &str, steps: usize) -> String {
    format!(r#"{{"view":"film","look":{},"scene":{scene},"steps":{steps},"fps":20}}"#, look(""))
}

fn link(state: &str) -> String {
    format!("/films?state={}", encoded(state))
}

#[test]
fn a_walk_is_that_of_the_command() {
    let (bench, studio) = Studio::tiny();
    let state = film(r#"{"walk":{"seeds":[3,7,5]}}"#, 4);
    assert_eq!(studio.get(&link(&state)).status, 404);
    assert_eq!(studio.get("/films").status, 400);
    let mut page = studio.socket().unwrap();
    page.wish(1, &state);
    for cell in 0..12 {
        let frame = page.frame();
        assert_eq!((frame.seq, frame.cell, frame.cells, frame.size), (1, cell, 12, [16, 16]));
    }
    bench.ok("interpolate --network tiny.safetensors --seeds 3,7,5 --frames 4 --fps 20 --out walk.gif");
    let made = studio.get(&link(&state));
    assert!(made.body == std::fs::read(bench.path("walk.gif")).unwrap());
}

#[test]
fn an_edit_goes_there_and_back() {
    let (_bench, studio) = Studio::tiny();
    let mut page = studio.socket().unwrap();
    let moves = |strength: f64| format!(r#"{{"by":"sefa","rows":[],"direction":0,"strength":{strength}}}"#);
    let source = r#""source":{"seed":3}"#;
    page.wish(1, &film(&format!(r#"{{"edit":{{{source},"moves":[{}]}}}}"#, moves(3.)), 5));
    let frames: Vec<_> = (0..10).map(|_| page.frame().pixels).collect();
    for (seq, strength, frame) in [(2, 0., 0), (3, 3., 5)] {
        page.wish(seq, &format!(r#"{{"view":"edit","look":{},{source},"moves":[{}]}}"#, look(""), moves(strength)));
        assert!(page.frame().pixels == frames[frame], "strength {strength}");
    }
    assert!(frames[2] == frames[8] && frames[2] != frames[5] && frames[2] != frames[0]);
}

#[test]
fn films_hold_up_nobody_and_end() {
    let (_bench, studio) = Studio::tiny();
    let (mut page, mut other) = (studio.socket().unwrap(), studio.socket().unwrap());
    let seeds = (0..16).map(|seed| seed.to_string()).collect::<Vec<_>>().join(",");
    let walk = |steps| film(&format!(r#"{{"walk":{{"seeds":[{seeds}]}}}}"#), steps);
    page.wish(1, &walk(240));
    let told = page.sentence()["message"].as_str().unwrap().to_owned();
    assert!(told.contains("3840 frames of 256x256") && told.contains("1024 fit"), "{told}");
    page.wish(2, &walk(60));
    assert_eq!(page.frame().cell, 0);
    // Another page has its picture, and so has this one, long before the film is done.
    other.wish(1, &at(1., 0.));
    assert_eq!(other.frame().seq, 1);
    page.wish(3, &at(1., 0.));
    let before = (0..).take_while(|_| page.frame().seq != 3).count();
    assert!(before < 100, "{before} frames came first");
    page.stop(4, "film");
    page.wish(5, &at(2., 0.));
    let late = (0..).take_while(|_| page.frame().seq != 5).count();
    assert!(late < 20, "{late} frames of a film that was given up");
    assert_eq!(studio.get(&link(&walk(60))).status, 404);
}

/// Those that are made of a network that paints.
#[test]
fn painters_make_none() {
    let bench = Bench::new();
    let studio = Studio::start(&bench, "");
    let mut page = studio.socket().unwrap();
    page.wish(1, &film(r#"{"walk":{"seeds":[3,7]}}"#, 4).replace("tiny", "earth-64-spade"));
    assert!(page.sentence()["message"].as_str().unwrap().contains("room Paint"));
}
