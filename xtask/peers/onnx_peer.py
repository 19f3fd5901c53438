"""The syntheses of `cargo xtask bench` in engines that run ONNX models; the model is our own export."""

import os
import subprocess
import sys

import numpy as np

from protocol import Cannot, serve


def prepare(mode, spec, threads):
    if len(sys.argv) < 5:
        raise Cannot("the model holds whole networks only")
    feed = {"encode": encoded, "paint": painted, "synthesis": synthesised}[spec["kind"]](spec)
    engines = {"onnxruntime": onnxruntime, "openvino": openvino, "openvino-default": openvino_default, "mnn": mnn}
    output = "ws" if spec["kind"] == "encode" else "img"
    run = engines[mode](sys.argv[4], threads, list(feed), output)
    return lambda: run(feed)


def synthesised(spec):
    # The mapping network is part of the model: 2 million multiplications beside some 15 000 million.
    z = np.random.default_rng(0).standard_normal((spec["batch"], 512), dtype=np.float32)
    return {"z": z, "psi": np.array(1, dtype=np.float32)}


def encoded(spec):
    shape = (spec["batch"], 3, spec["size"], spec["size"])
    return {"img": np.random.default_rng(0).standard_normal(shape, dtype=np.float32)}


def painted(spec):
    # Ten of 183 classes in squares of 32 pixels, and no edges: what is in a map does not change the work.
    size, classes = spec["size"], 184
    rows, columns = np.indices((size, size)) // 32
    one_hot = (np.arange(classes)[:, None, None] == (rows + columns) % 10).astype(np.float32)
    return {"map": np.repeat(one_hot[None], spec["batch"], axis=0)}


def onnxruntime(model, threads, names, output):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(feed):
        session.run(None, feed)

    return run


def openvino(model, threads, names, output):
    return openvino_with({"INFERENCE_PRECISION_HINT": "f32"}, model, threads)


def openvino_default(model, threads, names, output):
    # The precision that it chooses itself: bf16 on processors with tiles.
    return openvino_with({}, model, threads)


def openvino_with(hints, model, threads):
    import openvino as ov

    hints = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", **hints}
    request = ov.Core().compile_model(model, "CPU", hints).create_infer_request()

    def run(feed):
        request.infer(feed)

    return run


def mnn(model, threads, names, output):
    import MNN

    # In a process of its own: the conversion needs more memory than the work.
    convert = "from MNN.tools.mnnconvert import main; main()"
    arguments = ["-f", "ONNX", "--modelFile", model, "--MNNModel", model + ".mnn", "--bizCode", "bench"]
    quiet = subprocess.DEVNULL
    subprocess.run([sys.executable, "-c", convert, *arguments], stdout=quiet, stderr=quiet)
    if not os.path.exists(model + ".mnn"):
        raise Cannot("MNN's converter does not take the model")
    config = {"backend": "CPU", "numThread": threads, "precision": "high"}
    runtime = MNN.nn.create_runtime_manager((config,))
    module = MNN.nn.load_module_from_file(model + ".mnn", names, [output], runtime_manager=runtime)

    def run(feed):
        inputs = [MNN.expr.const(x.reshape(-1), list(x.shape), MNN.expr.NCHW) for x in feed.values()]
        module.forward(inputs)[0].read()

    return run


serve(prepare)
