"""The work of `cargo xtask bench` in PyTorch, as its users write it."""

import torch
import torch.nn.functional as F

import torch_networks as networks
from protocol import Cannot, serve


def prepare(mode, spec, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layout = torch.contiguous_format if mode == "contiguous" else torch.channels_last
    kinds = {
        "conv": convolution,
        "filter": fir,
        "synthesis": synthesis,
        "encode": encode,
        "iteration": iteration,
        "painter-iteration": painter_iteration,
        "discriminate": discriminate,
        "features": features,
    }
    if spec["kind"] not in kinds:
        raise Cannot(f"nothing in PyTorch itself does the work of {spec['kind']}")
    if mode != "bf16":
        return kinds[spec["kind"]](spec, layout)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        work = kinds[spec["kind"]](spec, layout)

    def in_bf16():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return work()

    return in_bf16


def convolution(spec, layout):
    channels, size, shape = spec["channels"], spec["size"], spec["shape"]
    kernel = 1 if shape == "pointwise" else 3
    side = size + 1 if shape == "strided" else size
    x = torch.randn(spec["batch"], channels, side, side).to(memory_format=layout)
    w = torch.randn(channels, channels, kernel, kernel).to(memory_format=layout)

    def apply():
        if shape == "transposed":
            return F.conv_transpose2d(x, w, stride=2)
        return F.conv2d(x, w, stride=2 if shape == "strided" else 1, padding=1 if shape == "same" else 0)

    if spec["pass"] == "forward":

        def forward():
            with torch.no_grad():
                apply()

        return forward
    wanted = x if spec["pass"] == "input-gradient" else w
    wanted.requires_grad_(True)
    y = apply()
    ones = torch.ones_like(y)

    def gradient():
        torch.autograd.grad(y, wanted, ones, retain_graph=True)

    return gradient


def fir(spec, layout):
    x = torch.randn(spec["batch"], spec["channels"], spec["size"], spec["size"]).to(memory_format=layout)
    f = networks.fir_filter()
    work = {
        "same": lambda: networks.upfirdn(x, f, pad=(2, 1)),
        "up": lambda: networks.upfirdn(x, f * 4, up=2, pad=(2, 1)),
        "down": lambda: networks.upfirdn(x, f, down=2, pad=(1, 1)),
    }[spec["resample"]]

    def filtered():
        with torch.no_grad():
            work()

    return filtered


def synthesis(spec, layout):
    make = {"stylegan1": networks.StyleGan1, "stylegan2": networks.StyleGan2}[spec["network"]]
    network = make(spec["size"], spec["channel_base"]).to(memory_format=layout).eval()
    w = torch.randn(spec["batch"], 512)

    def pictures():
        with torch.no_grad():
            network(w)

    return pictures


def iteration(spec, layout):
    import torch_training

    return torch_training.iteration(spec["network"], layout)


def encode(spec, layout):
    import torch_encoder

    return torch_encoder.rows(spec["size"], spec["batch"], layout)


def painter_iteration(spec, layout):
    import torch_painter

    return torch_painter.iteration(layout)


def discriminate(spec, layout):
    import torch_augment

    critic = networks.StyleGan2Discriminator(spec["size"], spec["channel_base"], spec["channel_max"])
    critic.to(memory_format=layout)
    images = torch.randn(spec["batch"], 3, spec["size"], spec["size"]).to(memory_format=layout)

    def gradient():
        seen = torch_augment.augmented(images, 0.6) if spec["augmented"] else images
        critic.zero_grad(set_to_none=True)
        F.softplus(-critic(seen)).sum().backward()

    return gradient


def features(spec, layout):
    try:
        import torchvision.models as models
    except ImportError:
        raise Cannot("torchvision is not installed")
    if spec["network"] == "inception":
        network = models.inception_v3(weights=None, init_weights=False, aux_logits=False)
        x = torch.rand(8, 3, 299, 299) * 2 - 1
    else:
        # Both pictures of each pair through the trunk; the heads cost next to nothing.
        network = models.vgg16(weights=None).features[:30]
        x = torch.randn(8, 3, 256, 256)
    network, x = network.to(memory_format=layout).eval(), x.to(memory_format=layout)

    def activations():
        with torch.no_grad():
            network(x)

    return activations


serve(prepare)
