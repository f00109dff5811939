// Birth, change and place of the file.
#include <fcntl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "fixture.hpp"

namespace vram::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileBytes = 1675264;

LedgerOptions with_boot(const std::string& directory, const std::string& boot) {
  LedgerOptions options = options_for(directory);
  options.boot_id = boot;
  options.join_deadline = std::chrono::milliseconds(50);
  return options;
}

void overwrite(const std::string& path, std::streamoff offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(offset);
  file << bytes;
}

TEST(LedgerFile, IsMadeWholeWithAllItsBlocks) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()));
  struct stat status {};
  ASSERT_EQ(::stat(a.ledger->path().c_str(), &status), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), kFileBytes);
  EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, kFileBytes);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1) << "no temporary file stays";
}

TEST(LedgerFile, IsOneForAllWhoAreBornAtOnce) {
  TempDir dir;
  std::vector<std::thread> threads;
  std::array<std::shared_ptr<Ledger>, 12> ledgers;
  std::array<std::uint32_t, 12> slots{};
  for (std::size_t i = 0; i < ledgers.size(); ++i) {
    threads.emplace_back([&, i] {
      ledgers[i] = Ledger::open(options_for(dir.path())).value();
      slots[i] = ledgers[i]->own_slot().value()->index();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1);
  EXPECT_TRUE(ledgers[0]->check_invariants().empty());
}

TEST(LedgerFile, OfAnotherBootIsReplacedWhenNobodyLivesInIt) {
  TempDir dir;
  {
    const Joined old = join(with_boot(dir.path(), "boot-1"), 10_GiB);
    old.slot->add_resident(old.device, "left behind", 9_GiB, {});
  }
  const Joined now = join(with_boot(dir.path(), "boot-2"), 10_GiB);
  EXPECT_TRUE(try_lease(now, ask(10_GiB)));
}

TEST(LedgerFile, OfAnotherBootIsNotTouchedWhileSomebodyLivesInIt) {
  TempDir dir;
  const Joined old = join(with_boot(dir.path(), "boot-1"), 10_GiB);
  const auto lease = try_lease(old, ask(4_GiB));
  const auto stranger = Ledger::open(with_boot(dir.path(), "boot-2"));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, base::ErrorCode::Unavailable);
  EXPECT_NE(stranger.error().message.find("does not join"), std::string::npos);
  EXPECT_EQ(old.slot->reserved(old.device), 4_GiB);
  EXPECT_TRUE(try_lease(old, ask(6_GiB)));
}

TEST(LedgerFile, OfAnotherLayoutIsReplacedOnlyWhenDeserted) {
  TempDir dir;
  auto old = std::make_unique<Joined>(join(options_for(dir.path())));
  overwrite(old->ledger->path(), 8, std::string("\x63\0\0\0", 4));  // layout version 99
  LedgerOptions impatient = options_for(dir.path());
  impatient.join_deadline = std::chrono::milliseconds(50);
  EXPECT_FALSE(Ledger::open(impatient));
  old.reset();
  EXPECT_TRUE(Ledger::open(impatient));
}

TEST(LedgerFile, ThatIsCutOrGarbageIsReplaced) {
  TempDir dir;
  for (const std::string& content : {std::string(), std::string("garbage"), std::string(kFileBytes, '\xff')}) {
    std::ofstream(dir.path() + "/ledger", std::ios::binary | std::ios::trunc) << content;
    const Joined a = join(options_for(dir.path()));
    EXPECT_TRUE(try_lease(a, ask(1_GiB)));
    EXPECT_TRUE(a.ledger->check_invariants().empty());
  }
}

TEST(LedgerFile, IsNeverFollowedThroughALink) {
  TempDir dir;
  std::ofstream(dir.path() + "/precious") << "precious";
  fs::create_symlink("precious", dir.path() + "/ledger");
  EXPECT_FALSE(Ledger::open(options_for(dir.path())));
  EXPECT_EQ(fs::file_size(dir.path() + "/precious"), 8U);
}

TEST(LedgerFile, ThatWasRemovedUnderUsIsNoticed) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()));
  fs::remove(a.ledger->path());
  EXPECT_TRUE(eventually([&] { return !a.ledger->charge(a.device, a.slot, ask(1_B), {}); }));
  const auto outcome = a.ledger->charge(a.device, a.slot, ask(1_B), {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::ErrorCode::Unavailable);
}

TEST(LedgerFile, ThatIsNotTheOneInThePlaceAnyMoreTakesNoNewProcess) {
  TempDir dir;
  const auto ledger = Ledger::open(options_for(dir.path())).value();
  ASSERT_TRUE(ledger->register_device(card(10_GiB)));  // it has just been looked at
  fs::remove(ledger->path());
  const auto slot = ledger->own_slot();
  ASSERT_FALSE(slot) << "what it grants there nobody else would count";
  EXPECT_EQ(slot.error().code, base::ErrorCode::Unavailable);
  const auto worker = ledger->prepare_worker_slot("app");
  ASSERT_FALSE(worker);
}

TEST(LedgerFile, GetsTheModeThatItsDirectoryGives) {
  TempDir dir;
  const auto mode_in = [&](mode_t directory_mode) {
    ::chmod(dir.path().c_str(), directory_mode);
    fs::remove(dir.path() + "/ledger");
    const auto ledger = Ledger::open(options_for(dir.path())).value();
    struct stat status {};
    ::stat(ledger->path().c_str(), &status);
    return status.st_mode & 0777U;
  };
  const mode_t before = ::umask(077);
  EXPECT_EQ(mode_in(0700), 0600U);
  EXPECT_EQ(mode_in(02770), 0660U);
  EXPECT_EQ(mode_in(01777), 0666U);
  ::umask(before);
}

TEST(LedgerFile, HoldsNoMoreThanItsSlotsAndSaysSo) {
  TempDir dir;
  const auto ledger = Ledger::open(options_for(dir.path())).value();
  std::vector<WorkerSlot> workers;
  for (std::uint32_t i = 0; i < kMaxLedgerSlots; ++i) workers.push_back(ledger->prepare_worker_slot("w").value());
  const auto one_more = ledger->own_slot();
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().code, base::ErrorCode::QueueFull);
  workers.erase(workers.begin() + 7);
  EXPECT_EQ(ledger->own_slot().value()->index(), 7U);
}

TEST(LedgerFile, HoldsSixtyFourDevicesByUuid) {
  TempDir dir;
  const auto ledger = Ledger::open(options_for(dir.path())).value();
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < kMaxLedgerDevices; ++i) {
      DeviceInfo info = card(1_GiB);
      info.uuid = DeviceUuid("GPU-" + std::to_string(i));
      EXPECT_EQ(ledger->register_device(info).value().position, i);
    }
  }
  EXPECT_FALSE(ledger->register_device(card(1_GiB)));
}

TEST(LedgerDirectory, ThatIsExplicitAndUnusableIsAConfigurationError) {
  TempDir dir;
  std::ofstream(dir.path() + "/file") << "x";
  LedgerDirectoryOptions options;
  options.explicit_directory = dir.path() + "/file";
  const auto choice = choose_ledger_directory(options);
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().code, base::ErrorCode::Configuration);
  EXPECT_EQ(base::traits_of(choice.error().code).exit_status, 78);
  options.explicit_directory = dir.path() + "/a/b";
  EXPECT_EQ(choose_ledger_directory(options)->path, dir.path() + "/a/b");
  EXPECT_EQ(choose_ledger_directory(options)->scope, LedgerScope::Host);
}

TEST(LedgerDirectory, PrefersTheSystemsThenTheSessionsThenSharedMemory) {
  TempDir dir;
  LedgerDirectoryOptions options;
  options.system_directory = dir.path() + "/absent/vram";
  options.xdg_runtime_directory = dir.path() + "/session";
  options.shared_memory_directory = dir.path();
  const auto shared = choose_ledger_directory(options);
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->path, dir.path() + "/vram-" + std::to_string(::geteuid()));
  EXPECT_EQ(shared->scope, LedgerScope::User);
  EXPECT_FALSE(shared->warning.empty());
  fs::create_directory(dir.path() + "/session");
  EXPECT_EQ(choose_ledger_directory(options)->path, dir.path() + "/session/vram");
  options.system_directory = dir.path() + "/system";
  fs::create_directory(options.system_directory);
  const auto system = choose_ledger_directory(options);
  EXPECT_EQ(system->path, options.system_directory);
  EXPECT_EQ(to_string(system->scope), "host");
  EXPECT_TRUE(system->warning.empty());
}

// Runs `check` in a child that is not root: root may use every directory.
template <typename Check>
void as_somebody_else(Check check) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(2);
    ::_exit(check() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(LedgerDirectory, ThatIsForAGroupNamesTheGroupToTheUserWhoIsNotInIt) {
  TempDir dir;
  LedgerDirectoryOptions options;
  options.system_directory = dir.path() + "/system";
  options.shared_memory_directory = dir.path() + "/shm";
  fs::create_directory(options.system_directory);
  fs::create_directory(options.shared_memory_directory);
  ::chmod(dir.path().c_str(), 0755);
  ::chmod(options.shared_memory_directory.c_str(), 01777);
  ::chmod(options.system_directory.c_str(), 0070);
  as_somebody_else([&] {
    const auto choice = choose_ledger_directory(options);
    return choice && choice->scope == LedgerScope::User && choice->denied.find("usermod -aG ") != std::string::npos &&
           choice->warning.ends_with("because " + choice->denied);
  });
  ::chmod(options.system_directory.c_str(), 0);
  as_somebody_else([&] {
    const auto choice = choose_ledger_directory(options);
    return choice && choice->denied.find("is not open to its group") != std::string::npos;
  });
  options.system_directory = dir.path() + "/absent/vram";
  as_somebody_else([&] {
    const auto choice = choose_ledger_directory(options);
    return choice && choice->denied.empty() && choice->warning.find("create it for group clams") != std::string::npos;
  });
}

TEST(LedgerDirectory, OfSomebodyElseOrOpenToOthersIsNotTakenForPrivate) {
  TempDir dir;
  LedgerDirectoryOptions options;
  options.system_directory = dir.path() + "/absent/vram";
  options.shared_memory_directory = dir.path();
  const std::string mine = dir.path() + "/vram-" + std::to_string(::geteuid());
  fs::create_directory(mine);
  ::chmod(mine.c_str(), 0777);
  EXPECT_FALSE(choose_ledger_directory(options));
  fs::remove(mine);
  fs::create_directory(dir.path() + "/elsewhere");
  fs::create_symlink("elsewhere", mine);
  EXPECT_FALSE(choose_ledger_directory(options));
}

TEST(LedgerFile, OnAFullDiskIsAClearErrorAndNoSigbus) {
  TempDir dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
    std::puts("not tried: this user may not mount a small tmpfs");
    return;
  }
  LedgerOptions options = options_for(dir.path());
  options.directory.is_explicit = true;
  {
    const auto ledger = Ledger::open(options);
    ASSERT_FALSE(ledger);
    EXPECT_EQ(ledger.error().code, base::ErrorCode::Configuration);
    EXPECT_NE(ledger.error().message.find("No space left"), std::string::npos) << ledger.error().message;
    EXPECT_TRUE(fs::is_empty(dir.path())) << "nothing half made stays";
  }
  ::umount(dir.path().c_str());
}

TEST(LedgerFile, IsSharedByTwoUsersOfOneDirectory) {
  TempDir dir;
  if (::geteuid() != 0) {
    std::puts("not tried: only root can become another user");
    return;
  }
  ::chmod(dir.path().c_str(), 01777);  // sticky and open: fs.protected_regular bites here
  const Joined root = join(options_for(dir.path()), 10_GiB);
  const auto lease = try_lease(root, ask(6_GiB));
  Child nobody([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    const Joined other = join(options_for(dir.path()), 10_GiB);
    if (try_lease(other, ask(5_GiB))) return 2;
    if (!try_lease(other, ask(4_GiB))) return 3;
    return 0;
  });
  EXPECT_EQ(nobody.wait(), 0);
}

}  // namespace
}  // namespace vram::test
