//! `stylegan mix` and `stylegan figures`.

use crate::bench::Bench;

#[test]
fn a_table_has_its_seeds_at_the_borders() {
    let bench = Bench::with_network();
    bench.ok("mix --network tiny.safetensors --rows 0-1 --cols 5-7 --styles 0-3 --out mix.png");
    assert_eq!(bench.size("mix.png"), (4 * 16, 3 * 16));
    bench.ok("mix --network tiny.safetensors --rows 0 --cols 5 --styles 0-5 --out out");
    bench.ok("generate --network tiny.safetensors --seeds 5 --out five.png");
    // With all style rows from the column, the mix is the column's picture.
    let read = |name: &str| image::open(bench.path(name)).unwrap().to_rgb8();
    assert_eq!(read("out/row0000-col0005.png"), read("five.png"));
    bench.one_sentence("mix --network tiny.safetensors --rows 0 --cols 5 --styles 6", &["style rows 0 to 5"]);
    bench.one_sentence("mix --network tiny.safetensors --rows 0 --cols 5 --styles fine", &["6 style rows"]);
    bench.wrong("mix --network tiny.safetensors --rows 0 --cols 5 --styles rough", &["coarse, middle and fine"]);
}

#[test]
fn all_figures_are_drawn() {
    let bench = Bench::with_network();
    bench.ok("figures --network tiny.safetensors --seeds 0-3 --realisations 5 --out figures");
    // 6 style rows: coarse (4 rows) and middle (2), no fine. Two seeds are columns; the two rows are
    // both of the coarse table, so there is one table of 3 x 3 cells.
    assert_eq!(bench.size("figures/figure-mixing.png"), (48, 48));
    assert_eq!(bench.size("figures/figure-deviation.png"), (6 * 16, 2 * 16));
    assert_eq!(bench.size("figures/figure-noise.png"), (4 * 16, 2 * 16));
    assert_eq!(bench.size("figures/figure-truncation.png"), (6 * 16, 2 * 16));
    bench.one_sentence("figures --network tiny.safetensors --seeds 1", &["two seeds"]);
}

#[test]
fn figures_of_noise_need_noise() {
    let bench = Bench::new();
    let pggan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/pggan_tf.pkl");
    let ran = bench.run(&format!("figures --network {pggan} --seeds 0-1 --out figures"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("figure-noise.png is left out: noise changes nothing"), "{}", ran.stderr);
    assert!(bench.path("figures/figure-mixing.png").exists());
    assert!(!bench.path("figures/figure-noise.png").exists() && !bench.path("figures/figure-deviation.png").exists());
}
