// The part of CUDA that the kernels use, for a C++ compiler: a fiber for each thread of a block.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __launch_bounds__(...)

namespace emulator {
// Grids and blocks have one dimension.
struct Index {
  unsigned x = 0, y = 0;
};
extern thread_local Index thread, block, block_size, grid_size;
// Waits for all threads of the block.
void barrier(const char* file, int line);
// Waits for all lanes of the warp and returns the value that lane `from` gave.
float exchange(float value, unsigned from, const char* file, int line);
float* shared();
}  // namespace emulator

#define threadIdx (::emulator::thread)
#define blockIdx (::emulator::block)
#define shared_memory (::emulator::shared())
#define __syncthreads() ::emulator::barrier(__FILE__, __LINE__)
#define __shfl_xor_sync(mask, value, step) \
  ::emulator::exchange(value, (::emulator::thread.x % 32) ^ (step), __FILE__, __LINE__)

using std::max;
using std::min;
