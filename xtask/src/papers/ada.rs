//! What the StyleGAN2-ADA paper says of few pictures (Karras et al. 2020), and the runs that stand for it.

use super::{By, Column, NONE, Table, column, row};

/// Against the full sets, of which the runs have seen 500 pictures.
const AVATARS: Column = column("FID", Some("fid"), &["--data", "avatars"]);
const EARTH: Column = column("FID", Some("fid"), &["--data", "earth"]);

pub(super) const TABLES: [Table; 2] = [
    Table {
        name: "ada-few",
        title: "five hundred drawn faces at 32x32, measured against all",
        by: By::Eval,
        setting: "FID of 1,000 pictures of FFHQ at 256x256 against all 70,000 (recalled, not read again)",
        columns: &[AVATARS],
        rows: &[
            row("without augmentation", "ada/avatars-32-noaug", "w", &[100.16]),
            row("with ADA", "ada/avatars-32", "w", &[21.29]),
        ],
        expects: &[(0, 1, 0)],
        references: false,
    },
    Table {
        name: "ada-transfer",
        title: "five hundred satellite photographs at 32x32, measured against all",
        by: By::Eval,
        setting: "none for these sets",
        columns: &[EARTH],
        rows: &[
            row("from random weights", "ada/earth-32", "w", &[NONE]),
            row("from drawn faces", "ada/earth-32-from-avatars", "w", &[NONE]),
        ],
        expects: &[(0, 1, 0)],
        references: false,
    },
];
