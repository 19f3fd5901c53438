//! What can be typed: the verbs and the options that all of them share.
//!
//! Each verb's own options are in its file, as typed (`Args`), beside what they mean and what is
//! done. This registry feeds the parser and every help text.

use crate::numbers::whole;
use crate::{
    classifier, completions, convert, data, directions, edit, evaluate, export, figures, generate, inspect,
    interpolate, invert, man, mix, models, paint, plan, segmenter, studio, train,
};
use clap::{Parser, Subcommand};

/// Train, use and evaluate style-based generators (StyleGAN, StyleGAN2, Progressive GAN).
///
/// `stylegan VERB --help` explains each verb, with examples. Exit codes: 0 done, 2 wrong input,
/// 75 interrupted and saved, 130 interrupted with nothing to save, 1 anything else.
#[derive(Debug, Parser)]
#[command(name = "stylegan", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) verb: Verb,

    /// More messages on stderr: -v what is done, -vv details.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Threads to use; results do not depend on it [default: one per core]
    #[arg(long, global = true, value_name = "N", value_parser = whole::<u16>(1..=1024))]
    pub(crate) threads: Option<u16>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Train(train::Args),
    Plan(plan::Args),
    Generate(generate::Args),
    Paint(paint::Args),
    Mix(mix::Args),
    Interpolate(interpolate::Args),
    Invert(invert::Args),
    Directions(directions::Args),
    Edit(edit::Args),
    Figures(figures::Args),
    Studio(studio::Args),
    Eval(evaluate::Args),
    Classifier(classifier::Args),
    Segmenter(segmenter::Args),
    Convert(convert::Args),
    Export(export::Args),
    Inspect(inspect::Args),
    Models(models::Args),
    Data(data::Args),
    Completions(completions::Args),
    Man(man::Args),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_registry_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn messages_know_all_verbs() {
        let command = Options::command();
        let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(verbs, crate::invocation::VERBS);
    }

    /// Every verb and every option says what it does.
    #[test]
    fn everything_is_documented() {
        fn check(command: &clap::Command, path: &str) {
            for argument in command.get_arguments().filter(|a| a.get_id() != "help" && a.get_id() != "version") {
                assert!(argument.get_help().is_some(), "{path} {}", argument.get_id());
            }
            for verb in command.get_subcommands() {
                let path = format!("{path} {}", verb.get_name());
                assert!(verb.get_about().is_some() || verb.get_name() == "help", "{path}");
                check(verb, &path);
            }
        }
        check(&Options::command(), "stylegan");
    }

    /// What a terminal of 100 columns would break anywhere is broken where it was written.
    #[test]
    fn help_has_no_lines_that_are_too_long() {
        fn check(command: &clap::Command) {
            let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
            for line in about.lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        // The program's own text is no list of lines, and wrapped as a whole.
        Options::command().get_subcommands().for_each(check);
    }

    /// `docs/commands.md` is written from the registry. When it is out of date this test brings it up
    /// to date and fails; commit the file.
    #[test]
    fn the_page_of_commands_is_current() -> std::io::Result<()> {
        fn describe(command: &mut clap::Command, path: &str, page: &mut String) {
            page.push_str(&format!(
                "\n## {path}\n\n```text\n{}\n```\n",
                command.render_long_help().to_string().trim_end()
            ));
            for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
                let path = format!("{path} {}", verb.get_name());
                describe(verb, &path, page);
            }
        }
        let mut page = String::from(
            "# Commands\n\nWhat `stylegan --help` and `stylegan VERB --help` say; written by a test from the options themselves.\n",
        );
        let mut command = Options::command().term_width(100);
        command.build();
        describe(&mut command, "stylegan", &mut page);
        let page: String = page.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md");
        let found = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        if found != page {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"))?;
            std::fs::write(path, &page)?;
        }
        assert!(found == page, "docs/commands.md was out of date; it has been written again, commit it");
        Ok(())
    }
}
