// Images continued by their mirror images, without repeating the edge, and the adjoint, which gathers. Twin of
// crates/stylegan-kernels/src/pad.
#include "common.cuh"

struct Reflect {
  Elements at;        // of the result
  int h, w, padding;  // of the image, which is larger than the padding
};

__device__ inline int mirrored(int i, int len) { return i < 0 ? -i : i < len ? i : 2 * (len - 1) - i; }

// y[oy, ox] = x[mirrored(oy - padding), mirrored(ox - padding)]
extern "C" __global__ void __launch_bounds__(THREADS)
reflect_pad(Reflect p, const float* __restrict__ x, float* __restrict__ y) {
  const int width = p.w + 2 * p.padding;
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int oy = pixel / width, ox = pixel - oy * width;
    y[i] = x[(row * p.h + mirrored(oy - p.padding, p.h)) * p.w + mirrored(ox - p.padding, p.w)];
  });
}

// Where the padded image shows pixel i of a side: at most once before the image, in it, and behind it.
struct Places {
  int at[3];  // less than 0 for none
};
__device__ inline Places places(int i, int len, int padding) {
  const bool before = i >= 1 && i <= padding, behind = i <= len - 2 && i >= len - 1 - padding;
  return {{before ? padding - i : -1, padding + i, behind ? padding + 2 * (len - 1) - i : -1}};
}

extern "C" __global__ void __launch_bounds__(THREADS)
reflect_pad_adjoint(Reflect p, const float* __restrict__ g, float* __restrict__ out) {
  const int height = p.h + 2 * p.padding, width = p.w + 2 * p.padding;
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int y = pixel / p.w;
    const Places rows = places(y, p.h, p.padding), columns = places(pixel - y * p.w, p.w, p.padding);
    float sum = 0.f;
#pragma unroll
    for (int r = 0; r < 3; r++) {
      if (rows.at[r] < 0) continue;
      const float* line = g + (row * height + rows.at[r]) * width;
#pragma unroll
      for (int c = 0; c < 3; c++)
        if (columns.at[c] >= 0) sum += line[columns.at[c]];
    }
    out[i] = sum;
  });
}
