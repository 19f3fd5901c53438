// Convolutions as one matrix product for each sample: image to columns, and the adjoint, which gathers. With
// `[n, c r s, oh ow]` columns, forward is weight x columns, the weight's gradient dy x columns^T, and the input's gradient
// col2im of weight^T x dy. Twin of crates/stylegan-kernels/src/conv/cpu/implicit_gemm.
#include "common.cuh"

struct Im2col {
  Elements at;  // of the result
  int channels, h, w, r, s, oh, ow, stride, padding;
};

// Scaled by plane where `scale` `[n, c]` is given: a modulated convolution's styles.
extern "C" __global__ void __launch_bounds__(THREADS)
im2col(Im2col p, const float* __restrict__ x, const float* __restrict__ scale, float* __restrict__ columns) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int oy = pixel / p.ow, ox = pixel - oy * p.ow, taps = p.r * p.s;
    const long long plane = row / taps;
    const int tap = (int)(row - plane * taps);
    const int iy = oy * p.stride - p.padding + tap / p.s, ix = ox * p.stride - p.padding + tap % p.s;
    const bool inside = iy >= 0 && iy < p.h && ix >= 0 && ix < p.w;
    const float value = inside ? x[(plane * p.h + iy) * p.w + ix] : 0.f;
    columns[i] = scale ? value * scale[plane] : value;
  });
}

extern "C" __global__ void __launch_bounds__(THREADS)
col2im(Im2col p, const float* __restrict__ columns, float* __restrict__ x) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long plane, int pixel) {
    const int iy = pixel / p.w, ix = pixel - iy * p.w;
    float sum = 0.f;
    for (int r = 0; r < p.r; r++) {
      const int y = iy + p.padding - r;
      if (y < 0 || y % p.stride != 0 || y / p.stride >= p.oh) continue;
      for (int s = 0; s < p.s; s++) {
        const int x = ix + p.padding - s;
        if (x < 0 || x % p.stride != 0 || x / p.stride >= p.ow) continue;
        sum += columns[((plane * p.r + r) * p.s + s) * p.oh * p.ow + y / p.stride * p.ow + x / p.stride];
      }
    }
    x[i] = sum;
  });
}
