//! The results: a table as they come, and files at the end.

use crate::Result;
use crate::options::Options;
use serde::Serialize;
use stylegan_kernels::cpu_info;

/// One case, alone or beside one peer.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
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

pub(crate) struct Report {
    machine: String,
    lines: Vec<Line>,
}

const HEAD: &str = "\
| work | ms | GFLOP/s | of peak | MB | peer | its ms | its MB | ratio | target |
|---|---|---|---|---|---|---|---|---|---|";

impl Report {
    /// A report that prints its lines as they come.
    pub(crate) fn start(threads: usize, peak: f64) -> Self {
        let machine = format!(
            "{}, {threads} threads, {}, {peak:.0} GFLOP/s measured",
            cpu().unwrap_or_else(|| "unknown CPU".to_string()),
            cpu_info::instruction_set()
        );
        Self { machine, lines: Vec::new() }
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
            std::fs::write(path, serde_json::to_string_pretty(&self.lines)? + "\n")?;
        }
        if let Some(path) = &options.markdown {
            let rows: Vec<String> = self.lines.iter().map(row).collect();
            let text = format!("{}\n\n`{}`\n\n{HEAD}\n{}\n", self.machine, options.command, rows.join("\n"));
            std::fs::write(path, text)?;
        }
        Ok(())
    }
}

fn row(line: &Line) -> String {
    let number = |x: Option<f64>, digits: usize| x.map_or_else(String::new, |x| format!("{x:.digits$}"));
    let ms = |seconds: f64| format!("{:.*}", if seconds < 0.1 { 2 } else { 0 }, seconds * 1e3);
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

/// The name of the processor, where the system tells.
fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_string())
}
