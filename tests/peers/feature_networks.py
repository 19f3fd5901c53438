#!/usr/bin/env python3
"""Times the feature networks beside PyTorch's: Inception on 8 pictures of 299x299, LPIPS (VGG16) on 4 pairs of 256x256.

    python3 tests/peers/feature_networks.py [--rounds 3]

Ours is `cargo xtask bench`. Both take turns, with weights that mean nothing; the medians and their ratio are printed.
Without torch, torchvision and torch-fidelity there is nothing to compare: the script says so and ends.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time

CASES = ["inception 299 b8", "lpips vgg16 256 b4"]


def peers():
    import torch
    import torchvision
    from torch_fidelity import feature_extractor_inceptionv3 as fidelity

    torch.set_grad_enabled(False)
    # The network without its weights: its constructor wants to download them.
    fidelity.load_state_dict_from_url = lambda *_, **__: {}
    load, torch.nn.Module.load_state_dict = torch.nn.Module.load_state_dict, lambda *_, **__: None
    inception = fidelity.FeatureExtractorInceptionV3("inception", ["2048"])
    torch.nn.Module.load_state_dict = load
    vgg = torchvision.models.vgg16(weights=None).features[:30].eval()
    taps = (3, 8, 15, 22, 29)

    def lpips(a, b):
        total, x = 0, torch.cat([a, b])
        for i, layer in enumerate(vgg):
            x = layer(x)
            if i in taps:
                unit = x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)
                total += (unit[:4] - unit[4:]).square().sum(1).mean((1, 2))
        return total

    pictures = torch.randint(0, 256, (8, 3, 299, 299), dtype=torch.uint8)
    a, b = torch.randn(4, 3, 256, 256), torch.randn(4, 3, 256, 256)
    return {CASES[0]: lambda: inception(pictures), CASES[1]: lambda: lpips(a, b)}


def ours(case):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = ["cargo", "xtask", "bench", "--only", case, "--json", out.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.load(open(out.name))[0]["seconds"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    try:
        works = peers()
    except ImportError as error:
        print(f"skipped: {error}")
        return 0
    for case, work in works.items():
        mine, theirs = [], []
        work()
        for _ in range(options.rounds):
            begin = time.perf_counter()
            work()
            theirs.append(time.perf_counter() - begin)
            mine.append(ours(case))
        a, b = statistics.median(mine), statistics.median(theirs)
        print(f"{case}: stylegan-rs {a:.3f} s, PyTorch {b:.3f} s, ratio {b / a:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
