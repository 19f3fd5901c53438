"""pSp's encoder in plain PyTorch with random weights, written for comparison of speed."""

import torch
import torch.nn.functional as F
from torch import nn

STAGES = [(64, 3), (128, 4), (256, 14), (512, 3)]
ROWS, WIDTH = 18, 512


class Unit(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.squeeze = nn.Conv2d(outputs, outputs // 16, 1, bias=False)
        self.excite = nn.Conv2d(outputs // 16, outputs, 1, bias=False)
        self.shortcut = nn.MaxPool2d(1, stride)
        if inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.body(x)
        level = torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        return y * level + self.shortcut(x)


class MapToStyle(nn.Module):
    def __init__(self, halvings):
        super().__init__()
        layers = []
        for _ in range(halvings):
            layers += [nn.Conv2d(512, WIDTH, 3, stride=2, padding=1), nn.LeakyReLU()]
        self.convs, self.linear = nn.Sequential(*layers), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.linear(self.convs(x).flatten(1))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        inputs, self.stages = 64, nn.ModuleList()
        for outputs, count in STAGES:
            units = [Unit(inputs if i == 0 else outputs, outputs, 2 if i == 0 else 1) for i in range(count)]
            self.stages.append(nn.Sequential(*units))
            inputs = outputs
        self.lateral = nn.ModuleList([nn.Conv2d(256, 512, 1), nn.Conv2d(128, 512, 1)])
        self.styles = nn.ModuleList([MapToStyle(4 + (row >= 3) + (row >= 7)) for row in range(ROWS)])

    def forward(self, x):
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        _, fine, middle, coarse = maps
        levels = [coarse]
        for lateral, own in zip(self.lateral, (middle, fine)):
            above = F.interpolate(levels[-1], size=own.shape[2:], mode="bilinear", align_corners=True)
            levels.append(above + lateral(own))
        rows = [style(levels[(row >= 3) + (row >= 7)]) for row, style in enumerate(self.styles)]
        return torch.stack(rows, 1)


def rows(size, batch, layout):
    network = Encoder().to(memory_format=layout).eval()
    x = torch.randn(batch, 3, size, size).to(memory_format=layout)

    def styles():
        with torch.no_grad():
            network(x)

    return styles
