//! `stylegan interpolate`.

use crate::bench::Bench;

#[test]
fn frames_pass_through_the_seeds() {
    let bench = Bench::with_network();
    let read = |name: &str| image::open(bench.path(name)).unwrap().to_rgb8();
    bench.ok("generate --network tiny.safetensors --seeds 1-2 --out seeds");
    for space in ["w", "z"] {
        bench.ok(&format!(
            "interpolate --network tiny.safetensors --seeds 1,2 --frames 3 --space {space} --out {space}"
        ));
        assert_eq!(std::fs::read_dir(bench.path(space)).unwrap().count(), 6);
        // In Z latents are scaled to length 1 on the way, which the network's normalisation undoes up
        // to rounding: one grey level.
        for (frame, seed) in [("frame000000", "seed0001"), ("frame000003", "seed0002")] {
            let (a, b) = (read(&format!("{space}/{frame}.png")), read(&format!("seeds/{seed}.png")));
            let worst = a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= u8::from(space == "z"), "{space} {frame}: {worst}");
        }
    }
}

#[test]
fn films_have_all_frames() {
    let bench = Bench::with_network();
    bench.ok("interpolate --network tiny.safetensors --seeds 1-3 --frames 2 --open --zoom 2 --out walk.gif");
    assert_eq!(bench.size("walk.gif"), (32, 32));
    bench.ok("interpolate --network tiny.safetensors --seeds 1-2 --frames 2 --out walk.png");
    assert_eq!(bench.size("walk.png"), (256, 256));
    assert_eq!(bench.text("walk.png", "stylegan:walk").unwrap(), "1-2");
    bench.one_sentence("interpolate --network tiny.safetensors --seeds 1", &["at least two seeds"]);
    bench.one_sentence("interpolate --network tiny.safetensors --seeds 1,2 --out walk.bmp", &[".bmp", ".gif"]);
}

/// A GIF counts in hundredths of a second, and browsers show frames of less than two of them for ten.
#[test]
fn gifs_run_at_the_speed_that_was_asked_for() {
    use image::AnimationDecoder;
    let bench = Bench::with_network();
    for fps in [1_usize, 7, 24, 30, 50, 60, 100] {
        let line =
            format!("interpolate --network tiny.safetensors --seeds 1,2 --frames 50 --zoom 1 --fps {fps} --out a.gif");
        let ran = bench.run(&line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("at most 50 frames a second"), fps > 50, "{}", ran.stderr);
        let file = std::io::BufReader::new(std::fs::File::open(bench.path("a.gif")).unwrap());
        let frames = image::codecs::gif::GifDecoder::new(file).unwrap().into_frames().collect_frames().unwrap();
        let delays: Vec<u32> = frames.iter().map(|frame| frame.delay().numer_denom_ms().0).collect();
        assert!(delays.iter().all(|&delay| delay >= 20), "{fps}: {delays:?}");
        let seconds = f64::from(delays.iter().sum::<u32>()) / 1000.0;
        let expected = 100.0 / fps as f64;
        assert!((seconds - expected).abs() <= 0.021, "{fps}: {seconds} for {expected}");
        assert_eq!(frames.len(), 5000_usize.div_ceil(fps.max(50)), "{fps}");
        assert!(ran.stderr.contains(&format!("{} frames in a.gif", frames.len())), "{}", ran.stderr);
    }
}
