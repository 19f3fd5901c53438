// Upsampling by zeros, padding, FIR filter, downsampling: one linear operation that is its own adjoint's kind.
// Twin of crates/stylegan-kernels/src/upfirdn2d.
//
// A block makes `columns` x `rows` outputs of one plane (at most 32 columns: a lane each). Along one axis output o meets
// the upsampled positions q = o down - pad + t for taps t; those with q = up i read input i:
//
//   first tap t0 = -(o down - pad) mod up,  first input i0 = (o down - pad + t0) / up,  then t += up, i += 1.
//
// The taps arrive so that they are to be correlated with. Inputs outside the plane are zeros of the tile.
#include "common.cuh"

struct Axis {
  int in, out, up, down, pad, taps;
  int outs, ins;  // of a tile
};
struct UpFirDn {
  Axis x, y;
  int tiles_x, tiles_y;
  Epilogue end;
};

// An axis whose factors are known to the compiler where they are above 0.
template <int UP, int DOWN>
struct Steps {
  Axis a;
  __device__ int up() const { return UP > 0 ? UP : a.up; }
  __device__ int down() const { return DOWN > 0 ? DOWN : a.down; }
  // The first input that a tile from output `o` on reads.
  __device__ int first(int o) const { return ceil_div(o * down() - a.pad, up()); }
  // Calls `term(tap, input)` for what output `o` is a sum of; inputs count from `first`.
  template <class Term>
  __device__ void each(int o, int first, Term term) const {
    const int q = o * down() - a.pad, i0 = ceil_div(q, up());
    for (int t = i0 * up() - q, i = i0 - first; t < a.taps; t += up(), i++) term(t, i);
  }
};

// Where a block's tile lies.
struct Place {
  long long plane;
  int ox, oy;
};
__device__ inline Place place(const UpFirDn& p) {
  const int tiles = p.tiles_x * p.tiles_y, tile = blockIdx.x % tiles;
  return {blockIdx.x / tiles, tile % p.tiles_x * p.x.outs, tile / p.tiles_x * p.y.outs};
}

// Copies the inputs of a tile, from (left, top) on, to `tile` `[y.ins, x.ins]`.
__device__ inline void load(const UpFirDn& p, const float* __restrict__ plane, int left, int top, float* tile) {
  for (int r = threadIdx.x / LANES; r < p.y.ins; r += WARPS)
    for (int c = threadIdx.x % LANES; c < p.x.ins; c += LANES) {
      const int y = top + r, x = left + c;
      const bool inside = y >= 0 && y < p.y.in && x >= 0 && x < p.x.in;
      tile[r * p.x.ins + c] = inside ? plane[(long long)y * p.x.in + x] : 0.f;
    }
}

__device__ inline void store(const UpFirDn& p, const Ends& ends, const Place& at, int r, int c, float sum, float* y) {
  const int oy = at.oy + r, ox = at.ox + c, plane = p.x.out * p.y.out;
  if (oy >= p.y.out || ox >= p.x.out) return;
  const int pixel = oy * p.x.out + ox;
  y[at.plane * plane + pixel] = finish(p.end, ends, sum, at.plane, pixel, plane);
}

// Columns times rows: each input row of the tile is filtered along x, then the results along y.
template <int UP, int DOWN>
__device__ inline void separable(const UpFirDn& p, const float* __restrict__ x, const float* __restrict__ taps,
                                 const Ends& ends, float* __restrict__ y) {
  float *row_taps = shared_memory, *column_taps = row_taps + p.x.taps, *tile = column_taps + p.y.taps,
        *filtered = tile + p.y.ins * p.x.ins;
  const Steps<UP, DOWN> sx = {p.x}, sy = {p.y};
  const Place at = place(p);
  const int left = sx.first(at.ox), top = sy.first(at.oy), lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
  for (int i = threadIdx.x; i < p.x.taps + p.y.taps; i += THREADS) shared_memory[i] = taps[i];
  load(p, x + at.plane * p.x.in * p.y.in, left, top, tile);
  __syncthreads();
  for (int r = warp; r < p.y.ins && lane < p.x.outs; r += WARPS) {
    float sum = 0.f;
    sx.each(at.ox + lane, left, [&](int t, int i) { sum += row_taps[t] * tile[r * p.x.ins + i]; });
    filtered[r * p.x.outs + lane] = sum;
  }
  __syncthreads();
  for (int r = warp; r < p.y.outs && lane < p.x.outs; r += WARPS) {
    float sum = 0.f;
    sy.each(at.oy + r, top, [&](int t, int i) { sum += column_taps[t] * filtered[i * p.x.outs + lane]; });
    store(p, ends, at, r, lane, sum, y);
  }
}

#define SEPARABLE(NAME, UP, DOWN)                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                        \
  NAME(UpFirDn p, const float* __restrict__ x, const float* __restrict__ taps, const float* __restrict__ scale, \
       const float* __restrict__ noise, const float* __restrict__ strength, const float* __restrict__ bias,    \
       float* __restrict__ y) {                                                                                \
    separable<UP, DOWN>(p, x, taps, {scale, noise, strength, bias}, y);                                        \
  }
SEPARABLE(upfirdn2d_same, 1, 1)
SEPARABLE(upfirdn2d_up2, 2, 1)
SEPARABLE(upfirdn2d_down2, 1, 2)
SEPARABLE(upfirdn2d_separable, 0, 0)

// Any filter: all of its taps for each output.
extern "C" __global__ void __launch_bounds__(THREADS)
upfirdn2d(UpFirDn p, const float* __restrict__ x, const float* __restrict__ taps, const float* __restrict__ scale,
          const float* __restrict__ noise, const float* __restrict__ strength, const float* __restrict__ bias,
          float* __restrict__ y) {
  float* tile = shared_memory + p.x.taps * p.y.taps;
  const Steps<0, 0> sx = {p.x}, sy = {p.y};
  const Place at = place(p);
  const int left = sx.first(at.ox), top = sy.first(at.oy), lane = threadIdx.x % LANES;
  for (int i = threadIdx.x; i < p.x.taps * p.y.taps; i += THREADS) shared_memory[i] = taps[i];
  load(p, x + at.plane * p.x.in * p.y.in, left, top, tile);
  __syncthreads();
  for (int r = threadIdx.x / LANES; r < p.y.outs && lane < p.x.outs; r += WARPS) {
    float sum = 0.f;
    sy.each(at.oy + r, top, [&](int ty, int iy) {
      sx.each(at.ox + lane, left, [&](int tx, int ix) { sum += shared_memory[ty * p.x.taps + tx] * tile[iy * p.x.ins + ix]; });
    });
    store(p, {scale, noise, strength, bias}, at, r, lane, sum, y);
  }
}
