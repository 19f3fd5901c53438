// Instance normalisation with a style (AdaIN): a block for each plane, which is read three times; after the first it
// comes from the level-2 cache. Twin of crates/stylegan-kernels/src/norm/instance.
#include "common.cuh"

struct InstanceStyle {
  int plane;
  float eps;
};

struct Moments {
  float mean, rstd;
};
__device__ inline Moments moments(const float* x, int len, float eps) {
  float sum = 0.f, squares = 0.f;
  for (int i = threadIdx.x; i < len; i += THREADS) sum += x[i];
  const float mean = block_sum(sum, shared_memory) / len;
  for (int i = threadIdx.x; i < len; i += THREADS) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, 1.f / sqrtf(block_sum(squares, shared_memory) / len + eps)};
}

// y = (x - mean) rstd scale + shift
extern "C" __global__ void __launch_bounds__(THREADS)
instance_style(InstanceStyle p, const float* __restrict__ x, const float* __restrict__ scale,
               const float* __restrict__ shift, float* __restrict__ y) {
  const long long at = (long long)blockIdx.x * p.plane;
  const Moments m = moments(x + at, p.plane, p.eps);
  const float factor = m.rstd * scale[blockIdx.x], level = shift[blockIdx.x];
  for (int i = threadIdx.x; i < p.plane; i += THREADS) y[at + i] = (x[at + i] - m.mean) * factor + level;
}

// With h = (x - mean) rstd and means over the plane:
// gx = (g - mean(g) - h mean(g h)) rstd scale,  gscale = sum(g h),  gshift = sum(g).
extern "C" __global__ void __launch_bounds__(THREADS)
instance_style_gradient(InstanceStyle p, const float* __restrict__ g, const float* __restrict__ x,
                        const float* __restrict__ scale, float* __restrict__ gx, float* __restrict__ gscale,
                        float* __restrict__ gshift) {
  const long long at = (long long)blockIdx.x * p.plane;
  const Moments m = moments(x + at, p.plane, p.eps);
  float plain = 0.f, centred = 0.f;
  for (int i = threadIdx.x; i < p.plane; i += THREADS) {
    plain += g[at + i];
    centred += g[at + i] * (x[at + i] - m.mean);
  }
  const float total = block_sum(plain, shared_memory), along = m.rstd * block_sum(centred, shared_memory);
  const float factor = m.rstd * scale[blockIdx.x];
  const float slope = factor * m.rstd * along / p.plane, level = factor * total / p.plane;
  for (int i = threadIdx.x; i < p.plane; i += THREADS)
    gx[at + i] = g[at + i] * factor - (x[at + i] - m.mean) * slope - level;
  if (threadIdx.x == 0) gscale[blockIdx.x] = along, gshift[blockIdx.x] = total;
}
