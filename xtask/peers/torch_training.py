"""One training iteration in PyTorch: 64x64 pixels, channel_base 8192, z and w of 512, batch 8."""

import time

import torch
import torch.nn.functional as F

import torch_networks as networks

SIZE, CHANNEL_BASE, BATCH = 64, 8192, 8


def iteration(network, layout):
    """A function that does the phases of an iteration; lazy phases count by how often they come."""
    sg2 = network == "stylegan2"
    mapping = networks.Mapping()
    synthesis = (networks.StyleGan2 if sg2 else networks.StyleGan1)(SIZE, CHANNEL_BASE)
    critic = (networks.StyleGan2Discriminator if sg2 else networks.StyleGan1Discriminator)(SIZE, CHANNEL_BASE)
    for part in [synthesis, critic]:
        part.to(memory_format=layout)
    average = [p.detach().clone() for p in parameters(mapping, synthesis)]
    players = {
        "g": torch.optim.Adam(parameters(mapping, synthesis), lr=0.002, betas=(0.0, 0.99), eps=1e-8),
        "d": torch.optim.Adam(parameters(critic), lr=0.002, betas=(0.0, 0.99), eps=1e-8),
    }
    real = torch.randn(BATCH, 3, SIZE, SIZE)

    def fakes(count=BATCH):
        w = mapping(torch.randn(count, 512))
        return w, synthesis(w)

    def generator():
        return F.softplus(-critic(fakes()[1])).mean()

    def path_length():
        w, pictures = fakes(BATCH // 2)
        noise = torch.randn_like(pictures) / SIZE
        (gradient,) = torch.autograd.grad((pictures * noise).sum(), w, create_graph=True)
        return (gradient.square().sum(1).sqrt() - 1).square().mean()

    def discriminator():
        with torch.no_grad():
            pictures = fakes()[1]
        return F.softplus(critic(pictures)).mean() + F.softplus(-critic(real)).mean()

    def r1():
        pictures = real.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(pictures).sum(), pictures, create_graph=True)
        return gradient.square().sum([1, 2, 3]).mean() * 5

    def step(player, loss):
        for name, parts in [("g", (mapping, synthesis)), ("d", (critic,))]:
            for p in parameters(*parts):
                p.requires_grad_(name == player)
        players[player].zero_grad(set_to_none=True)
        loss().backward()
        players[player].step()

    def move_average():
        with torch.no_grad():
            for old, new in zip(average, parameters(mapping, synthesis)):
                old.copy_(new.lerp(old, 0.999))

    if not sg2:

        def once():
            step("d", lambda: discriminator() + r1())
            step("g", generator)
            move_average()

        return once
    phases = [("g", generator, 1), ("g", path_length, 4), ("d", discriminator, 1), ("d", r1, 16)]

    def mean_iteration():
        seconds = 0.0
        for player, loss, interval in phases:
            start = time.perf_counter()
            step(player, loss)
            seconds += (time.perf_counter() - start) / interval
        start = time.perf_counter()
        move_average()
        return seconds + time.perf_counter() - start

    return mean_iteration


def parameters(*modules):
    return [p for module in modules for p in module.parameters()]
