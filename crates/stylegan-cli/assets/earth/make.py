"""Makes blue-marble.jpg and land-cover.png from the two packages named in README.md.

python make.py bmng.jpg MCD12C1.A2019001.006.2020220162300.tif
"""

import sys

import numpy
import tifffile
from PIL import Image

WIDTH, HEIGHT = 2700, 1350

photo = Image.open(sys.argv[1]).convert("RGB").resize((WIDTH, HEIGHT), Image.BOX)
photo.save("blue-marble.jpg", quality=85, optimize=True)

cover = tifffile.imread(sys.argv[2])
assert cover.shape == (3600, 7200) and cover.max() == 16
# The class at the centre of each pixel: both maps are plate carree of the whole Earth.
rows = ((numpy.arange(HEIGHT) + 0.5) * 3600 / HEIGHT).astype(int)
columns = ((numpy.arange(WIDTH) + 0.5) * 7200 / WIDTH).astype(int)
Image.fromarray(cover[rows][:, columns]).save("land-cover.png", optimize=True)
