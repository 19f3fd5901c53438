// A library that stands for NVIDIA's driver and cuBLAS: memory is main memory, kernels run in the emulator, matrix
// products are loops. Under it the program's own code for GPUs runs without one, and candle's: candle/kernels.h. docs/cuda.md
// says how it is used. Work of a stream is done at once, but for what a library that stands for NCCL has put there. What is
// read from the environment: EMULATED_GPUS, how many there are (1); EMULATED_CUDA, the driver's version (13000);
// EMULATED_KERNELS, a file that names each kernel at its first launch; EMULATED_COPIES, one that has the bytes of each copy to
// the CPU, once.
#include "emulator.cpp"
#include "candle/kernels.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <mutex>
#include <set>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {
using Address = unsigned long long;
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, NOT_FOUND = 500, LAUNCH_FAILED = 719 };
using Module = std::set<std::string>;  // the entries of its PTX
thread_local void* current;
void* memory(Address at) { return reinterpret_cast<void*>(at); }
int copy(void* to, const void* from, size_t bytes) {
  std::memmove(to, from, bytes);
  return SUCCESS;
}
void* handle() { return std::malloc(1); }
int number(const char* name, int usual) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : usual;
}

// A kernel of ours or of candle's.
struct Function {
  std::string name;
  const CandleKernel* candles;
};

// Adds a line to the file that a variable names, unless it is there.
void note(const char* variable, const std::string& line) {
  static std::set<std::pair<std::string, std::string>> noted;
  static std::mutex lock;
  if (const char* file = std::getenv(variable)) {
    std::lock_guard<std::mutex> held(lock);
    if (noted.insert({variable, line}).second) std::ofstream(file, std::ios::app) << line << "\n";
  }
}

int copy_back(void* to, Address from, size_t bytes) {
  note("EMULATED_COPIES", std::to_string(bytes));
  return copy(to, memory(from), bytes);
}

int run_candle(const Function& function, unsigned blocks, unsigned threads, unsigned shared, void** args) {
  using namespace emulator;
  if (function.candles->waits) {
    std::vector<Site> sites;
    const std::string error = launch(function.candles->call, blocks, threads, shared, args, 2, 0xffffffffu, sites);
    if (!error.empty()) std::fprintf(stderr, "%s: %s\n", function.name.c_str(), error.c_str());
    return error.empty() ? SUCCESS : LAUNCH_FAILED;
  }
  block_size.x = threads, grid_size.x = blocks;
  for (block.x = 0; block.x < blocks; block.x++)
    for (thread.x = 0; thread.x < threads; thread.x++) function.candles->call(args);
  return SUCCESS;
}
}  // namespace

API cuInit(unsigned) { return number("EMULATED_GPUS", 1) ? SUCCESS : NO_DEVICE; }
API cuDriverGetVersion(int* version) { return *version = number("EMULATED_CUDA", 13000), SUCCESS; }
API cuDeviceGetCount(int* count) { return *count = number("EMULATED_GPUS", 1), SUCCESS; }
API cuDeviceGet(int* device, int which) {
  return *device = which, which >= 0 && which < number("EMULATED_GPUS", 1) ? SUCCESS : INVALID_DEVICE;
}
API cuDeviceGetAttribute(int* value, int attribute, int) {
  // Compute capability 9.0, no pool of memory; 1 for all else.
  return *value = attribute == 75 ? 9 : attribute == 76 || attribute == 115 ? 0 : 1, SUCCESS;
}
API cuDeviceGetName(char* name, int len, int) { return std::snprintf(name, len, "emulator"), SUCCESS; }
API cuDevicePrimaryCtxRetain(void** context, int device) {
  static char contexts[64];
  return *context = &contexts[device % 64], SUCCESS;
}
API cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
API cuCtxSetCurrent(void* context) { return current = context, SUCCESS; }
API cuCtxGetCurrent(void** context) { return *context = current, SUCCESS; }
API cuCtxSynchronize() { return SUCCESS; }
API cuStreamCreate(void** stream, unsigned) { return *stream = handle(), SUCCESS; }
API cuStreamDestroy_v2(void* stream) { return std::free(stream), SUCCESS; }
API cuStreamSynchronize(void*) { return SUCCESS; }
API cuStreamQuery(void* stream) {
  static void* const nccl = dlopen("libnccl.so.2", RTLD_LAZY | RTLD_NOLOAD);
  static void* const query = nccl ? dlsym(nccl, "cuStreamQuery") : nullptr;
  return query ? reinterpret_cast<int (*)(void*)>(query)(stream) : SUCCESS;
}
API cuStreamWaitEvent(void*, void*, unsigned) { return SUCCESS; }
API cuStreamIsCapturing(void*, int* state) { return *state = 0, SUCCESS; }
API cuEventCreate(void** event, unsigned) { return *event = handle(), SUCCESS; }
API cuEventRecord(void*, void*) { return SUCCESS; }
API cuEventSynchronize(void*) { return SUCCESS; }
API cuEventDestroy_v2(void* event) { return std::free(event), SUCCESS; }

API cuMemAlloc_v2(Address* at, size_t bytes) {
  if (bytes == 0) return INVALID_VALUE;
  void* block = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!block) return OUT_OF_MEMORY;
  std::memset(block, 0xff, bytes);  // NaN
  return *at = reinterpret_cast<Address>(block), SUCCESS;
}
API cuMemAllocAsync(Address* at, size_t bytes, void*) { return cuMemAlloc_v2(at, bytes); }
API cuMemFree_v2(Address at) { return std::free(memory(at)), SUCCESS; }
API cuMemFreeAsync(Address at, void*) { return cuMemFree_v2(at); }
API cuMemsetD8Async(Address at, unsigned char value, size_t bytes, void*) { return std::memset(memory(at), value, bytes), SUCCESS; }
API cuMemsetD8_v2(Address at, unsigned char value, size_t bytes) { return std::memset(memory(at), value, bytes), SUCCESS; }
API cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, void*) { return copy(memory(to), from, bytes); }
API cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, void*) { return copy_back(to, from, bytes); }
API cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, void*) { return copy(memory(to), memory(from), bytes); }
API cuMemcpyHtoD_v2(Address to, const void* from, size_t bytes) { return copy(memory(to), from, bytes); }
API cuMemcpyDtoH_v2(void* to, Address from, size_t bytes) { return copy_back(to, from, bytes); }

// Modules are the PTX that is kept: a kernel must be in it, and in the emulator's table. candle's are empty.
API cuModuleLoadData(void** module, const void* image) {
  const std::string text(static_cast<const char*>(image)), entry = ".entry ";
  auto names = new Module;
  for (size_t at = text.find(entry); at != std::string::npos; at = text.find(entry, at)) {
    at += entry.size();
    names->insert(text.substr(at, text.find('(', at) - at));
  }
  return *module = names, SUCCESS;
}
API cuModuleUnload(void* module) { return delete static_cast<Module*>(module), SUCCESS; }
API cuModuleGetFunction(void** function, void* module, const char* name) {
  const Module& entries = *static_cast<Module*>(module);
  const auto candles = CANDLE_KERNELS.find(name);
  if (entries.empty() && candles != CANDLE_KERNELS.end()) return *function = new Function{name, &candles->second}, SUCCESS;
  if (entries.count(name) && KERNELS.count(name)) return *function = new Function{name, nullptr}, SUCCESS;
  std::fprintf(stderr, "the emulator has no kernel %s\n", name);
  return NOT_FOUND;
}
API cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz,
                   unsigned shared, void*, void** args, void**) {
  char message[4096];
  const bool flat = y == 1 && z == 1 && ty == 1 && tz == 1 && x > 0;
  const auto& kernel = *static_cast<Function*>(function);
  note("EMULATED_KERNELS", kernel.name);
  if (flat && kernel.candles) return run_candle(kernel, x, threads, shared, args);
  const char* name = kernel.name.c_str();
  if (flat && emulate(name, x, threads, shared, args, 2, 0xffffffffu, message, sizeof message) == 0) return SUCCESS;
  std::fprintf(stderr, "%s\n", flat ? message : "a grid of one dimension is expected");
  return LAUNCH_FAILED;
}
API cuGetErrorName(int, const char** text) { return *text = "an error of the emulated driver", SUCCESS; }
API cuGetErrorString(int, const char** text) { return *text = "see the number", SUCCESS; }

// cuBLAS: columns before rows. Factors of products in bf16 keep seven bits behind the first, those in TF32 ten.
constexpr int COMPUTE_BF16 = 75, COMPUTE_TF32 = 77;
static float rounded(float x, int dropped) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = (bits + (1u << (dropped - 1))) & ~((1u << dropped) - 1);
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
API cublasCreate_v2(void** blas) { return *blas = handle(), SUCCESS; }
API cublasDestroy_v2(void* blas) { return std::free(blas), SUCCESS; }
API cublasSetStream_v2(void*, void*) { return SUCCESS; }
API cublasGemmStridedBatchedEx(void*, int turn_a, int turn_b, int m, int n, int k, const void* alpha, const void* a_,
                               int, int lda, long long step_a, const void* b_, int, int ldb, long long step_b,
                               const void*, void* c_, int, int ldc, long long step_c, int count, int compute, int) {
  const int dropped = compute == COMPUTE_BF16 ? 16 : compute == COMPUTE_TF32 ? 13 : 0;
  const auto factor = [&](float x) { return dropped ? rounded(x, dropped) : x; };
  constexpr int TILE = 256;  // rows side by side, which the innermost loop is over
  std::vector<float> columns((size_t)m * k);
  for (int batch = 0; batch < count; batch++) {
    const float *a = static_cast<const float*>(a_) + batch * step_a, *b = static_cast<const float*>(b_) + batch * step_b;
    float* c = static_cast<float*>(c_) + batch * step_c;
    for (int l = 0; l < k; l++)
      for (int i = 0; i < m; i++)
        columns[i + (size_t)l * m] = factor(turn_a ? a[l + (long long)i * lda] : a[i + (long long)l * lda]);
    for (int first = 0; first < m; first += TILE)
      for (int j = 0; j < n; j++) {
        double sums[TILE] = {};
        const int rows = std::min(TILE, m - first);
        for (int l = 0; l < k; l++) {
          const double y = factor(turn_b ? b[j + (long long)l * ldb] : b[l + (long long)j * ldb]);
          const float* x = columns.data() + first + (size_t)l * m;
          for (int i = 0; i < rows; i++) sums[i] += double(x[i]) * y;
        }
        for (int i = 0; i < rows; i++)
          c[first + i + (long long)j * ldc] = float(*static_cast<const float*>(alpha) * sums[i]);
      }
  }
  return SUCCESS;
}
API curandCreateGenerator(void** random, int) { return *random = handle(), SUCCESS; }
API curandDestroyGenerator(void* random) { return std::free(random), SUCCESS; }
API curandSetPseudoRandomGeneratorSeed(void*, unsigned long long) { return SUCCESS; }
API curandSetStream(void*, void*) { return SUCCESS; }

// What candle links and the tests do not call.
API cuModuleLoad(void**, const char*) { return INVALID_VALUE; }
API cuCtxDestroy_v2(void*) { return SUCCESS; }
API cuMemcpyPeerAsync(Address, void*, Address, void*, size_t, void*) { return INVALID_VALUE; }
API cublasDgemmStridedBatched() { return INVALID_VALUE; }
