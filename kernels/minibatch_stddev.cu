// The minibatch standard deviation. Sample i belongs to group i mod groups; the channels make `features` parts. A block
// for each group and feature. Twin of crates/stylegan-kernels/src/norm/stddev.
#include "common.cuh"

struct MinibatchStddev {
  int members, groups, channels, features, plane;
  __device__ int len() const { return channels / features * plane; }
  // Where the elements of a feature of a sample begin.
  __device__ long long begin(int member, int group, int feature) const {
    return ((long long)(member * groups + group) * channels + feature * (channels / features)) * plane;
  }
};

struct Spread {
  float mean, stddev;
};
// Over the members of a group, at element `i` of a feature.
__device__ inline Spread spread(const MinibatchStddev& p, const float* __restrict__ x, int group, int feature, int i) {
  float sum = 0.f, squares = 0.f;
  for (int m = 0; m < p.members; m++) sum += x[p.begin(m, group, feature) + i];
  const float mean = sum / p.members;
  for (int m = 0; m < p.members; m++) {
    const float distance = x[p.begin(m, group, feature) + i] - mean;
    squares += distance * distance;
  }
  return {mean, sqrtf(squares / p.members + 1e-8f)};
}

// y `[n, channels + features, plane]`: x, then the mean over a feature's elements of their standard deviations.
extern "C" __global__ void __launch_bounds__(THREADS)
minibatch_stddev(MinibatchStddev p, const float* __restrict__ x, float* __restrict__ y) {
  const int group = blockIdx.x / p.features, feature = blockIdx.x % p.features;
  float total = 0.f;
  for (int i = threadIdx.x; i < p.len(); i += THREADS) total += spread(p, x, group, feature, i).stddev;
  const float mean = block_sum(total, shared_memory) / p.len();
  for (int m = 0; m < p.members; m++) {
    const long long sample = m * p.groups + group, shift = sample * p.features * p.plane;
    const long long from = p.begin(m, group, feature);
    for (int i = threadIdx.x; i < p.len(); i += THREADS) y[from + shift + i] = x[from + i];
    float* map = y + (sample * (p.channels + p.features) + p.channels + feature) * p.plane;
    for (int i = threadIdx.x; i < p.plane; i += THREADS) map[i] = mean;
  }
}

// gx = g + (sum of g over the feature's maps) (x - mean) / (len members stddev)
extern "C" __global__ void __launch_bounds__(THREADS)
minibatch_stddev_gradient(MinibatchStddev p, const float* __restrict__ g, const float* __restrict__ x,
                          float* __restrict__ gx) {
  const int group = blockIdx.x / p.features, feature = blockIdx.x % p.features;
  float total = 0.f;
  for (int m = 0; m < p.members; m++) {
    const long long sample = m * p.groups + group;
    const float* map = g + (sample * (p.channels + p.features) + p.channels + feature) * p.plane;
    for (int i = threadIdx.x; i < p.plane; i += THREADS) total += map[i];
  }
  const float each = block_sum(total, shared_memory) / ((float)p.len() * p.members);
  for (int i = threadIdx.x; i < p.len(); i += THREADS) {
    const Spread s = spread(p, x, group, feature, i);
    for (int m = 0; m < p.members; m++) {
      const long long sample = m * p.groups + group, at = p.begin(m, group, feature) + i;
      gx[at] = g[at + sample * p.features * p.plane] + each * (x[at] - s.mean) / s.stddev;
    }
  }
}
