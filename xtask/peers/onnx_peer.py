"""The syntheses of `cargo xtask bench` in engines that run ONNX models; the model is our own export."""

import os
import subprocess
import sys

import numpy as np

from protocol import Cannot, serve


def prepare(mode, spec, threads):
    if len(sys.argv) < 5:
        raise Cannot("the model holds whole networks only")
    run = {"onnxruntime": onnxruntime, "openvino": openvino, "mnn": mnn}[mode](sys.argv[4], threads)
    # The mapping network is part of the model: 2 million multiplications beside some 15 000 million.
    z = np.random.default_rng(0).standard_normal((spec["batch"], 512), dtype=np.float32)
    psi = np.array(1, dtype=np.float32)
    return lambda: run(z, psi)


def onnxruntime(model, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(z, psi):
        session.run(None, {"z": z, "psi": psi})

    return run


def openvino(model, threads):
    import openvino as ov

    hints = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = ov.Core().compile_model(model, "CPU", hints).create_infer_request()

    def run(z, psi):
        request.infer({"z": z, "psi": psi})

    return run


def mnn(model, threads):
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
    module = MNN.nn.load_module_from_file(model + ".mnn", ["z", "psi"], ["img"], runtime_manager=runtime)

    def run(z, psi):
        inputs = [
            MNN.expr.const(z, list(z.shape), MNN.expr.NCHW),
            MNN.expr.const(psi.reshape(1), [], MNN.expr.NCHW),
        ]
        module.forward(inputs)[0].read()

    return run


serve(prepare)
