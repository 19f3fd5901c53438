//! `stylegan interpolate`.

use crate::bench::Bench;
use crate::generate::tiny;
use stylegan_core::GeneratorConfig;
use stylegan_core::pggan::PgganConfig;
use stylegan_core::stylegan1::StyleGan1Config;

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
        // In Z latents are turned and scaled in f64 on the way, and rounded: one grey level.
        for (frame, seed) in [("frame000000", "seed0001"), ("frame000003", "seed0002")] {
            let (a, b) = (read(&format!("{space}/{frame}.png")), read(&format!("seeds/{seed}.png")));
            let worst = a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= u8::from(space == "z"), "{space} {frame}: {worst}");
        }
    }
}

/// Walks in Z pass through their seeds also where the length of a latent counts: beside a label, and where nothing
/// normalises it.
#[test]
fn lengths_of_latents_count() {
    let plain = StyleGan1Config::default;
    let pggan = |c_dim, normalize_latents| {
        GeneratorConfig::Pggan(PgganConfig {
            img_size: [16, 16],
            z_dim: 8,
            c_dim,
            channel_base: 64,
            channel_max: 8,
            normalize_latents,
            // It would take a latent's length out again.
            pixel_norm: normalize_latents,
            ..PgganConfig::default()
        })
    };
    let bench = Bench::new();
    for (name, config, class) in [
        ("sg1-class", tiny(StyleGan1Config { c_dim: 4, ..plain() }), "--class 2"),
        ("sg1-plain", tiny(StyleGan1Config { normalize_latents: false, ..plain() }), ""),
        ("pggan-class", pggan(4, true), "--class 2"),
        ("pggan-plain", pggan(0, false), ""),
    ] {
        bench.save_random(&format!("{name}.safetensors"), config, &[]);
        let network = format!("--network {name}.safetensors {class}");
        bench.ok(&format!("generate {network} --seeds 1-2 --out {name}-seeds"));
        bench.ok(&format!("interpolate {network} --seeds 1,2 --frames 1 --space z --out {name}-walk"));
        for (frame, seed) in [("frame000000", "seed0001"), ("frame000001", "seed0002")] {
            let (a, b) =
                (bench.pixels(&format!("{name}-walk/{frame}.png")), bench.pixels(&format!("{name}-seeds/{seed}.png")));
            // Turned and scaled in f64, and rounded: one grey level.
            let worst = a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= 1, "{name} {frame}: {worst}");
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
    bench.ok("interpolate --network tiny.safetensors --seeds 1-2 --frames 2 --space z --out frames");
    let said = ["walk-space", "walk-frames", "frame"]
        .map(|key| bench.text("frames/frame000001.png", &format!("stylegan:{key}")));
    assert_eq!(said.map(Option::unwrap), ["z", "2", "1"]);
    bench.one_sentence("interpolate --network tiny.safetensors --seeds 1", &["at least two seeds"]);
    bench.one_sentence("interpolate --network tiny.safetensors --seeds 1,2 --out walk.bmp", &[".bmp", ".gif"]);
    bench.one_sentence(
        "interpolate --network tiny.safetensors --seeds 1,2 --fps 20 --out folder",
        &["--fps is for films", "folder"],
    );
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
