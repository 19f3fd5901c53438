"""Geometry and colour of adaptive augmentation ("bgc", Karras et al. 2020, appendix B) in plain PyTorch, written for comparison
of speed: one resampling and one colour matrix for each image."""

from math import pi, sqrt

import torch
import torch.nn.functional as F

SYM6 = torch.tensor(
    [0.0154, 0.0035, -0.1180, -0.0483, 0.4911, 0.7876, 0.3379, -0.0726, -0.0211, 0.0447, 0.0018, -0.0078],
)
SYM6 = SYM6 / SYM6.sum()
TAPS = len(SYM6)


def filtered(x, taps, up=1, down=1, pad=(0, 0)):
    """Both directions, one after the other; `pad` before and after, at the higher resolution."""
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    x = F.pad(x, (*pad, *pad))
    rows, columns = (f.repeat(c, 1, 1, 1) for f in (taps[None, None, None, :], taps[None, None, :, None]))
    return F.conv2d(F.conv2d(x, rows, stride=(1, down), groups=c), columns, stride=(down, 1), groups=c)


def chosen(n, p, value, otherwise):
    return torch.where(torch.rand(n) < p, value, torch.full_like(value, otherwise))


def matrices(n, a, b, c, d, x, y):
    """[n, 3, 3] of ((a, b, x), (c, d, y), (0, 0, 1))."""
    rows = [[a, b, x], [c, d, y], [torch.zeros(n), torch.zeros(n), torch.ones(n)]]
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def geometry(n, h, w, p):
    """From pixels of the result to those of the image, about the centre."""
    one, zero = torch.ones(n), torch.zeros(n)

    def scaled(x, y):
        return matrices(n, x, zero, zero, y, zero, zero)

    def turned(angle):
        return matrices(n, angle.cos(), -angle.sin(), angle.sin(), angle.cos(), zero, zero)

    def moved(x, y):
        return matrices(n, one, zero, zero, one, x, y)

    rotation = 1 - sqrt(max(1 - p, 0))
    shift = torch.where(torch.rand(n, 1) < p, torch.rand(n, 2) * 0.25 - 0.125, torch.zeros(n, 2))
    shift = (shift * torch.tensor([w, h])).round()
    stretch = torch.exp2(chosen(n, p, torch.randn(n) * 0.2, 0.0))
    zoom = torch.exp2(chosen(n, p, torch.randn(n) * 0.2, 0.0))
    jump = torch.where(torch.rand(n, 1) < p, torch.randn(n, 2) * 0.125, torch.zeros(n, 2)) * torch.tensor([w, h])
    total = scaled(1 - 2 * chosen(n, p, torch.randint(2, (n,)).float(), 0.0), one)
    total = total @ turned(chosen(n, p, torch.randint(4, (n,)) * (-pi / 2), 0.0))
    total = total @ moved(-shift[:, 0], -shift[:, 1]) @ scaled(1 / zoom, 1 / zoom)
    total = total @ turned(chosen(n, rotation, torch.rand(n) * 2 * pi - pi, 0.0)) @ scaled(1 / stretch, stretch)
    total = total @ turned(chosen(n, rotation, torch.rand(n) * 2 * pi - pi, 0.0))
    return total @ moved(-jump[:, 0], -jump[:, 1])


def colour(n, p):
    """[n, 4, 4] of red, green, blue and 1."""
    identity = torch.eye(4).repeat(n, 1, 1)
    axis = torch.tensor([1.0, 1.0, 1.0, 0.0]) / sqrt(3)
    along = axis[:, None] * axis[None]
    brightness = identity.clone()
    brightness[:, :3, 3] = chosen(n, p, torch.randn(n) * 0.2, 0.0)[:, None]
    contrast = torch.exp2(chosen(n, p, torch.randn(n) * 0.5, 0.0))
    total = torch.diag_embed(torch.stack([contrast, contrast, contrast, torch.ones(n)], 1)) @ brightness
    flip = chosen(n, p, torch.randint(2, (n,)).float(), 0.0)[:, None, None]
    total = (identity - 2 * along * flip) @ total
    angle = chosen(n, p, torch.rand(n) * 2 * pi - pi, 0.0)[:, None, None]
    cross = torch.zeros(4, 4)
    cross[[1, 2, 0], [0, 1, 2]], cross[[0, 1, 2], [1, 2, 0]] = 1 / sqrt(3), -1 / sqrt(3)
    rotation = identity * angle.cos() + along * (1 - angle.cos()) + cross * angle.sin()
    rotation[:, 3, 3] = 1
    saturation = torch.exp2(chosen(n, p, torch.randn(n), 0.0))[:, None, None]
    keep = torch.diag(torch.tensor([0.0, 0.0, 0.0, 1.0]))
    return (along + (identity - along - keep) * saturation + keep) @ rotation @ total


def augmented(images, p):
    n, _, h, w = images.shape
    inverse = geometry(n, h, w, p)
    cx, cy = (w - 1) / 2, (h - 1) / 2
    corners = inverse @ torch.tensor([[-cx, cx, cx, -cx], [-cy, -cy, cy, cy], [1.0, 1.0, 1.0, 1.0]])
    beyond = corners[:, :2].transpose(0, 1).flatten(1)
    most = torch.cat([-beyond.amin(1), beyond.amax(1)]) + torch.tensor([TAPS / 2 - cx, TAPS / 2 - cy] * 2)
    left, top, right, bottom = most.clamp(min=0).minimum(torch.tensor([w - 1.0, h - 1.0] * 2)).ceil().int().tolist()
    x = F.pad(images, (left, right, top, bottom), mode="reflect")
    x = filtered(x, SYM6 * 2, up=2, pad=(TAPS // 2, TAPS // 2 - 1))
    moved = inverse.clone()
    moved[:, 0, 2] += (left - right) / 2
    moved[:, 1, 2] += (top - bottom) / 2
    moved[:, :2, 2] = moved[:, :2, 2] * 2
    size = [2 * (h + TAPS // 2), 2 * (w + TAPS // 2)]
    fx, fy = (size[1] / x.shape[3], size[0] / x.shape[2])
    theta = torch.stack(
        [
            torch.stack([moved[:, 0, 0] * fx, moved[:, 0, 1] * size[0] / x.shape[3], moved[:, 0, 2] * 2 / x.shape[3]], 1),
            torch.stack([moved[:, 1, 0] * size[1] / x.shape[2], moved[:, 1, 1] * fy, moved[:, 1, 2] * 2 / x.shape[2]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [n, 3, *size], align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    x = filtered(x, SYM6.flip(0), down=2, pad=(-1, 0))[:, :, :h, :w]
    matrix = colour(n, p)
    return (matrix[:, :3, :3] @ x.flatten(2) + matrix[:, :3, 3:]).reshape(images.shape)
