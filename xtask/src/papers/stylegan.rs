//! The tables of the StyleGAN paper (Karras et al. 2019), and the runs that stand for their rows.

use super::{By, Column, NONE, Table, column, row};

const FID: Column = column("FID", Some("fid"), &[]);
const FULL: Column = column("path, full", Some("ppl_?full"), &[]);
const END: Column = column("path, end", Some("ppl_?end"), &[]);
const SEPARABILITY: Column = column("separability", Some("ls_?"), &[]);

/// All four, and what stands for Figure 6.
pub(super) const TABLES: [Table; 5] = [
    Table {
        name: "sg1-table1",
        title: "FID of the steps from Progressive GAN to StyleGAN",
        by: By::Eval,
        setting: "50,000 pictures at 1024x1024, after 25 million real pictures of FFHQ (12 million of CelebA-HQ); C to F have 8 \
                  mapping layers, where configs/avatars-32 has 4",
        columns: &[column("FID, CelebA-HQ", None, &[]), column("FID", Some("fid"), &[])],
        rows: &[
            row("A Progressive GAN", "table1-a", "z", &[7.79, 8.04]),
            row("B tuned, bilinear resampling", "table1-b", "z", &[6.11, 5.25]),
            row("C mapping and styles", "table1-c", "w", &[5.34, 4.85]),
            row("D no traditional input", "table1-d", "w", &[5.07, 4.88]),
            row("E noise inputs", "table1-e", "w", &[5.06, 4.42]),
            row("F mixing regularisation", "table1-f", "w", &[5.17, 4.40]),
        ],
        expects: &[(1, 5, 0), (1, 1, 0), (1, 2, 1), (1, 4, 3)],
        references: false,
    },
    Table {
        name: "sg1-table2",
        title: "FID with 1 to 4 latents mixed in a picture, by how often training mixed two",
        by: By::Eval,
        setting: "FFHQ at 1024x1024, 50,000 pictures; 8 mapping layers, where configs/avatars-32 has 4",
        columns: &[
            column("1 latent", Some("fid"), &[]),
            column("2", Some("fid"), &["--mix", "2"]),
            column("3", Some("fid"), &["--mix", "3"]),
            column("4", Some("fid"), &["--mix", "4"]),
        ],
        rows: &[
            row("E 0 %", "table1-e", "w", &[4.42, 8.22, 12.88, 17.41]),
            row("50 %", "table2-mix50", "w", &[4.41, 6.10, 8.71, 11.61]),
            row("F 90 %", "table1-f", "w", &[4.40, 5.11, 6.88, 9.03]),
            row("100 %", "table2-mix100", "w", &[4.83, 5.17, 6.63, 8.40]),
        ],
        expects: &[(1, 2, 0), (2, 2, 0), (3, 2, 0)],
        references: false,
    },
    Table {
        name: "sg1-table3",
        title: "path lengths and separability",
        by: By::Eval,
        setting: "FFHQ at 1024x1024, 100,000 pairs (VGG16 LPIPS), 200,000 pictures (40 CelebA-HQ classifiers); all but B have 8 \
                  mapping layers, where configs/avatars-32 has 4",
        columns: &[FULL, END, SEPARABILITY],
        rows: &[
            row("B traditional, Z", "table1-b", "z", &[412.0, 415.3, 10.78]),
            row("D style-based, W", "table1-d", "w", &[446.2, 376.6, 3.61]),
            row("E with noise inputs, W", "table1-e", "w", &[200.5, 160.6, 3.54]),
            row("with 50 % mixing, W", "table2-mix50", "w", &[231.5, 182.1, 3.51]),
            row("F with 90 % mixing, W", "table1-f", "w", &[234.0, 195.9, 3.79]),
        ],
        // Separability of W first; the paper's own D has longer full paths than B, so that end points alone speak there.
        expects: &[(2, 4, 0), (2, 1, 0), (0, 4, 0), (1, 4, 0), (1, 1, 0)],
        references: false,
    },
    Table {
        name: "sg1-table4",
        title: "the depth of the mapping network",
        by: By::Eval,
        setting: "FFHQ at 1024x1024; counts as in Tables 1 and 3",
        columns: &[FID, FULL, END, SEPARABILITY],
        rows: &[
            row("B traditional, 0 layers, Z", "table1-b", "z", &[5.25, 412.0, 415.3, 10.78]),
            row("traditional, 8 layers, Z", "table4-trad8", "z", &[4.87, 896.2, 902.0, 170.29]),
            row("traditional, 8 layers, W", "table4-trad8", "w", &[4.87, 324.5, 212.2, 6.52]),
            row("style-based, 0 layers, Z", "table4-style0", "z", &[5.06, 283.5, 285.5, 9.88]),
            row("style-based, 1 layer, W", "table4-style1", "w", &[4.60, 219.9, 209.4, 6.81]),
            row("style-based, 2 layers, W", "table4-style2", "w", &[4.43, 217.8, 199.9, 6.25]),
            row("style-based, 8 layers, W", "table4-style8", "w", &[4.40, 234.0, 195.9, 3.79]),
        ],
        // Z and W of one network, then the depth.
        expects: &[(3, 2, 1), (1, 2, 1), (2, 2, 1), (3, 6, 4), (0, 6, 3)],
        references: false,
    },
    Table {
        name: "two-factor",
        title: "edits towards a beard with hair behind the head, part of pictures that classifiers call both",
        by: By::Eval,
        setting: "none, as Figure 6 is a drawing. Ours: 5000 pictures, hyperplanes of both attributes by the first half; those of \
                  the other half that lack one of the two are moved so many deviations beyond both",
        columns: &[
            column("as they are", Some("combination_unedited"), &[]),
            column("1 deviation", Some("combination_?_1"), &[]),
            column("2 deviations", Some("combination_?_2"), &[]),
            column("3 deviations", Some("combination_?_3"), &[]),
        ],
        rows: &[
            row("all combinations, Z", "table1-f", "z", &[NONE; 4]),
            row("all combinations, W", "table1-f", "w", &[NONE; 4]),
            row("this one left out, Z", "avatars-32/two-factor", "z", &[NONE; 4]),
            row("this one left out, W", "avatars-32/two-factor", "w", &[NONE; 4]),
        ],
        expects: &[(1, 3, 2), (2, 3, 2), (3, 3, 2)],
        references: false,
    },
];
