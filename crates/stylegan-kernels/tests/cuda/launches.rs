//! Launches that no GPU could run, and those with nothing to do. Needs neither a compiler nor a GPU.

use stylegan_kernels::Filter;
use stylegan_kernels::augment::AffineMap;
use stylegan_kernels::cuda::conv::Columns;
use stylegan_kernels::cuda::label::LabelWindows;
use stylegan_kernels::cuda::upfirdn2d::{UpFirDn, upfirdn2d};
use stylegan_kernels::cuda::{Epilogue, Launch, augment, bias_act, modulate, norm, pad, resample};

#[track_caller]
fn refused<T>(result: candle_core::Result<T>, because: &str) {
    let Err(error) = result else { panic!("taken, though {because}") };
    assert!(error.to_string().contains(because), "{error}");
}

fn filtered(taps: usize, size: usize, down: usize) -> candle_core::Result<Launch<impl Copy>> {
    let filter = Filter::new(&(0..taps * taps).map(|i| (i * i % 7) as f64).collect::<Vec<_>>(), taps, taps)?;
    let op = UpFirDn { filter: &filter, up: [1; 2], down: [down; 2], pad: [0; 2], flip: false, gain: 1. };
    let out = (size - taps) / down + 1;
    Ok(upfirdn2d(1, [size; 2], [out; 2], op, Epilogue::none())?.0)
}

#[test]
fn what_no_gpu_could_run_is_refused() {
    refused(bias_act::bias_act(1, 1 << 31, Epilogue::none()), "2147483648 pixels are more than the 2^31");
    refused(modulate::channel_scale(1 << 31, 2048), "blocks are more than");
    refused(norm::pixel_norm([1 << 20, 3, 1 << 20], 1e-8), "pixels are more than");
    refused(resample::bilinear(1, [4, 30_001], [4, 4], false), "expected at most 30000");
    refused(pad::reflect_pad(1, [4, 1 << 30], 3), "pixels are more than");
    let columns = Columns { x: [1, 1, 4, 4], kernel: [1; 2], out: [4; 2], stride: 1, padding: 0 };
    let labels = LabelWindows { columns, outputs: 1, classes: (1 << 23) + 1 };
    refused(labels.conv(), "8388609 classes, expected at most 8388608");
    refused(augment::affine_resample(&[AffineMap::IDENTITY], 3, [1 << 15; 2]), "samples are more than");
    refused(augment::cutout(&[], 3, [1, 1 << 23]), "expected at most 4194304 along a side");
    refused(filtered(120, 500, 1), "larger than the GPU's shared memory");
}

#[test]
fn tiles_shrink_until_shared_memory_holds_them() {
    for (taps, down) in [(3, 1), (3, 2), (9, 8), (40, 1), (70, 3)] {
        let launch = filtered(taps, 500, down).unwrap();
        assert!(launch.shared <= 48 << 10 && launch.blocks > 0, "{taps} taps: {} bytes", launch.shared);
    }
}

#[test]
fn nothing_to_do_is_no_block() {
    assert_eq!(bias_act::bias_act(0, 64, Epilogue::none()).unwrap().blocks, 0);
    assert_eq!(norm::instance_style(0, 64, 1e-8).unwrap().blocks, 0);
    assert_eq!(augment::affine_resample(&[], 3, [64; 2]).unwrap().0.blocks, 0);
    assert_eq!(augment::color_transform(&[], 3, [64; 2]).unwrap().0.blocks, 0);
    // Sums over no samples are zeros, and are written.
    assert_eq!(bias_act::channel_sum([0, 5, 64], 1, 1.).unwrap().0.blocks, 5);
}
