//! Tables 1 and 2 of the pixel2style2pixel paper (Richardson et al. 2021), and the runs that stand for their rows.

use super::{By, Column, NONE, Table, column, row};

const ID: Column = column("identity", Some("classifier"), &[]);
const LPIPS: Column = column("LPIPS", Some("stlpips"), &[]);
const MSE: Column = column("MSE", Some("mse"), &[]);
const SECONDS: Column = column("seconds", Some("seconds_per_picture"), &[]);

const SETTING: &str = "faces of CelebA-HQ at 256x256: CurricularFace, LPIPS of AlexNet, seconds on a GPU (some recalled, not \
                       read again). Ours see by a classifier of rear hair, by which no loss has seen, and by ST-LPIPS";

pub(super) const TABLES: [Table; 2] = [
    Table {
        name: "psp-table1",
        title: "drawn faces at 64x64 that were held back, found again",
        setting: SETTING,
        by: By::Inversion(&[
            "runs/data/avatars-64-held",
            "--classifier",
            "runs/classifier-avatars-64-judge.safetensors",
        ]),
        columns: &[ID, LPIPS, MSE, SECONDS],
        rows: &[
            row("search in W (Karras et al.)", "sg2/avatars-64", "search", &[0.77, 0.11, 0.02, 182.1]),
            row("encoder into W", "psp/avatars-64-invert-w", "encoder", &[0.35, 0.23, 0.06, 0.064]),
            row("naive encoder into W+", "psp/avatars-64-invert-wplus", "encoder", &[0.49, 0.19, 0.04, 0.064]),
            row("pSp without identity", "psp/avatars-64-invert", "encoder", &[0.19, 0.17, 0.03, 0.105]),
            row("pSp", "psp/avatars-64-invert-id", "encoder", &[0.56, 0.17, 0.03, 0.105]),
        ],
        expects: &[],
        references: false,
    },
    Table {
        name: "psp-table2",
        title: "drawn faces at 64x64 that were turned aside, seen from the front",
        setting: SETTING,
        by: By::Inversion(&[
            "runs/data/avatars-64-turned",
            "--truth",
            "runs/data/avatars-64-held",
            "--classifier",
            "runs/classifier-avatars-64-judge.safetensors",
        ]),
        columns: &[ID, LPIPS, MSE, SECONDS],
        rows: &[
            row("pSp for inversion", "psp/avatars-64-invert-id", "turned", &[NONE, NONE, NONE, NONE]),
            row("pSp for frontal views", "psp/avatars-64-frontal", "turned", &[0.32, NONE, NONE, 0.1]),
        ],
        expects: &[(0, 1, 0), (1, 1, 0), (2, 1, 0)],
        references: false,
    },
];
