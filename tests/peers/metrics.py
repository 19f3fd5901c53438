#!/usr/bin/env python3
"""Measures the same folders of pictures with stylegan-rs and with the programs that defined the metrics.

    cargo build --release -p stylegan-cli
    python3 tests/peers/metrics.py [--count 120] [--stylegan target/release/stylegan] [--weights FILE.pth] [--speed]

Compares FID (pytorch-fid, torch-fidelity, clean-fid), KID (torch-fidelity's kernel on the same features) and the
Inception Score, and prints pictures per second of each. A program that is not installed
(pip install pytorch-fid torch-fidelity clean-fid) is skipped with a message. Nothing is downloaded: without --weights
(pt_inception-2015-12-05-6726825d.pth) the Inception network gets weights by formula, the same for all.
Exit code 1 if a FID differs by more than 1e-3, of the value where it is above 1. With --speed, FID, KID, Inception Score
and precision/recall are measured one after the other, by either program in turn, and pictures per second of processor time,
which other work on the machine does not change, are printed as a table.
"""

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

TOLERANCE = 1e-3


def have(module):
    try:
        return importlib.import_module(module)
    except ImportError:
        print(f"skipped: {module} is not installed")
        return None


def formula(name, shape, kind):
    """Values by name: FNV-1a of the name starts splitmix64; see tests/tests/metrics_networks.rs."""
    state = np.uint64(0xCBF29CE484222325)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            state = (state ^ np.uint64(byte)) * np.uint64(0x100000001B3)
        z = state + np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    u = ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float64) / (1 << 24)
    s = 2 * u - 1
    fan_in = int(np.prod(shape[1:]))
    values = {
        "weight": lambda: s * np.sqrt(6 / fan_in),
        "bn_weight": lambda: 1 + 0.2 * s,
        "bias": lambda: 0.1 * s,
        "running_mean": lambda: 0.1 * s,
        "running_var": lambda: 1 + 0.5 * u,
    }[kind]()
    return values.astype(np.float32).reshape(shape)


def formula_weights(path, case, prefix):
    """The official file's names and shapes, as the golden case lists them."""
    import torch

    listing = pathlib.Path(__file__).parents[1] / f"golden/{case}/tensors.txt"
    state = {}
    for line in listing.read_text().splitlines():
        kind, name, *shape = line.split(" ")
        state[name] = torch.from_numpy(formula(f"{prefix}/{name}", [int(s) for s in shape], kind))
    torch.save(state, path)
    return state


def pictures(folder, count, seed, level):
    """Blocks of colour under noise of some level."""
    from PIL import Image

    folder.mkdir()
    random = np.random.RandomState(seed)
    for i in range(count):
        blocks = random.uniform(30, 225, (5, 4, 3)).repeat(16, 0).repeat(16, 1)
        noisy = blocks + random.normal(0, level, blocks.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{i:05}.png")


def ours(binary, one, two, weights, out):
    metrics = "pytorch-fid.fid,torch-fidelity.fid,clean-fid.fid,torch-fidelity.kid,torch-fidelity.isc"
    begin = time.time()
    command = [binary, "eval", "--images", one, two, "--metrics", metrics, "--features", weights, "--no-floor", "--out", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.time() - begin
    print(f"stylegan-rs: {seconds:.0f} s for three preparations, with intervals")
    return {result["protocol"]["id"]: result for result in json.loads(pathlib.Path(out).read_text())}


def pytorch_fid(one, two, weights):
    import torch
    from pytorch_fid import fid_score, inception

    inception.load_state_dict_from_url = lambda *_, **__: torch.load(weights)
    return fid_score.calculate_fid_given_paths([str(one), str(two)], 8, "cpu", 2048, 0)


def torch_fidelity(one, two, weights, count):
    import torch_fidelity

    found = torch_fidelity.calculate_metrics(
        input1=str(one), input2=str(two), cuda=False, batch_size=8, fid=True, isc=True, kid=True,
        kid_subset_size=min(1000, count), feature_extractor_weights_path=str(weights), cache=False, verbose=False,
        samples_shuffle=False,
    )  # fmt: skip
    return found


def clean_fid(one, two, weights):
    import torch
    from cleanfid import fid
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(weights))
    # clean-fid hands over 299x299 pictures of levels as f32; the network's own entrance takes bytes.
    def features(x):
        x = (x - 128) / 128
        for name in (
            "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 MaxPool_1 Conv2d_3b_1x1 Conv2d_4a_3x3 MaxPool_2 Mixed_5b Mixed_5c "
            "Mixed_5d Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e Mixed_7a Mixed_7b Mixed_7c AvgPool"
        ).split():
            x = getattr(network, name)(x)
        return x.flatten(1)

    return fid.compute_fid(
        str(one), str(two), mode="clean", custom_feat_extractor=features, num_workers=0, batch_size=8,
        device=torch.device("cpu"), use_dataparallel=False, verbose=False,
    )  # fmt: skip


def spent():
    """Seconds of processor time of this process and those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def speed(binary, one, two, weights, folder, count):
    """Each metric alone, by either program in turn; values side by side."""
    import torch
    import torch_fidelity

    vgg = folder / "vgg16.pth"
    state = formula_weights(vgg, "metrics_vgg16", "vgg16")
    # torch-fidelity's file has the last layer too, which it then takes away.
    state |= {"classifier.6.weight": torch.zeros(1000, 4096), "classifier.6.bias": torch.zeros(1000)}
    whole = folder / "vgg16-whole.pth"
    torch.save(state, whole)
    print("| metric | stylegan-rs | torch-fidelity | ratio | values |\n|---|---|---|---|---|", flush=True)
    for metric, name, kind, features in [
        ("fid", "frechet_inception_distance", "fid", weights),
        ("kid", "kernel_inception_distance_mean", "kid", weights),
        ("isc", "inception_score_mean", "isc", weights),
        ("prc", "precision", "prc", whole),
    ]:
        out = folder / f"{metric}.json"
        given = vgg if metric == "prc" else weights
        command = [binary, "eval", "--images", one, two, "--metrics", f"torch-fidelity.{metric}", "--features", given]
        begin = spent()
        subprocess.run([*command, "--no-floor", "--out", out], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        mine = spent() - begin
        begin = spent()
        found = torch_fidelity.calculate_metrics(
            input1=str(one), input2=str(two), cuda=False, batch_size=8, kid_subset_size=min(1000, count),
            feature_extractor_weights_path=str(features), cache=False, verbose=False, samples_shuffle=False,
            num_workers=0, **{kind: True},
        )  # fmt: skip
        theirs = spent() - begin
        # The Inception Score looks at the first folder alone.
        pictures = count if metric == "isc" else 2 * count
        value = json.loads(out.read_text())[0]["value"]
        print(
            f"| {metric} | {pictures / mine:.1f} | {pictures / theirs:.1f} | {theirs / mine:.2f} | {value:.5f}, {found[name]:.5f} |",
            flush=True,
        )


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=120, help="pictures in each folder")
    arguments.add_argument("--stylegan", default="target/release/stylegan")
    arguments.add_argument("--weights", help="official Inception weights")
    arguments.add_argument("--speed", action="store_true", help="time each metric beside torch-fidelity")
    options = arguments.parse_args()
    if not have("torch") or not have("PIL"):
        return 0
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        weights = options.weights or folder / "inception.pth"
        if not options.weights:
            formula_weights(weights, "metrics_inception_torch_fidelity", "tfid")
        one, two = folder / "one", folder / "two"
        pictures(one, options.count, 1, 12)
        pictures(two, options.count, 2, 20)
        if options.speed:
            if have("torch_fidelity"):
                speed(options.stylegan, one, two, weights, folder, options.count)
            return 0
        mine = ours(options.stylegan, one, two, weights, folder / "report.json")

        def compare(name, theirs, tolerance, seconds):
            found = mine[name]["value"]
            difference = abs(found - theirs)
            good = tolerance is None or difference <= tolerance * max(1.0, abs(theirs))
            rate = f"; peer: {2 * options.count / seconds:.2f} pictures/s" if seconds else ""
            verdict = "" if tolerance is None else " ok" if good else " FAILED"
            print(f"{name}: {found:.6f}, peer {theirs:.6f}, difference {difference:.1e}{verdict}{rate}", flush=True)
            return good

        begin = time.time()
        if have("pytorch_fid"):
            value = pytorch_fid(one, two, weights)
            failed |= not compare("pytorch-fid.fid", value, TOLERANCE, time.time() - begin)
        begin = time.time()
        if have("torch_fidelity"):
            found = torch_fidelity(one, two, weights, options.count)
            seconds = time.time() - begin
            value = found["frechet_inception_distance"]
            failed |= not compare("torch-fidelity.fid", value, TOLERANCE, seconds)
            # Other subsets, and another order of the pictures before the splits: near, not equal.
            compare("torch-fidelity.kid", found["kernel_inception_distance_mean"], None, None)
            compare("torch-fidelity.isc", found["inception_score_mean"], None, None)
            begin = time.time()
            if have("cleanfid"):
                value = clean_fid(one, two, weights)
                failed |= not compare("clean-fid.fid", value, TOLERANCE, time.time() - begin)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
