//! The `stylegan` command: train, use and evaluate style-based generators.

mod classifier;
mod completions;
mod configs;
mod convert;
mod data;
mod destination;
mod earlier_run;
mod evaluate;
mod exit;
mod export;
mod figures;
mod film;
mod generate;
mod gif;
mod inspect;
mod interpolate;
mod invocation;
mod latents;
mod layout;
mod man;
mod mix;
mod models;
mod network;
mod numbers;
mod options;
mod pace;
mod picture_settings;
mod pictures;
mod settings;
mod shell;
mod signals;
mod starting_point;
mod status;
mod studio;
mod terminal;
mod train;
mod train_status;
mod transfer;
mod usage;
mod writer;

use clap::{CommandFactory, Parser};
use exit::{Ending, FAILED, INTERRUPTED, Outcome};
use options::{Options, Verb};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// What the last panic said.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    // A usage error ends here with exit code 2, --help and --version with 0.
    let options = Options::try_parse().unwrap_or_else(|error| usage::explain(&error));
    status::start_log(options.verbose);
    // What is caught on the way up, as panics of picture decoders are, is not worth a word.
    std::panic::set_hook(Box::new(|info| {
        tracing::debug!("{info}");
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    }));
    let outcome = std::panic::catch_unwind(|| run(options));
    let _last_words = signals::hold();
    match outcome {
        Ok(Ok(Ending::Done)) => ExitCode::SUCCESS,
        Ok(Ok(Ending::Interrupted(how_to_go_on))) => {
            status::say(&how_to_go_on);
            ExitCode::from(INTERRUPTED)
        }
        Ok(Err(error)) => {
            status::say(&format!("error: {}", exit::sentence(&error)));
            ExitCode::from(exit::code(&error))
        }
        Err(_) => {
            let info = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            status::say(&format!(
                "error: this is a bug of stylegan, please report it with the command you typed: {info}"
            ));
            ExitCode::from(FAILED)
        }
    }
}

fn run(options: Options) -> Outcome {
    if matches!(options.verb, Verb::Train(_) | Verb::Classifier(_)) {
        // As many passes as shards at a time, before there are other threads.
        stylegan_kernels::autodiff::start(std::thread::available_parallelism()?.get())?;
    }
    signals::watch()?;
    if let Some(threads) = options.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
    }
    stylegan_kernels::memory::keep_freed();
    stylegan_kernels::threads::keep_candle_on_its_thread();
    match options.verb {
        Verb::Train(args) => train::run(args),
        Verb::Generate(args) => generate::run(args),
        Verb::Mix(args) => mix::run(args),
        Verb::Interpolate(args) => interpolate::run(args),
        Verb::Figures(args) => figures::run(args),
        Verb::Studio(args) => studio::run(args),
        Verb::Eval(args) => evaluate::run(args),
        Verb::Classifier(args) => classifier::run(args),
        Verb::Convert(args) => convert::run(args),
        Verb::Inspect(args) => inspect::run(args),
        Verb::Export(args) => export::run(args),
        Verb::Models(args) => models::run(args),
        Verb::Data(args) => data::run(args),
        Verb::Completions(args) => completions::run(args, Options::command()),
        Verb::Man(args) => man::run(args, Options::command()),
    }
}
