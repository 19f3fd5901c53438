//! `cargo xtask scaling`: what more ranks would give, by a small model, and what the model is fed with.

mod measure;
mod model;

use crate::failure::{Failure, Result};
use crate::say::print;
use model::{HURTS, Network, PIECE, Reduction, Step, Work, batch_that_pays, piece_that_pays};
use std::ffi::OsString;
use std::fmt::Write;

/// What joins ranks, in the words of those who sell it: a message's latency as MPI or NCCL libraries have it, and
/// four fifths of the wire's bandwidth.
const NETWORKS: [Network; 3] = [
    Network { name: "Ethernet, 100 Gb/s", latency: 20e-6, bandwidth: 0.8 * 12.5e9 },
    Network { name: "InfiniBand, 200 Gb/s", latency: 2e-6, bandwidth: 0.8 * 25e9 },
    Network { name: "NVLink, 300 GB/s", latency: 3e-6, bandwidth: 0.8 * 300e9 },
];

/// StyleGAN2 with 30.4 and 29.0 million parameters at 1024 pixels, on a GPU as fast as an A100 is with the official
/// PyTorch code (90.4 s for a thousand images, its documentation says): gradients of both networks in every step, of
/// the lazy phases in each fourth and sixteenth.
const STYLEGAN2_1024: Work = Work {
    name: "StyleGAN2, 1024 pixels, A100s as published",
    image_seconds: 0.0904,
    bytes: 4. * (30.4e6 * 1.25 + 29e6 * 1.0625),
    phases: 2.3125,
    shard: 4,
};

/// The batch of the published runs.
const BATCH: usize = 32;

/// Numbers of ranks that are looked at.
const RANKS: [usize; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

const HELP: &str = "\
What more ranks would give

Usage: cargo xtask scaling [OPTIONS]
  without options    the table of docs/distributed.md
  --measure          times runs of one and two ranks on this machine, by turns, and what the ranks exchange; compares
                     the model with them, and prints the table for this machine's ranks and what joins them
  --pairs N          with --measure: how often [5]
  --kimg N           with --measure: length of each run in thousands of images [0.2]
  --base N           with --measure: channel_base of the networks [8192; 32768 is a generator of 26 M parameters]
  --mpirun ARGS      with --measure: what mpirun is told, in one word, as where two ranks are on two machines ('--host a:1,b:1
                     --mca btl_tcp_if_include 10.0.0.0/24'); they need the program and the folder of TMPDIR under the same paths
  --program FILE     with --measure: a stylegan that was built with --features mpi [built in release]
";

pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let mut asked = measure::Asked::default();
    let (mut measures, mut at) = (false, 0);
    while let Some(name) = args.get(at).map(|arg| arg.to_string_lossy().into_owned()) {
        at += 1;
        match name.as_str() {
            "--help" | "-h" => {
                print(HELP);
                return Ok(());
            }
            "--measure" => measures = true,
            _ => {
                let value = args.get(at).map(|arg| arg.to_string_lossy().into_owned());
                at += 1;
                if !value.is_some_and(|value| asked.set(&name, &value)) {
                    return Err(Failure::wrong(format!("scaling: {name}: see `cargo xtask scaling --help`")));
                }
            }
        }
    }
    if measures {
        return measure::run(&asked);
    }
    print(&table(&STYLEGAN2_1024, &NETWORKS));
    Ok(())
}

/// What is foreseen for a work on all networks, as Markdown.
fn table(work: &Work, networks: &[Network]) -> String {
    let mut text = format!("{}.\n\n| ranks | batch |", work.name);
    networks.iter().for_each(|network| _ = write!(text, " {} |", network.name));
    text.push_str(&format!("\n|---|---|{}\n", "---|".repeat(networks.len())));
    for ranks in RANKS {
        let steps: Vec<Step> = networks.iter().map(|network| Step::of(work, network, BATCH, ranks)).collect();
        let _ = write!(text, "| {ranks} | {} |", steps[0].batch);
        for step in steps {
            let speed = step.images_per_second();
            let digits = if speed < 10. { 1 } else { 0 };
            let _ = write!(text, " {speed:.digits$} ({:.0} %) |", 100. * step.share());
        }
        text.push('\n');
    }
    text.push_str("\nImages per second, and the part of a step in which ranks exchange.\n\n");
    text.push_str(
        "| network | exchange hurts from | batch that pays on 64 ranks | on 1,024 | piece that pays | 64 ranks: ours, \
                   doubling, ring, trees |\n|---|---|---|---|---|---|\n",
    );
    for network in networks {
        let hurts = RANKS.iter().find(|ranks| Step::of(work, network, BATCH, **ranks).share() > HURTS);
        let hurts = hurts.map_or_else(|| "nowhere".to_owned(), |ranks| format!("{ranks} ranks"));
        let kinds = [Reduction::Slices, Reduction::Doubling, Reduction::Ring, Reduction::Trees];
        let kinds = kinds.map(|kind| format!("{:.0}", 1e3 * kind.seconds(network, work.bytes, work.phases, 64, 1.)));
        let _ = writeln!(
            text,
            "| {} | {hurts} | {} | {} | {} | {} ms |",
            network.name,
            batch_that_pays(work, network, 64),
            batch_that_pays(work, network, 1024),
            size(piece_that_pays(network)),
            kinds.join(", ")
        );
    }
    let _ = writeln!(
        text,
        "\nExchange hurts where it takes more than {:.0} % of a step. Pieces are {} now.",
        100. * HURTS,
        size(PIECE)
    );
    text
}

/// Bytes for the reader.
fn size(bytes: f64) -> String {
    match bytes {
        b if b >= f64::from(1 << 20) => format!("{:.1} MiB", b / f64::from(1 << 20)),
        b => format!("{:.0} KiB", b / 1024.),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The official code on one, two, four and eight A100s joined by NVLink: 90.39, 46.04, 23.15 and 11.66 s for a
    /// thousand images.
    #[test]
    fn published_times_are_foreseen() {
        for (ranks, published) in [(1, 90.39), (2, 46.04), (4, 23.15), (8, 11.66)] {
            let found = 1000. / Step::of(&STYLEGAN2_1024, &NETWORKS[2], BATCH, ranks).images_per_second();
            assert!((found / published - 1.).abs() < 0.05, "{ranks} ranks: {found}, published {published}");
        }
    }

    #[test]
    fn the_table_is_that_of_the_documentation() {
        let text = include_str!("../../../docs/distributed.md");
        for line in table(&STYLEGAN2_1024, &NETWORKS).lines() {
            assert!(text.contains(line), "docs/distributed.md lacks this line of `cargo xtask scaling`: {line}");
        }
    }
}
