//! `stylegan studio`: the networks and runs of this computer in a browser.
//!
//! One runtime answers requests, one thread computes. [`gate`] decides who is let in, [`socket`] reads what a
//! page wishes to see ([`wish`]) into the [`queue`], of which [`worker`] takes portions and answers them by
//! [`frame`]s. [`cells`] knows which pictures a state consists of, and [`style_network`] how one is computed; [`edits`]
//! moves styles, [`search`] finds those of a picture, [`filming`] makes [`films`], [`map_network`] paints maps.
//! [`mod@networks`] are those of the [`library`] that are open. [`posts`] takes files into [`uploads`].

mod answers;
mod assets;
mod cells;
mod connections;
mod edits;
mod filming;
mod films;
mod frame;
mod gate;
mod kinds;
mod library;
mod map_network;
mod moves;
mod networks;
mod order;
mod patient;
mod posts;
mod queue;
mod runs;
mod scene;
mod search;
mod server;
mod socket;
mod stamp;
mod style_file;
mod style_network;
mod task;
mod uploads;
mod wish;
mod worker;

use crate::device::DeviceArgs;
use crate::evaluate::networks;
use crate::exit::{Ending, Outcome, wrong};
use crate::invert::picture_encoder::PictureEncoder;
use crate::models;
use crate::network::{check_network_exists, open_model};
use crate::precision::PrecisionArgs;
use crate::signals::{self, Reaction};
use crate::status::{print, say};
use answers::Studio;
use anyhow::Context;
use candle_core::Device;
use films::Films;
use gate::Gate;
use kinds::{Kind, Kinds};
use library::Library;
use networks::Networks;
use queue::Queue;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use stylegan_train::folder;
use tokio::net::TcpListener;
use uploads::Uploads;

/// The port that is tried first, so that links stay good.
const PORT: u16 = 7531;

/// Make, mix, edit, paint and watch in the browser
///
/// Opens a page that this program serves itself, to this computer alone: pictures at the drag of a
/// mouse, mixes of styles, edits along directions, painted maps, films, and the runs below runs/ while
/// they train. The networks that come with the program (`stylegan models`) are there at once. Ctrl-C
/// ends it.
///
/// Examples:
///   stylegan studio
///   stylegan studio --network runs/avatars-32
///   stylegan studio --network runs/faces --directions smile.safetensors
///   stylegan studio --network ffhq.safetensors --port 8000 --no-open
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Shown first: a checkpoint (.safetensors), a released file that `stylegan convert` knows, the folder of
    /// a run, then its newest checkpoint, or a name that `stylegan models` lists. Beside it, or without it,
    /// there are the runs below runs/ and what comes with the program
    ///
    /// Example: --network runs/avatars-32
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: Option<PathBuf>,

    /// Directions to edit pictures along, as `stylegan directions` writes them; may be given several times. Others
    /// can be found, and loaded, on the page.
    #[arg(long, value_name = "FILE")]
    directions: Vec<PathBuf>,

    /// Weights of an LPIPS network, as `stylegan invert` takes them, to find the styles of pictures by [default: the
    /// network that is built in]
    #[arg(long, value_name = "FILE")]
    features: Vec<PathBuf>,

    /// An encoder of pictures that searches for styles start from: a run of `stylegan train --config psp/…`, or a
    /// released file; for the network that it was trained for. Others start from the average style.
    ///
    /// Example: --encoder runs/encoder
    #[arg(long, value_name = "FILE|RUN")]
    encoder: Option<PathBuf>,

    /// The port to listen at; 0 takes any that is free [default: 7531, or any if that is taken]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    /// The address to listen at. Any but this computer's own lets others on the network in who have the link:
    /// they see the pictures and the runs, and what they see travels without encryption.
    ///
    /// Example: --host 0.0.0.0
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(flatten)]
    precision: PrecisionArgs,

    /// Only prints the link and opens no browser.
    #[arg(long)]
    no_open: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let network = match args.network {
        Some(named) => Some(match models::built_in(&named)? {
            Some(file) => file,
            None => check_shown(&named).map(|()| named)?,
        }),
        None => None,
    };
    let library = Arc::new(Library::new(network));
    if library.entries().is_empty() {
        wrong!(
            "there is nothing to show: no run below runs/ of this folder; name a network with --network, or train one \
             with `stylegan train`"
        );
    }
    let uploads = Arc::new(Uploads::new(&args.directions)?);
    let device = args.device.chosen()?;
    let precision = args.precision.chosen(&device)?;
    let distances = networks(&args.features, &device)?;
    let encoder = args.encoder.as_deref().map(|path| PictureEncoder::open(path, &device)).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.context("the studio cannot start")?;
    let listener = runtime.block_on(listen(args.host, args.port))?;
    let address = listener.local_addr().context("the studio's address is not known")?;
    let (queue, films) = (Arc::new(Queue::default()), Arc::new(Films::default()));
    let networks = Networks::new(library.clone(), device, precision);
    worker::start(networks, uploads.clone(), films.clone(), queue.clone(), distances, encoder)?;
    let gate = Gate::new(address)?;
    print(&format!("{}\n", gate.link()?))?;
    say("the studio is open by this link, in one browser; Ctrl-C ends it");
    if !address.ip().is_loopback() {
        say(&format!(
            "warning: {address} can be reached from the network: whoever has a link sees the pictures and runs, and \
             nothing is encrypted; in the link put this computer's number for 127.0.0.1"
        ));
    }
    if !args.no_open && has_screen() {
        browse(&gate.link()?);
    }
    signals::react(Reaction::Done("the studio is closed"));
    let studio = Arc::new(Studio::new(gate, library, queue, uploads, films));
    runtime.block_on(server::serve(listener, studio));
    Ok(Ending::Done)
}

/// Refuses what there is nothing to show of: a file without a generator, a folder without a run.
fn check_shown(named: &Path) -> anyhow::Result<()> {
    check_network_exists(named)?;
    // A run that has just begun can be watched.
    let is_run = folder::config(named).is_some();
    match Kinds::default().of(named) {
        _ if is_run => Ok(()),
        Some(kind) if kind != Kind::Nothing => Ok(()),
        _ => open_model(named, &Device::Cpu).map(drop),
    }
}

/// Listens at the port, or near it if it was not asked for.
async fn listen(host: IpAddr, port: Option<u16>) -> anyhow::Result<TcpListener> {
    let at = |port| TcpListener::bind(SocketAddr::new(host, port));
    let listener = match (at(port.unwrap_or(PORT)).await, port) {
        (Err(error), None) if error.kind() == ErrorKind::AddrInUse => at(0).await,
        (listener, _) => listener,
    };
    match listener {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            wrong!("--port {}: another program listens there; name another, or leave --port out", port.unwrap_or(PORT))
        }
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            wrong!("--host {host}: this computer has no such address; 0.0.0.0 listens at all that it has")
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            wrong!("--port {}: the system does not let you listen there; take one above 1023", port.unwrap_or(PORT))
        }
        listener => listener.with_context(|| format!("cannot listen at {host}")),
    }
}

/// Whether there is a screen for a browser.
#[allow(clippy::disallowed_methods, reason = "the command reads the environment")]
fn has_screen() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Opens the user's browser, if it can be found; the link was printed in any case.
fn browse(link: &str) {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new(if cfg!(target_os = "macos") { "open" } else { "xdg-open" })
    };
    command.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        // The browser outlives the studio; what it ends with is of no interest, but someone has to ask.
        Ok(mut child) => drop(std::thread::Builder::new().spawn(move || child.wait())),
        Err(error) => tracing::info!("no browser was opened: {error}"),
    }
}
