//! What is said to those who ask for several processes, whether or not this program was built for them.

use crate::bench::Bench;

/// Each would write the same file, and none would know of the other.
#[test]
fn verbs_that_write_start_once() {
    let bench = Bench::with_network();
    let line = "generate --network tiny.safetensors --seeds 0-1 --grid --out faces.png";
    let started = [
        ("mpirun (Open MPI)", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
        ("torchrun", "WORLD_SIZE", "RANK"),
        ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    ];
    for (launcher, size, number) in started {
        for (line, rank) in [(line, "0"), (line, "1"), ("data build avatars --size 16 --count 4 --out faces.png", "0")]
        {
            let output = bench.command(line).env(size, "2").env(number, rank).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
            let sentence = format!("error: {launcher} started 2 processes, and each would do all of this");
            assert!(said.starts_with(&sentence) && said.contains(&format!("`env -u {size} stylegan")), "{said}");
            assert!(!bench.path("faces.png").exists());
        }
    }
    // What writes nothing is said by each; and one process is alone, whoever started it.
    for (line, size) in [("inspect tiny.safetensors", "2"), (line, "1")] {
        let output = bench.command(line).envs([("OMPI_COMM_WORLD_SIZE", size), ("OMPI_COMM_WORLD_RANK", "0")]).output();
        assert_eq!(output.unwrap().status.code(), Some(0), "{line}");
    }
}

#[test]
fn those_who_ask_for_ranks_are_told_how() {
    let bench = Bench::new();
    for line in ["train --ranks 2 --config avatars-32 --out run", "eval --ranks=2 --network run"] {
        bench.wrong(line, &["--ranks", "tip: ", "`mpirun -n 2 ", "--features mpi", "`cargo xtask train --ranks 2 "]);
    }
    // Another word that is not known gets no such tip.
    assert!(!bench.run("train --rank 2 --out run").stderr.contains("mpirun"));
}

#[test]
fn the_reduction_is_a_word_of_two() {
    let bench = Bench::new();
    let printed = bench.ok("train --config avatars-32 --reduction fast --print-config");
    assert!(printed.contains("reduction = \"fast\""), "{printed}");
    bench.wrong("train --config avatars-32 --reduction quick --print-config", &["quick", "exact, fast"]);
}
