// vram_storm: many processes take and give back GPU memory of one simulated card through one ledger while they are killed at
// random. A checker, which shares no code with the ledger, looks at the file under its locks the whole time. Prints what happened;
// exit status 1 if anything was over-committed or did not come back.
//
//   vram_storm [--directory DIR] [--workers 12] [--kills 4000] [--grants 1000000] [--seconds 600]
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "vram/admission.hpp"

namespace {

using namespace base::literals;
using namespace vram;
using std::chrono::steady_clock;

constexpr Bytes kTotal = 24_GiB;
constexpr Bytes kHeadroom = 2_GiB;
constexpr std::size_t kMostWorkers = 64;

struct Options {
  std::string directory;
  std::size_t workers = 12;
  std::uint64_t kills = 4000;
  std::uint64_t grants = 1'000'000;
  long seconds = 600;
};

// What the card really holds, by worker. A worker's word is set to zero when it was waited for, as a driver gives back a dead
// process's memory.
struct Card {
  std::array<std::atomic<std::uint64_t>, kMostWorkers> held;
  std::array<std::atomic<std::uint64_t>, kMostWorkers> grants;
  std::array<std::atomic<std::uint64_t>, kMostWorkers> refusals;
  std::array<std::atomic<std::uint64_t>, kMostWorkers> without_slot;
  std::atomic<std::uint64_t> looks;
  std::atomic<std::uint64_t> overcommitments;  // promised to the living beyond total - headroom
  std::atomic<std::uint64_t> overfull;         // held on the card beyond its total
  std::atomic<std::uint64_t> fullest;
  std::uint64_t used() const {
    std::uint64_t sum = 0;
    for (const auto& word : held) sum += word.load();
    return sum;
  }
};

template <std::size_t N>
std::uint64_t sum(const std::array<std::atomic<std::uint64_t>, N>& words) {
  std::uint64_t total = 0;
  for (const auto& word : words) total += word.load();
  return total;
}

class CardSampler final : public Sampler {
 public:
  explicit CardSampler(const Card& card) : card_(card) {}
  Result<std::vector<DeviceInfo>> devices() override {
    return std::vector<DeviceInfo>{{DeviceUuid("GPU-storm"), "Storm card", 0, kTotal}};
  }
  Reading sample(const DeviceUuid&, std::chrono::nanoseconds) override {
    Reading reading;
    reading.state = SampleState::Ok;
    reading.sample.taken_at = base::system_clock().monotonic();
    reading.sample.total = kTotal;
    reading.sample.free = kTotal - Bytes(card_.used());
    return reading;
  }

 private:
  const Card& card_;
};

LedgerOptions ledger_options(const std::string& directory) {
  LedgerOptions options;
  options.directory = {directory, LedgerScope::Host, true, {}};
  options.app = "storm";
  return options;
}

void use_card(Card& card, std::size_t index, const Lease& lease) {
  card.held[index].store(lease.bytes().count());
  lease.slot()->raise_materialised(LedgerDevice{0}, lease.bytes());
  ::sched_yield();
  lease.slot()->lower_materialised(LedgerDevice{0}, lease.bytes());
  card.held[index].store(0);
}

[[noreturn]] void work(Card& card, std::size_t index, const std::string& directory) {
  AdmissionParts parts;
  auto ledger = Ledger::open(ledger_options(directory));
  if (!ledger) {
    std::fprintf(stderr, "vram_storm: %s\n", ledger.error().message.c_str());
    ::_exit(1);
  }
  parts.ledger = *ledger;
  parts.sampler = std::make_shared<CardSampler>(card);
  parts.options.unknown = UnknownPolicy::Refuse;
  parts.options.headroom = Headroom::bytes(kHeadroom);
  parts.options.context = 64_MiB;
  Admission admission(std::move(parts));
  std::mt19937_64 random(static_cast<std::uint64_t>(::getpid()) * 7919U);
  Requirement requirement;
  requirement.source = RequirementSource::Declared;
  for (;;) {
    requirement.bytes = Bytes((random() % 6 * (1ULL << 30U)) + (random() % (1ULL << 30U)));
    auto outcome = admission.admit(requirement);
    if (const auto* lease = std::get_if<Lease>(&outcome)) {
      use_card(card, index, *lease);
      card.grants[index].fetch_add(1);
    } else if (std::get<Refusal>(outcome).kind == Refusal::Kind::Unknown) {
      card.without_slot[index].fetch_add(1);
      ::usleep(5000);
    } else {
      card.refusals[index].fetch_add(1);
    }
  }
}

// Offsets as docs/formats/ledger.md gives them.
std::uint64_t word_at(const char* file, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, file + offset, sizeof value);
  return value;
}

void look(Card& card, const char* file) {
  std::uint64_t charges = 0;
  for (std::size_t slot = 0; slot < 256; ++slot) {
    const bool claimed = (word_at(file, 20480 + 64 * slot) & 1U) != 0;
    if (claimed && word_at(file, 20480 + 64 * slot + 8) == 0) charges += word_at(file, 626688 + 64 * slot);
  }
  if (charges > (kTotal - kHeadroom).count()) card.overcommitments.fetch_add(1);
  const std::uint64_t used = card.used();
  if (used > kTotal.count()) card.overfull.fetch_add(1);
  card.fullest.store(std::max(card.fullest.load(), used));
  card.looks.fetch_add(1);
}

[[noreturn]] void check(Card& card, const std::string& directory) {
  const int fd = ::open((directory + "/ledger").c_str(), O_RDWR | O_CLOEXEC);
  void* mapped = ::mmap(nullptr, 1675264, PROT_READ, MAP_SHARED, fd, 0);
  if (fd < 0 || mapped == MAP_FAILED) ::_exit(1);
  for (;;) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_len = 64;  // all devices: nothing is promised meanwhile, and sums can only fall
    if (::fcntl(fd, F_OFD_SETLKW, &lock) != 0) continue;
    look(card, static_cast<const char*>(mapped));
    lock.l_type = F_UNLCK;
    static_cast<void>(::fcntl(fd, F_OFD_SETLK, &lock));
    ::usleep(500);
  }
}

template <class F>
pid_t start(F body) {
  const pid_t pid = ::fork();
  if (pid == 0) body();
  return pid;
}

// All of the card can be promised at once again, within the time that a dead process's bytes may take.
bool all_is_back(const std::string& directory) {
  const auto ledger = Ledger::open(ledger_options(directory));
  if (!ledger) return false;
  const auto slot = (*ledger)->own_slot();
  if (!slot) return false;
  ChargeRequest everything;
  everything.bytes = kTotal;
  const auto end = steady_clock::now() + std::chrono::seconds(7);
  while (steady_clock::now() < end) {
    const auto outcome = (*ledger)->charge(LedgerDevice{0}, *slot, everything, {});
    if (outcome && outcome->lease) return (*ledger)->check_invariants().empty();
    ::usleep(50'000);
  }
  return false;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--directory") options.directory = value;
    if (name == "--workers") options.workers = std::min<std::size_t>(std::strtoul(value.c_str(), nullptr, 10), kMostWorkers);
    if (name == "--kills") options.kills = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "--grants") options.grants = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "--seconds") options.seconds = std::strtol(value.c_str(), nullptr, 10);
  }
  return options;
}

std::uint64_t run(Card& card, const Options& options, std::vector<pid_t>& pids) {
  for (std::size_t i = 0; i < options.workers; ++i) pids.push_back(start([&] { work(card, i, options.directory); }));
  std::mt19937_64 random(20260101);
  std::uint64_t kills = 0;
  const auto end = steady_clock::now() + std::chrono::seconds(options.seconds);
  while ((kills < options.kills || sum(card.grants) < options.grants) && steady_clock::now() < end) {
    ::usleep(static_cast<useconds_t>(random() % 6000));
    if (kills >= options.kills) continue;
    const std::size_t victim = random() % options.workers;
    ::kill(pids[victim], SIGKILL);
    ::waitpid(pids[victim], nullptr, 0);
    card.held[victim].store(0);
    ++kills;
    pids[victim] = start([&] { work(card, victim, options.directory); });
  }
  return kills;
}

}  // namespace

int main(int argc, char** argv) {
  Options options = parse(argc, argv);
  std::string own = "/tmp/vram-storm-XXXXXX";
  if (options.directory.empty()) {
    if (::mkdtemp(own.data()) == nullptr) return 1;
    options.directory = own;
  }
  void* shared = ::mmap(nullptr, sizeof(Card), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  Card& card = *new (shared) Card{};
  if (const auto made = Ledger::open(ledger_options(options.directory)); !made) {
    std::fprintf(stderr, "vram_storm: %s\n", made.error().message.c_str());
    return 1;
  }
  const auto begin = steady_clock::now();
  const pid_t checker = start([&] { check(card, options.directory); });
  std::vector<pid_t> pids;
  const std::uint64_t kills = run(card, options, pids);
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  pids.push_back(checker);
  for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  for (const pid_t pid : pids) ::waitpid(pid, nullptr, 0);
  for (auto& word : card.held) word.store(0);
  const bool back = all_is_back(options.directory);
  std::printf("workers %zu, seconds %.1f, SIGKILLs %llu, grants %llu, refusals %llu, without a slot %llu, looks %llu\n",
              options.workers, seconds, static_cast<unsigned long long>(kills), static_cast<unsigned long long>(sum(card.grants)),
              static_cast<unsigned long long>(sum(card.refusals)), static_cast<unsigned long long>(sum(card.without_slot)),
              static_cast<unsigned long long>(card.looks.load()));
  std::printf("over-commitments %llu, card overfull %llu, fullest %.2f of %.2f GiB, full capacity back: %s\n",
              static_cast<unsigned long long>(card.overcommitments.load()), static_cast<unsigned long long>(card.overfull.load()),
              static_cast<double>(card.fullest.load()) / 1073741824.0, static_cast<double>(kTotal.count()) / 1073741824.0,
              back ? "yes" : "NO");
  std::error_code ignored;
  if (options.directory == own) std::filesystem::remove_all(own, ignored);
  const bool enough = kills >= options.kills && sum(card.grants) >= options.grants;
  if (!enough) std::printf("stopped by the time limit before all kills and grants were done\n");
  return card.overcommitments == 0 && card.overfull == 0 && back && enough ? 0 : 1;
}
