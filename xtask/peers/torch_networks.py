"""StyleGAN and StyleGAN2 in plain PyTorch with random weights, written for comparison of speed."""

from math import log2, sqrt

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATION_GAIN = sqrt(2)


def fir_filter():
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    taps = taps[:, None] * taps[None]
    return taps / taps.sum()


def widths(size, channel_base, channel_max=512):
    """Channels by resolution, from 4 up."""
    return {2**i: min(channel_base // 2**i, channel_max) for i in range(2, int(log2(size)) + 1)}


def upfirdn(x, f, up=1, down=1, pad=(0, 0)):
    """Zeros between pixels, padding, the filter on each channel, every `down`-th pixel."""
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    x = F.pad(x, (pad[0], pad[1], pad[0], pad[1]))
    return F.conv2d(x, f[None, None].repeat(c, 1, 1, 1), stride=down, groups=c)


class Dense(nn.Module):
    """A fully connected layer with an equalised learning rate."""

    def __init__(self, inputs, outputs, lr=1.0, bias=0.0, active=False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr))
        self.gain, self.lr, self.active = lr / sqrt(inputs), lr, active

    def forward(self, x):
        x = torch.addmm(self.bias[None] * self.lr, x, (self.weight * self.gain).t())
        return F.leaky_relu(x, 0.2) * ACTIVATION_GAIN if self.active else x


class Mapping(nn.Module):
    def __init__(self, layers=8, width=512):
        super().__init__()
        self.layers = nn.Sequential(*[Dense(width, width, lr=0.01, active=True) for _ in range(layers)])

    def forward(self, z):
        return self.layers(z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt())


class Conv(nn.Module):
    """A convolution with an equalised learning rate, bias and activation; halves sizes where asked."""

    def __init__(self, inputs, outputs, kernel, down=False, active=True, bias=True, fir=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain, self.down, self.active, self.fir = 1 / sqrt(inputs * kernel**2), down, active, fir
        self.register_buffer("filter", fir_filter())

    def forward(self, x):
        weight, kernel = self.weight * self.gain, self.weight.shape[2]
        if self.down and kernel == 1:
            x = F.conv2d(upfirdn(x, self.filter, down=2, pad=(1, 1)), weight)
        elif self.down:
            x = F.conv2d(upfirdn(x, self.filter, pad=(2, 2)), weight, stride=2)
        else:
            x = F.conv2d(x, weight, padding=kernel // 2)
        if self.bias is not None:
            x = x + self.bias[None, :, None, None]
        return F.leaky_relu(x, 0.2) * ACTIVATION_GAIN if self.active else x


class ModulatedConv(nn.Module):
    """StyleGAN2's convolution: one kernel per sample, as a grouped convolution."""

    def __init__(self, inputs, outputs, kernel=3, up=False, size=None, w_dim=512):
        super().__init__()
        self.style = Dense(w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.up, self.plain = up, size is None
        self.register_buffer("filter", fir_filter() * 4)
        if not self.plain:
            self.register_buffer("noise", torch.randn(size, size))
            self.strength = nn.Parameter(torch.zeros([]))

    def forward(self, x, w):
        n, inputs, h, _ = x.shape
        outputs, _, kernel, _ = self.weight.shape
        style = self.style(w)
        if self.plain:
            style = style / sqrt(inputs)
        weight = self.weight[None] * style[:, None, :, None, None]
        if not self.plain:
            weight = weight * (weight.square().sum([2, 3, 4], keepdim=True) + 1e-8).rsqrt()
        x = x.reshape(1, n * inputs, h, h)
        if self.up:
            weight = weight.transpose(1, 2).reshape(n * inputs, outputs, kernel, kernel)
            x = F.conv_transpose2d(x, weight, stride=2, groups=n)
            x = x.reshape(n, outputs, *x.shape[2:])
            x = upfirdn(x, self.filter, pad=(1, 1))
        else:
            weight = weight.reshape(n * outputs, inputs, kernel, kernel)
            x = F.conv2d(x, weight, padding=kernel // 2, groups=n).reshape(n, outputs, h, h)
        if not self.plain:
            x = x + self.noise * self.strength
        x = x + self.bias[None, :, None, None]
        return x if self.plain else F.leaky_relu(x, 0.2) * ACTIVATION_GAIN


class StyleGan2(nn.Module):
    """The synthesis network with skip connections."""

    def __init__(self, size, channel_base):
        super().__init__()
        width = widths(size, channel_base)
        sizes = list(width)
        self.const = nn.Parameter(torch.randn(1, width[4], 4, 4))
        self.convs, self.rgb = nn.ModuleList(), nn.ModuleList()
        for r in sizes:
            if r > 4:
                self.convs.append(ModulatedConv(width[r // 2], width[r], up=True, size=r))
            self.convs.append(ModulatedConv(width[r], width[r], size=r))
            self.rgb.append(ModulatedConv(width[r], 3, kernel=1))
        self.register_buffer("filter", fir_filter() * 4)

    def forward(self, w):
        convs = iter(self.convs)
        x = next(convs)(self.const.repeat(w.shape[0], 1, 1, 1), w)
        picture = self.rgb[0](x, w)
        for rgb in list(self.rgb)[1:]:
            x = next(convs)(x, w)
            x = next(convs)(x, w)
            picture = upfirdn(picture, self.filter, up=2, pad=(2, 1)) + rgb(x, w)
        return picture


class StyleGan2Discriminator(nn.Module):
    """Residual blocks."""

    def __init__(self, size, channel_base, channel_max=512):
        super().__init__()
        width = widths(size, channel_base, channel_max)
        sizes = sorted(width, reverse=True)[:-1]
        self.rgb = Conv(3, width[size], 1)
        self.blocks = nn.ModuleList()
        for r in sizes:
            skip = Conv(width[r], width[r // 2], 1, down=True, active=False, bias=False)
            convs = [Conv(width[r], width[r], 3), Conv(width[r], width[r // 2], 3, down=True)]
            self.blocks.append(nn.ModuleList([skip, *convs]))
        self.last = Conv(width[4] + 1, width[4], 3)
        self.dense = nn.Sequential(Dense(width[4] * 16, width[4], active=True), Dense(width[4], 1))

    def forward(self, x):
        x = self.rgb(x)
        for skip, conv, down in self.blocks:
            x = (down(conv(x)) + skip(x)) * sqrt(0.5)
        return self.dense(self.last(with_deviation(x)).flatten(1))


def with_deviation(x, group=4):
    """The standard deviation over groups of samples as one more channel."""
    n, c, h, w = x.shape
    groups = x.reshape(group, n // group, c, h, w)
    deviation = ((groups - groups.mean(0)).square().mean(0) + 1e-8).sqrt().mean([1, 2, 3])
    return torch.cat([x, deviation.reshape(-1, 1, 1, 1).repeat(group, 1, h, w)], 1)


def blur(x):
    taps = torch.tensor([1.0, 2.0, 1.0])
    taps = taps[:, None] * taps[None] / 16
    return F.conv2d(x, taps[None, None].repeat(x.shape[1], 1, 1, 1), padding=1, groups=x.shape[1])


def four_shifts(weight):
    """The sum of a kernel moved by half a pixel each way: convolution and (un)pooling in one."""
    weight = F.pad(weight, (1, 1, 1, 1))
    return weight[..., 1:, 1:] + weight[..., :-1, 1:] + weight[..., 1:, :-1] + weight[..., :-1, :-1]


class Adain(nn.Module):
    """Noise, bias, activation, normalisation per sample and channel, style."""

    def __init__(self, channels, size, w_dim=512):
        super().__init__()
        self.register_buffer("noise", torch.randn(1, 1, size, size))
        self.strength = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.style = Dense(w_dim, 2 * channels)

    def forward(self, x, w):
        x = F.leaky_relu(x + self.noise * self.strength + self.bias, 0.2)
        scale, shift = self.style(w)[:, :, None, None].chunk(2, 1)
        return F.instance_norm(x, eps=1e-8) * (scale + 1) + shift


class StyleGan1(nn.Module):
    """The synthesis network at full resolution."""

    def __init__(self, size, channel_base):
        super().__init__()
        width = widths(size, channel_base)
        sizes = list(width)
        self.const = nn.Parameter(torch.ones(1, width[4], 4, 4))
        self.sizes = sizes
        self.up, self.conv, self.adain = nn.ParameterList(), nn.ParameterList(), nn.ModuleList()
        for r in sizes:
            if r > 4:
                self.up.append(nn.Parameter(torch.randn(width[r], width[r // 2], 3, 3)))
            self.conv.append(nn.Parameter(torch.randn(width[r], width[r], 3, 3)))
            self.adain.extend([Adain(width[r], r), Adain(width[r], r)])
        self.rgb = nn.Parameter(torch.randn(3, width[size], 1, 1))

    def forward(self, w):
        def scaled(weight):
            return weight * (ACTIVATION_GAIN / sqrt(weight[0].numel()))

        x = self.adain[0](self.const.repeat(w.shape[0], 1, 1, 1), w)
        for i, r in enumerate(self.sizes):
            if r > 4:
                weight = scaled(self.up[i - 1])
                if r >= 128:
                    weight = four_shifts(weight.transpose(0, 1))
                    x = F.conv_transpose2d(x, weight, stride=2, padding=1)
                else:
                    x = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, padding=1)
                x = self.adain[2 * i](blur(x), w)
            x = self.adain[2 * i + 1](F.conv2d(x, scaled(self.conv[i]), padding=1), w)
        return F.conv2d(x, self.rgb / sqrt(self.rgb.shape[1]))


class StyleGan1Discriminator(nn.Module):
    def __init__(self, size, channel_base):
        super().__init__()
        width = widths(size, channel_base)
        sizes = sorted(width, reverse=True)[:-1]
        self.rgb = Conv(3, width[size], 1)
        self.blocks = nn.ModuleList()
        for r in sizes:
            self.blocks.append(nn.ModuleList([Conv(width[r], width[r], 3), Conv(width[r], width[r // 2], 3)]))
        self.last = Conv(width[4] + 1, width[4], 3)
        self.dense = nn.Sequential(Dense(width[4] * 16, width[4], active=True), Dense(width[4], 1))

    def forward(self, x):
        x = self.rgb(x)
        for conv, down in self.blocks:
            x = F.avg_pool2d(down(blur(conv(x))), 2)
        return self.dense(self.last(with_deviation(x)).flatten(1))
