// Normalisation by statistics of channels, of planes, or that are given: batch and instance normalisation, alone and with
// SPADE's maps. Twin of crates/stylegan-kernels/src/norm: statistics, standardize, spade.
#include "common.cuh"

// Groups of `[samples, groups, plane]` share mean and variance: channels of a batch, or planes with `samples` 1.
struct Grouped {
  int samples, groups, plane, slices;
};

// Calls visit(element) for each element of a slice of a group that is this thread's; returns how many the block has.
template <class Visit>
__device__ inline float for_each_member(const Grouped& p, int group, int part, Visit visit) {
  const Slice s = slice(p.plane, part, p.slices);
  const int len = s.end - s.begin;
  for (long long j = threadIdx.x; j < (long long)p.samples * len; j += THREADS)
    visit((j / len * p.groups + group) * p.plane + s.begin + j % len);
  return (float)p.samples * len;
}

// `[2, groups, slices]`: mean and variance of each slice.
extern "C" __global__ void __launch_bounds__(THREADS)
moments(Grouped p, const float* __restrict__ x, float* __restrict__ out) {
  const int group = blockIdx.x / p.slices, part = blockIdx.x % p.slices;
  float sum = 0.f, squares = 0.f;
  // The last slices may be empty.
  const float count = fmaxf(for_each_member(p, group, part, [&](long long i) { sum += x[i]; }), 1.f);
  const float mean = block_sum(sum, shared_memory) / count;
  for_each_member(p, group, part, [&](long long i) { squares += (x[i] - mean) * (x[i] - mean); });
  const float variance = block_sum(squares, shared_memory) / count;
  if (threadIdx.x == 0) out[blockIdx.x] = mean, out[p.groups * p.slices + blockIdx.x] = variance;
}

// Those of slices to those of the whole groups, `[2, groups]` (Chan, Golub and LeVeque 1983).
extern "C" __global__ void __launch_bounds__(THREADS)
join_moments(Grouped p, const float* __restrict__ parts, float* __restrict__ out) {
  const float* means = parts + (long long)blockIdx.x * p.slices;
  const float* variances = means + (long long)p.groups * p.slices;
  const auto share = [&](int part) {
    const Slice s = slice(p.plane, part, p.slices);
    return (float)(s.end - s.begin) / p.plane;
  };
  float level = 0.f, spread = 0.f;
  for (int i = threadIdx.x; i < p.slices; i += THREADS) level += means[i] * share(i);
  const float mean = block_sum(level, shared_memory);
  for (int i = threadIdx.x; i < p.slices; i += THREADS)
    spread += (variances[i] + (means[i] - mean) * (means[i] - mean)) * share(i);
  const float variance = block_sum(spread, shared_memory);
  if (threadIdx.x == 0) out[blockIdx.x] = mean, out[p.groups + blockIdx.x] = variance;
}

// `statistics` `[2, groups]` of plane `row`, which has those of group `row mod groups`; mean 0 and no division for none.
struct Normalized {
  float mean, rstd;
};
__device__ inline Normalized normalized(const float* statistics, int groups, float eps, long long row) {
  if (!statistics) return {0.f, 1.f};
  const int group = (int)(row % groups);
  return {statistics[group], 1.f / sqrtf(statistics[groups + group] + eps)};
}

// y = leaky((x - mean) rstd (1 + gamma) + beta); without maps they are 0.
struct SpadeNorm {
  Elements at;
  int groups;
  float eps, slope;
};
extern "C" __global__ void __launch_bounds__(THREADS)
spade_norm(SpadeNorm p, const float* __restrict__ x, const float* __restrict__ gamma, const float* __restrict__ beta,
           const float* __restrict__ statistics, float* __restrict__ y) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int) {
    const Normalized of = normalized(statistics, p.groups, p.eps, row);
    float value = (x[i] - of.mean) * of.rstd;
    if (gamma) value = value * (1.f + gamma[i]) + beta[i];
    y[i] = value > 0.f ? value : value * p.slope;
  });
}

// `[2, groups, slices]`: sums of h = g (1 + gamma) and of h (x - mean), g being the gradient before the activation.
extern "C" __global__ void __launch_bounds__(THREADS)
spade_norm_sums(Grouped p, const float* __restrict__ g, const float* __restrict__ gamma, const float* __restrict__ x,
                const float* __restrict__ statistics, float* __restrict__ out) {
  const int group = blockIdx.x / p.slices, part = blockIdx.x % p.slices;
  const float mean = statistics[group];
  float plain = 0.f, centred = 0.f;
  for_each_member(p, group, part, [&](long long i) {
    const float h = gamma ? g[i] * (1.f + gamma[i]) : g[i];
    plain += h;
    centred += h * (x[i] - mean);
  });
  const float total = block_sum(plain, shared_memory), along = block_sum(centred, shared_memory);
  if (threadIdx.x == 0) out[blockIdx.x] = total, out[p.groups * p.slices + blockIdx.x] = along;
}

// gx = h rstd - (x - mean) rstd^3 along / count - rstd total / count, with the sums `[2, groups]` of `count` numbers each;
// gx = h rstd where statistics are constants, which have none. ggamma = g (x - mean) rstd, if there are maps.
struct SpadeNormGradient {
  Elements at;
  int groups;
  float eps, count;
};
extern "C" __global__ void __launch_bounds__(THREADS)
spade_norm_gradient(SpadeNormGradient p, const float* __restrict__ g, const float* __restrict__ gamma,
                    const float* __restrict__ x, const float* __restrict__ statistics, const float* __restrict__ sums,
                    float* __restrict__ gx, float* __restrict__ ggamma) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int) {
    const Normalized of = normalized(statistics, p.groups, p.eps, row);
    const float centred = x[i] - of.mean;
    float slope = 0.f, level = 0.f;
    if (sums) {
      const int group = (int)(row % p.groups);
      level = of.rstd * sums[group] / p.count;
      slope = of.rstd * of.rstd * of.rstd * sums[p.groups + group] / p.count;
    }
    gx[i] = (gamma ? g[i] * (1.f + gamma[i]) : g[i]) * of.rstd - centred * slope - level;
    if (gamma) ggamma[i] = g[i] * (centred * of.rstd);
  });
}
