//! The claims that there are.

use super::claim::{Axes, Claim, Curves, Line, Need, Part, Picture, Pictures};

/// All of them, in the order in which they are listed.
pub(super) static CLAIMS: [Claim; 13] = [
    of_table(
        "sg1-table1",
        "Each step from Progressive GAN to StyleGAN lowers the FID",
        &[],
        &[Part::Table("sg1-table1")],
    ),
    of_table(
        "sg1-table2",
        "Training with mixed styles helps pictures of mixed styles",
        &[],
        &[Part::Table("sg1-table2")],
    ),
    of_table("sg1-table3", "W is smoother and more linear than Z", &[], &[Part::Table("sg1-table3")]),
    of_table(
        "sg1-table4",
        "A deeper mapping network makes W smoother and the FID lower",
        &[],
        &[Part::Table("sg1-table4")],
    ),
    Claim {
        name: "sg1-convergence",
        says: "StyleGAN learns faster than Progressive GAN, and its paths in W stay short",
        needs: &[],
        parts: &[Part::Curves(CONVERGENCE)],
    },
    Claim {
        name: "sg1-figures",
        says: "Styles mix by scale, noise moves details alone, truncation trades variety for fidelity",
        needs: &[],
        parts: &[Part::Pictures(FIGURES)],
    },
    of_table(
        "spade-table1",
        "SPADE shows more of its maps than pix2pixHD does",
        &[EARTH, SEGMENTER_OF_EARTH, AVATARS, SEGMENTER_OF_AVATARS, SHOWN],
        &[
            Part::Table("spade-table1-earth"),
            Part::Table("spade-table1-avatars"),
            Part::Pictures(BY_SPADE),
            Part::Pictures(BY_PIX2PIXHD),
        ],
    ),
    of_table(
        "spade-table3",
        "Maps in every normalisation do more than maps joined to what layers read, at fewer parameters",
        &[EARTH, SEGMENTER_OF_EARTH],
        &[Part::Table("spade-table3")],
    ),
    of_table(
        "spade-uniform",
        "Of maps of one class alone SPADE paints the class, pix2pixHD the same picture for all",
        &[],
        &[Part::Table("spade-uniform"), Part::Pictures(CLASSES_BY_SPADE), Part::Pictures(CLASSES_BY_PIX2PIXHD)],
    ),
    of_table(
        "psp-table1",
        "pSp finds pictures again better than encoders into W or naively into W+, and faster than a search",
        &[GENERATOR, HELD, HAIR, JUDGE, CLASSIFIER],
        &[Part::Table("psp-table1")],
    ),
    of_table(
        "psp-table2",
        "pSp turns heads to the front without pairs of pictures",
        &[GENERATOR, HAIR, JUDGE, CLASSIFIER, TURNED, FRONTAL],
        &[Part::Table("psp-table2")],
    ),
    of_table(
        "ada-few",
        "Adaptive augmentation lets StyleGAN2 learn from few pictures",
        &[],
        &[Part::Table("ada-few"), Part::Curves(FEW), Part::Pictures(OF_FEW), Part::Pictures(OF_FEW_NOAUG)],
    ),
    of_table(
        "ada-transfer",
        "Networks of other pictures are a better start than random weights",
        &[Need::Run("ada/avatars-32")],
        &[Part::Table("ada-transfer"), Part::Curves(TRANSFER)],
    ),
];

const EARTH: Need =
    Need::File { path: "runs/data/earth-64.zip", args: &["data", "build", "earth", "--size", "64", "--out", "{file}"] };
/// The generator that encoders are trained for.
const GENERATOR: Need = Need::Run("sg2/avatars-64");
/// Drawn faces that no run has seen: another seed draws others.
const HELD: Need = Need::File {
    path: "runs/data/avatars-64-held",
    args: &[
        "data", "build", "avatars", "--size", "64", "--count", "200", "--seed", "7", "--format", "folder", "--out",
        "{file}",
    ],
};
const HAIR: Need = Need::File {
    path: "runs/data/avatars-64-hair.zip",
    args: &["data", "build", "avatars", "--size", "64", "--label", "hair", "--out", "{file}"],
};
/// By whose features a loss compares identities, and another one that judges.
const CLASSIFIER: Need = Need::File {
    path: "runs/classifier-avatars-64.safetensors",
    args: &["classifier", "--data", "runs/data/avatars-64-hair.zip", "--kimg", "20", "--out", "{file}"],
};
const JUDGE: Need = Need::File {
    path: "runs/classifier-avatars-64-judge.safetensors",
    args: &["classifier", "--data", "runs/data/avatars-64-hair.zip", "--kimg", "20", "--seed", "1", "--out", "{file}"],
};
/// The same heads from aside and from the front.
const TURNED: Need = Need::File {
    path: "runs/data/avatars-64-turned",
    args: &[
        "data", "build", "avatars", "--size", "64", "--count", "200", "--seed", "7", "--turn", "25", "--format",
        "folder", "--out", "{file}",
    ],
};
const FRONTAL: Need = Need::File {
    path: "runs/data/avatars-64-frontal",
    args: &[
        "data", "build", "avatars", "--size", "64", "--count", "200", "--seed", "7", "--format", "folder", "--out",
        "{file}",
    ],
};
/// Maps that are shown.
const SHOWN: Need = Need::File {
    path: "runs/data/earth-64-shown",
    args: &["data", "build", "earth", "--size", "64", "--count", "8", "--format", "folder", "--out", "{file}"],
};
const AVATARS: Need = Need::File {
    path: "runs/data/avatars-64.zip",
    args: &["data", "build", "avatars", "--size", "64", "--out", "{file}"],
};
const SEGMENTER_OF_EARTH: Need = Need::File {
    path: "runs/segmenter-earth-64.safetensors",
    args: &["segmenter", "--data", "runs/data/earth-64.zip", "--out", "{file}"],
};
const SEGMENTER_OF_AVATARS: Need = Need::File {
    path: "runs/segmenter-avatars-64.safetensors",
    args: &["segmenter", "--data", "runs/data/avatars-64.zip", "--out", "{file}"],
};

const fn of_table(name: &'static str, says: &'static str, needs: &'static [Need], parts: &'static [Part]) -> Claim {
    Claim { name, says, needs, parts }
}

const fn line(title: &'static str, config: &'static str, panel: usize, metric: &'static str, colour: usize) -> Line {
    Line { title, config, panel, metric, colour, dashed: false }
}

const fn dashed(line: Line) -> Line {
    Line { dashed: true, ..line }
}

/// The figure of the StyleGAN paper that has configurations B and F over 25 million pictures, with A beside them.
const CONVERGENCE: Curves = Curves {
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
    marks: &[(12., "B, F grown"), (18., "A grown")],
    expects: &[(2, 0), (2, 1), (5, 4)],
};

/// FID against the full set, what the discriminator says of real and generated pictures, and p.
const FEW: Curves = Curves {
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

const TRANSFER: Curves = Curves {
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

const CLASSES_BY_SPADE: Pictures = Pictures {
    config: "spade/earth-64",
    each: &[figure(
        "Each class alone, by SPADE",
        "spade.png",
        &["paint", "--uniform", "--network", "{network}", "--out", "{out}/spade.png"],
    )],
};
const CLASSES_BY_PIX2PIXHD: Pictures = Pictures {
    config: "spade/earth-64-pix2pixhd",
    each: &[figure(
        "Each class alone, by pix2pixHD",
        "pix2pixhd.png",
        &["paint", "--uniform", "--network", "{network}", "--out", "{out}/pix2pixhd.png"],
    )],
};

const BY_SPADE: Pictures = Pictures {
    config: "spade/earth-64",
    each: &[figure("Maps, and what SPADE paints of them", "spade.png", &SHEET_SPADE)],
};
const BY_PIX2PIXHD: Pictures = Pictures {
    config: "spade/earth-64-pix2pixhd",
    each: &[figure("The same by pix2pixHD", "pix2pixhd.png", &SHEET_PIX2PIXHD)],
};
const SHEET_SPADE: [&str; 7] =
    ["paint", "--network", "{network}", "--map", "runs/data/earth-64-shown/labels", "--out", "{out}/spade.png"];
const SHEET_PIX2PIXHD: [&str; 7] =
    ["paint", "--network", "{network}", "--map", "runs/data/earth-64-shown/labels", "--out", "{out}/pix2pixhd.png"];

const OF_FEW: Pictures =
    Pictures { config: "ada/avatars-32", each: &[figure("With ADA: seeds 0 to 31", "ada.png", &GRID_ADA)] };
const OF_FEW_NOAUG: Pictures = Pictures {
    config: "ada/avatars-32-noaug",
    each: &[figure("Without augmentation: seeds 0 to 31", "noaug.png", &GRID_NOAUG)],
};
const GRID_ADA: [&str; 9] =
    ["generate", "--network", "{network}", "--seeds", "0-31", "--grid", "8x4", "--out", "{out}/ada.png"];
const GRID_NOAUG: [&str; 9] =
    ["generate", "--network", "{network}", "--seeds", "0-31", "--grid", "8x4", "--out", "{out}/noaug.png"];

const fn figure(title: &'static str, file: &'static str, args: &'static [&'static str]) -> Picture {
    Picture { title, file, args }
}

/// With the seeds of the published figures; noise is looked at with the truncation that the published network has.
const FIGURES: Pictures = Pictures {
    config: "table1-f",
    each: &[
        figure(
            "Figure 2: as the seeds give them, psi 0.7 (the published figure takes all its latents from seed 5)",
            "figure-uncurated.png",
            &[
                "figures",
                "--only",
                "uncurated",
                "--seeds",
                "5",
                "--trunc",
                "0.7",
                "--trunc-cutoff",
                "8",
                "--network",
                "{network}",
                "--out",
                "{out}",
            ],
        ),
        figure(
            "Figure 3: coarse, middle and fine styles of one picture in another",
            "figure-mixing.png",
            &[
                "figures",
                "--only",
                "mixing",
                "--seeds",
                "639,701,687,615,2268,888,829,1898,1733,1614,845",
                "--network",
                "{network}",
                "--out",
                "{out}",
            ],
        ),
        figure(
            "Figure 4: what other noise changes, and its standard deviation over 100 pictures",
            "figure-deviation.png",
            &[
                "figures",
                "--only",
                "deviation",
                "--seeds",
                "1157,1012",
                "--trunc",
                "0.7",
                "--trunc-cutoff",
                "8",
                "--network",
                "{network}",
                "--out",
                "{out}",
            ],
        ),
        figure(
            "Figure 5: noise in all layers, in none, in the fine ones, in the coarse ones",
            "figure-noise.png",
            &[
                "figures",
                "--only",
                "noise",
                "--seeds",
                "1967,1555",
                "--trunc",
                "0.7",
                "--trunc-cutoff",
                "8",
                "--network",
                "{network}",
                "--out",
                "{out}",
            ],
        ),
        figure(
            "Figure 8: truncation",
            "figure-truncation.png",
            &["figures", "--only", "truncation", "--seeds", "91,388", "--network", "{network}", "--out", "{out}"],
        ),
    ],
};

impl Claim {
    /// The claim of this name.
    pub(super) fn find(name: &str) -> Option<&'static Claim> {
        CLAIMS.iter().find(|claim| claim.name == name)
    }

    /// The charts of all claims: a run that one of them watches is measured whichever claim trains it.
    pub(super) fn charts() -> impl Iterator<Item = &'static Curves> {
        let chart = |part: &'static Part| if let Part::Curves(curves) = part { Some(curves) } else { None };
        CLAIMS.iter().flat_map(|claim| claim.parts).filter_map(chart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::root;
    use crate::claims::page::line_start;
    use crate::claims::run::path;
    use crate::papers::Table;

    fn is_config(config: &str) {
        assert!(path(config).is_file(), "{}", path(config).display());
    }

    #[test]
    fn claims_rest_on_what_is_there() {
        for claim in &CLAIMS {
            for need in claim.needs {
                match need {
                    Need::Run(config) => is_config(config),
                    Need::File { args, .. } => assert!(args.contains(&"{file}"), "{}", claim.name),
                }
            }
            for part in claim.parts {
                match part {
                    Part::Table(name) => assert!(Table::find(name).is_some(), "{name}"),
                    Part::Pictures(pictures) => is_config(pictures.config),
                    Part::Curves(curves) => {
                        for line in curves.lines {
                            is_config(line.config);
                            assert!(line.panel < curves.panels.len());
                        }
                        assert!(curves.expects.iter().all(|(a, b)| a.max(b) < &curves.lines.len()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_run_is_watched_by_one_chart() {
        let mut watched: Vec<(&str, &str)> =
            Claim::charts().flat_map(|chart| chart.lines.iter().map(|line| (line.config, chart.title))).collect();
        watched.sort_unstable();
        watched.dedup();
        assert!(watched.windows(2).all(|pair| pair[0].0 != pair[1].0), "{watched:?}");
    }

    #[test]
    fn each_claim_has_its_line_in_the_documentation() {
        let page = std::fs::read_to_string(root().join("docs/results.md")).unwrap_or_default();
        for claim in &CLAIMS {
            let lines = [line_start(claim), format!("| `{}` |", claim.name)];
            let found = page.lines().filter(|line| lines.iter().any(|start| line.starts_with(start))).count();
            assert_eq!(found, 1, "docs/results.md: a line that begins with {} or {}", lines[0], lines[1]);
        }
    }
}
