//! `stylegan plan`: what a run would take, before it starts.

pub(crate) mod advice;
mod measure;

use crate::device::DeviceArgs;
use crate::exit::{Ending, Outcome, wrong};
use crate::precision::say_if_slow;
use crate::starting_point;
use crate::status::{print, say};
use crate::train::{self, Asked};
use indicatif::HumanDuration;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use stylegan_kernels::memory;

/// Say what a run would take on this machine: time, memory, disk
///
/// Trains some steps in each part of the run (each resolution, and the pictures that an encoder's
/// generator draws), in a folder that is removed again, and says seconds per thousand pictures, the
/// time to the end, memory at its peak, and which settings are unlikely to do well. Evaluations on the
/// way come on top.
///
/// Examples:
///   stylegan plan --config avatars-64
///   stylegan plan --data faces.zip --kimg 5000
///   stylegan plan --data faces.zip --from stylegan2-ffhq-256.pkl --set schedule.batch=16
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,

    /// Seconds of training to measure in each part; three steps at least.
    #[arg(long, value_name = "N", default_value_t = 10.)]
    seconds: f64,

    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Outcome {
    let Ok(time) = Duration::try_from_secs_f64(args.seconds) else {
        wrong!("--seconds: expected a number from 0 on, found {}", args.seconds);
    };
    let device = args.device.chosen()?;
    let (config, pictures, note) = train::of_new_run(&args.asked)?;
    note.iter().for_each(|note| say(note));
    config.check_device(&device)?;
    say_if_slow(config.precision(), &device);
    let pictures = Arc::new(pictures);
    print(&(starting_point::summary(&config, &pictures)?.join("\n") + "\n"))?;
    say("training a few steps to measure them");
    let levels = measure::levels(&config, &pictures, &device, time, &mut |level| {
        let (stage, seconds) = (level.part.stage, level.seconds_per_kimg);
        let (side, shards) = (stage.resolution, stage.batch / stage.shard.max(1));
        let drawn = if level.part.drawn { " that the generator draws" } else { "" };
        print(&format!(
            "pace:     {seconds:.1} s a kimg at {side} pixels, {shards} x {} pictures{drawn} a step\n",
            stage.shard
        ))
    })?;
    let mut text = String::new();
    let threads = rayon::current_num_threads();
    let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
    let on = if device.is_cpu() { threads } else { "the GPU".into() };
    match measure::whole(config.kimg(), &levels) {
        Some(whole) => writeln!(text, "time:     {} for {} kimg on {on}", in_words(whole), config.kimg())?,
        None => writeln!(text, "time:     longer than can be told for {:e} kimg on {on}", config.kimg())?,
    }
    if let Some(peak) = memory::peak() {
        writeln!(text, "memory:   {:.2} GiB at the peak", peak as f64 / f64::from(1 << 30))?;
    }
    if let Some(last) = levels.last() {
        writeln!(text, "disk:     {:.1} MB a checkpoint", last.checkpoint as f64 / 1e6)?;
    }
    print(&text)?;
    advice::on(&config, &pictures)?.iter().for_each(|sentence| say(&format!("note: {sentence}")));
    Ok(Ending::Done)
}

/// A duration, in tenths of a second where it is short.
fn in_words(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} seconds", time.as_secs_f64())
    } else {
        HumanDuration(time).to_string()
    }
}
