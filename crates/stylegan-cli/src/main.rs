//! The `stylegan` command: train, use and evaluate style-based generators.

mod assumed;
mod class_number;
mod classifier;
mod completions;
mod configs;
mod convert;
mod data;
mod destination;
mod device;
mod directions;
mod earlier_run;
mod edit;
mod embedded;
mod evaluate;
mod exit;
mod export;
mod figures;
mod file_run;
mod film;
mod generate;
mod gif;
mod inspect;
mod interpolate;
mod invert;
mod invocation;
mod joined;
mod latents;
mod launch;
mod layout;
mod local_copy;
mod man;
mod map_picture;
mod meant;
mod mix;
mod models;
mod network;
mod numbers;
mod options;
mod pace;
mod paint;
mod picture_settings;
mod pictures;
mod plan;
mod precision;
mod ranks;
mod same_run;
mod segmenter;
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
mod whole_path;
mod writer;

use clap::CommandFactory;
use exit::{Ending, FAILED, INTERRUPTED, Outcome};
use options::{Options, Verb};
use signals::Reaction;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use stylegan_kernels::cpu_info::instruction_set;

/// What the last panic said.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    // A usage error ends here with exit code 2, --help and --version with 0.
    let options = usage::parse();
    status::start_log(options.verbose);
    // What is caught on the way up, as panics of picture decoders are, is not worth a word.
    std::panic::set_hook(Box::new(|info| {
        tracing::debug!("{info}");
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    }));
    let outcome = std::panic::catch_unwind(|| run(options));
    signals::react(Reaction::End);
    let _last_words = signals::hold();
    let (code, together) = match outcome {
        Ok(Ok(Ending::Done)) => (0, true),
        Ok(Ok(Ending::Interrupted(how_to_go_on))) => {
            status::say(&how_to_go_on);
            (INTERRUPTED, true)
        }
        Ok(Err(error)) => {
            let of_all = exit::is_of_all_ranks(&error);
            ranks::say_error(&exit::sentence(&error), of_all);
            (exit::code(&error), of_all)
        }
        Err(_) => {
            let info = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            let bug = format!("this is a bug of stylegan, please report it with the command you typed: {info}");
            ranks::say_error(&bug, false);
            (FAILED, false)
        }
    };
    if together {
        ranks::leave();
    } else {
        ranks::end_all(code);
    }
    ExitCode::from(code)
}

fn run(options: Options) -> Outcome {
    // As many passes as run at a time, before there are other threads.
    match options.verb {
        Verb::Train(_) | Verb::Plan(_) | Verb::Classifier(_) | Verb::Segmenter(_) => {
            stylegan_kernels::autodiff::start(std::thread::available_parallelism()?.get())?;
        }
        Verb::Invert(_) | Verb::Studio(_) => stylegan_kernels::autodiff::start(1)?,
        _ => {}
    }
    signals::watch()?;
    let joins = match &options.verb {
        Verb::Train(args) => ranks::join(args.folder())?,
        Verb::Eval(_) => ranks::join(None)?,
        // What is only printed may be printed by each.
        Verb::Plan(_) | Verb::Inspect(_) | Verb::Models(_) | Verb::Completions(_) | Verb::Man(_) => true,
        _ => {
            ranks::be_alone()?;
            true
        }
    };
    if !joins {
        return Ok(Ending::Done);
    }
    let share = ranks::threads()?;
    if let Some(threads) = options.threads.map(usize::from).or(share) {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    stylegan_kernels::memory::keep_freed();
    stylegan_kernels::threads::keep_candle_on_its_thread();
    tracing::debug!("instruction set: {}, threads: {}", instruction_set(), rayon::current_num_threads());
    match options.verb {
        Verb::Train(args) => train::run(args),
        Verb::Plan(args) => plan::run(args),
        Verb::Generate(args) => generate::run(args),
        Verb::Paint(args) => paint::run(args),
        Verb::Mix(args) => mix::run(args),
        Verb::Interpolate(args) => interpolate::run(args),
        Verb::Invert(args) => invert::run(args),
        Verb::Directions(args) => directions::run(args),
        Verb::Edit(args) => edit::run(args),
        Verb::Figures(args) => figures::run(args),
        Verb::Studio(args) => studio::run(args),
        Verb::Eval(args) => evaluate::run(args),
        Verb::Classifier(args) => classifier::run(args),
        Verb::Segmenter(args) => segmenter::run(args),
        Verb::Convert(args) => convert::run(args),
        Verb::Inspect(args) => inspect::run(args),
        Verb::Export(args) => export::run(args),
        Verb::Models(args) => models::run(args),
        Verb::Data(args) => data::run(args),
        Verb::Completions(args) => completions::run(args, Options::command()),
        Verb::Man(args) => man::run(args, Options::command()),
    }
}
