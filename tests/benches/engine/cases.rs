//! What is measured: the shapes that style-based networks spend their time in, and how much faster
//! than each peer we want to be.

use crate::spec::{Features, Network, Pass, Products, Resample, Shape, Spec};

/// One piece of work and its targets: peer and ratio of seconds.
pub(crate) struct Case {
    pub(crate) spec: Spec,
    pub(crate) targets: Vec<(&'static str, f64)>,
}

/// Names of the cases that tell most in two minutes.
pub(crate) const QUICK: [&str; 7] = [
    "conv 3x3 forward b4 512@32",
    "conv 3x3 weight gradient b4 128@128",
    "conv 1x1 forward b4 128@128",
    "upfirdn2d 4x4 up 2 b4 64@128",
    "stylegan2 synthesis 256 b1",
    "stylegan1 synthesis 256 b1",
    "inception 299 b8",
];

/// All cases, operations first.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = convolutions();
    cases.extend([Resample::Same, Resample::Up, Resample::Down].map(|resample| Case {
        spec: Spec::Filter { resample, batch: 4, channels: 64, size: 128 },
        targets: vec![("torch", 10.0)],
    }));
    cases.extend([(32, 64), (8, 256)].into_iter().flat_map(|(batch, size)| {
        [false, true].map(|gradient| Case { spec: Spec::Augment { gradient, batch, size }, targets: vec![] })
    }));
    cases.extend([(64, 1024, 96), (256, 16384, 512)].into_iter().flat_map(|(size, channel_base, channel_max)| {
        [false, true].map(|augmented| Case {
            spec: Spec::Discriminate { batch: 8, size, channel_base, channel_max, augmented },
            targets: vec![],
        })
    }));
    cases.extend(syntheses());
    cases.push(Case {
        spec: Spec::Paint { size: 256, batch: 1, channels: 64 },
        targets: vec![("onnxruntime", 1.8), ("openvino", 1.8), ("mnn", 1.8)],
    });
    cases.push(Case { spec: Spec::Encode { size: 256, batch: 1 }, targets: vec![("torch", 3.0), ("openvino", 1.7)] });
    cases.push(Case { spec: Spec::PainterIteration, targets: vec![("torch", 3.0)] });
    cases.extend(
        [Network::StyleGan2, Network::StyleGan1]
            .map(|network| Case { spec: Spec::Iteration { network }, targets: vec![("torch", 3.0)] }),
    );
    cases.extend(
        [Features::Inception, Features::LpipsVgg]
            .map(|network| Case { spec: Spec::Features { network }, targets: vec![("torch", 2.5)] }),
    );
    cases
}

fn convolutions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (channels, size, best_layout) in [(512, 32, 3.3), (256, 64, 3.0), (128, 128, 2.8), (64, 256, 2.2)] {
        for batch in [4, 1] {
            for pass in [Pass::Forward, Pass::InputGradient, Pass::WeightGradient] {
                let targets = match batch {
                    4 if pass == Pass::Forward => {
                        vec![("torch", 3.5), ("torch-channels-last", best_layout), ("ncnn", 1.2)]
                    }
                    4 => vec![("torch", 3.5), ("torch-channels-last", best_layout)],
                    _ => vec![("torch", 2.7)],
                };
                cases.push(Case { spec: Spec::Conv { pass, shape: Shape::Same, batch, channels, size }, targets });
            }
        }
    }
    for (shape, channels, size) in
        [(Shape::Pointwise, 128, 128), (Shape::Strided, 512, 32), (Shape::Transposed, 512, 16)]
    {
        for pass in [Pass::Forward, Pass::InputGradient, Pass::WeightGradient] {
            cases.push(Case {
                spec: Spec::Conv { pass, shape, batch: 4, channels, size },
                targets: vec![("torch", 1.5)],
            });
        }
    }
    cases
}

fn syntheses() -> Vec<Case> {
    use Network::{StyleGan1, StyleGan2};
    let case = |network, size, batch, channel_base, target| Case {
        spec: Spec::Synthesis { network, size, batch, channel_base, products: Products::F32 },
        targets: vec![("torch", target), ("onnxruntime", 1.8), ("openvino", 1.8), ("mnn", 1.8)],
    };
    let mut cases = vec![
        case(StyleGan2, 256, 1, 16384, 3.0),
        case(StyleGan2, 256, 8, 16384, 5.0),
        case(StyleGan2, 1024, 1, 32768, 4.2),
        case(StyleGan1, 256, 1, 16384, 3.0),
        case(StyleGan1, 1024, 1, 16384, 3.0),
    ];
    for reduced in [Products::Bf16x3, Products::Bf16] {
        for (network, size, batch, channel_base) in [
            (StyleGan2, 256, 1, 16384),
            (StyleGan2, 256, 8, 16384),
            (StyleGan2, 1024, 1, 32768),
            (StyleGan1, 256, 1, 16384),
        ] {
            let spec = Spec::Synthesis { network, size, batch, channel_base, products: reduced };
            cases.push(Case { spec, targets: vec![] });
        }
    }
    cases
}
