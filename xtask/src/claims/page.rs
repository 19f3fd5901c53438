//! The page of a claim, and its line on the page of all claims.

use crate::json::Json;

use super::asked::{Asked, runs};
use super::claim::Claim;
use super::section::Section;
use crate::cargo::root;
use crate::failure::{Failure, Result};
use crate::say::say;
use crate::stats::Progress;
use std::path::{Path, PathBuf};

/// What a page says of how it was made.
pub(super) struct Made {
    pub(super) command: String,
    pub(super) machine: String,
    /// The runs that it shows.
    pub(super) runs: Vec<Trained>,
}

/// A run, as a page names it.
pub(super) struct Trained {
    pub(super) name: String,
    /// Its configuration, below the project's folder.
    pub(super) config: String,
    pub(super) progress: Progress,
}

impl Made {
    /// Hours of training, by the clock of each run.
    fn hours(&self) -> f64 {
        self.runs.iter().map(|run| run.progress.hours).sum()
    }
}

/// The folder of pages; other people's networks have one of their own, and what would take another command's place.
pub(super) fn folder(asked: &Asked) -> PathBuf {
    let other = asked
        .network
        .as_ref()
        .map(|network| runs().join(format!("figures-{}", network.file_stem().unwrap_or_default().to_string_lossy())));
    asked.out.clone().or(other).unwrap_or_else(|| beside(root().join("docs/results"), asked))
}

/// `folder`, unless another command has written its page there: a trial does not take the place of what was measured.
fn beside(folder: PathBuf, asked: &Asked) -> PathBuf {
    let page = std::fs::read_to_string(folder.join(format!("{}.md", asked.claim))).unwrap_or_default();
    let command = page.lines().find_map(|line| line.strip_prefix('`')?.strip_suffix('`'));
    if command.is_none_or(|command| command == asked.command()) { folder } else { trials() }
}

/// Where pages go whose place another command's has.
pub(super) fn trials() -> PathBuf {
    runs().join("results")
}

/// Writes page, data and charts of a claim, and its line on the page of all claims where that is beside the folder;
/// returns the page.
pub(super) fn write(claim: &Claim, sections: &[Section], made: &Made, folder: &Path) -> Result<String> {
    let mut text = format!(
        "# {}\n\n`{}`\n\n{}{}\n",
        claim.says,
        made.command,
        made.machine,
        if made.hours() > 0. { format!("; {} of training, by the clock.", hours(made.hours())) } else { ".".into() }
    );
    let mut data = vec![
        ("claim".to_owned(), Json::text(claim.name)),
        ("command".to_owned(), Json::text(&made.command)),
        ("machine".to_owned(), Json::text(&made.machine)),
        ("training_hours".to_owned(), Json::Number(made.hours())),
    ];
    for section in sections {
        let mut body = section.text.replace("{folder}", claim.name);
        for (ending, content) in &section.files {
            let name = format!("{}.{ending}", claim.name);
            body = body.replace(&format!("{{{ending}}}"), &name);
            save(folder, &name, content)?;
        }
        text.push('\n');
        text.push_str(&body);
    }
    text.push_str(&trained(&made.runs));
    // What was found out since, by hand; the command leaves it as it is.
    if let Ok(notes) = std::fs::read_to_string(folder.join(format!("{}.notes.md", claim.name))) {
        text.push_str(&format!("\n{notes}"));
    }
    data.push(("parts".to_owned(), Json::List(sections.iter().map(|section| section.data.clone()).collect())));
    save(folder, &format!("{}.json", claim.name), &format!("{}\n", Json::Object(data)))?;
    save(folder, &format!("{}.md", claim.name), &text)?;
    let headline: Vec<&str> = sections.iter().map(|s| s.headline.as_str()).filter(|text| !text.is_empty()).collect();
    let headline = if headline.is_empty() { "pictures".to_owned() } else { headline.join("; ") };
    let all = folder.with_extension("md");
    // Pages that lie elsewhere have no page above them.
    let above = std::fs::read_to_string(&all).unwrap_or_default();
    if let Some(above) = with_line(&above, claim, &headline, made) {
        save(all.parent().unwrap_or(Path::new("")), &file_name(&all), &above)?;
    }
    Ok(text)
}

/// The runs, with their configurations and lengths.
fn trained(runs: &[Trained]) -> String {
    let line = |run: &Trained| {
        format!(
            "| {} | `{}` | {:.0} | {} |\n",
            run.name,
            run.config,
            run.progress.kimg,
            if run.progress.hours > 0. { hours(run.progress.hours) } else { String::new() }
        )
    };
    match runs {
        [] => String::new(),
        runs => format!(
            "\n| run | configuration | thousands of pictures seen | time |\n|---|---|---|---|\n{}",
            runs.iter().map(line).collect::<String>()
        ),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// How the line of a claim begins.
pub(super) fn line_start(claim: &Claim) -> String {
    format!("| [`{0}`](results/{0}.md) |", claim.name)
}

/// The page of all claims with a new line for this one; nothing where it has none.
fn with_line(page: &str, claim: &Claim, headline: &str, made: &Made) -> Option<String> {
    let start = line_start(claim);
    // A page that is not there yet has no link.
    let unlinked = format!("| `{}` |", claim.name);
    let is_own = |line: &str| line.starts_with(&start) || line.starts_with(&unlinked);
    page.lines().any(is_own).then(|| {
        let line = format!(
            "{start} {} | {headline} | `{}` | {}{} |",
            claim.says,
            made.command,
            made.machine,
            if made.hours() > 0. { format!("; {}", hours(made.hours())) } else { String::new() }
        );
        let lines = page.lines().map(|old| if is_own(old) { line.as_str() } else { old });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    })
}

fn hours(hours: f64) -> String {
    if hours < 1. { format!("{:.0} minutes", (60. * hours).max(1.)) } else { format!("{hours:.1} hours") }
}

/// Writes a file, whole or not at all.
pub(super) fn save(folder: &Path, name: &str, text: &str) -> Result<()> {
    let (path, unfinished) = (folder.join(name), folder.join(format!(".{name}.tmp")));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&unfinished, text))
        .and_then(|()| std::fs::rename(&unfinished, &path));
    written.map_err(|error| Failure::other(format!("{}: {error}", path.display())))?;
    say(&path.display().to_string());
    Ok(())
}

/// The processor, and how many threads it has.
pub(super) fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.trim()));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    format!("{}, {threads} threads", model.unwrap_or(std::env::consts::ARCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Claim = Claim { name: "x-table1", says: "it holds", needs: &[], parts: &[] };

    fn made() -> Made {
        let run = Trained {
            name: "table1-a".into(),
            config: "configs/avatars-32/table1-a.toml".into(),
            progress: Progress { kimg: 90., hours: 2.5 },
        };
        Made { command: "cargo xtask reproduce x-table1".into(), machine: "a machine".into(), runs: vec![run] }
    }

    #[test]
    fn a_page_is_replaced_by_the_same_command_alone() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-trial-{}", std::process::id()));
        let of = |line: &str| -> Result<PathBuf> {
            let words: Vec<_> = line.split_whitespace().map(Into::into).collect();
            Ok(beside(folder.clone(), &Asked::of("x-table1", &words)?))
        };
        let first = of("--kimg 1")?;
        save(&folder, "x-table1.md", "# it holds\n\n`cargo xtask reproduce x-table1 --kimg 60`\n\na machine.\n")?;
        let found = [of("--kimg 60 --jobs 2")?, of("--kimg 1")?, of("")?];
        let _ = std::fs::remove_dir_all(&folder);
        assert_eq!(first, folder);
        assert_eq!(found, [folder, trials(), trials()]);
        Ok(())
    }

    #[test]
    fn a_page_links_its_files_and_has_a_line_above() -> std::io::Result<()> {
        let above = std::env::temp_dir().join(format!("xtask-page-{}", std::process::id()));
        let folder = above.join("results");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(
            above.join("results.md"),
            "# Results\n\n| `x-table1` | it holds | not run yet | | |\n| `y` | |\n",
        )?;
        std::fs::write(folder.join("x-table1.notes.md"), "A reason, tested.\n")?;
        let section = Section {
            text: "![a chart]({svg})\n![a picture]({folder}/a.png)\n".into(),
            headline: "FID 3 of 3".into(),
            files: vec![("svg", "<svg/>".into())],
            reports: vec![],
            unmeasured: 0,
            data: Json::Number(1.),
        };
        let written = write(&CLAIM, &[section], &made(), &folder);
        let read = |path: &str| std::fs::read_to_string(above.join(path)).unwrap_or_default();
        let (page, all, data, svg) = (
            read("results/x-table1.md"),
            read("results.md"),
            read("results/x-table1.json"),
            read("results/x-table1.svg"),
        );
        std::fs::remove_dir_all(&above)?;
        assert_eq!(written.ok().as_ref(), Some(&page));
        assert!(
            page.starts_with("# it holds\n\n`cargo xtask reproduce x-table1`\n\na machine; 2.5 hours of training"),
            "{page}"
        );
        assert!(page.contains("](x-table1.svg)") && page.contains("](x-table1/a.png)"), "{page}");
        let end = "| table1-a | `configs/avatars-32/table1-a.toml` | 90 | 2.5 hours |\n\nA reason, tested.\n";
        assert!(page.ends_with(end), "{page}");
        assert!(data.contains("\"training_hours\": 2.5") && svg == "<svg/>");
        let line = "| [`x-table1`](results/x-table1.md) | it holds | FID 3 of 3 | `cargo xtask reproduce x-table1` | a machine; 2.5 hours |";
        assert_eq!(all, format!("# Results\n\n{line}\n| `y` | |\n"));
        // The line that is there is replaced.
        assert_eq!(with_line(&all, &CLAIM, "FID 3 of 3", &made()), Some(all.clone()));
        assert_eq!(with_line("nothing\n", &CLAIM, "", &made()), None);
        Ok(())
    }
}
