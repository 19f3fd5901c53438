//! Tables 1 and 2 of the pixel2style2pixel paper (Richardson et al. 2021) and its tasks, and the runs that stand for their rows.

use super::{By, Column, NONE, OF_MAPS, OF_PICTURES, PAINTER, SEARCH, Table, column, row};

const ID: Column = column("identity", Some("classifier"), &[]);
const LPIPS: Column = column("LPIPS", Some("lpips"), &[]);
const MSE: Column = column("MSE", Some("mse"), &[]);
const LPIPS_OF_FACE: Column = column("LPIPS of the face", Some("face_lpips"), &[]);
const MSE_OF_FACE: Column = column("MSE of the face", Some("face_mse"), &[]);
const SECONDS: Column = column("seconds", Some("seconds_per_picture"), &[]);

const SETTING: &str = "faces of CelebA-HQ at 256x256: CurricularFace, LPIPS of AlexNet, seconds on a GPU (some recalled, not \
                       read again)";

/// Who says whether two faces are one: no loss has seen by it.
const JUDGE: &str = "runs/classifier-avatars-64-judge.safetensors";

/// What a segmenter sees in pictures of the faces that were held back, and how far they are from these faces.
const OF_HELD: &[&str] =
    &["--segmenter", "runs/segmenter-avatars-64.safetensors", "--data", "runs/data/avatars-64-held-1000"];

pub(super) const TABLES: [Table; 3] = [
    Table {
        name: "psp-table1",
        title: "drawn faces at 64x64 that were held back, found again",
        setting: SETTING,
        by: By::Inversion {
            encoders: &["runs/data/avatars-64-held-1000", "--classifier", JUDGE],
            searches: &[
                "runs/data/avatars-64-held-32",
                "--space",
                "w+",
                "--distance",
                "stlpips",
                "--classifier",
                JUDGE,
            ],
        },
        columns: &[ID, LPIPS, MSE, SECONDS],
        rows: &[
            // In the styles of the generator that an encoder's run carries.
            row("search in W+ (32 pictures)", "psp/avatars-64-invert", SEARCH, &[0.77, 0.11, 0.02, 182.1]),
            row("encoder into W", "psp/avatars-64-invert-w", "encoder", &[0.35, 0.23, 0.06, 0.064]),
            row("naive encoder into W+", "psp/avatars-64-invert-wplus", "encoder", &[0.49, 0.19, 0.04, 0.064]),
            row("pSp without identity", "psp/avatars-64-invert", "encoder", &[0.19, 0.17, 0.03, 0.105]),
            row("pSp", "psp/avatars-64-invert-id", "encoder", &[0.56, 0.17, 0.03, 0.105]),
        ],
        // Against both other encoders, then the time of a search.
        expects: &[(1, 4, 1), (1, 4, 2), (0, 4, 1), (0, 4, 2), (3, 4, 0)],
        references: false,
    },
    Table {
        name: "psp-table2",
        title: "drawn faces at 64x64 that were turned aside, seen from the front",
        setting: SETTING,
        by: By::Inversion {
            encoders: &[
                "runs/data/avatars-64-turned-1000",
                "--truth",
                "runs/data/avatars-64-held-1000",
                "--classifier",
                JUDGE,
                "--face",
            ],
            searches: &[],
        },
        columns: &[ID, LPIPS_OF_FACE, MSE_OF_FACE, LPIPS, MSE, SECONDS],
        rows: &[
            row("pSp for inversion", "psp/avatars-64-invert-id", "turned", &[NONE; 6]),
            row("pSp for frontal views", "psp/avatars-64-frontal", "turned", &[0.32, NONE, NONE, NONE, NONE, 0.1]),
        ],
        expects: &[(0, 1, 0), (1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 1, 0)],
        references: false,
    },
    Table {
        name: "psp-tasks",
        title: "drawn faces at 64x64 that were held back, made of less than pictures of them",
        setting: "none: the paper shows pictures (Figures 8 to 10) and asks people, who prefer its faces of maps to those of \
                  pix2pixHD 94.72 times of 100, and to those of SPADE 95.25 times (recalled, not read again). Columns are of 1,000 \
                  faces: what a segmenter finds of their maps in the pictures, and how far pictures are from the faces, all of them \
                  together (FID) and each from its own (LPIPS). Painters of sketches are left out",
        by: By::Pictures("runs/data/avatars-64-held-1000"),
        columns: &[
            column("mIoU", Some("seen_miou"), OF_HELD),
            column("accuracy", Some("seen_accuracy"), OF_HELD),
            column("FID", Some("fid"), OF_HELD),
            column("LPIPS", Some("lpips"), OF_HELD),
        ],
        rows: &[
            row("pix2pixHD, of maps", "spade/avatars-64-pix2pixhd", PAINTER, &[NONE; 4]),
            row("SPADE, of maps", "spade/avatars-64", PAINTER, &[NONE; 4]),
            row("pSp, of maps", "psp/avatars-64-seg", OF_MAPS, &[NONE; 4]),
            row("pSp, of sketches", "psp/avatars-64-sketch", OF_PICTURES, &[NONE; 4]),
            row("pSp, of 8x8 pixels", "psp/avatars-64-sr", "smaller-8", &[NONE; 4]),
            row("pSp, behind strokes and boxes", "psp/avatars-64-inpaint", OF_PICTURES, &[NONE; 4]),
        ],
        expects: &[(2, 2, 0), (2, 2, 1)],
        references: true,
    },
];
