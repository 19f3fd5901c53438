// Noise, bias, activation, gain and clamp in one pass; derivatives; sums over everything but the channels.
// Twin of crates/stylegan-kernels/src/bias_act.
#include "common.cuh"

// y = map(x scale + noise strength + bias): bias_act, noise_bias_act, and the epilogue of a layer.
struct BiasAct {
  Elements at;
  Epilogue end;
};
extern "C" __global__ void __launch_bounds__(THREADS)
bias_act(BiasAct p, const float* __restrict__ x, const float* __restrict__ scale, const float* __restrict__ noise,
         const float* __restrict__ strength, const float* __restrict__ bias, float* __restrict__ y) {
  const Ends ends = {scale, noise, strength, bias};
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    y[i] = finish(p.end, ends, x[i], row, pixel, p.at.plane);
  });
}

// out = g slope(y): the gradient, and the gradient of the gradient, of a piecewise linear activation.
struct BiasActGradient {
  long long total;
  Map map;
};
extern "C" __global__ void __launch_bounds__(THREADS)
bias_act_gradient(BiasActGradient p, const float* __restrict__ g, const float* __restrict__ y,
                  float* __restrict__ out) {
  for_each_element(p.total, TILE, [&](long long i, long long, int) { out[i] = g[i] * p.map.slope(y[i]); });
}

// The gradients of one layer's end in one pass, from g and the result y, for x before it: gx = g slope(y) scale, and
// the three sums g slope(y) (for bias), g slope(y) noise (for strength), g slope(y) x (for scale) of each slice of each
// plane, `[3, rows, slices]`; zeros for what is left out of noise and x. What is summed further goes through `row_sum`.
struct EpilogueGradient {
  Epilogue end;
  int rows, plane, slices;
};
extern "C" __global__ void __launch_bounds__(THREADS)
epilogue_gradient(EpilogueGradient p, const float* __restrict__ g, const float* __restrict__ y,
                  const float* __restrict__ x, const float* __restrict__ scale, const float* __restrict__ noise,
                  float* __restrict__ gx, float* __restrict__ sums) {
  const int row = blockIdx.x / p.slices, part = blockIdx.x % p.slices;
  const long long at = (long long)row * p.plane;
  const float* map = noise ? noise + (p.end.noise_maps == 1 ? 0ll : (long long)(row / p.end.channels) * p.plane) : nullptr;
  const float factor = scale ? scale[row] : 1.f;
  const Slice s = slice(p.plane, part, p.slices);
  float plain = 0.f, noisy = 0.f, along = 0.f;
  for (int i = s.begin + threadIdx.x; i < s.end; i += THREADS) {
    const float inner = g[at + i] * p.end.map.slope(y[at + i]);
    gx[at + i] = inner * factor;
    plain += inner;
    if (map) noisy += inner * map[i];
    if (x) along += inner * x[at + i];
  }
  const float totals[3] = {block_sum(plain, shared_memory), block_sum(noisy, shared_memory), block_sum(along, shared_memory)};
  const long long count = (long long)p.rows * p.slices;
  if (threadIdx.x < 3) sums[threadIdx.x * count + blockIdx.x] = totals[threadIdx.x];
}

// Activations whose derivatives need the argument; `slope` is that of leaky ReLU below zero. Numbers as in
// `ActivationKind` of the launch plan.
enum { LEAKY, TANH, SIGMOID, ELU, SELU, SOFTPLUS, SWISH };
__device__ inline float sigmoid(int order, float x) {
  const float s = 1.f / (1.f + expf(-x)), ds = s * (1.f - s);
  return order == 0 ? s : order == 1 ? ds : ds * (1.f - 2.f * s);
}
__device__ inline float elu(int order, float x, float scale, float alpha) {
  if (x > 0.f) return order == 0 ? scale * x : order == 1 ? scale : 0.f;
  return order == 0 ? scale * alpha * expm1f(x) : scale * alpha * expf(x);
}
__device__ inline float derivative(int act, int order, float slope, float x) {
  switch (act) {
    case LEAKY: {
      const float s = x > 0.f ? 1.f : slope;
      return order == 0 ? x * s : order == 1 ? s : 0.f;
    }
    case TANH: {
      const float y = tanhf(x);
      return order == 0 ? y : order == 1 ? 1.f - y * y : (y * y * y - y) * 2.f;
    }
    case SIGMOID: return sigmoid(order, x);
    case ELU: return elu(order, x, 1.f, 1.f);
    case SELU: return elu(order, x, 1.0507009873554805f, 1.6732632423543774f);
    case SOFTPLUS: return order == 0 ? (x > 0.f ? x : 0.f) + log1pf(expf(-fabsf(x))) : sigmoid(order - 1, x);
    default: {
      const float s = sigmoid(0, x), ds = sigmoid(1, x);
      return order == 0 ? x * s : order == 1 ? s + x * ds : ds * 2.f + x * sigmoid(2, x);
    }
  }
}

// Order 0: y = clamp(gain act(x)). Orders 1 and 2: y = h times that derivative at x, 0 beyond the clamp.
struct Smooth {
  long long total;
  int act, order;
  float slope, gain, clamp;
};
extern "C" __global__ void __launch_bounds__(THREADS)
smooth(Smooth p, const float* __restrict__ h, const float* __restrict__ x, float* __restrict__ y) {
  for_each_element(p.total, TILE, [&](long long i, long long, int) {
    const float value = p.gain * derivative(p.act, 0, p.slope, x[i]);
    if (p.order == 0) y[i] = value > p.clamp ? p.clamp : value < -p.clamp ? -p.clamp : value;
    else y[i] = fabsf(value) >= p.clamp ? h[i] * 0.f : h[i] * (p.gain * derivative(p.act, p.order, p.slope, x[i]));
  });
}

// out[channel, slice] = gain * sum over samples and a slice of the pixels of x, weighted by noise if given.
struct ChannelSum {
  int samples, channels, plane, slices, noise_maps;
  float gain;
};
extern "C" __global__ void __launch_bounds__(THREADS)
channel_sum(ChannelSum p, const float* __restrict__ x, const float* __restrict__ noise, float* __restrict__ out) {
  const int channel = blockIdx.x / p.slices, part = blockIdx.x % p.slices;
  const Slice s = slice(p.plane, part, p.slices);
  const int len = s.end - s.begin;
  float total = 0.f;
  for (long long j = threadIdx.x; j < (long long)p.samples * len; j += THREADS) {
    const int sample = (int)(j / len), pixel = s.begin + (int)(j % len);
    const float value = x[((long long)sample * p.channels + channel) * p.plane + pixel];
    total += noise ? value * noise[(long long)(p.noise_maps == 1 ? 0 : sample) * p.plane + pixel] : value;
  }
  total = block_sum(total, shared_memory);
  if (threadIdx.x == 0) out[blockIdx.x] = total * p.gain;
}

// The adjoint: y[n, channel, pixel] = gain * x[channel], times noise if given.
struct ChannelSpread {
  Elements at;
  int channels, noise_maps;
  float gain;
};
extern "C" __global__ void __launch_bounds__(THREADS)
channel_spread(ChannelSpread p, const float* __restrict__ x, const float* __restrict__ noise, float* __restrict__ y) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const float value = x[row % p.channels] * p.gain;
    const long long map = p.noise_maps == 1 ? 0 : row / p.channels;
    y[i] = noise ? noise[map * p.at.plane + pixel] * value : value;
  });
}

// out[row] = gain * sum over the row: the second stage of sums that were taken by slices.
struct RowSum {
  int len;
  float gain;
};
extern "C" __global__ void __launch_bounds__(THREADS)
row_sum(RowSum p, const float* __restrict__ x, float* __restrict__ out) {
  float total = 0.f;
  for (int i = threadIdx.x; i < p.len; i += THREADS) total += x[(long long)blockIdx.x * p.len + i];
  total = block_sum(total, shared_memory);
  if (threadIdx.x == 0) out[blockIdx.x] = total * p.gain;
}
