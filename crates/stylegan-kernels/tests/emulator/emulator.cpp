// Runs the kernels of kernels/*.cu without a GPU: block after block, each thread of a block a fiber that runs until it
// waits or ends. In which order blocks are taken and threads go on is the schedule: forward, reverse, or random.
//
// Shared memory holds NaN at the start of a block and guards behind its end. A barrier that not all threads reach, and
// a shuffle that not all lanes reach, are errors. Any one barrier can be left out: results must then depend on the
// schedule.
#include "emulator.h"

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#if defined(__x86_64__) && !defined(EMULATOR_PORTABLE)
// Saves the registers that a call keeps and goes on with another stack.
asm(R"(
.text
.type emulator_switch, @function
emulator_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq (%rsi), %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
)");
extern "C" void emulator_switch(void** save, void** load);
namespace {
using Context = void*;
void go(Context& from, Context& to) { emulator_switch(&from, &to); }
void prepare(Context& context, char* stack, size_t size, void (*entry)()) {
  // The frame of a function that is about to return to `entry`: six registers, its address, and none to return to.
  void** top = reinterpret_cast<void**>(stack + size) - 2;
  top[0] = reinterpret_cast<void*>(entry);
  top[1] = nullptr;
  context = std::fill_n(top - 6, 6, nullptr) - 6;
}
}  // namespace
#else
#include <ucontext.h>
namespace {
using Context = ucontext_t;
void go(Context& from, Context& to) { swapcontext(&from, &to); }
void prepare(Context& context, char* stack, size_t size, void (*entry)()) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = size;
  makecontext(&context, entry, 0);
}
}  // namespace
#endif

namespace emulator {
thread_local Index thread, block, block_size, grid_size;

namespace {
constexpr size_t STACK = 64 << 10, GUARD = 64;
using Site = std::pair<const char*, int>;

enum class State { Ready, AtBarrier, AtShuffle, Done };
struct Fiber {
  Context context;
  State state;
  const char* file;
  int line;
  float given, got;
  unsigned from;
};
struct Run {
  void (*call)(void**);
  void** args;
  unsigned skip;              // the barrier to leave out, by the order in which they are met
  std::vector<Site> sites;    // barriers met
  std::vector<Fiber> fibers;
  std::vector<float> shared;
  char* stacks;
  Context scheduler;
  Fiber* current;
  std::string error;
};
thread_local Run* run = nullptr;

uint32_t bits(float value) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

void fiber() {
  run->call(run->args);
  run->current->state = State::Done;
  go(run->current->context, run->scheduler);
}

void wait(State state, const char* file, int line) {
  Fiber& self = *run->current;
  self.state = state, self.file = file, self.line = line;
  go(self.context, run->scheduler);
}

std::string where(const Fiber& f) { return std::string(f.file) + ":" + std::to_string(f.line); }

struct Random {
  uint64_t state;
  unsigned below(unsigned n) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return unsigned((state >> 33) % n);
  }
};

// The order of `n` things in a schedule: 0 forward, 1 reverse, others random.
void order(std::vector<unsigned>& list, unsigned n, unsigned schedule, Random& random) {
  list.resize(n);
  for (unsigned i = 0; i < n; i++) list[i] = schedule == 1 ? n - 1 - i : i;
  for (unsigned i = n; schedule > 1 && i > 1; i--) std::swap(list[i - 1], list[random.below(i)]);
}

// Lets a warp go on whose lanes all wait for each other.
bool release(Fiber* warp, unsigned lanes) {
  for (unsigned i = 0; i < lanes; i++)
    if (warp[i].state != State::AtShuffle || warp[i].line != warp->line || warp[i].from >= lanes) return false;
  for (unsigned i = 0; i < lanes; i++) warp[i].got = warp[warp[i].from].given;
  for (unsigned i = 0; i < lanes; i++) warp[i].state = State::Ready;
  return true;
}

// Runs a block: each warp in turn as far as it goes, so that it is far ahead of those whose turn is yet to come.
void run_block(unsigned threads, unsigned shared, unsigned schedule, Random& random) {
  const size_t floats = (shared + 3) / 4;
  run->shared.assign(floats + GUARD, NAN);
  const uint32_t poison = bits(run->shared[0]);
  for (unsigned i = 0; i < threads; i++) {
    run->fibers[i].state = State::Ready;
    prepare(run->fibers[i].context, &run->stacks[i * STACK], STACK, fiber);
  }
  std::vector<unsigned> warps, lanes;
  for (;;) {
    order(warps, (threads + 31) / 32, schedule, random);
    for (unsigned warp : warps) {
      const unsigned count = min(32u, threads - warp * 32);
      do {
        order(lanes, count, schedule, random);
        for (unsigned lane : lanes) {
          thread.x = warp * 32 + lane, run->current = &run->fibers[thread.x];
          if (run->current->state == State::Ready) go(run->scheduler, run->current->context);
        }
      } while (release(&run->fibers[warp * 32], count));
    }
    for (size_t i = floats; i < run->shared.size(); i++)
      if (bits(run->shared[i]) != poison) run->error = "shared memory is written behind its end";
    if (!run->error.empty()) return;
    const Fiber *waits = nullptr, *differs = nullptr;
    for (const Fiber& f : run->fibers) if (f.state != State::Done) waits = &f;
    if (!waits) return;
    for (const Fiber& f : run->fibers)
      if (f.state != waits->state || f.line != waits->line || f.file != waits->file) differs = &f;
    if (waits->state == State::AtShuffle || differs) {
      run->error = "not all threads reach " + where(*waits);
      return;
    }
    for (Fiber& f : run->fibers) f.state = State::Ready;
  }
}
}  // namespace

void barrier(const char* file, int line) {
  const Site site(file, line);
  const size_t at = std::find(run->sites.begin(), run->sites.end(), site) - run->sites.begin();
  if (at == run->sites.size()) run->sites.push_back(site);
  if (at != run->skip) wait(State::AtBarrier, file, line);
}

float exchange(float value, unsigned from, const char* file, int line) {
  Fiber& self = *run->current;
  self.given = value, self.from = from;
  wait(State::AtShuffle, file, line);
  return self.got;
}

float* shared() { return run->shared.data(); }

// Calls a kernel with arguments given by their addresses, as the driver does.
template <auto KERNEL>
struct Call;
template <class... A, void (*KERNEL)(A...)>
struct Call<KERNEL> {
  template <size_t... I>
  static void unpack(void** args, std::index_sequence<I...>) {
    KERNEL(*static_cast<std::remove_reference_t<A>*>(args[I])...);
  }
  static void call(void** args) { unpack(args, std::index_sequence_for<A...>{}); }
};
}  // namespace emulator

#include "table.h"

namespace emulator {
namespace {
// Runs a kernel whose threads wait for each other; what went wrong, if anything.
std::string launch(void (*call)(void**), unsigned blocks, unsigned threads, unsigned shared, void** args, unsigned schedule,
                   unsigned skip, std::vector<Site>& sites) {
  // As stacks are large, they are kept; what is on them is written before it is read.
  static thread_local std::unique_ptr<char[]> stacks;
  static thread_local size_t size = 0;
  if (size < threads * STACK) stacks.reset(new char[size = threads * STACK]);
  Run state{};
  run = &state;
  state.call = call, state.args = args, state.skip = skip, state.stacks = stacks.get();
  state.fibers.resize(threads);
  block_size.x = threads, grid_size.x = blocks;
  Random random{schedule};
  std::vector<unsigned> list;
  order(list, blocks, schedule, random);
  for (unsigned i : list) {
    block.x = i;
    run_block(threads, shared, schedule, random);
    if (!state.error.empty()) break;
  }
  run = nullptr;
  sites = std::move(state.sites);
  return state.error;
}
}  // namespace
}  // namespace emulator

// Runs a kernel. On success 0, and `message` lists the barriers met, one a line; else 1 and what went wrong.
extern "C" int emulate(const char* name, unsigned blocks, unsigned threads, unsigned shared, void** args,
                       unsigned schedule, unsigned skip, char* message, size_t len) {
  const auto found = KERNELS.find(name);
  std::vector<emulator::Site> sites;
  std::string text;
  if (threads == 0 || threads > 1024 || threads % 32 != 0 || shared > 48 << 10) text = "the launch is beyond CUDA's limits";
  if (found == KERNELS.end()) text = "no kernel has this name";
  if (text.empty()) text = emulator::launch(found->second, blocks, threads, shared, args, schedule, skip, sites);
  const bool failed = !text.empty();
  if (failed) text = std::string(name) + ": " + text;
  for (const auto& [file, line] : sites)
    if (!failed) text += std::string(file) + ":" + std::to_string(line) + "\n";
  std::snprintf(message, len, "%s", text.c_str());
  return failed;
}
