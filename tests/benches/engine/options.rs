//! The options of `cargo xtask bench`.

use crate::peers::PEERS;
use crate::spec::Spec;
use std::path::PathBuf;

/// `cargo xtask bench` has the same, without building the benchmarks.
const HELP: &str = include_str!("help.txt");

/// What was asked for.
pub(crate) enum Request {
    Help(&'static str),
    /// Be the worker for this case.
    Work(Spec),
    Bench(Options),
}

pub(crate) struct Options {
    pub(crate) only: Option<String>,
    pub(crate) list: bool,
    pub(crate) against: Vec<String>,
    pub(crate) python: String,
    pub(crate) seconds: f64,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
    pub(crate) chart: Option<PathBuf>,
    pub(crate) redraw: Option<PathBuf>,
    pub(crate) quick: bool,
    /// Whole networks alone.
    pub(crate) whole: bool,
    /// As typed.
    pub(crate) command: String,
}

/// Reads the arguments.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Request, String> {
    // cargo adds --bench.
    let args: Vec<String> = args.filter(|arg| arg != "--bench").collect();
    let mut options = Options {
        only: None,
        list: false,
        against: Vec::new(),
        python: "python3".to_string(),
        seconds: 3.0,
        json: None,
        markdown: None,
        chart: None,
        redraw: None,
        quick: false,
        whole: false,
        command: format!("cargo xtask bench {}", args.join(" ")),
    };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value; see --help"));
        match arg.as_str() {
            "--help" | "-h" => return Ok(Request::Help(HELP)),
            "--worker" => return Ok(Request::Work(serde_json::from_str(&value()?).map_err(|e| e.to_string())?)),
            "--list" => options.list = true,
            "--quick" => {
                options.quick = true;
                options.seconds = 1.0;
            }
            "--whole" => options.whole = true,
            "--only" => options.only = Some(value()?),
            "--python" => options.python = value()?,
            "--json" => options.json = Some(value()?.into()),
            "--markdown" => options.markdown = Some(value()?.into()),
            "--chart" => options.chart = Some(value()?.into()),
            "--redraw" => options.redraw = Some(value()?.into()),
            "--against" => options.against = peers(&value()?)?,
            "--seconds" => {
                let text = value()?;
                let number = text.parse().ok().filter(|s: &f64| *s > 0.0 && s.is_finite());
                options.seconds = number.ok_or_else(|| format!("--seconds {text}: expected a number above 0"))?;
            }
            _ => return Err(format!("unknown option {arg}; see --help")),
        }
    }
    Ok(Request::Bench(options))
}

fn peers(text: &str) -> Result<Vec<String>, String> {
    if text == "all" {
        return Ok(PEERS.iter().map(|peer| peer.name.to_string()).collect());
    }
    let names: Vec<String> = text.split(',').map(str::to_string).collect();
    match names.iter().find(|name| PEERS.iter().all(|peer| peer.name != name.as_str())) {
        None => Ok(names),
        Some(name) => Err(format!("--against {name}: expected one of {}, all", PEERS.map(|peer| peer.name).join(", "))),
    }
}
