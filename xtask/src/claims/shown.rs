//! Charts over training and pictures that claims show.

use super::claim::{Axes, Curves, Line, Picture, Pictures};

const fn line(title: &'static str, config: &'static str, panel: usize, metric: &'static str, colour: usize) -> Line {
    Line { title, config, panel, metric, colour, dashed: false }
}

const fn dashed(line: Line) -> Line {
    Line { dashed: true, ..line }
}

/// The figure of the StyleGAN paper that has configurations B and F over 25 million pictures, with A beside them.
pub(super) const CONVERGENCE: Curves = Curves {
    title: "FID and path length over training, drawn faces at 32x32",
    panels: &[
        Axes { upward: "FID (log scale; smaller is better)", log: true },
        Axes { upward: "path length (distance / ε², log scale)", log: true },
    ],
    lines: &[
        line("A Progressive GAN", "table1-a", 0, "fid", 0),
        line("B traditional, tuned", "table1-b", 0, "fid", 1),
        line("F StyleGAN", "table1-f", 0, "fid", 2),
        line("A, full paths in Z", "table1-a", 1, "ppl_zfull", 0),
        line("B, full paths in Z", "table1-b", 1, "ppl_zfull", 1),
        line("F, full paths in W", "table1-f", 1, "ppl_wfull", 2),
        dashed(line("F, end points in W", "table1-f", 1, "ppl_wend", 2)),
    ],
    points: 9,
    options: &[],
    marks: &[(12., "B, F at 32x32"), (18., "A at 32x32")],
    expects: &[(2, 0), (2, 1), (5, 4)],
};

/// FID against the full set, what the discriminator says of real and generated pictures, and p.
pub(super) const FEW: Curves = Curves {
    title: "Five hundred drawn faces: FID against all, and the discriminator",
    panels: &[
        Axes { upward: "FID (log scale; smaller is better)", log: true },
        Axes { upward: "mean sign of D for real pictures; p (no unit)", log: false },
    ],
    lines: &[
        line("without augmentation", "ada/avatars-32-noaug", 0, "fid", 1),
        line("with ADA", "ada/avatars-32", 0, "fid", 0),
        line("signs of real pictures, without", "ada/avatars-32-noaug", 1, "Loss/signs/real", 1),
        line("signs of real pictures, with ADA", "ada/avatars-32", 1, "Loss/signs/real", 0),
        dashed(line("p of ADA", "ada/avatars-32", 1, "Progress/augment", 0)),
    ],
    points: 10,
    options: &["--data", "avatars"],
    marks: &[],
    expects: &[(1, 0)],
};

pub(super) const TRANSFER: Curves = Curves {
    title: "Five hundred satellite photographs: FID against all",
    panels: &[Axes { upward: "FID (log scale; smaller is better)", log: true }],
    lines: &[
        line("from random weights", "ada/earth-32", 0, "fid", 1),
        line("from drawn faces", "ada/earth-32-from-avatars", 0, "fid", 0),
    ],
    points: 5,
    options: &["--data", "earth"],
    marks: &[],
    expects: &[(1, 0)],
};

const fn picture(title: &'static str, file: &'static str, args: &'static str) -> Picture {
    Picture { title, file, args, made: None }
}

/// With the seeds of the published figures; noise is looked at with the truncation that the published network has.
pub(super) const FIGURES: Pictures = Pictures {
    config: "table1-f",
    each: &[
        picture(
            "Figure 2: as the seeds give them, psi 0.7 (the published figure takes all its latents from seed 5)",
            "figure-uncurated.png",
            "figures --only uncurated --seeds 5 --trunc 0.7 --trunc-cutoff 8 --network {network} --out {out}",
        ),
        picture(
            "Figure 3: coarse, middle and fine styles of one picture in another",
            "figure-mixing.png",
            "figures --only mixing --seeds 639,701,687,615,2268,888,829,1898,1733,1614,845 --network {network} --out {out}",
        ),
        picture(
            "Figure 4: what other noise changes, and its standard deviation over 100 pictures",
            "figure-deviation.png",
            "figures --only deviation --seeds 1157,1012 --trunc 0.7 --trunc-cutoff 8 --network {network} --out {out}",
        ),
        picture(
            "Figure 5: noise in all layers, in none, in the fine ones, in the coarse ones",
            "figure-noise.png",
            "figures --only noise --seeds 1967,1555 --trunc 0.7 --trunc-cutoff 8 --network {network} --out {out}",
        ),
        picture(
            "Figure 8: truncation",
            "figure-truncation.png",
            "figures --only truncation --seeds 91,388 --network {network} --out {out}",
        ),
    ],
};

/// What becomes of faces on their way to the combination that the set lacks.
pub(super) const COMBINATION: Pictures = Pictures {
    config: "avatars-32/two-factor",
    each: &[
        picture(
            "What the network draws: seeds 0 to 31",
            "pictures.png",
            "generate --network {network} --seeds 0-31 --grid 8x4 --out {out}/pictures.png",
        ),
        picture(
            "On the way to a beard with hair behind the head, in Z and in W; below each how sure the classifiers are of both",
            "figure-combination.png",
            "figures --only combination --classifier runs/attributes-32/beard.safetensors --classifier \
             runs/attributes-32/rearHair.safetensors --seeds 0-7 --network {network} --out {out}",
        ),
    ],
};

/// Maps that were held back, their truth, and what networks paint of them.
pub(super) const PAINTED_EARTH: Pictures = Pictures {
    config: "spade/earth-64",
    each: &[picture(
        "Maps of land cover that were held back, the photographs that they are of, SPADE, and pix2pixHD",
        "earth.png",
        "paint --network {network} --map runs/data/earth-64-held-8/labels --truth runs/data/earth-64-held-8 --beside \
         {run:spade/earth-64-pix2pixhd} --out {out}/earth.png",
    )],
};
pub(super) const PAINTED_AVATARS: Pictures = Pictures {
    config: "spade/avatars-64",
    each: &[picture(
        "Maps of drawn faces that were held back, the faces, SPADE, and pix2pixHD",
        "avatars.png",
        "paint --network {network} --map runs/data/avatars-64-held-8/labels --truth runs/data/avatars-64-held-8 --beside \
         {run:spade/avatars-64-pix2pixhd} --out {out}/avatars.png",
    )],
};
pub(super) const PAINTED_BY_ALL: Pictures = Pictures {
    config: "spade/earth-64",
    each: &[picture(
        "Maps that were held back, the photographs that they are of, and what each network paints",
        "all.png",
        "paint --network {network} --map runs/data/earth-64-held-8/labels --truth runs/data/earth-64-held-8 --beside \
         {run:spade/earth-64-compact} --beside {run:spade/earth-64-concat} --beside {run:spade/earth-64-pix2pixhdpp-spade} \
         --beside {run:spade/earth-64-pix2pixhdpp-concat} --beside {run:spade/earth-64-pix2pixhdpp} --beside \
         {run:spade/earth-64-pix2pixhd} --out {out}/all.png",
    )],
};

/// Maps in rows, photographs that lend their style in columns.
pub(super) const STYLES: Pictures = Pictures {
    config: "spade/earth-64-styles",
    each: &[
        picture(
            "Maps in the styles of photographs, by the image encoder (none of these places was seen in training)",
            "styles.png",
            "paint --network {network} --map runs/data/earth-64-held-8/labels --style \
             runs/data/earth-64-held-8/00000/img00000000.png --style runs/data/earth-64-held-8/00000/img00000002.png --style \
             runs/data/earth-64-held-8/00000/img00000004.png --style runs/data/earth-64-held-8/00000/img00000006.png --out \
             {out}/styles.png",
        ),
        picture(
            "The same maps in the styles of seeds",
            "seeds.png",
            "paint --network {network} --map runs/data/earth-64-held-8/labels --seeds 0-3 --out {out}/seeds.png",
        ),
    ],
};

const fn copied(title: &'static str, file: &'static str, args: &'static str, made: &'static str) -> Picture {
    Picture { title, file, args, made: Some(made) }
}

/// What encoders make of maps of faces that were held back, and of what they are shown of these faces. In the variants the first
/// six of ten style rows are the encoder's.
const FACES_OF_MAPS: &str = "invert --network {network} --encoder {network} --truth runs/data/avatars-64-held-8 --mix-rows 6-9 \
                             --out {network}/shown runs/data/avatars-64-held-8/labels";
const FACES_OF_PICTURES: &str = "invert --network {network} --encoder {network} --mix-rows 6-9 --out {network}/shown \
                                 runs/data/avatars-64-held-8";

pub(super) const TASK_OF_MAPS: Pictures = Pictures {
    config: "psp/avatars-64-seg",
    each: &[
        copied("pSp: maps, and faces of them", "maps.png", FACES_OF_MAPS, "shown/sheet.png"),
        copied(
            "One map, eight faces: style rows 6 to 9 of seeds",
            "maps-variants.png",
            FACES_OF_MAPS,
            "shown/img00000000-variants.png",
        ),
    ],
};
/// Faces that were held back, and what an encoder makes of them.
const FOUND: &str = "invert --network {network} --encoder {network} --out {network}/found runs/data/avatars-64-held-8";
pub(super) const FOUND_BY_PSP: Pictures = Pictures {
    config: "psp/avatars-64-invert-id",
    each: &[copied("Faces that were held back, found again by pSp", "psp.png", FOUND, "found/sheet.png")],
};
pub(super) const FOUND_INTO_WPLUS: Pictures = Pictures {
    config: "psp/avatars-64-invert-wplus",
    each: &[copied("The same, naively into W+", "w-plus.png", FOUND, "found/sheet.png")],
};
pub(super) const FOUND_INTO_W: Pictures = Pictures {
    config: "psp/avatars-64-invert-w",
    each: &[copied("The same, into W", "w.png", FOUND, "found/sheet.png")],
};

pub(super) const TASK_OF_SKETCHES: Pictures = Pictures {
    config: "psp/avatars-64-sketch",
    each: &[
        copied("pSp: sketches, and faces of them", "sketches.png", FACES_OF_PICTURES, "shown/sheet.png"),
        copied(
            "One sketch, eight faces: style rows 6 to 9 of seeds",
            "sketches-variants.png",
            FACES_OF_PICTURES,
            "shown/img00000000-variants.png",
        ),
    ],
};
pub(super) const TASK_OF_SMALL: Pictures = Pictures {
    config: "psp/avatars-64-sr",
    each: &[copied(
        "pSp: pictures of 8x8 pixels, and faces of them",
        "small.png",
        "invert --network {network} --encoder {network} --factor 8 --mix-rows 6-9 --out {network}/shown \
         runs/data/avatars-64-held-8",
        "shown/sheet.png",
    )],
};
pub(super) const TASK_OF_TORN: Pictures = Pictures {
    config: "psp/avatars-64-inpaint",
    each: &[copied(
        "pSp: pictures behind strokes and boxes, completed",
        "torn.png",
        FACES_OF_PICTURES,
        "shown/sheet.png",
    )],
};
pub(super) const TASK_OF_PAINTERS: Pictures = Pictures {
    config: "spade/avatars-64",
    each: &[picture(
        "The same maps by SPADE and pix2pixHD",
        "painters.png",
        "paint --network {network} --map runs/data/avatars-64-held-8/labels --truth runs/data/avatars-64-held-8 --beside \
         {run:spade/avatars-64-pix2pixhd} --out {out}/painters.png",
    )],
};

pub(super) const CLASSES_BY_SPADE: Pictures = Pictures {
    config: "spade/earth-64",
    each: &[picture(
        "Each class alone, by SPADE",
        "spade.png",
        "paint --uniform --network {network} --out {out}/spade.png",
    )],
};
pub(super) const CLASSES_BY_PIX2PIXHD: Pictures = Pictures {
    config: "spade/earth-64-pix2pixhd",
    each: &[picture(
        "Each class alone, by pix2pixHD",
        "pix2pixhd.png",
        "paint --uniform --network {network} --out {out}/pix2pixhd.png",
    )],
};

pub(super) const OF_FEW: Pictures = Pictures {
    config: "ada/avatars-32",
    each: &[picture(
        "With ADA: seeds 0 to 31",
        "ada.png",
        "generate --network {network} --seeds 0-31 --grid 8x4 --out {out}/ada.png",
    )],
};
pub(super) const OF_FEW_NOAUG: Pictures = Pictures {
    config: "ada/avatars-32-noaug",
    each: &[picture(
        "Without augmentation: seeds 0 to 31",
        "noaug.png",
        "generate --network {network} --seeds 0-31 --grid 8x4 --out {out}/noaug.png",
    )],
};
