//! Layers of networks of 256 pixels (StyleGAN2, config F) whole, batch 1, where the other tests take small shapes: forward and
//! gradients, in one order of threads, as the others show that all orders do the same.

use super::emulator::Emulator;
use super::{bias_act, conv, modulate, norm, resample, spade_norm, upfirdn2d};
use stylegan_kernels::Filter;
use stylegan_kernels::resize::Windows;

/// Channels and side.
const LAYERS: [(usize, usize); 4] = [(512, 32), (256, 64), (128, 128), (64, 256)];
const LARGEST: [usize; 4] = [1, 64, 256, 256];

/// Each layer `[1, c, h, w]`.
fn each(mut check: impl FnMut(&mut Emulator, [usize; 4])) {
    let Some(mut emulator) = Emulator::in_one_order() else { return };
    for (c, side) in LAYERS {
        check(&mut emulator, [1, c, side, side]);
    }
}

#[test]
fn styles() {
    each(modulate::closed);
    let Some(mut emulator) = Emulator::in_one_order() else { return };
    for (ins, outs) in [(512, 512), (512, 256), (128, 64)] {
        modulate::demodulated(&mut emulator, [1, ins, outs]);
    }
}

#[test]
fn ends_of_layers() {
    each(bias_act::forward);
    each(bias_act::backward);
}

/// Into a layer, at its size and out of it: an eighth of the channels, as planes are what matters.
#[test]
fn filters() {
    let filter = Filter::separable(&[1., 3., 3., 1.]);
    each(|emulator, [n, c, h, w]| {
        let case = |side: usize, up, down, padding| upfirdn2d::Case {
            shape: [n, c / 8, side, side],
            filter: filter.clone(),
            up: [up; 2],
            down: [down; 2],
            padding,
        };
        upfirdn2d::check(emulator, &case(h / 2, 2, 1, [2, 1, 2, 1]));
        upfirdn2d::check(emulator, &case(h, 1, 1, [2, 1, 2, 1]));
        upfirdn2d::check(emulator, &case(h, 1, 2, [1, 1, 1, 1]));
        upfirdn2d::with_end(emulator, [n, c / 8, h, w]);
    });
}

/// To eight channels, as planes are what matters; all channels at 4x4.
#[test]
fn winograd() {
    each(|emulator, shape| conv::winograd(emulator, shape, 8, 1));
    let Some(mut emulator) = Emulator::in_one_order() else { return };
    conv::winograd(&mut emulator, [1, 512, 4, 4], 512, 1);
}

/// An eighth of the channels, nine times an image is long; pictures come from all.
#[test]
fn columns() {
    each(|emulator, [n, c, h, w]| {
        conv::columns(emulator, [n, c / 8, h, w], [8, 3, 3], 1, 1);
        // Of a filtered image, which is larger by two.
        conv::columns(emulator, [n, c / 8, h + 1, w + 1], [8, 3, 3], 2, 0);
        conv::columns(emulator, [n, c, h, w], [3, 1, 1], 1, 0);
    });
}

#[test]
fn changes_of_size() {
    each(|emulator, [n, c, h, w]| {
        resample::blocks(emulator, [n, c, h / 2, w / 2], 2);
        resample::bilinear(emulator, c, [h / 2, w / 2], [h, w]);
    });
    let Some(mut emulator) = Emulator::in_one_order() else { return };
    resample::maxima(&mut emulator, LARGEST, Windows { size: 2, stride: 2, padding: 0, over: false });
}

/// An eighth of the channels: each is normalised in seven ways.
#[test]
fn normalisation_by_maps() {
    each(|emulator, [n, c, h, w]| spade_norm::normalised(emulator, [n, c / 8, h, w]));
}

#[test]
fn instance_styles() {
    each(norm::styled);
}

#[test]
fn lengths_of_pixels() {
    each(norm::pixels);
}

/// The last layer of the discriminator.
#[test]
fn minibatch_stddev() {
    let Some(mut emulator) = Emulator::in_one_order() else { return };
    norm::spread(&mut emulator, [1, 512, 4, 4], 1, 1);
    norm::spread(&mut emulator, [8, 512, 4, 4], 4, 1);
}
