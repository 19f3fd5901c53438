"""3x3 convolutions of `cargo xtask bench` in ncnn, weights prepared beforehand."""

import os
import tempfile

import ncnn
import numpy as np

from protocol import Cannot, serve


def prepare(mode, spec, threads):
    if spec["kind"] != "conv" or spec["shape"] != "same" or spec["pass"] != "forward":
        raise Cannot("only forward 3x3 convolutions")
    channels, size = spec["channels"], spec["size"]
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = os.path.join(folder, "conv.param"), os.path.join(folder, "conv.bin")
        count = channels * channels * 9
        with open(graph, "w") as file:
            file.write("7767517\n2 2\nInput x 0 1 x\n")
            # Outputs, kernel, padding, bias, number of weights.
            file.write(f"Convolution y 1 1 x y 0={channels} 1=3 4=1 5=0 6={count}\n")
        with open(weights, "wb") as file:
            # The tag of f32.
            file.write(bytes(4) + random.standard_normal(count, dtype=np.float32).tobytes())
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.load_param(graph)
        net.load_model(weights)
    # It knows no batches.
    arrays = [random.standard_normal((channels, size, size), dtype=np.float32) for _ in range(spec["batch"])]
    # A `Mat` of an array borrows its memory.
    pictures = [ncnn.Mat(array).clone() for array in arrays]

    def convolve():
        for picture in pictures:
            extractor = net.create_extractor()
            extractor.input("x", picture)
            extractor.extract("y")

    return convolve


serve(prepare)
