//! The results: a table as they come, and files at the end.

use crate::Result;
use crate::chart;
use crate::options::Options;
use crate::peers::is_reduced;
use serde::{Deserialize, Serialize};
use std::path::Path;
use stylegan_kernels::cpu_info;

/// One case, alone or beside one peer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// A whole network at work, not one operation.
    pub(crate) whole: bool,
    /// Median of our times.
    pub(crate) seconds: f64,
    /// As the direct algorithm would count; a fast algorithm may pass the peak.
    pub(crate) gflops: Option<f64>,
    /// Of the multiply-adds that all cores together can do.
    pub(crate) peak_share: Option<f64>,
    pub(crate) peak_rss_mb: Option<f64>,
    pub(crate) peer: Option<String>,
    pub(crate) peer_seconds: Option<f64>,
    pub(crate) peer_rss_mb: Option<f64>,
    /// The peer's seconds by ours.
    pub(crate) ratio: Option<f64>,
    /// The ratio we want.
    pub(crate) target: Option<f64>,
}

/// All lines, and what they were measured on; a JSON file holds one.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    machine: String,
    command: String,
    lines: Vec<Line>,
}

const WHOLE_HEAD: &str = "\
| whole work | ms | MB | best peer | its ms | its MB | ratio |
|---|---|---|---|---|---|---|";

const HEAD: &str = "\
| work | ms | GFLOP/s | of peak | MB | peer | its ms | its MB | ratio | target |
|---|---|---|---|---|---|---|---|---|---|";

impl Report {
    /// A report that prints its lines as they come.
    pub(crate) fn start(threads: usize, peak: f64, command: &str) -> Self {
        let machine = format!(
            "{}, {threads} threads, {}{}, {peak:.0} GFLOP/s measured",
            cpu().unwrap_or_else(|| "unknown CPU".to_string()),
            cpu_info::instruction_set(),
            caches()
        );
        Self { machine, command: command.to_owned(), lines: Vec::new() }
    }

    /// The report that a JSON file holds.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    /// Adds a line and prints it.
    pub(crate) fn add(&mut self, line: Line) {
        if self.lines.is_empty() {
            println!("{}\n\n{HEAD}", self.machine);
        }
        println!("{}", row(&line));
        self.lines.push(line);
    }

    /// Writes the files that were asked for.
    pub(crate) fn finish(self, options: &Options) -> Result<()> {
        if let Some(path) = &options.json {
            std::fs::write(path, serde_json::to_string_pretty(&self)? + "\n")?;
        }
        if let Some(path) = &options.markdown {
            std::fs::write(path, self.markdown())?;
        }
        if let Some(path) = &options.chart {
            std::fs::write(path, chart::svg(&self.lines, &self.machine))?;
        }
        Ok(())
    }

    /// Whole works beside the best peer of each first, then all operations.
    fn markdown(&self) -> String {
        let whole: Vec<String> = whole_works(&self.lines).iter().map(|work| best(work)).collect();
        let operations: Vec<String> = self.lines.iter().filter(|line| !line.whole).map(row).collect();
        let all: Vec<String> = self.lines.iter().filter(|line| line.whole).map(row).collect();
        format!(
            "{}\n\n`{}`\n\n{WHOLE_HEAD}\n{}\n\n{HEAD}\n{}\n\n{HEAD}\n{}\n",
            self.machine,
            self.command,
            whole.join("\n"),
            all.join("\n"),
            operations.join("\n")
        )
    }
}

/// The lines of whole works, those of each work together.
pub(crate) fn whole_works(lines: &[Line]) -> Vec<&[Line]> {
    lines.chunk_by(|a, b| a.name == b.name).filter(|work| work[0].whole).collect()
}

/// A time in milliseconds.
pub(crate) fn milliseconds(seconds: f64) -> String {
    format!("{:.*}", if seconds < 0.1 { 2 } else { 0 }, seconds * 1e3)
}

/// A work beside its fastest peer; one in f32 beside those in f32.
fn best(work: &[Line]) -> String {
    let ours = &work[0];
    let alike = |peer: &str| ours.name.contains("bf16") || !is_reduced(peer);
    let fastest = work.iter().filter(|line| line.peer.as_deref().is_some_and(alike));
    let fastest = fastest.filter_map(|line| Some((line, line.peer_seconds?)));
    let fastest = fastest.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(ours, |(line, _)| line);
    let number = |x: Option<f64>, digits: usize| x.map_or_else(String::new, |x| format!("{x:.digits$}"));
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |",
        ours.name,
        milliseconds(ours.seconds),
        number(ours.peak_rss_mb, 0),
        fastest.peer.as_deref().unwrap_or_default(),
        fastest.peer_seconds.map(milliseconds).unwrap_or_default(),
        number(fastest.peer_rss_mb, 0),
        number(fastest.ratio, 2)
    )
}

fn row(line: &Line) -> String {
    let number = |x: Option<f64>, digits: usize| x.map_or_else(String::new, |x| format!("{x:.digits$}"));
    let ms = milliseconds;
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        line.name,
        ms(line.seconds),
        number(line.gflops, 0),
        number(line.peak_share, 2),
        number(line.peak_rss_mb, 0),
        line.peer.as_deref().unwrap_or_default(),
        line.peer_seconds.map(ms).unwrap_or_default(),
        number(line.peer_rss_mb, 0),
        number(line.ratio, 2),
        number(line.target, 1),
    )
}

/// The sizes of one core's caches, where the system tells: `, caches 32K 512K 32768K`.
fn caches() -> String {
    let size = |index: usize| {
        let file =
            |name: &str| std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}"));
        let data = file("type").is_ok_and(|kind| kind.trim() != "Instruction");
        file("size").ok().filter(|_| data).map(|size| format!(" {}", size.trim()))
    };
    let sizes: String = (0..4).filter_map(size).collect();
    if sizes.is_empty() { sizes } else { format!(", caches{sizes}") }
}

/// The name of the processor, where the system tells.
fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_string())
}
