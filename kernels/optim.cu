// Updates in place, one pass each. Twin of crates/stylegan-kernels/src/optim.
#include "common.cuh"

// m and v move to g and its square, w by rate m / (sqrt(v) / root + eps). Gradients whose squares would be infinite
// count as `largest`; comparisons in this order let NaN through.
struct Adam {
  long long total;
  float beta1, rest1, beta2, rest2, rate, root, eps, largest;
};
extern "C" __global__ void __launch_bounds__(THREADS)
adam(Adam p, const float* __restrict__ gradient, float* __restrict__ w, float* __restrict__ m, float* __restrict__ v) {
  for_each_element(p.total, TILE, [&](long long i, long long, int) {
    float g = gradient[i];
    g = g > p.largest ? p.largest : g;
    g = g < -p.largest ? -p.largest : g;
    const float first = m[i] * p.beta1 + g * p.rest1, second = v[i] * p.beta2 + g * g * p.rest2;
    m[i] = first, v[i] = second;
    w[i] -= first * p.rate / (sqrtf(second) / p.root + p.eps);
  });
}

// average = w + (average - w) beta
struct Ema {
  long long total;
  float beta;
};
extern "C" __global__ void __launch_bounds__(THREADS)
ema(Ema p, const float* __restrict__ w, float* __restrict__ average) {
  for_each_element(p.total, TILE, [&](long long i, long long, int) { average[i] = w[i] + (average[i] - w[i]) * p.beta; });
}
