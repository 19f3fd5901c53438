// Winograd's F(4x4, 3x3) (Lavin and Gray 2016, section 4): 3x3 convolutions of stride 1 as 36 matrix products over the
// channels, a quarter of the multiplications. The points are 0, +-1/sqrt(2), +-sqrt(2) and infinity, as on the CPU
// (crates/stylegan-kernels/src/conv/cpu/winograd), which err less than the usual ones.
//
//   forward, and the input's gradient (weights turned and transposed):   x -> V,  w -> U,  M = U V,  M -> y
//   the weight's gradient:                                               x -> V,  dy -> E,  E V^T -> dw
//
// V is `[36, c, n tiles]`, U `[36, k, c]`, M and E `[36, k, n tiles]`. A thread transforms one patch, in registers.
#include "common.cuh"

constexpr float A = 0.70710678118654752f, B = 1.41421356237309505f;

struct Six {
  float v[6];
};
struct Four {
  float v[4];
};
struct Three {
  float v[3];
};

// Pixels to points (B^T d), points to pixels (A^T m), taps to points (G g), and the transposes of the last two.
__device__ inline Six input(const Six& t) {
  const float* d = t.v;
  const float even_a = d[4] - 2.f * d[2], odd_a = A * (d[3] - 2.f * d[1]);
  const float even_b = d[4] - 0.5f * d[2], odd_b = B * (d[3] - 0.5f * d[1]);
  return {d[0] + d[4] - 2.5f * d[2], even_a + odd_a, even_a - odd_a,
          even_b + odd_b,            even_b - odd_b, d[1] + d[5] - 2.5f * d[3]};
}
__device__ inline Four output(const Six& t) {
  const float* m = t.v;
  const float even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
  return {m[0] + even_a + even_b, A * odd_a + B * odd_b, 0.5f * even_a + 2.f * even_b,
          0.5f * A * odd_a + 2.f * B * odd_b + m[5]};
}
__device__ inline Six filter(const Three& t) {
  const float* g = t.v;
  const float even_a = -(2.f * g[0] + g[2]) / 3.f, odd_a = -2.f / 3.f * A * g[1];
  const float even_b = g[0] / 6.f + g[2] / 3.f, odd_b = B / 6.f * g[1];
  return {g[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, g[2]};
}
__device__ inline Six output_transposed(const Four& t) {
  const float* e = t.v;
  const float even_a = e[0] + 0.5f * e[2], odd_a = A * (e[1] + 0.5f * e[3]);
  const float even_b = e[0] + 2.f * e[2], odd_b = B * (e[1] + 2.f * e[3]);
  return {e[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, e[3]};
}
__device__ inline Three filter_transposed(const Six& t) {
  const float* u = t.v;
  const float even_a = u[1] + u[2], odd_a = u[1] - u[2], even_b = u[3] + u[4], odd_b = u[3] - u[4];
  return {u[0] - 2.f / 3.f * even_a + even_b / 6.f, B / 6.f * odd_b - 2.f / 3.f * A * odd_a,
          u[5] + (even_b - even_a) / 3.f};
}

// A patch of I x I numbers to O x O: `transform` of the columns, then of the rows.
template <class From, class To, int I, int O, class Read, class Transform, class Write>
__device__ inline void both_ways(Read read, Transform transform, Write write) {
  From rows[O];
#pragma unroll
  for (int c = 0; c < I; c++) {
    From column;
#pragma unroll
    for (int r = 0; r < I; r++) column.v[r] = read(r, c);
    const To points = transform(column);
#pragma unroll
    for (int r = 0; r < O; r++) rows[r].v[c] = points.v[r];
  }
#pragma unroll
  for (int r = 0; r < O; r++) {
    const To row = transform(rows[r]);
#pragma unroll
    for (int c = 0; c < O; c++) write(r, c, row.v[c]);
  }
}

// Patches of the planes of `[n, c, h, w]`; thread i has tile i mod (tiles_y tiles_x) of sample ... of channel ....
struct Tiles {
  int samples, channels, h, w, padding, tiles_y, tiles_x;
};
struct Patch {
  bool any;
  long long i, count, plane;  // of all patches; the plane in `[n, c]`
  int y, x;                   // the first of its 4x4 pixels
};
__device__ inline Patch patch(const Tiles& p) {
  const int tiles = p.tiles_y * p.tiles_x;
  const long long count = (long long)p.channels * p.samples * tiles;
  const long long i = (long long)blockIdx.x * THREADS + threadIdx.x, row = i / tiles;
  const int tile = (int)(i - row * tiles);
  return {i < count, i, count, row % p.samples * p.channels + row / p.samples, tile / p.tiles_x * 4,
          tile % p.tiles_x * 4};
}

// x -> V, scaled by plane where `scale` is given.
extern "C" __global__ void __launch_bounds__(THREADS)
winograd_input(Tiles p, const float* __restrict__ x, const float* __restrict__ scale, float* __restrict__ v) {
  const Patch at = patch(p);
  if (!at.any) return;
  const float factor = scale ? scale[at.plane] : 1.f;
  const float* plane = x + at.plane * p.h * p.w;
  both_ways<Six, Six, 6, 6>(
      [&](int r, int c) {
        const int y = at.y + r - p.padding, x = at.x + c - p.padding;
        return y >= 0 && y < p.h && x >= 0 && x < p.w ? plane[(long long)y * p.w + x] * factor : 0.f;
      },
      [](const Six& t) { return input(t); }, [&](int r, int c, float point) { v[(r * 6 + c) * at.count + at.i] = point; });
}

// M -> y `[n, k, h, w]`, then the end of the layer.
struct WinogradOutput {
  Tiles tiles;
  Epilogue end;
};
extern "C" __global__ void __launch_bounds__(THREADS)
winograd_output(WinogradOutput p, const float* __restrict__ m, const float* __restrict__ scale,
                const float* __restrict__ noise, const float* __restrict__ strength, const float* __restrict__ bias,
                float* __restrict__ y) {
  const Patch at = patch(p.tiles);
  if (!at.any) return;
  const int plane = p.tiles.h * p.tiles.w;
  const Ends ends = {scale, noise, strength, bias};
  both_ways<Six, Four, 6, 4>(
      [&](int r, int c) { return m[(r * 6 + c) * at.count + at.i]; }, [](const Six& t) { return output(t); },
      [&](int r, int c, float value) {
        if (at.y + r >= p.tiles.h || at.x + c >= p.tiles.w) return;
        const int pixel = (at.y + r) * p.tiles.w + at.x + c;
        y[at.plane * plane + pixel] = finish(p.end, ends, value, at.plane, pixel, plane);
      });
}

// dy -> E.
extern "C" __global__ void __launch_bounds__(THREADS)
winograd_output_transposed(Tiles p, const float* __restrict__ dy, float* __restrict__ e) {
  const Patch at = patch(p);
  if (!at.any) return;
  const float* plane = dy + at.plane * p.h * p.w;
  both_ways<Four, Six, 4, 6>(
      [&](int r, int c) {
        return at.y + r < p.h && at.x + c < p.w ? plane[(long long)(at.y + r) * p.w + at.x + c] : 0.f;
      },
      [](const Four& t) { return output_transposed(t); },
      [&](int r, int c, float point) { e[(r * 6 + c) * at.count + at.i] = point; });
}

// Weights `[k, c, 3, 3]`; U is that of the weight turned by 180 degrees and `[c, k]` where `turned`.
struct Filters {
  int k, c, turned;
  float gain;
};
extern "C" __global__ void __launch_bounds__(THREADS)
winograd_filter(Filters p, const float* __restrict__ w, float* __restrict__ u) {
  const long long i = (long long)blockIdx.x * THREADS + threadIdx.x, count = (long long)p.k * p.c;
  if (i >= count) return;
  const float* taps = w + 9 * (p.turned ? i % p.k * p.c + i / p.k : i);
  both_ways<Three, Six, 3, 6>([&](int r, int c) { return p.gain * taps[p.turned ? 8 - (r * 3 + c) : r * 3 + c]; },
                              [](const Three& t) { return filter(t); },
                              [&](int r, int c, float point) { u[(r * 6 + c) * count + i] = point; });
}

// `[36, k, c]` -> dw `[k, c, 3, 3]`.
extern "C" __global__ void __launch_bounds__(THREADS)
winograd_filter_transposed(Filters p, const float* __restrict__ u, float* __restrict__ dw) {
  const long long i = (long long)blockIdx.x * THREADS + threadIdx.x, count = (long long)p.k * p.c;
  if (i >= count) return;
  both_ways<Six, Three, 6, 3>([&](int r, int c) { return u[(r * 6 + c) * count + i]; },
                              [](const Six& t) { return filter_transposed(t); },
                              [&](int r, int c, float tap) { dw[9 * i + r * 3 + c] = p.gain * tap; });
}
