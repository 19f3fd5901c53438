// candle's own kernels, as far as networks use them: compiled from the sources of the crate candle-kernels, whose folder is
// on the path of includes. Those of one element a thread are loops over threads here; reductions need fibers.
#include "cuda_fp16.h"
#include "cuda/std/limits"

namespace candle_affine {
#include "affine.cu"
}
namespace candle_binary {
#include "binary.cu"
}
namespace candle_cast {
#include "cast.cu"
}
namespace candle_fill {
#include "fill.cu"
}
namespace candle_indexing {
#include "indexing.cu"
}
namespace candle_reduce {
using ::atomicAdd;  // beside the one for doubles that candle has for old GPUs
#include "reduce.cu"
}
namespace candle_ternary {
#include "ternary.cu"
}
namespace candle_unary {
#include "unary.cu"
}

struct CandleKernel {
  void (*call)(void**);
  bool waits;  // for other threads of its block
};
#define CANDLE(FILE, NAME) {#NAME, {&emulator::Call<&candle_##FILE::NAME>::call, false}}
#define CANDLE_WAITS(FILE, NAME) {#NAME, {&emulator::Call<&candle_##FILE::NAME>::call, true}}
#define OF_ELEMENT(FILE, NAME) \
  CANDLE(FILE, NAME##_f32), CANDLE(FILE, NAME##_f64), CANDLE(FILE, NAME##_u8), CANDLE(FILE, NAME##_u32), CANDLE(FILE, NAME##_i64)
#define OF_FLOATS(FILE, NAME) CANDLE(FILE, NAME##_f32), CANDLE(FILE, NAME##_f64)
static const std::map<std::string, CandleKernel> CANDLE_KERNELS = {
    OF_FLOATS(affine, affine),
    OF_ELEMENT(binary, badd),
    OF_ELEMENT(binary, bsub),
    OF_ELEMENT(binary, bmul),
    OF_ELEMENT(binary, bdiv),
    OF_FLOATS(binary, bmaximum),
    OF_FLOATS(binary, bminimum),
    OF_ELEMENT(binary, eq),
    OF_ELEMENT(binary, ne),
    OF_ELEMENT(binary, lt),
    OF_ELEMENT(binary, le),
    OF_ELEMENT(binary, gt),
    OF_ELEMENT(binary, ge),
    OF_ELEMENT(cast, cast_f32),
    OF_ELEMENT(cast, cast_f64),
    OF_ELEMENT(cast, cast_u8),
    OF_ELEMENT(cast, cast_u32),
    OF_ELEMENT(cast, cast_i64),
    OF_ELEMENT(fill, const_set),
    OF_ELEMENT(fill, copy2d),
    OF_FLOATS(indexing, is_u32),
    OF_FLOATS(indexing, ia_u32),
    OF_FLOATS(indexing, gather_u32),
    OF_FLOATS(indexing, sa_u32),
    OF_FLOATS(ternary, where_u8),
    OF_ELEMENT(unary, ucopy),
    OF_FLOATS(unary, uneg),
    OF_FLOATS(unary, urecip),
    OF_FLOATS(unary, uexp),
    OF_FLOATS(unary, ulog),
    OF_FLOATS(unary, usin),
    OF_FLOATS(unary, ucos),
    OF_FLOATS(unary, utanh),
    OF_FLOATS(unary, uabs),
    OF_FLOATS(unary, usqr),
    OF_FLOATS(unary, usqrt),
    OF_FLOATS(unary, urelu),
    OF_FLOATS(unary, usign),
    OF_FLOATS(unary, upowf),
    OF_FLOATS(reduce, fast_sum_small),
    CANDLE_WAITS(reduce, fast_sum_f32),
    CANDLE_WAITS(reduce, fast_sum_f64),
    CANDLE_WAITS(reduce, fast_max_f32),
    CANDLE_WAITS(reduce, fast_min_f32),
    CANDLE_WAITS(reduce, fast_argmax_f32),
};
