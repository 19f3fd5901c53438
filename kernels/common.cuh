// What all kernels share: the shape of a block, sums in a fixed order, walks over elements, the end of a layer.
//
// Blocks are one-dimensional, of THREADS threads, in a one-dimensional grid. All shared memory is dynamic: its size is
// part of the launch plan (crates/stylegan-kernels/src/cuda). Nothing here but the first lines knows the emulator.
#pragma once
#ifdef EMULATED
#include "emulator.h"
#else
extern __shared__ float shared_memory[];
#endif

constexpr int THREADS = 256;
constexpr int LANES = 32;
constexpr int WARPS = THREADS / LANES;
// Elements of an elementwise block: four a thread, so that four loads are under way at a time.
constexpr int TILE = 4 * THREADS;

// The sum over a warp, the same in each lane. Both lanes of a pair add the same two numbers, so the order is fixed.
__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int step = LANES / 2; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
  return value;
}

// The sum over a block, the same in each thread: within warps, then warp after warp. `scratch` has WARPS floats.
__device__ inline float block_sum(float value, float* scratch) {
  value = warp_sum(value);
  if (threadIdx.x % LANES == 0) scratch[threadIdx.x / LANES] = value;
  __syncthreads();
  float total = 0.f;
#pragma unroll
  for (int warp = 0; warp < WARPS; warp++) total += scratch[warp];
  __syncthreads();  // the scratch is written again by the next sum
  return total;
}

// Visits this block's TILE elements of `[rows, plane]` as (element, row, pixel). A block divides once. A tile within one
// row, as most are, is a straight line of code, so that its loads are under way together; elements of others divide.
template <class Visit>
__device__ inline void for_each_element(long long total, int plane, Visit visit) {
  const long long start = (long long)blockIdx.x * TILE, first = start / plane;
  const unsigned inside = (unsigned)(start - first * plane);
  if (start + TILE <= total && inside + TILE <= (unsigned)plane) {
#pragma unroll
    for (int k = 0; k < TILE; k += THREADS) {
      const unsigned j = k + threadIdx.x;
      visit(start + j, first, (int)(inside + j));
    }
    return;
  }
  for (unsigned j = threadIdx.x; j < TILE && start + j < total; j += THREADS) {
    const unsigned at = inside + j;
    visit(start + j, first + at / plane, (int)(at % plane));
  }
}

// The elements of `[rows, plane]`.
struct Elements {
  long long total;
  int plane;
};

// A part of a long sum: block `part` of `parts` that share `len` elements.
struct Slice {
  int begin, end;
};
__device__ inline Slice slice(int len, int part, int parts) {
  const int each = (len - 1) / parts + 1;
  const int begin = min(len, part * each);
  return {begin, min(len, begin + each)};
}

__device__ inline int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
__device__ inline int ceil_div(int a, int b) { return -floor_div(-a, b); }

// Piecewise linear activation with gain and clamp: slopes above and below zero, a bound, infinite for none.
struct Map {
  float positive, negative, clamp;
  // Comparisons in this order let NaN through.
  __device__ float value(float u) const {
    float y = u > 0.f ? u * positive : u * negative;
    y = y > clamp ? clamp : y;
    return y < -clamp ? -clamp : y;
  }
  // The slope that the result tells: by its sign, and 0 beyond the clamp.
  __device__ float slope(float y) const { return fabsf(y) >= clamp ? 0.f : y > 0.f ? positive : negative; }
};

// The end of a layer, `map(y scale + noise strength + bias bias_gain)`: scale by plane, noise by pixel (of one map for
// all samples, or of one for each), strength and bias by channel. A null pointer leaves its term out.
struct Epilogue {
  Map map;
  float bias_gain;
  int channels, noise_maps;
};
struct Ends {
  const float *scale, *noise, *strength, *bias;
};
__device__ inline float finish(const Epilogue& p, const Ends& e, float y, long long row, int pixel, int plane) {
  const int channel = (int)(row % p.channels);
  if (e.scale) y *= e.scale[row];
  if (e.noise) {
    const long long map = p.noise_maps == 1 ? 0 : row / p.channels;
    y += e.noise[map * plane + pixel] * e.strength[channel];
  }
  return p.map.value(e.bias ? y + e.bias[channel] * p.bias_gain : y);
}
