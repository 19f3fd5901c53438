//! `cargo xtask reproduce CLAIM`: trains the runs that a claim of a paper rests on, so far as they are missing, measures
//! them, and writes ours beside the paper's.

mod asked;
mod chart;
mod claim;
mod curves;
mod jobs;
mod judges;
mod needs;
mod official;
mod page;
mod pictures;
mod registry;
mod run;
mod section;
mod shown;
mod table;

use crate::failure::{Failure, Result};
use crate::papers::Table;
use crate::say::{print, say};
use crate::tables::columns::has_classifier;
use asked::Asked;
use claim::{Claim, Need, Part};
use page::Made;
use registry::CLAIMS;
use run::Run;
use section::Section;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

const HELP: &str = "\
Trains the runs that a claim rests on and measures them

Usage: cargo xtask reproduce CLAIM [OPTIONS] [OPTIONS OF `stylegan eval`]
       cargo xtask reproduce official --weights FOLDER [OPTIONS OF `stylegan eval`]
       cargo xtask reproduce --list

Runs are below runs/, named after their configurations (configs/avatars-32/ for the StyleGAN paper). What is there is not
done again: an interrupted command goes on where it was. Rows of one configuration share a run, claims share runs, and a
run keeps its last checkpoint alone; runs/features holds what speeds up measuring, and may be removed. Classifiers of faces
for separability are trained once, into runs/attributes-32/. The page, ours
beside the paper's, goes to docs/results/CLAIM.md with its data as JSON and charts as SVG, its line to docs/results.md, and
what was reported of each run for its tables to docs/results/CLAIM/. What docs/results/CLAIM.notes.md says stands at its end.

  --kimg N        a shorter training, in thousands of pictures [default: the configuration's]
  --seed N        another seed; given twice there are two trainings of each run, and rows show the mean and both
                  [default: the configuration's, 1000]
  --jobs N        trainings and measurements at once, which share the threads; times are measured alone [default: 1]
  --weights FOLDER
                  official: released networks, feature networks, classifiers and sets under their published names
  --network FILE  sg1-figures: the figures of this network, with the paper's seeds, in place of our own; they go to
                  runs/figures-NAME
  --program FILE  a binary of `stylegan` [default: built from these sources]
  --out FOLDER    another folder for pages [default: docs/results; runs/results where the page there is of another command]
";

pub(crate) fn run(args: &[OsString]) -> Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print(HELP);
        return Ok(());
    }
    match args.first().and_then(|arg| arg.to_str()) {
        None => print(HELP),
        Some("--list") => list(),
        Some("official") => return official::run(&Asked::of("official", &args[1..])?),
        Some(name) => match Claim::find(name) {
            Some(claim) => return reproduce(claim, &Asked::of(name, &args[1..])?),
            None => {
                let names: Vec<&str> = CLAIMS.iter().map(|claim| claim.name).collect();
                return Err(Failure::wrong(format!("reproduce {name}: no such claim; there are {}", names.join(", "))));
            }
        },
    }
    Ok(())
}

fn list() {
    let width = CLAIMS.iter().map(|claim| claim.name.len()).max().unwrap_or_default();
    CLAIMS.iter().for_each(|claim| say(&format!("{:width$}  {}", claim.name, claim.says)));
    say(&format!("{:width$}  Released networks have the published numbers, by the official protocols", "official"));
}

fn reproduce(claim: &'static Claim, asked: &Asked) -> Result<()> {
    let pictures_alone = claim.parts.iter().all(|part| matches!(part, Part::Pictures(_)));
    let (network, weights) = (asked.network.is_some() && !pictures_alone, asked.weights.is_some());
    // The claim has its own.
    let judged = claim.needs.iter().any(|need| matches!(need, Need::Classifiers(_)));
    let classifier = judged && has_classifier(&asked.options);
    asked.refuse(&[("--network", network), ("--weights", weights), ("--classifier", classifier)])?;
    asked.check_options()?;
    let folder = page::folder(asked);
    if asked.out.is_none() && folder == page::trials() {
        say(&format!(
            "docs/results/{}.md is of another command and stays: this page goes to {}; --out docs/results replaces it",
            claim.name,
            folder.display()
        ));
    }
    let runs = if asked.network.is_some() { BTreeSet::new() } else { runs(claim, asked)? };
    // What others begin from is whole, also where the claim has a row for it.
    let needs = claim.needs.iter().filter_map(|need| if let Need::Run(config) = need { Some(config) } else { None });
    let whole: BTreeSet<Run> = needs.map(|config| Run::of(config, &None)).collect::<Result<_>>()?;
    let each: Vec<&Run> = runs.difference(&whole).collect();
    // Before the first of them is trained.
    if asked.network.is_none() {
        whole.iter().try_for_each(|run| run.check_whole(asked))?;
        each.iter().try_for_each(|run| run.check(asked))?;
    }
    // Other networks than the claim's own need no training, but what they are shown.
    let needed = |need: &&Need| asked.network.is_none() || matches!(need, Need::File { .. });
    claim.needs.iter().filter(needed).try_for_each(|need| provide(need, asked))?;
    asked.each(&each, |run, asked| run.train(asked))?;
    let own = folder.join(claim.name);
    let sections =
        claim.parts.iter().map(|part| section(claim, part, asked, &own)).collect::<Result<Vec<Section>>>()?;
    sections.iter().try_for_each(|section| keep_reports(section, &own))?;
    let made =
        Made { command: asked.command(), machine: page::machine(), runs: runs.iter().map(Run::trained).collect() };
    let page = page::write(claim, &sections, &made, &folder)?;
    print(&format!("\n{page}"));
    match sections.iter().map(|section| section.unmeasured).sum::<usize>() {
        0 => Ok(()),
        n => Err(Failure::other(format!(
            "{}: {n} of the comparisons could not be measured; the page says which, and what was said while they were \
             measured says why",
            claim.name
        ))),
    }
}

fn section(claim: &Claim, part: &'static Part, asked: &Asked, folder: &Path) -> Result<Section> {
    match part {
        Part::Table(name) => match Table::find(name) {
            Some(table) => table::section(claim, table, asked),
            None => Err(Failure::other(format!("{name}: no such table"))),
        },
        Part::Curves(curves) => curves::section(claim, curves, asked),
        Part::Pictures(pictures) => pictures::section(claim, pictures, asked, folder),
    }
}

/// The runs that a claim shows, each once.
fn runs(claim: &Claim, asked: &Asked) -> Result<BTreeSet<Run>> {
    let mut configs = BTreeSet::new();
    for part in claim.parts {
        match part {
            Part::Table(name) => {
                configs.extend(Table::find(name).iter().flat_map(|table| table.rows).map(|row| row.run))
            }
            Part::Curves(curves) => configs.extend(curves.lines.iter().map(|line| line.config)),
            Part::Pictures(pictures) => {
                configs.insert(pictures.config);
            }
        }
    }
    let trainings: Vec<Vec<Run>> =
        configs.into_iter().map(|config| Run::trainings(claim, config, &asked.seeds)).collect::<Result<_>>()?;
    Ok(trainings.into_iter().flatten().collect())
}

/// Makes what others need, so far as it is missing.
fn provide(need: &Need, asked: &Asked) -> Result<()> {
    match need {
        Need::Run(config) => Run::of(config, &None)?.train_whole(asked),
        Need::Classifiers(attributes) => judges::provide(&attributes(), asked),
        Need::File { path, .. } if Path::new(path).exists() => Ok(()),
        Need::File { path, args } => {
            let place = |word| OsString::from(if word == "{file}" { *path } else { word });
            say(path);
            asked.program.run(args.split_whitespace().map(place))
        }
    }
}

/// Copies the files that the numbers of a section were read from.
fn keep_reports(section: &Section, folder: &Path) -> Result<()> {
    for (name, file) in &section.reports {
        // What could not be measured has said so.
        if file.is_file() {
            let unread = |error| Failure::other(format!("{}: {error}", file.display()));
            page::save(folder, name, &std::fs::read_to_string(file).map_err(unread)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_configured_alike_share_a_run() -> Result<()> {
        let of = |name: &str| -> Result<Vec<String>> {
            let rows = Table::find(name).into_iter().flat_map(|table| table.rows);
            rows.map(|row| Ok(Run::of(row.run, &None)?.name())).collect()
        };
        assert_eq!(of("sg1-table2")?, ["table1-e", "table2-mix50", "table1-f", "table2-mix100"]);
        assert_eq!(of("sg1-table4")?[..3], ["table1-b", "table4-trad8", "table4-trad8"]);
        let seed = Some("2".to_owned());
        assert_eq!(Run::of("spade/earth-64", &seed)?.name(), "spade-earth-64-seed2");
        let Some(claim) = Claim::find("sg1-convergence") else { panic!("no such claim") };
        let asked = Asked::of("sg1-convergence", &["--seed", "1000", "--seed", "2"].map(OsString::from))?;
        let names: Vec<String> = runs(claim, &asked)?.iter().map(Run::name).collect();
        assert_eq!(names, ["table1-a", "table1-a-seed2", "table1-b", "table1-b-seed2", "table1-f", "table1-f-seed2"]);
        // What others begin from is one run, whatever their seed.
        let Some(claim) = Claim::find("ada-transfer") else { panic!("no such claim") };
        assert_eq!(Run::trainings(claim, "ada/avatars-32", &asked.seeds)?.len(), 1);
        assert_eq!(Run::trainings(claim, "ada/earth-32", &asked.seeds)?.len(), 2);
        Ok(())
    }

    #[test]
    fn options_that_say_nothing_are_refused() {
        let of = |line: &str| run(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in [
            "sg1-table9",
            "sg1-table1 --network x",
            "sg1-table1 --weights x",
            "sg1-table3 --classifier x",
            "sg1-table1 --jobs 0",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
        assert!(of("--list").is_ok());
    }
}
