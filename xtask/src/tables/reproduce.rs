//! `cargo xtask reproduce CLAIM`: trains the runs that a claim of a paper rests on, so far as they are missing, and
//! measures them.

use super::paper::Table;
use super::{has_classifier, measure, render, stylegan, table};
use crate::cargo::{root, status_of};
use crate::failure::{Failure, Result};
use crate::say::{print, say};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A claim: a name, what it says, and the table of the StyleGAN paper that it is read from.
struct Claim {
    name: &'static str,
    says: &'static str,
    table: u8,
}

const CLAIMS: [Claim; 4] = [
    Claim { name: "sg1-table1", says: "each step from Progressive GAN to StyleGAN lowers the FID", table: 1 },
    Claim { name: "sg1-table2", says: "training with mixed styles helps pictures of mixed styles", table: 2 },
    Claim { name: "sg1-table3", says: "W is smoother and more linear than Z", table: 3 },
    Claim { name: "sg1-table4", says: "a deeper mapping network makes W smoother and the FID lower", table: 4 },
];

const HELP: &str = "\
Trains the runs that a claim rests on, at 32x32 on drawn faces, and measures them

Usage: cargo xtask reproduce CLAIM [--kimg N] [--seed N] [OPTIONS OF `stylegan eval`]
       cargo xtask reproduce --list

Runs are below runs/, named after their configurations in configs/avatars-32/. What is there is not done again: an
interrupted command goes on where it was. Rows of one configuration share a run. The table, ours beside the paper's, goes
to docs/results/CLAIM.md, and what `stylegan eval` reported of each run to docs/results/CLAIM/.

  --kimg N     a shorter training, in thousands of pictures [default: the configuration's]
  --seed N     another seed [default: 1000]; its runs and files have it in their names
";

/// What the command line asks for.
struct Asked {
    claim: &'static Claim,
    kimg: Option<String>,
    seed: Option<String>,
    /// Options of the evaluation.
    options: Vec<OsString>,
}

pub(crate) fn run(args: &[OsString]) -> Result<()> {
    match args.first().and_then(|arg| arg.to_str()) {
        None | Some("--help" | "-h") => print(HELP),
        Some("--list") => CLAIMS.iter().for_each(|claim| say(&format!("{}  {}", claim.name, claim.says))),
        Some(name) => return reproduce(&asked(name, &args[1..])?),
    }
    Ok(())
}

fn asked(name: &str, args: &[OsString]) -> Result<Asked> {
    let Some(claim) = CLAIMS.iter().find(|claim| claim.name == name) else {
        let names: Vec<&str> = CLAIMS.iter().map(|claim| claim.name).collect();
        return Err(Failure::wrong(format!("reproduce {name}: no such claim; there are {}", names.join(", "))));
    };
    let mut asked = Asked { claim, kimg: None, seed: None, options: vec![] };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let place = match arg.to_str() {
            Some("--kimg") => &mut asked.kimg,
            Some("--seed") => &mut asked.seed,
            _ => {
                asked.options.push(arg.clone());
                continue;
            }
        };
        *place = args.next().and_then(|value| value.to_str()).map(str::to_owned);
        if place.as_ref().and_then(|value| value.parse::<f64>().ok()).is_none_or(|value| value < 0.) {
            return Err(Failure::wrong(format!("{}: a number is missing behind it", arg.to_string_lossy())));
        }
    }
    Ok(asked)
}

fn reproduce(asked: &Asked) -> Result<()> {
    let Some(table) = table(asked.claim.table) else { return Ok(()) };
    let configs = configurations(table)?;
    let mut runs: BTreeMap<&str, PathBuf> = BTreeMap::new();
    for config in configs.iter().copied() {
        if !runs.contains_key(config) {
            say(&format!("{}: {config}", asked.claim.name));
            runs.insert(config, train(config, asked)?);
        }
    }
    let of_rows: Vec<Option<PathBuf>> = configs.iter().map(|config| runs.get(config).cloned()).collect();
    let cells = measure(table, &of_rows, &asked.options)?;
    let text = render(table, &of_rows, &cells, has_classifier(&asked.options));
    print(&text);
    let name = named(asked.claim.name, asked);
    let folder = root().join("docs/results");
    for run in runs.values() {
        keep_reports(run, &folder.join(&name))?;
    }
    write(&folder, &format!("{name}.md"), &format!("# {}\n\n`{}`\n\n{text}", asked.claim.says, command(asked)))
}

/// Copies what was measured of a run.
fn keep_reports(run: &Path, folder: &Path) -> Result<()> {
    let unread = |error| Failure::other(format!("{}: {error}", run.display()));
    for file in std::fs::read_dir(run).map_err(unread)? {
        let (path, name) = file.map(|file| (file.path(), file.file_name())).map_err(unread)?;
        let name = name.to_string_lossy();
        if name.starts_with("table-") && name.ends_with(".json") {
            let of = run.file_name().unwrap_or_default().to_string_lossy();
            write(folder, &format!("{of}-{name}"), &std::fs::read_to_string(&path).map_err(unread)?)?;
        }
    }
    Ok(())
}

/// The configuration of each row: of rows that are configured alike, that of the first in all tables.
fn configurations(table: &Table) -> Result<Vec<&'static str>> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for row in super::TABLES.iter().flat_map(|table| table.rows) {
        first.entry(configured(row.run)?).or_insert(row.run);
    }
    table.rows.iter().map(|row| Ok(first.get(&configured(row.run)?).copied().unwrap_or(row.run))).collect()
}

/// What a configuration says, without its comments.
fn configured(name: &str) -> Result<String> {
    let path = root().join("configs/avatars-32").join(format!("{name}.toml"));
    let text =
        std::fs::read_to_string(&path).map_err(|error| Failure::other(format!("{}: {error}", path.display())))?;
    // 0.9 is what is not written elsewhere.
    let decides = |line: &&str| !line.starts_with('#') && *line != "mixing_probability = 0.9";
    Ok(text.lines().filter(decides).collect::<Vec<_>>().join("\n"))
}

/// A name with the seed, where another one was asked for.
fn named(name: &str, asked: &Asked) -> String {
    asked.seed.as_ref().map_or_else(|| name.to_owned(), |seed| format!("{name}-seed{seed}"))
}

/// Trains a run, or goes on with it; one that is done is left as it is.
fn train(config: &str, asked: &Asked) -> Result<PathBuf> {
    let run = Path::new("runs").join(named(config, asked));
    let mut command = stylegan();
    command.args(["train", "--config", &format!("avatars-32/{config}"), "--out"]).arg(&run);
    for (option, value) in [("--kimg", &asked.kimg), ("--seed", &asked.seed)] {
        command.args(value.iter().flat_map(|value| [option, value.as_str()]));
    }
    let status = status_of(&mut command)?;
    if status.success() { Ok(run) } else { Err(Failure::ended(status)) }
}

/// The command that makes the same again.
fn command(asked: &Asked) -> String {
    let mut line = format!("cargo xtask reproduce {}", asked.claim.name);
    for (option, value) in [("--kimg", &asked.kimg), ("--seed", &asked.seed)] {
        line.extend(value.iter().map(|value| format!(" {option} {value}")));
    }
    line.extend(asked.options.iter().map(|option| format!(" {}", option.to_string_lossy())));
    line
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let (path, unfinished) = (folder.join(name), folder.join(format!(".{name}.tmp")));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&unfinished, text))
        .and_then(|()| std::fs::rename(&unfinished, &path));
    written.map_err(|error| Failure::other(format!("{}: {error}", path.display())))?;
    say(&path.display().to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn claims_have_tables_and_options_of_their_own() {
        for claim in &CLAIMS {
            assert!(table(claim.table).is_some(), "{}", claim.name);
        }
        let of = |line: &str| asked("sg1-table2", &words(line)).ok();
        let found = of("--kimg 5 --count 100 --seed 2");
        assert!(found.as_ref().is_some_and(|found| found.options == words("--count 100")));
        assert!(found.as_ref().is_some_and(|found| named("table2-mix0", found) == "table2-mix0-seed2"));
        assert_eq!(
            found.as_ref().map(command).as_deref(),
            Some("cargo xtask reproduce sg1-table2 --kimg 5 --seed 2 --count 100")
        );
        assert!(of("--kimg").is_none() && of("--seed x").is_none() && asked("sg1-table5", &[]).is_err());
    }

    #[test]
    fn rows_that_are_configured_alike_share_a_run() {
        let of = |number| table(number).and_then(|table| configurations(table).ok()).unwrap_or_default();
        assert_eq!(of(2), ["table1-e", "table2-mix50", "table1-f", "table2-mix100"]);
        assert_eq!(of(4)[..3], ["table1-b", "table4-trad8", "table4-trad8"]);
        assert_eq!(of(1).len(), 6);
    }
}
