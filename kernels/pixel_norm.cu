// Pixelwise feature normalisation, and its gradient where g is given: with r = 1 / sqrt(mean over channels of x^2 + eps),
// y = x r and gx = g r - x r^3 mean(g x). Twin of crates/stylegan-kernels/src/norm/pixel.
#include "common.cuh"

struct PixelNorm {
  int pixels, channels, plane;  // pixels of all samples
  float eps;
};

// `[n, c, h, w]`: a thread for each pixel, whose neighbours are those of the lanes beside it.
extern "C" __global__ void __launch_bounds__(THREADS)
pixel_norm(PixelNorm p, const float* __restrict__ g, const float* __restrict__ x, float* __restrict__ y) {
  const int pixel = blockIdx.x * THREADS + threadIdx.x;
  if (pixel >= p.pixels) return;
  const long long at = (long long)(pixel / p.plane) * p.channels * p.plane + pixel % p.plane;
  float squares = 0.f, products = 0.f;
  for (int c = 0; c < p.channels; c++) {
    const float value = x[at + (long long)c * p.plane];
    squares += value * value;
    if (g) products += g[at + (long long)c * p.plane] * value;
  }
  const float r = 1.f / sqrtf(squares / p.channels + p.eps), along = products * (r * r * r) / p.channels;
  for (int c = 0; c < p.channels; c++) {
    const long long i = at + (long long)c * p.plane;
    y[i] = g ? g[i] * r - x[i] * along : x[i] * r;
  }
}

// `[n, c]`, latents: a block for each sample.
extern "C" __global__ void __launch_bounds__(THREADS)
pixel_norm_rows(PixelNorm p, const float* __restrict__ g, const float* __restrict__ x, float* __restrict__ y) {
  const long long at = (long long)blockIdx.x * p.channels;
  float squares = 0.f, products = 0.f;
  for (int c = threadIdx.x; c < p.channels; c += THREADS) {
    squares += x[at + c] * x[at + c];
    if (g) products += g[at + c] * x[at + c];
  }
  const float r = 1.f / sqrtf(block_sum(squares, shared_memory) / p.channels + p.eps);
  const float along = block_sum(products, shared_memory) * (r * r * r) / p.channels;
  for (int c = threadIdx.x; c < p.channels; c += THREADS) y[at + c] = g ? g[at + c] * r - x[at + c] * along : x[at + c] * r;
}
