// Styles: scaled planes and their products, demodulation, turned weights.
// Twin of crates/stylegan-kernels/src/modulate; the end of a modulated layer is `bias_act` of bias_act.cu, or comes with
// `upfirdn2d` and `winograd_output`.
#include "common.cuh"

// y = x scale[row]
extern "C" __global__ void __launch_bounds__(THREADS)
channel_scale(Elements p, const float* __restrict__ x, const float* __restrict__ scale, float* __restrict__ y) {
  for_each_element(p.total, p.plane, [&](long long i, long long row, int) { y[i] = x[i] * scale[row]; });
}

// out[row, slice] = sum over a slice of the row of a b
struct PlaneDot {
  int rows, plane, slices;
};
extern "C" __global__ void __launch_bounds__(THREADS)
plane_dot(PlaneDot p, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ out) {
  const int row = blockIdx.x / p.slices;
  const long long at = (long long)row * p.plane;
  const Slice s = slice(p.plane, blockIdx.x % p.slices, p.slices);
  float total = 0.f;
  for (int i = s.begin + threadIdx.x; i < s.end; i += THREADS) total += a[at + i] * b[at + i];
  total = block_sum(total, shared_memory);
  if (threadIdx.x == 0) out[blockIdx.x] = total;
}

// The same for short planes, such as the 3x3 of weights: a thread each.
extern "C" __global__ void __launch_bounds__(THREADS)
plane_dot_short(PlaneDot p, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ out) {
  const int row = blockIdx.x * THREADS + threadIdx.x;
  if (row >= p.rows) return;
  const long long at = (long long)row * p.plane;
  float total = 0.f;
  for (int i = 0; i < p.plane; i++) total += a[at + i] * b[at + i];
  out[row] = total;
}

// out[n, o] = 1 / sqrt(sum over i of styles[n, i]^2 energy[o, i] + 1e-8), a warp each: what scales a modulated
// convolution's result to unit variance. `energy` is the squared norm of each kernel (plane_dot of the weight with itself).
struct Demodulation {
  int samples, ins, outs;
};
extern "C" __global__ void __launch_bounds__(THREADS)
demodulation(Demodulation p, const float* __restrict__ styles, const float* __restrict__ energy,
             float* __restrict__ out) {
  const long long at = (long long)blockIdx.x * WARPS + threadIdx.x / LANES, last = (long long)p.samples * p.outs - 1;
  // Warps behind the last result repeat it, so that all lanes take part in the sum.
  const long long sample = min(at, last) / p.outs, outs = min(at, last) % p.outs;
  float total = 0.f;
  for (int i = threadIdx.x % LANES; i < p.ins; i += LANES) {
    const float style = styles[sample * p.ins + i];
    total += style * style * energy[outs * p.ins + i];
  }
  total = warp_sum(total);
  if (at <= last && threadIdx.x % LANES == 0) out[at] = 1.f / sqrtf(total + 1e-8f);
}

// `[a, b, kernel]` with a and b exchanged if `transpose`, each kernel turned by 180 degrees if `flip`.
struct FlipTranspose {
  Elements at;  // of the result
  int columns;  // of the result: a if transposed, else b
  int transpose, flip;
};
extern "C" __global__ void __launch_bounds__(THREADS)
flip_transpose(FlipTranspose p, const float* __restrict__ x, float* __restrict__ y) {
  const int kernel = p.at.plane, rows = (int)(p.at.total / kernel / p.columns);
  for_each_element(p.at.total, kernel, [&](long long i, long long row, int tap) {
    const long long from = p.transpose ? row % p.columns * rows + row / p.columns : row;
    y[i] = x[from * kernel + (p.flip ? kernel - 1 - tap : tap)];
  });
}
