// Repeated pixels and sums of blocks, each the other's adjoint; bilinear interpolation and maxima of windows, with their
// adjoints, which gather. Twin of crates/stylegan-kernels/src/resize.
#include "common.cuh"

struct Blocks {
  Elements at;  // of the result
  int width;    // of the result
  int factor;
  float gain;
};

// y[oy, ox] = gain x[oy / factor, ox / factor]
extern "C" __global__ void __launch_bounds__(THREADS)
repeat_pixels(Blocks p, const float* __restrict__ x, float* __restrict__ y) {
  const int width = p.width / p.factor, from = p.at.plane / (p.factor * p.factor);
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int oy = pixel / p.width, ox = pixel - oy * p.width;
    y[i] = p.gain * x[row * from + oy / p.factor * width + ox / p.factor];
  });
}

// y[oy, ox] = gain * sum of a block of factor x factor
extern "C" __global__ void __launch_bounds__(THREADS)
sum_blocks(Blocks p, const float* __restrict__ x, float* __restrict__ y) {
  const int width = p.width * p.factor, from = p.at.plane * p.factor * p.factor;
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int oy = pixel / p.width, ox = pixel - oy * p.width;
    const float* block = x + row * from + (long long)oy * p.factor * width + ox * p.factor;
    float sum = 0.f;
    for (int r = 0; r < p.factor; r++)
      for (int c = 0; c < p.factor; c++) sum += block[r * width + c];
    y[i] = p.gain * sum;
  });
}

// One axis, of `in` pixels at the coarse end of the operation and `out` at the other. Output o lies at the fraction
// numerator / denominator of pixels: o (in - 1) / (out - 1) with aligned corners, else (o + 1/2) in / out - 1/2 and at
// least 0. Whole numbers, so that weights are exact.
struct Axis {
  int in, out, aligned;
  __device__ int denominator() const { return aligned ? max(out - 1, 1) : 2 * out; }
  __device__ int numerator(int o) const { return aligned ? (out == 1 ? 0 : o * (in - 1)) : max((2 * o + 1) * in - out, 0); }
  __device__ int first(int o) const { return min(numerator(o) / denominator(), in - 1); }
  __device__ float weight(int o) const {
    return (float)(numerator(o) - first(o) * denominator()) / (float)denominator();
  }
  // An output at or before the first that reads pixel i.
  __device__ int begin(int i) const {
    if (i == 0) return 0;
    return max(0, aligned ? (i - 1) * (out - 1) / (in - 1) : floor_div((2 * i - 1) * out - in, 2 * in));
  }
  // What pixel i is worth in output o.
  __device__ float share(int o, int i) const {
    const int left = first(o), right = min(left + 1, in - 1);
    const float w = weight(o);
    return (left == i ? 1.f - w : 0.f) + (right == i ? w : 0.f);
  }
};
struct Bilinear {
  Elements at;  // of the result
  Axis y, x;
};

extern "C" __global__ void __launch_bounds__(THREADS)
bilinear(Bilinear p, const float* __restrict__ x, float* __restrict__ y) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int oy = pixel / p.x.out, ox = pixel - oy * p.x.out;
    const int top = p.y.first(oy), left = p.x.first(ox);
    const int down = min(top + 1, p.y.in - 1) - top, right = min(left + 1, p.x.in - 1) - left;
    const float wy = p.y.weight(oy), wx = p.x.weight(ox);
    const float* from = x + (row * p.y.in + top) * p.x.in + left;
    const float near = from[0] * (1.f - wy) + from[down * p.x.in] * wy;
    const float far = from[right] * (1.f - wy) + from[down * p.x.in + right] * wy;
    y[i] = near * (1.f - wx) + far * wx;
  });
}

// Each pixel gathers from the outputs that read it: no order but that of the loops.
extern "C" __global__ void __launch_bounds__(THREADS)
bilinear_adjoint(Bilinear p, const float* __restrict__ g, float* __restrict__ out) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int y = pixel / p.x.in, x = pixel - y * p.x.in;
    float sum = 0.f;
    for (int oy = p.y.begin(y); oy < p.y.out && p.y.first(oy) <= y; oy++) {
      const float* from = g + (row * p.y.out + oy) * p.x.out;
      float line = 0.f;
      for (int ox = p.x.begin(x); ox < p.x.out && p.x.first(ox) <= x; ox++) line += from[ox] * p.x.share(ox, x);
      sum += line * p.y.share(oy, y);
    }
    out[i] = sum;
  });
}

// Windows of `size` pixels along a side, `stride` from one to the next, `padding` pixels of nothing around the picture.
struct Windows {
  Elements at;  // of the result
  int height, width;  // of the picture
  int rows, columns;  // of windows
  int size, stride, padding;
  __device__ int start(int window) const { return max(window * stride - padding, 0); }
  __device__ int end(int window, int side) const { return min(window * stride - padding + size, side); }
  // The first window that reaches pixel i of a side.
  __device__ int first(int i) const { return max(ceil_div(i + padding - size + 1, stride), 0); }
  // Where window (wy, wx) of a plane has its maximum, the first of equals.
  __device__ int best(const float* plane, int wy, int wx) const {
    const int across = end(wx, width) - start(wx);
    int row = start(wy) * width + start(wx), best = row;
    float most = plane[best];
#pragma unroll 1
    for (int rows = end(wy, height) - start(wy); rows > 0; rows--, row += width)
#pragma unroll 1
      for (int at = row; at < row + across; at++)
        if (plane[at] > most) best = at, most = plane[at];
    return best;
  }
};

// y = the values where the windows of x have their maxima
extern "C" __global__ void __launch_bounds__(THREADS)
max_pool(Windows p, const float* __restrict__ x, const float* __restrict__ values, float* __restrict__ y) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const long long plane = row * p.height * p.width;
    const int wy = pixel / p.columns, wx = pixel - wy * p.columns;
    y[i] = values[plane + p.best(x + plane, wy, wx)];
  });
}

// Each pixel gathers from the windows that reach it, and takes from those whose maximum it is. With four blocks to make
// room for, not eight, the compiler spills nothing.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
max_pool_adjoint(Windows p, const float* __restrict__ x, const float* __restrict__ g, float* __restrict__ out) {
  for_each_element(p.at.total, p.at.plane, [&](long long i, long long row, int pixel) {
    const int y = pixel / p.width, column = pixel - y * p.width, left = p.first(column);
    const float* plane = x + row * p.at.plane;
    const float* from = g + row * p.rows * p.columns + p.first(y) * p.columns;
    float sum = 0.f;
#pragma unroll 1
    for (int wy = p.first(y); wy < p.rows && p.start(wy) <= y; wy++, from += p.columns)
#pragma unroll 1
      for (int wx = left; wx < p.columns && p.start(wx) <= column; wx++)
        if (p.best(plane, wy, wx) == pixel) sum += from[wx];
    out[i] = sum;
  });
}
