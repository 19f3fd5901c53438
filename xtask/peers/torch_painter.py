"""One training iteration of SPADE in PyTorch: 64x64 pixels, 17 classes, ngf 16, nhidden 64, ndf 32, batch 8, hinge loss and
feature matching, without a perceptual loss. Written for comparison of speed."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

SIZE, CLASSES, NGF, HIDDEN, NDF, BATCH = 64, 17, 16, 64, 32, 8
MATCHING = 10.0


class Spade(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.shared = nn.Conv2d(CLASSES, HIDDEN, 3, padding=1)
        self.scale = nn.Conv2d(HIDDEN, channels, 3, padding=1)
        self.shift = nn.Conv2d(HIDDEN, channels, 3, padding=1)

    def forward(self, x, classes):
        seen = F.relu(self.shared(F.interpolate(classes, size=x.shape[2:], mode="nearest")))
        return self.norm(x) * (1 + self.scale(seen)) + self.shift(seen)


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        middle = min(inputs, outputs)
        self.norms = nn.ModuleList([Spade(inputs), Spade(middle)])
        widths = [(inputs, middle), (middle, outputs)]
        self.convs = nn.ModuleList([spectral_norm(nn.Conv2d(i, o, 3, padding=1)) for i, o in widths])
        self.shortcut = None
        if inputs != outputs:
            self.shortcut = nn.ModuleList([Spade(inputs), spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False))])

    def forward(self, x, classes):
        skip = x
        if self.shortcut is not None:
            skip = self.shortcut[1](self.shortcut[0](x, classes))
        for norm, conv in zip(self.norms, self.convs):
            x = conv(F.leaky_relu(norm(x, classes), 0.2))
        return x + skip


class Painter(nn.Module):
    def __init__(self):
        super().__init__()
        c = NGF
        self.start = nn.Conv2d(CLASSES, 16 * c, 3, padding=1)
        widths = [(16, 16), (16, 16), (16, 16), (16, 8), (8, 4), (4, 2), (2, 1)]
        self.blocks = nn.ModuleList([Block(i * c, o * c) for i, o in widths])
        self.image = nn.Conv2d(c, 3, 3, padding=1)

    def forward(self, classes):
        x = self.start(F.interpolate(classes, size=(SIZE // 32, SIZE // 32), mode="nearest"))
        for i, block in enumerate(self.blocks):
            if i not in (0, 2):
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(x, classes)
        return torch.tanh(self.image(F.leaky_relu(x, 0.2)))


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [NDF, 2 * NDF, 4 * NDF, 8 * NDF]
        self.first = nn.Conv2d(CLASSES + 3, NDF, 4, stride=2, padding=2)
        self.hidden = nn.ModuleList()
        for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
            stride = 1 if i == 2 else 2
            self.hidden.append(spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=stride, padding=2, bias=False)))
        self.last = nn.Conv2d(widths[-1], 1, 4, padding=2)

    def forward(self, x):
        x = F.leaky_relu(self.first(x), 0.2)
        features = [x]
        for conv in self.hidden:
            x = F.leaky_relu(F.instance_norm(conv(x)), 0.2)
            features.append(x)
        return features, self.last(x)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.scales = nn.ModuleList([Patches(), Patches()])

    def forward(self, x):
        said = []
        for scale in self.scales:
            said.append(scale(x))
            x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
        return said


def iteration(layout):
    painter, critic = Painter().to(memory_format=layout), Critic().to(memory_format=layout)
    of_g = torch.optim.Adam(painter.parameters(), lr=1e-4, betas=(0.0, 0.9))
    of_d = torch.optim.Adam(critic.parameters(), lr=4e-4, betas=(0.0, 0.9))
    average = [p.detach().clone() for p in painter.parameters()]
    y, x = torch.meshgrid(torch.arange(SIZE) // 8, torch.arange(SIZE) // 8, indexing="ij")
    classes = F.one_hot((y + x) % CLASSES, CLASSES).permute(2, 0, 1)[None].float().repeat(BATCH, 1, 1, 1)
    classes = classes.to(memory_format=layout)
    real = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=layout)

    def judge(pictures):
        return critic(torch.cat([classes, pictures], 1))

    def generator():
        critic.requires_grad_(False)
        fake = judge(painter(classes))
        with torch.no_grad():
            true = judge(real)
        loss = sum(-logits.mean() for _, logits in fake) / len(fake)
        for (found, _), (wanted, _) in zip(fake, true):
            loss = loss + sum(F.l1_loss(a, b) for a, b in zip(found, wanted)) * MATCHING / len(fake)
        of_g.zero_grad(set_to_none=True)
        loss.backward()
        of_g.step()
        critic.requires_grad_(True)

    def discriminator():
        with torch.no_grad():
            pictures = painter(classes)
        loss = sum(F.relu(1 + logits).mean() for _, logits in judge(pictures))
        loss = loss + sum(F.relu(1 - logits).mean() for _, logits in judge(real))
        of_d.zero_grad(set_to_none=True)
        (loss / 2).backward()
        of_d.step()

    def once():
        generator()
        discriminator()
        with torch.no_grad():
            for old, new in zip(average, painter.parameters()):
                old.copy_(new.lerp(old, 0.999))

    return once
