// Convolution of label maps, whose one-hot tensors are never made: columns of the weight are looked up and added; and the
// adjoint, which gathers. Twin of crates/stylegan-kernels/src/label/conv.
#include "common.cuh"

// Cells `[n, h, w]` of the maps are twice the class, and 1 more on an edge, whose channel stands behind the classes.
struct LabelWindows {
  int outputs, channels, classes, h, w, r, s, oh, ow, stride, padding;
  // Where output pixel (oy, ox) has this tap; less than 0 outside of the map.
  __device__ int under(int oy, int ox, int tap) const {
    const int iy = oy * stride - padding + tap / s, ix = ox * stride - padding + tap % s;
    return iy >= 0 && iy < h && ix >= 0 && ix < w ? iy * w + ix : -1;
  }
};

// y[n, output, oy, ox] = sum over taps of weight[output, class under the tap, tap], and of that of edges on one
struct LabelConv {
  Elements at;  // of the result
  LabelWindows windows;
};
extern "C" __global__ void __launch_bounds__(THREADS)
label_conv(LabelConv p, const float* __restrict__ weight, const float* __restrict__ cells, float* __restrict__ y) {
  const LabelWindows& of = p.windows;
  const int taps = of.r * of.s;
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int oy = pixel / of.ow, ox = pixel - oy * of.ow;
    const float* map = cells + row / of.outputs * of.h * of.w;
    const float* columns = weight + row % of.outputs * of.channels * taps;
    float sum = 0.f;
    for (int tap = 0; tap < taps; tap++) {
      const int from = of.under(oy, ox, tap);
      if (from < 0) continue;
      const int cell = (int)map[from];
      sum += columns[cell / 2 * taps + tap];
      if (cell % 2) sum += columns[of.classes * taps + tap];
    }
    y[i] = sum;
  });
}

// out[output, channel, tap, slice] = sum over a slice of the pixels of all samples of g where the channel is under the
// tap. A thread has an output and a tap, goes over the pixels in order, and adds to one of its own numbers in shared
// memory: one for each of the `at_once` channels of its block.
struct LabelConvAdjoint {
  LabelWindows windows;
  int samples, slices, at_once;
};
extern "C" __global__ void __launch_bounds__(THREADS)
label_conv_adjoint(LabelConvAdjoint p, const float* __restrict__ g, const float* __restrict__ cells,
                   float* __restrict__ out) {
  const LabelWindows& of = p.windows;
  const int taps = of.r * of.s, columns = of.outputs * taps, plane = of.oh * of.ow, blocks = ceil_div(columns, THREADS);
  const int column = blockIdx.x % blocks * THREADS + threadIdx.x, part = blockIdx.x / blocks % p.slices;
  if (column >= columns) return;
  const int first = blockIdx.x / blocks / p.slices * p.at_once, count = min(p.at_once, of.channels - first);
  const int output = column / taps, tap = column - output * taps, edge = of.classes - first;
  float* sums = shared_memory + threadIdx.x;
  for (int channel = 0; channel < count; channel++) sums[channel * THREADS] = 0.f;
  const Slice s = slice(p.samples * plane, part, p.slices);
  for (int i = s.begin; i < s.end; i++) {
    const int sample = i / plane, pixel = i - sample * plane, oy = pixel / of.ow;
    const int from = of.under(oy, pixel - oy * of.ow, tap);
    if (from < 0) continue;
    const int cell = (int)cells[(long long)sample * of.h * of.w + from], own = cell / 2 - first;
    const float value = g[((long long)sample * of.outputs + output) * plane + pixel];
    if (own >= 0 && own < count) sums[own * THREADS] += value;
    if (cell % 2 && edge >= 0 && edge < count) sums[edge * THREADS] += value;
  }
  for (int channel = 0; channel < count; channel++) {
    const long long row = ((long long)output * of.channels + first + channel) * taps + tap;
    out[row * p.slices + part] = sums[channel * THREADS];
  }
}
