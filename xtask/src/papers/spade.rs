//! Tables 1 and 3 of the SPADE paper (Park et al. 2019), and the runs that stand for their rows.

use super::{By, Column, NONE, PARAMETERS, Table, column, row};

/// Who looks for maps in pictures of the two sets (`stylegan segmenter`), and pictures that neither it nor a painter has seen.
const EARTH: &[&str] = &["--segmenter", "runs/segmenter-earth-64.safetensors", "--data", "earth-held"];
const AVATARS: &[&str] =
    &["--segmenter", "runs/segmenter-avatars-64.safetensors", "--data", "runs/data/avatars-64-held-1000"];

const fn miou(segmenter: &'static [&'static str]) -> Column {
    column("mIoU", Some("seen_miou"), segmenter)
}

const fn accuracy(segmenter: &'static [&'static str]) -> Column {
    column("accuracy", Some("seen_accuracy"), segmenter)
}

const fn fid(segmenter: &'static [&'static str]) -> Column {
    column("FID", Some("fid"), segmenter)
}

/// Patches of pixels: nothing that a loss has seen by.
const fn swd(segmenter: &'static [&'static str]) -> Column {
    column("SWD", Some("swd"), segmenter)
}

const SETTING: &str = "COCO-Stuff at 256x256, mIoU and accuracy as parts of 1, seen by DeepLabV2 (recalled, not read again; mIoU of Table 3 is that \
                       of the paper's first version). Ours are of maps that were held back from painters and segmenter";

pub(super) const TABLES: [Table; 4] = [
    Table {
        name: "spade-table1-earth",
        title: "satellite photographs of land cover, 64x64",
        by: By::Eval,
        setting: SETTING,
        columns: &[PARAMETERS, miou(EARTH), accuracy(EARTH), fid(EARTH), swd(EARTH)],
        rows: &[
            row("pix2pixHD", "spade/earth-64-pix2pixhd", "maps", &[NONE, 0.146, 0.458, 111.5, NONE]),
            row("SPADE", "spade/earth-64", "maps", &[NONE, 0.374, 0.679, 22.6, NONE]),
        ],
        expects: &[(1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 1, 0)],
        references: true,
    },
    Table {
        name: "spade-table1-avatars",
        title: "drawn faces of maps of their parts, 64x64",
        by: By::Eval,
        setting: SETTING,
        columns: &[PARAMETERS, miou(AVATARS), accuracy(AVATARS), fid(AVATARS), swd(AVATARS)],
        rows: &[
            row("pix2pixHD", "spade/avatars-64-pix2pixhd", "maps", &[NONE, 0.146, 0.458, 111.5, NONE]),
            row("SPADE", "spade/avatars-64", "maps", &[NONE, 0.374, 0.679, 22.6, NONE]),
        ],
        expects: &[(1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 1, 0)],
        references: true,
    },
    Table {
        name: "spade-table3",
        title: "how the map reaches the layers: satellite photographs of land cover, 64x64",
        by: By::Eval,
        setting: SETTING,
        columns: &[PARAMETERS, miou(EARTH), accuracy(EARTH), fid(EARTH), swd(EARTH)],
        rows: &[
            row("decoder with SPADE", "spade/earth-64", "maps", &[96e6, 0.352, NONE, NONE, NONE]),
            row("compact decoder with SPADE", "spade/earth-64-compact", "maps", &[61e6, 0.352, NONE, NONE, NONE]),
            row("decoder with concatenation", "spade/earth-64-concat", "maps", &[79e6, 0.319, NONE, NONE, NONE]),
            row(
                "pix2pixHD++ with SPADE",
                "spade/earth-64-pix2pixhdpp-spade",
                "maps",
                &[237e6, 0.344, NONE, NONE, NONE],
            ),
            row(
                "pix2pixHD++ with concatenation",
                "spade/earth-64-pix2pixhdpp-concat",
                "maps",
                &[195e6, 0.329, NONE, NONE, NONE],
            ),
            row("pix2pixHD++", "spade/earth-64-pix2pixhdpp", "maps", &[183e6, 0.327, NONE, NONE, NONE]),
            row("pix2pixHD", "spade/earth-64-pix2pixhd", "maps", &[183e6, 0.146, NONE, NONE, NONE]),
        ],
        // Maps in every normalisation against maps that are joined, of two generators; the compact one has fewer parameters.
        expects: &[(1, 0, 2), (1, 3, 4), (1, 1, 2), (0, 1, 2)],
        references: true,
    },
    Table {
        name: "spade-uniform",
        title: "how far apart pictures are of maps that are of one class all over, 64x64",
        by: By::Classes,
        setting: "none: the paper argues (section 3.1) that normalisation without maps takes the class away",
        columns: &[
            column("mean distance between classes", Some("between_classes"), &[]),
            column(
                "distance from the colour of the class",
                Some("from_class_colour"),
                &["--truth", "runs/data/earth-train-64.zip"],
            ),
        ],
        rows: &[
            row("pix2pixHD, instance normalisation", "spade/earth-64-pix2pixhd", "maps", &[NONE; 2]),
            row("pix2pixHD++, batch normalisation", "spade/earth-64-pix2pixhdpp", "maps", &[NONE; 2]),
            row("SPADE", "spade/earth-64", "maps", &[NONE; 2]),
        ],
        expects: &[(0, 2, 0), (0, 2, 1), (1, 2, 0), (1, 2, 1)],
        references: false,
    },
];
