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
    bench.one_sentence("interpolate --network tiny.safetensors --seeds 1", &["at least two seeds"]);
    bench.one_sentence("interpolate --network tiny.safetensors --seeds 1,2 --out walk.bmp", &[".bmp", ".gif"]);
}
