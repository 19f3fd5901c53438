"""What every peer of `cargo xtask bench` has in common; tests/benches/engine/worker.rs describes it."""

import json
import resource
import sys
import time


class Cannot(Exception):
    """This engine has no such work; the text says why."""


def serve(prepare):
    """`prepare(mode, spec, threads)` returns a function that does the work once."""
    mode, spec, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    try:
        work = prepare(mode, spec, threads)
    except Cannot as reason:
        print("cannot", reason, flush=True)
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        seconds = work()
        # Work in parts that count unequally returns its own time.
        print(seconds if isinstance(seconds, float) else time.perf_counter() - start, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
