// The part of CUDA that candle's kernels use beside ours, for a C++ compiler: no half precision, which is not compiled.
#pragma once
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#define __host__
#define __forceinline__ inline
// One block runs at a time on a thread of the system.
#define __shared__ static thread_local
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0
#define blockDim (::emulator::block_size)
#define gridDim (::emulator::grid_size)

using std::isnan;
using std::signbit;

struct float2 {
  float x, y;
};
struct float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float rsqrtf(float x) { return 1.f / std::sqrt(x); }
inline double normcdf(double x) { return 0.5 * std::erfc(-x * M_SQRT1_2); }
inline float normcdff(float x) { return 0.5f * std::erfc(-x * float(M_SQRT1_2)); }

template <class To, class From>
To same_bits(From value) {
  To to;
  static_assert(sizeof to == sizeof value);
  std::memcpy(&to, &value, sizeof to);
  return to;
}
inline long long __double_as_longlong(double x) { return same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return same_bits<double>(x); }
inline int __float_as_int(float x) { return same_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return same_bits<unsigned>(x); }
inline float __int_as_float(int x) { return same_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return same_bits<float>(x); }

// Threads take turns, so nothing comes between reading and writing.
template <class T, class U>
T atomicAdd(T* at, U value) {
  const T old = *at;
  *at = T(old + value);
  return old;
}
template <class T, class U>
T atomicMax(T* at, U given) {
  const T value = T(given);
  const T old = *at;
  *at = old < value ? value : old;
  return old;
}
template <class T, class U>
T atomicMin(T* at, U given) {
  const T value = T(given);
  const T old = *at;
  *at = value < old ? value : old;
  return old;
}
template <class T, class U>
T atomicCAS(T* at, T expected, U value) {
  const T old = *at;
  if (old == expected) *at = T(value);
  return old;
}

// Named where candle's headers only mention them.
struct __half {
  unsigned short bits;
};
struct __nv_fp8_e4m3 {
  unsigned char __x;
  __nv_fp8_e4m3() = default;
  explicit __nv_fp8_e4m3(float);
};
enum { __NV_E4M3 };
__half __hmax_nan(__half, __half);
__half __hmin_nan(__half, __half);
unsigned short __half_as_ushort(__half);
__half __ushort_as_half(unsigned short);
float __half2float(__half);
__half __nv_cvt_fp8_to_halfraw(unsigned char, int);

// A value of any number of words from another lane.
template <class T>
T shuffled(T value, unsigned from, const char* file, int line) {
  float words[sizeof(T) / sizeof(float)];
  static_assert(sizeof words == sizeof value);
  std::memcpy(words, &value, sizeof value);
  for (float& word : words) word = ::emulator::exchange(word, from, file, line);
  std::memcpy(&value, words, sizeof value);
  return value;
}
#undef __shfl_xor_sync
#define __shfl_xor_sync(mask, value, step, ...) \
  shuffled(value, (::emulator::thread.x % 32) ^ (step), __FILE__, __LINE__)
