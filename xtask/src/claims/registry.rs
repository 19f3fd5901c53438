//! The claims that there are.

use super::claim::{Claim, Curves, Need, Part};
use super::needs::{
    AVATARS, CLASSIFIER, EARTH, HAIR, HELD, HELD_FEW, JUDGE, JUDGES_OF_EIGHT, JUDGES_OF_TWO, REAR_HAIR,
    SEGMENTER_OF_AVATARS, SEGMENTER_OF_EARTH, SHOWN_AVATARS, SHOWN_EARTH, TURNED, TURNED_SET, TWO_FACTOR_SET,
};
use super::shown::{
    CLASSES_BY_PIX2PIXHD, CLASSES_BY_SPADE, COMBINATION, CONVERGENCE, FEW, FIGURES, FOUND_BY_PSP, FOUND_INTO_W,
    FOUND_INTO_WPLUS, OF_FEW, OF_FEW_NOAUG, PAINTED_AVATARS, PAINTED_BY_ALL, PAINTED_EARTH, STYLES, TASK_OF_MAPS,
    TASK_OF_PAINTERS, TASK_OF_SKETCHES, TASK_OF_SMALL, TASK_OF_TORN, TRANSFER,
};

/// All of them, in the order in which they are listed.
pub(super) static CLAIMS: [Claim; 16] = [
    of("sg1-table1", "Each step from Progressive GAN to StyleGAN lowers the FID", &[], &[Part::Table("sg1-table1")]),
    of("sg1-table2", "Training with mixed styles helps pictures of mixed styles", &[], &[Part::Table("sg1-table2")]),
    of("sg1-table3", "W is smoother and more linear than Z", &[JUDGES_OF_EIGHT], &[Part::Table("sg1-table3")]),
    of(
        "sg1-table4",
        "A deeper mapping network makes W smoother and the FID lower",
        &[JUDGES_OF_EIGHT],
        &[Part::Table("sg1-table4")],
    ),
    of(
        "sg1-convergence",
        "StyleGAN learns faster than Progressive GAN, and its paths in W stay short",
        &[],
        &[Part::Curves(CONVERGENCE)],
    ),
    of(
        "sg1-figures",
        "Styles mix by scale, noise moves details alone, truncation trades variety for fidelity",
        &[],
        &[Part::Pictures(FIGURES)],
    ),
    of(
        "two-factor",
        "Edits in W reach a combination that no picture of the set has more often than edits in Z",
        &[TWO_FACTOR_SET, JUDGES_OF_TWO],
        &[Part::Table("two-factor"), Part::Pictures(COMBINATION)],
    ),
    of(
        "spade-table1",
        "SPADE shows more of its maps than pix2pixHD does",
        &[EARTH, SEGMENTER_OF_EARTH, SHOWN_EARTH, AVATARS, SEGMENTER_OF_AVATARS, HELD, SHOWN_AVATARS],
        &[
            Part::Table("spade-table1-earth"),
            Part::Table("spade-table1-avatars"),
            Part::Pictures(PAINTED_EARTH),
            Part::Pictures(PAINTED_AVATARS),
        ],
    ),
    of(
        "spade-table3",
        "Maps in every normalisation do more than maps joined to what layers read, at fewer parameters",
        &[EARTH, SEGMENTER_OF_EARTH, SHOWN_EARTH],
        &[Part::Table("spade-table3"), Part::Pictures(PAINTED_BY_ALL)],
    ),
    of(
        "spade-uniform",
        "Of maps of one class alone SPADE paints classes farther apart than pix2pixHD's",
        &[EARTH],
        &[Part::Table("spade-uniform"), Part::Pictures(CLASSES_BY_SPADE), Part::Pictures(CLASSES_BY_PIX2PIXHD)],
    ),
    of(
        "spade-styles",
        "An image encoder lends the style of a photograph to other maps",
        &[SHOWN_EARTH],
        &[Part::Pictures(STYLES)],
    ),
    of(
        "psp-table1",
        "pSp finds pictures again better than encoders into W or naively into W+, and faster than a search",
        &[HELD, HELD_FEW, SHOWN_AVATARS, HAIR, CLASSIFIER, REAR_HAIR, JUDGE],
        &[
            Part::Table("psp-table1"),
            Part::Pictures(FOUND_BY_PSP),
            Part::Pictures(FOUND_INTO_WPLUS),
            Part::Pictures(FOUND_INTO_W),
        ],
    ),
    of(
        "psp-table2",
        "pSp turns heads to the front without pairs of pictures",
        &[TURNED_SET, HELD, TURNED, HAIR, CLASSIFIER, REAR_HAIR, JUDGE],
        &[Part::Table("psp-table2")],
    ),
    of(
        "psp-tasks",
        "One encoder makes faces of maps, of sketches, of small and of torn pictures, beside painters that know maps alone",
        &[AVATARS, SEGMENTER_OF_AVATARS, HELD, SHOWN_AVATARS, HAIR, CLASSIFIER],
        &[
            Part::Table("psp-tasks"),
            Part::Pictures(TASK_OF_MAPS),
            Part::Pictures(TASK_OF_PAINTERS),
            Part::Pictures(TASK_OF_SKETCHES),
            Part::Pictures(TASK_OF_SMALL),
            Part::Pictures(TASK_OF_TORN),
        ],
    ),
    of(
        "ada-few",
        "Adaptive augmentation lets StyleGAN2 learn from few pictures",
        &[],
        &[Part::Table("ada-few"), Part::Curves(FEW), Part::Pictures(OF_FEW), Part::Pictures(OF_FEW_NOAUG)],
    ),
    of(
        "ada-transfer",
        "Networks of other pictures are a better start than random weights",
        &[Need::Run("ada/avatars-32")],
        &[Part::Table("ada-transfer"), Part::Curves(TRANSFER)],
    ),
];

const fn of(name: &'static str, says: &'static str, needs: &'static [Need], parts: &'static [Part]) -> Claim {
    Claim { name, says, needs, parts }
}

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
    use crate::claims::asked::Asked;
    use crate::claims::page::line_start;
    use crate::claims::run::{Run, path};
    use crate::claims::runs;
    use crate::failure::Result;
    use crate::papers::Table;
    use std::path::Path;

    fn is_config(config: &str) {
        assert!(path(config).is_file(), "{}", path(config).display());
    }

    #[test]
    fn claims_rest_on_what_is_there() {
        for claim in &CLAIMS {
            for need in claim.needs {
                match need {
                    Need::Run(config) => is_config(config),
                    Need::Classifiers(attributes) => assert!(!attributes().is_empty(), "{}", claim.name),
                    Need::File { args, .. } => assert!(args.ends_with("--out {file}"), "{}", claim.name),
                }
            }
            for part in claim.parts {
                match part {
                    Part::Table(name) => assert!(Table::find(name).is_some(), "{name}"),
                    Part::Pictures(pictures) => {
                        is_config(pictures.config);
                        for picture in pictures.each {
                            assert!(picture.args.contains("--network {network}"), "{}", picture.title);
                            // Figures have names of their own, others are told theirs, or are copied.
                            let named = format!("--out {{out}}/{}", picture.file);
                            let told = match picture.made.map(Path::new) {
                                None => picture.args.starts_with("figures") || picture.args.ends_with(&named),
                                Some(made) => {
                                    let folder = made.parent().unwrap_or(made).display();
                                    picture.args.contains(&format!("--out {{network}}/{folder} "))
                                }
                            };
                            assert!(told, "{}", picture.title);
                        }
                    }
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

    /// What the configurations of a claim's runs name is made before these are trained.
    #[test]
    fn runs_find_what_they_begin_from() -> Result<()> {
        for claim in &CLAIMS {
            let made = |need: &Need| match need {
                Need::Run(config) => Run::of(config, &None).ok().map(|run| run.folder().display().to_string()),
                Need::File { path, .. } => Some((*path).to_owned()),
                Need::Classifiers(_) => None,
            };
            let made: Vec<String> = claim.needs.iter().filter_map(made).collect();
            for run in runs(claim, &Asked::of(claim.name, &[])?)? {
                let text = std::fs::read_to_string(root().join(run.trained().config)).unwrap_or_default();
                let named = text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split('"'));
                for named in named.filter(|word| word.starts_with("runs/") || word.starts_with("data/")) {
                    assert!(made.iter().any(|made| made == named), "{}: {} names {named}", claim.name, run.name());
                }
            }
        }
        Ok(())
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
