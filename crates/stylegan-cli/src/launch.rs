//! Which program started this process beside others: they all say so in the environment, each in words
//! of its own.

use std::fmt;

/// How a program that starts several processes tells each of them.
struct Launcher {
    name: &'static str,
    /// The variable with the number of processes.
    size: &'static str,
    /// The variable with the number of this one.
    rank: &'static str,
    /// What joins processes that it started.
    joins: Joins,
}

/// What joins processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joins {
    Mpi,
    /// NCCL, by way of a file in the folder of the run: nothing else joins what torchrun starts.
    Nccl,
}

/// The first that started several counts: what starts processes inside of another's is named before it. Of
/// Slurm those of a step count, as a batch script is one process of a job of many.
const LAUNCHERS: [Launcher; 4] = [
    Launcher { name: "torchrun", size: "WORLD_SIZE", rank: "RANK", joins: Joins::Nccl },
    Launcher {
        name: "mpirun (Open MPI)",
        size: "OMPI_COMM_WORLD_SIZE",
        rank: "OMPI_COMM_WORLD_RANK",
        joins: Joins::Mpi,
    },
    Launcher { name: "mpirun (MPICH)", size: "PMI_SIZE", rank: "PMI_RANK", joins: Joins::Mpi },
    Launcher { name: "srun", size: "SLURM_STEP_NUM_TASKS", rank: "SLURM_PROCID", joins: Joins::Mpi },
];

/// One of several processes that were started together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launched {
    /// The program that did it.
    launcher: &'static str,
    /// The variable by which it told how many there are.
    pub(crate) variable: &'static str,
    /// How many there are.
    pub(crate) size: usize,
    /// Which one this is.
    pub(crate) rank: usize,
    pub(crate) joins: Joins,
}

impl Launched {
    /// What the environment says; `None` for a process that was started alone.
    pub(crate) fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
        LAUNCHERS.iter().find_map(|launcher| {
            let (size, rank) = (number(launcher.size)?, number(launcher.rank)?);
            (size > 1).then_some(Self {
                launcher: launcher.name,
                variable: launcher.size,
                size,
                rank,
                joins: launcher.joins,
            })
        })
    }
}

/// What torchrun tells a process beyond its rank.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg(feature = "nccl")]
pub(crate) struct Torchrun {
    /// The GPU that the process is to use: its number on this machine.
    pub(crate) gpu: usize,
    /// Which start of which run this is, in the same words on all ranks.
    pub(crate) start: String,
}

#[cfg(feature = "nccl")]
impl Torchrun {
    /// What the environment says.
    pub(crate) fn find(variable: impl Fn(&str) -> Option<String>) -> Self {
        let gpu = variable("LOCAL_RANK").and_then(|number| number.trim().parse().ok()).unwrap_or_default();
        // Each torchrun counts for itself: one whose processes were well counts no restart that another asked for.
        let several = variable("GROUP_WORLD_SIZE").is_some_and(|count| count.trim() != "1");
        let count = if several { "" } else { "TORCHELASTIC_RESTART_COUNT" };
        let words = ["TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", count];
        Self { gpu, start: words.map(|name| variable(name).unwrap_or_default()).join(" ") }
    }
}

impl fmt::Display for Launched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} started {} processes", self.launcher, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<(&'static str, usize, usize)> {
        let value = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Launched::find(value).map(|launched| (launched.launcher, launched.size, launched.rank))
    }

    #[test]
    fn every_launcher_is_understood() {
        let open_mpi = [("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "3")];
        assert_eq!(found(&open_mpi), Some(("mpirun (Open MPI)", 4, 3)));
        assert_eq!(found(&[("PMI_SIZE", "2"), ("PMI_RANK", "0")]), Some(("mpirun (MPICH)", 2, 0)));
        assert_eq!(found(&[("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1")]), Some(("srun", 2, 1)));
        assert_eq!(found(&[("WORLD_SIZE", "8"), ("RANK", "7")]), Some(("torchrun", 8, 7)));
        // mpirun in a job of Slurm, whose own step is the daemons'.
        let both = [("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1"), open_mpi[0], open_mpi[1]];
        assert_eq!(found(&both), Some(("mpirun (Open MPI)", 4, 3)));
        // torchrun in a step of Slurm (one of it a machine), with and without Slurm's own PMI, and in one by mpirun.
        let torchrun = [("WORLD_SIZE", "16"), ("RANK", "3")];
        for (tasks, rank) in [("1", "0"), ("2", "0"), ("2", "1")] {
            let step = [("SLURM_STEP_NUM_TASKS", tasks), ("SLURM_PROCID", rank)];
            let pmi = [("PMI_SIZE", tasks), ("PMI_RANK", rank)];
            let mpi = [("OMPI_COMM_WORLD_SIZE", tasks), ("OMPI_COMM_WORLD_RANK", rank)];
            for outer in [step, [step[0], pmi[0]], pmi, mpi] {
                assert_eq!(found(&[outer, torchrun].concat()), Some(("torchrun", 16, 3)), "{outer:?}");
            }
        }
        // Who started one process has not started these.
        let one = [("WORLD_SIZE", "1"), ("RANK", "0"), ("PMI_SIZE", "1"), ("PMI_RANK", "0")];
        assert_eq!(
            found(&[one[0], one[1], one[2], one[3], open_mpi[0], open_mpi[1]]),
            Some(("mpirun (Open MPI)", 4, 3))
        );
    }

    #[test]
    #[cfg(feature = "nccl")]
    fn another_start_is_told_from_this_one() {
        let start = |restart: &str, machines: &str| {
            let value = |name: &str| match name {
                "LOCAL_RANK" => Some("3".to_owned()),
                "GROUP_WORLD_SIZE" => Some(machines.to_owned()),
                "TORCHELASTIC_RESTART_COUNT" => Some(restart.to_owned()),
                _ => None,
            };
            Torchrun::find(value)
        };
        assert_eq!(start("0", "1").gpu, 3);
        assert_ne!(start("0", "1").start, start("1", "1").start);
        // Two machines, of which one alone failed.
        assert_eq!(start("0", "2").start, start("1", "2").start);
    }

    #[test]
    fn one_process_is_alone() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("OMPI_COMM_WORLD_SIZE", "1"), ("OMPI_COMM_WORLD_RANK", "0")]), None);
        // A batch script of Slurm, and an image whose makers set half of torchrun's words.
        assert_eq!(found(&[("SLURM_NTASKS", "16"), ("SLURM_PROCID", "0")]), None);
        assert_eq!(found(&[("WORLD_SIZE", "8")]), None);
    }
}
