//! `cargo xtask train --ranks N`, and `eval`: several processes of this machine.

use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The processes that a run is split into.
pub(crate) struct Ranks(usize);

/// What mpirun of Open MPI is told, in variables that another library's does not mind.
pub(crate) const SETTINGS: [(&str, &str); 7] = [
    // Containers and CI run as root.
    ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
    ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    // Also more processes than processors.
    ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
    // Else each process has one processor, of however many there are; ours share them out themselves.
    ("OMPI_MCA_hwloc_base_binding_policy", "none"),
    // A host that is gone is noticed in seconds.
    ("OMPI_MCA_oob_tcp_keepalive_time", "4"),
    ("OMPI_MCA_oob_tcp_keepalive_intvl", "1"),
    ("OMPI_MCA_oob_tcp_keepalive_probes", "3"),
];

/// Starts mpirun out of reach of the terminal, and hands Ctrl-C and the like on to it as the one signal that
/// it hands on to the processes; any other makes it kill them in a second. Ends with its code.
const START: &str = "setsid mpirun \"$@\" < /dev/null & job=$!; trap \"kill -USR1 $job\" INT TERM HUP USR1; \
                     until wait $job; do code=$?; kill -0 $job 2> /dev/null || exit $code; done";

impl Ranks {
    /// Takes `--ranks N` out of the arguments of a verb; `None` where there is none, or N is 1.
    pub(crate) fn take(args: &mut Vec<OsString>) -> Result<Option<Self>> {
        let Some(at) = args.iter().position(|arg| arg.to_str().is_some_and(is_ranks)) else { return Ok(None) };
        let given = args.remove(at).to_string_lossy().into_owned();
        let value = match given.split_once('=') {
            Some((_, value)) => value.to_owned(),
            None if at < args.len() => args.remove(at).to_string_lossy().into_owned(),
            None => String::new(),
        };
        if args.first().is_none_or(|verb| verb != "train" && verb != "eval") {
            return Err(Failure::wrong("--ranks: `train` and `eval` alone run on several processes"));
        }
        match value.parse() {
            Ok(1) => Ok(None),
            Ok(count @ 2..=4096) => Ok(Some(Self(count))),
            _ => Err(Failure::wrong(format!("--ranks {value}: expected the number of processes, as in --ranks 2"))),
        }
    }

    /// Has cargo build with MPI and start the program by mpirun.
    pub(crate) fn apply(&self, command: &mut Command) -> Result<()> {
        for program in ["mpirun", "mpicc", "setsid"] {
            if !is_there(program) {
                return Err(Failure::wrong(format!(
                    "--ranks {}: {program} is not installed; on Debian and Ubuntu: apt-get install \
                     --no-install-recommends libopenmpi-dev openmpi-bin libclang-dev",
                    self.0
                )));
            }
        }
        let runner = format!("target.'cfg(all())'.runner = ['sh', '-c', '{START}', 'sh', '-n', '{}']", self.0);
        command.args(["--features", "mpi", "--config", &runner]).envs(SETTINGS);
        Ok(())
    }
}

fn is_ranks(arg: &str) -> bool {
    arg == "--ranks" || arg.starts_with("--ranks=")
}

/// Whether a program is installed.
pub(crate) fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Whether libclang is where the generator of the MPI bindings looks on Linux.
#[allow(clippy::disallowed_methods, reason = "a variable may say where libclang is")]
pub(crate) fn has_libclang() -> bool {
    let holds_it = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("libclang"))
    };
    let below = |folder: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.flat_map(|entry| [entry.path(), entry.path().join("lib")]).collect::<Vec<_>>()
    };
    std::env::var_os("LIBCLANG_PATH").is_some()
        || ["/usr/lib", "/usr/lib64"].iter().flat_map(|f| below(f)).any(holds_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(args: &str) -> (Option<usize>, String) {
        let mut args = args.split(' ').map(OsString::from).collect();
        let ranks = Ranks::take(&mut args).map_or(Some(0), |ranks| ranks.map(|ranks| ranks.0));
        (ranks, args.join(" ".as_ref()).to_string_lossy().into_owned())
    }

    #[test]
    fn ranks_are_taken_out() {
        assert_eq!(take("train --ranks 2 --out a"), (Some(2), "train --out a".into()));
        assert_eq!(take("train --out a --ranks=3"), (Some(3), "train --out a".into()));
        assert_eq!(take("train --ranks 1"), (None, "train".into()));
        assert_eq!(take("eval --ranks 2"), (Some(2), "eval".into()));
        assert_eq!(take("generate --seeds 1"), (None, "generate --seeds 1".into()));
        for wrong in ["train --ranks", "train --ranks 0", "train --ranks two", "generate --ranks 2"] {
            assert_eq!(take(wrong).0, Some(0), "{wrong}");
        }
    }
}
