#include "crash_line.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace clams::server {
namespace {

// Text that a handler may read: fixed places, written before they are of use.
struct FixedText {
  std::array<char, 256> bytes{};
  void set(std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), bytes.size() - 1);
    std::memcpy(bytes.data(), text.data(), size);
    bytes[size] = '\0';
  }
};
FixedText program_name, advice_text;
std::atomic<bool> reported{false};

// Which requests run, so that a crash on a thread that the app started names them, too. A slot is taken by whoever sets its first
// byte. With more requests at once than slots the line names fewer.
constexpr std::size_t kSlots = 64, kIdSize = 136;
struct Slot {
  std::atomic<bool> taken{false};
  std::array<std::atomic<char>, kIdSize> id{};
};
std::array<Slot, kSlots> running;
thread_local Slot* own_slot = nullptr;

// sigaltstack's memory lives as long as its thread.
class SignalStack {
 public:
  SignalStack() noexcept {
    void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_.ss_sp = memory;
    stack_.ss_size = kSize;
    (void)::sigaltstack(&stack_, nullptr);
  }
  ~SignalStack() {
    if (stack_.ss_sp == nullptr) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    (void)::sigaltstack(&none, nullptr);
    (void)::munmap(stack_.ss_sp, stack_.ss_size);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  static constexpr std::size_t kSize = 64 << 10;
  stack_t stack_{};
};

class Line {
 public:
  void add(const char* text) noexcept {
    for (; *text != '\0' && size_ < bytes_.size() - 1; ++text) bytes_[size_++] = *text;
  }
  void add(const Slot& slot) noexcept {
    for (const auto& c : slot.id) {
      const char byte = c.load(std::memory_order_relaxed);
      if (byte == '\0' || size_ >= bytes_.size() - 1) return;
      bytes_[size_++] = byte;
    }
  }
  void write() noexcept {
    bytes_[size_++] = '\n';
    (void)!::write(STDERR_FILENO, bytes_.data(), size_);
  }

 private:
  std::array<char, 2048> bytes_{};
  std::size_t size_ = 0;
};

const char* name_of_signal(int signal) noexcept {
  switch (signal) {
    case SIGSEGV: return "SIGSEGV (a bad address)";
    case SIGBUS: return "SIGBUS (a bad address)";
    case SIGFPE: return "SIGFPE (a bad calculation)";
    case SIGILL: return "SIGILL (a bad instruction)";
    default: return "SIGABRT (abort)";
  }
}

void add_requests(Line& line) noexcept {
  if (own_slot != nullptr) {
    if (own_slot->id[0].load(std::memory_order_relaxed) == '\0') return;
    line.add(" in request ");
    return line.add(*own_slot);
  }
  const char* before = " outside a request's own thread; running: ";
  for (const Slot& slot : running) {
    if (!slot.taken.load(std::memory_order_acquire)) continue;
    line.add(before);
    line.add(slot);
    before = ", ";
  }
}

extern "C" void on_crash(int signal, siginfo_t* info, void*) {
  const int kept = errno;
  if (!reported.exchange(true)) {
    Line line;
    line.add(program_name.bytes.data());
    line.add(": crashed by ");
    line.add(name_of_signal(signal));
    add_requests(line);
    line.add(advice_text.bytes.data());
    line.write();
  }
  errno = kept;
  // The handler is the default again (SA_RESETHAND): a fault comes back by itself when the instruction is repeated, what was sent
  // does not.
  if (info == nullptr || info->si_code <= 0) (void)::raise(signal);
}

}  // namespace

void report_crashes(const std::string& program, const std::string& advice) {
  program_name.set(program);
  advice_text.set(advice.empty() ? "" : "; " + advice);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction present {};
    if (::sigaction(signal, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) continue;
    struct sigaction action {};
    action.sa_sigaction = on_crash;
    action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
    ::sigemptyset(&action.sa_mask);
    (void)::sigaction(signal, &action, nullptr);
  }
}

RunningRequest::RunningRequest(std::string_view id) noexcept {
  static thread_local const SignalStack stack;
  (void)stack;
  for (Slot& slot : running) {
    if (slot.taken.exchange(true, std::memory_order_acq_rel)) continue;
    const std::size_t size = std::min(id.size(), kIdSize - 1);
    for (std::size_t i = 0; i < size; ++i) slot.id[i].store(id[i], std::memory_order_relaxed);
    slot.id[size].store('\0', std::memory_order_release);
    own_slot = &slot;
    return;
  }
}

RunningRequest::~RunningRequest() {
  if (own_slot != nullptr) own_slot->taken.store(false, std::memory_order_release);
  own_slot = nullptr;
}

}  // namespace clams::server
