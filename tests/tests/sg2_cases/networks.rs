//! Networks against the official PyTorch code.

use super::*;
use stylegan_core::latent::{mix, truncate};
use stylegan_core::stylegan2::{StyleGan2Discriminator, StyleGan2Generator, StyleGan2Mapping, StyleGan2MappingConfig};
use stylegan_core::{Condition, Discriminator, Generator, NoiseMode, SynthesisOptions, broadcast_ws};

fn label(io: &Tensors, config_c_dim: usize, place: &Place) -> Option<Tensor> {
    (config_c_dim > 0).then(|| io.at("c", place))
}

/// Styles, pictures and feature maps.
pub(crate) fn check_generator(case: &str, place: &Place) {
    let (json, io) = (json(case), tensors(&format!("{case}.io")));
    let config = generator_config(&json["kwargs"]);
    // The official code's own f32 against its f64 differs this much on pictures; ours may differ
    // by five times that.
    let single = 5. * json["f32_vs_f64_maxabs"].as_f64().unwrap();
    let bound = place.bound(1e-10, single);
    let params = weights(case, place);
    let g = StyleGan2Generator::new(&config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new(), "{case}");
    assert_eq!(g.spec().num_ws as u64, json["num_ws"].as_u64().unwrap());

    let w = g.mapping(&io.at("z", place), label(&io, config.c_dim, place).as_ref().into()).unwrap();
    let ws = broadcast_ws(&w, g.spec().num_ws).unwrap();
    within(&format!("{case} {place} ws"), largest_difference(&ws, io.get("ws_f64")), bound);
    let run = |ws: &Tensor, noise| g.synthesis(ws, &SynthesisOptions::with_noise(noise)).unwrap();
    within(&format!("{case} picture"), largest_difference(&run(&ws, NoiseMode::Const), io.get("img_const_f64")), bound);

    // The rest was stored as f32 results of the f32 network: the bounds of f32 hold for both.
    let bound = bound.max(single);
    within(&format!("{case} no noise"), largest_difference(&run(&ws, NoiseMode::None), io.get("img_none")), bound);
    // ws_mix5: rows from 5 on are those of the sample before.
    let before = Tensor::cat(&[ws.narrow(0, 2, 1).unwrap(), ws.narrow(0, 0, 2).unwrap()], 0).unwrap();
    let mixed = mix(&ws, &[(&before, 5..g.spec().num_ws)]).unwrap();
    within(&format!("{case} mixed"), largest_difference(&run(&mixed, NoiseMode::Const), io.get("img_mix5")), bound);
    let w_avg = g.w_avg().unwrap();
    let all = truncate(&ws, w_avg, 0.7, None).unwrap();
    within(&format!("{case} psi 0.7"), largest_difference(&all, io.get("ws_psi0.7")), bound);
    let cut = truncate(&ws, w_avg, 0.7, Some(4)).unwrap();
    within(&format!("{case} psi 0.7 cutoff 4"), largest_difference(&cut, io.get("ws_psi0.7_cut4")), bound);
    let found = run(&cut, NoiseMode::Const);
    within(&format!("{case} cut picture"), largest_difference(&found, io.get("img_psi0.7_cut4")), bound);

    // Feature maps reach magnitudes of about 10, so they round ten times as coarsely as
    // pictures; sample 0 alone, as it was stored.
    let mut seen = 0;
    let one = ws.narrow(0, 0, 1).unwrap();
    g.synthesis
        .trace(&one, &SynthesisOptions::default(), &mut |name, x| {
            if let Some((_, expected)) = io.below("act.").iter().find(|(other, _)| other == name) {
                within(&format!("{case} {name}"), largest_difference(x, expected), 10. * bound);
                seen += 1;
            }
        })
        .unwrap();
    let stored = io.below("act.").iter().filter(|(name, _)| !name.ends_with("affine")).count();
    assert_eq!(seen, stored, "{case}: feature maps compared");
}

/// Logits of batches of several sizes.
pub(crate) fn check_discriminator(case: &str, place: &Place) {
    let (json, io) = (json(case), tensors(&format!("{case}.io")));
    let config = discriminator_config(&json["kwargs"]);
    let bound = 5. * json["f32_vs_f64_maxabs"].as_f64().unwrap();
    let exact = place.bound(1e-11, bound);
    let params = weights(case, place);
    let d = StyleGan2Discriminator::new(&config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new(), "{case}");
    let (img, c) = (io.at("img", place), label(&io, config.c_dim, place));
    let logits = |n: usize| {
        let c = c.as_ref().map(|c| c.narrow(0, 0, n).unwrap());
        d.logits(&img.narrow(0, 0, n).unwrap(), c.as_ref().into(), 0.).unwrap()
    };
    within(&format!("{case} n 8"), largest_difference(&logits(8), io.get("logits_n8_f64")), exact);
    // Other batch sizes form other groups of the minibatch standard deviation. Stored as f32.
    for n in [4, 2, 1] {
        let expected = io.get(&format!("logits_n{n}"));
        within(&format!("{case} n {n}"), largest_difference(&logits(n), expected), bound.max(exact));
    }
}

pub(crate) fn mapping_with_all_widths_different(place: &Place) {
    let (json, io) = (json("mapping"), tensors("mapping.io"));
    let kwargs = &json["kwargs"];
    let number = |name: &str| kwargs[name].as_u64().unwrap() as usize;
    let config = StyleGan2MappingConfig {
        z_dim: number("z_dim"),
        c_dim: number("c_dim"),
        w_dim: number("w_dim"),
        layers: number("num_layers"),
        embed_width: number("embed_features"),
        width: number("layer_features"),
        lr: kwargs["lr_multiplier"].as_f64().unwrap(),
        track_w_avg: true,
    };
    let params = weights("mapping", place);
    let mapping = StyleGan2Mapping::new(config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    let [z, c] = ["z", "c"].map(|name| io.at(name, place));
    let w = mapping.forward(Some(&z), (&c).into()).unwrap();
    let ws = broadcast_ws(&w, number("num_ws")).unwrap();
    // Styles are of order 1 and pass three layers: a few units of the last place.
    within("ws", largest_difference(&ws, io.get("ws")), 2e-6);
    let w_avg = mapping.w_avg().unwrap();
    within("psi 0.5", largest_difference(&truncate(&ws, w_avg, 0.5, None).unwrap(), io.get("ws_psi0.5")), 2e-6);
    within(
        "cutoff 3",
        largest_difference(&truncate(&ws, w_avg, 0.5, Some(3)).unwrap(), io.get("ws_psi0.5_cut3")),
        2e-6,
    );

    assert!(mapping.forward(Some(&z), Condition::None).is_err(), "a conditional network needs its label");
    assert!(mapping.forward(Some(&c), (&c).into()).is_err(), "latents of another width");
}
