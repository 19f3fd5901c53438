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
}

/// The first that is found counts: what starts processes inside of another's is named before it. Of
/// Slurm those of a step count, as a batch script is one process of a job of many.
const LAUNCHERS: [Launcher; 4] = [
    Launcher { name: "mpirun (Open MPI)", size: "OMPI_COMM_WORLD_SIZE", rank: "OMPI_COMM_WORLD_RANK" },
    Launcher { name: "mpirun (MPICH)", size: "PMI_SIZE", rank: "PMI_RANK" },
    Launcher { name: "srun", size: "SLURM_STEP_NUM_TASKS", rank: "SLURM_PROCID" },
    Launcher { name: "torchrun", size: "WORLD_SIZE", rank: "RANK" },
];

/// One of several processes that were started together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launched {
    /// The program that did it.
    launcher: &'static str,
    /// How many there are.
    pub(crate) size: usize,
    /// Which one this is.
    pub(crate) rank: usize,
}

impl Launched {
    /// What the environment says; `None` for a process that was started alone.
    pub(crate) fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
        let found = |launcher: &Launcher| Some((launcher.name, number(launcher.size)?, number(launcher.rank)?));
        let (launcher, size, rank) = LAUNCHERS.iter().find_map(found)?;
        (size > 1).then_some(Self { launcher, size, rank })
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
