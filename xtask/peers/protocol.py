"""What every peer of `cargo xtask bench` has in common; tests/benches/engine/worker.rs describes it."""

import json
import os
import resource
import sys
import time


class Cannot(Exception):
    """This engine has no such work; the text says why."""


def serve(prepare):
    """`prepare(mode, spec, threads)` returns a function that does the work once."""
    mode, spec, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    # Engines that chatter on standard output do so on standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(*words):
        print(*words, file=answers, flush=True)

    try:
        work = prepare(mode, spec, threads)
    except Cannot as reason:
        answer("cannot", reason)
        return
    answer("ready")
    for _ in sys.stdin:
        start = time.perf_counter()
        seconds = work()
        # Work in parts that count unequally returns its own time.
        answer(seconds if isinstance(seconds, float) else time.perf_counter() - start)
    answer(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
