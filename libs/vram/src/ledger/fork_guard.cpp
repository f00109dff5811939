#include "ledger/fork_guard.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <map>
#include <mutex>

namespace vram {
namespace {

struct Entry {
  int fd;
  std::atomic<bool>* forked;
};

// The one piece of process-wide state of the ledger: pthread_atfork handlers take no argument. Never destroyed: a fork may come
// during exit.
struct Registry {
  std::mutex mutex;
  std::map<std::uint64_t, Entry> entries;
  std::uint64_t next = 1;
};

Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

// The lock is held across fork so that the child finds the list whole.
void before_fork() { registry().mutex.lock(); }
void after_fork_in_parent() { registry().mutex.unlock(); }
// The number stays taken (by /dev/null): destructors of the parent's objects may still run here and close it, and it must not be
// another file then.
void after_fork_in_child() {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (auto& [id, entry] : registry().entries) {
    if (entry.forked != nullptr) entry.forked->store(true);
    if (nothing < 0 || ::dup3(nothing, entry.fd, O_CLOEXEC) < 0) ::close(entry.fd);
  }
  if (nothing >= 0) ::close(nothing);
  registry().mutex.unlock();
}

}  // namespace

ForkGuard::ForkGuard(int fd, std::atomic<bool>* forked) {
  static const int installed = ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  static_cast<void>(installed);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  id_ = all.next++;
  all.entries.emplace(id_, Entry{fd, forked});
}

ForkGuard::~ForkGuard() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.entries.erase(id_);
}

}  // namespace vram
