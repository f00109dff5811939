#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

#include "base/files.hpp"
#include "pool_fixture.hpp"

namespace worker::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(PoolTest, ASmallDocumentCrossesInlineAndComesBack) {
  start(odd_options(1, 1));
  Request request = request_of("echo");
  request.document = Document::of("{\"a\": 1}");
  const Outcome outcome = ask(std::move(request));
  EXPECT_EQ(outcome.ending, Ending::Answered) << outcome.error.message;
  EXPECT_EQ(outcome.document.view(), "{\"a\": 1}");
  EXPECT_FALSE(outcome.document.in_memfd());
  EXPECT_EQ(pid_in(outcome), std::to_string(outcome.worker.pid));
}

TEST_F(PoolTest, ALargeDocumentCrossesAsASealedMemfdInBothDirections) {
  start(odd_options(1, 1));
  Request request = request_of("echo");
  const std::string text(9'000'001, 'm');
  request.document = Document::of(text);
  const Outcome outcome = ask(std::move(request));
  ASSERT_EQ(outcome.ending, Ending::Answered) << outcome.error.message;
  EXPECT_TRUE(outcome.document.in_memfd());
  EXPECT_TRUE(outcome.document.view() == text);
}

TEST_F(PoolTest, AnEmptyDocumentIsFine) {
  start(odd_options(1, 1));
  EXPECT_EQ(ask(request_of("echo")).document.view(), "");
}

TEST_F(PoolTest, ProgressAndLogLinesReachTheOneWhoAskedAndTheLog) {
  start(odd_options(1, 1));
  Request request = request_of("progress");
  request.context = "request-17";
  double fraction = 0;
  request.progress = [&](double value, std::string_view) { fraction = value; };
  EXPECT_EQ(ask(std::move(request)).ending, Ending::Answered);
  EXPECT_DOUBLE_EQ(fraction, 0.5);
  const auto lines = sink->lines();
  EXPECT_THAT(lines, ::testing::Contains(std::pair<std::string, std::string>("request-17", "a line about this request")));
}

TEST_F(PoolTest, ACrashEndsOnlyItsOwnRequestAndTheNextOneGetsANewProcess) {
  start(odd_options(2, 1));
  auto other = pool_->submit(request_of("sleep", 150));
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 1; }));
  const Outcome crashed = ask(request_of("crash"));
  EXPECT_EQ(crashed.ending, Ending::WorkerDied);
  EXPECT_THAT(crashed.error.message, HasSubstr("SIGSEGV"));
  EXPECT_EQ(crashed.error.code, base::ErrorCode::Unavailable);
  const Outcome next = ask(request_of("echo"));
  EXPECT_EQ(next.ending, Ending::Answered);
  EXPECT_NE(next.worker.id, crashed.worker.id);
  EXPECT_EQ(wait(std::move(other)).ending, Ending::Answered);
}

TEST_F(PoolTest, AnExitIsToldWithItsStatus) {
  start(odd_options(1, 1));
  const Outcome outcome = ask(request_of("exit", 3));
  EXPECT_EQ(outcome.ending, Ending::WorkerDied);
  EXPECT_THAT(outcome.error.message, HasSubstr("exited with status 3"));
}

TEST_F(PoolTest, ARequestThatMayRunAgainDoesSoOnceAndThenFails) {
  start(odd_options(1, 1));
  Request request = request_of("crash");
  request.rerun_allowed = true;
  const Outcome outcome = ask(std::move(request));
  EXPECT_EQ(outcome.ending, Ending::WorkerDied);
  EXPECT_EQ(outcome.attempts, 2U);
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
}

TEST_F(PoolTest, AllRequestsOfASharedWorkerThatDiesAreRerunOrToldTogether) {
  start(odd_options(1, 4));
  std::vector<std::future<Outcome>> again, lost;
  for (int i = 0; i < 3; ++i) {
    Request request = request_of("sleep", i < 2 ? 300 : 60'000);
    request.rerun_allowed = i < 2;
    (i < 2 ? again : lost).push_back(pool_->submit(std::move(request)));
  }
  EXPECT_EQ(ask(request_of("crash")).ending, Ending::WorkerDied);
  for (auto& future : again) EXPECT_EQ(wait(std::move(future)).ending, Ending::Answered);
  for (auto& future : lost) EXPECT_EQ(wait(std::move(future)).ending, Ending::WorkerDied);
}

TEST_F(PoolTest, AHungWorkerLetsOthersFinishGetsNothingNewAndIsKilled) {
  PoolOptions options = odd_options(2, 3, {"--ignore-term"});
  start(options);
  warm_up();
  Request hanging = request_of("hang");
  hanging.deadline = std::chrono::steady_clock::now() + 1s;
  auto lease = std::make_shared<int>(1);
  const std::weak_ptr<int> lease_lives = lease;
  hanging.until_over = std::move(lease);
  auto hung = pool_->submit(std::move(hanging));
  auto companion = pool_->submit(request_of("sleep", 3000));
  const Outcome timed_out = wait(std::move(hung));
  EXPECT_EQ(timed_out.ending, Ending::TimedOut);
  EXPECT_EQ(timed_out.error.code, base::ErrorCode::Timeout);
  EXPECT_FALSE(lease_lives.expired()) << "the worker still runs it";
  const Outcome later = ask(request_of("echo"));
  EXPECT_EQ(later.ending, Ending::Answered);
  EXPECT_NE(later.worker.id, timed_out.worker.id) << "no new request for the worker that hangs";
  const Outcome finished = wait(std::move(companion));
  EXPECT_EQ(finished.ending, Ending::Answered) << finished.error.message;
  EXPECT_EQ(finished.worker.id, timed_out.worker.id);
  ASSERT_TRUE(
      observer->wait([&](const auto& seen) { return seen.died_.size() == 1 && seen.died_[0].first.id == timed_out.worker.id; }));
  EXPECT_TRUE(lease_lives.expired());
  EXPECT_EQ(pool_->status().hung, 1U);
}

TEST_F(PoolTest, ARequestThatEndsWhenAskedToDoesNotCostItsWorker) {
  PoolOptions options = odd_options(1, 1);
  options.cancel_grace = 10s;
  start(options);
  warm_up();
  Request request = request_of("sleep", 60'000);
  request.deadline = std::chrono::steady_clock::now() + 300ms;
  const Outcome timed_out = ask(std::move(request));
  EXPECT_EQ(timed_out.ending, Ending::TimedOut);
  EXPECT_EQ(ask(request_of("echo")).worker.id, timed_out.worker.id);
}

TEST_F(PoolTest, AClientThatLeavesWhileWaitingOrRunningIsToldAtOnce) {
  start(odd_options(1, 1));
  warm_up();
  std::stop_source leave_running, leave_waiting;
  Request running = request_of("sleep", 60'000);
  running.stop = leave_running.get_token();
  auto first = pool_->submit(std::move(running));
  Request waiting = request_of("echo");
  waiting.stop = leave_waiting.get_token();
  auto second = pool_->submit(std::move(waiting));
  leave_waiting.request_stop();
  EXPECT_EQ(wait(std::move(second)).ending, Ending::Cancelled);
  leave_running.request_stop();
  EXPECT_EQ(wait(std::move(first)).ending, Ending::Cancelled);
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered) << "the worker stopped as asked and serves on";
}

TEST_F(PoolTest, ADeadlineCountsWhileWaiting) {
  start(odd_options(1, 1));
  std::stop_source enough;
  Request busy = request_of("sleep", 60'000);
  busy.stop = enough.get_token();
  auto running = pool_->submit(std::move(busy));
  Request late = request_of("echo");
  late.deadline = std::chrono::steady_clock::now() + 50ms;
  const Outcome outcome = ask(std::move(late));
  EXPECT_EQ(outcome.ending, Ending::TimedOut);
  EXPECT_EQ(outcome.worker.id, 0U);
  enough.request_stop();
  EXPECT_EQ(wait(std::move(running)).ending, Ending::Cancelled);
}

TEST_F(PoolTest, TheQueueIsBounded) {
  PoolOptions options = odd_options(1, 1);
  options.max_queued = 2;
  start(options);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 1; }));
  std::stop_source enough;
  std::vector<std::future<Outcome>> futures;
  for (int i = 0; i < 5; ++i) {
    Request request = request_of("sleep", 60'000);
    request.stop = enough.get_token();
    futures.push_back(pool_->submit(std::move(request)));
  }
  // One runs and two wait.
  for (const std::size_t refused : {3U, 4U}) {
    const Outcome outcome = wait(std::move(futures[refused]));
    EXPECT_EQ(outcome.ending, Ending::Refused);
    EXPECT_EQ(outcome.error.code, base::ErrorCode::QueueFull);
  }
  enough.request_stop();
  for (const std::size_t taken : {0U, 1U, 2U}) EXPECT_EQ(wait(std::move(futures[taken])).ending, Ending::Cancelled);
}

TEST_F(PoolTest, GarbageAHalfFrameOrAClosedSocketEndTheWorkerAndItsRequestOnly) {
  start(odd_options(1, 1));
  for (const char* kind : {"garbage", "partial", "close"}) {
    const Outcome outcome = ask(request_of(kind));
    EXPECT_EQ(outcome.ending, Ending::WorkerDied) << kind;
    EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered) << "after " << kind;
  }
}

TEST_F(PoolTest, AGrandchildThatKeepsTheSocketHidesNoDeathAndDoesNotOutliveIt) {
  start(odd_options(1, 1));
  const Outcome outcome = ask(request_of("fork-then-crash"));
  EXPECT_EQ(outcome.ending, Ending::WorkerDied);
  EXPECT_EQ(ask(request_of("fork")).ending, Ending::Answered);
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
}

// Stops a process that waits for packets: from then on it takes them and reads none.
void stop_reading(pid_t pid) {
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  for (char state = 0; state != 'T';) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it does not stop";
    const auto text = base::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    ASSERT_TRUE(text) << text.error().message;
    state = text->at(text->rfind(')') + 2);
  }
}

TEST_F(PoolTest, ARequestThatADyingWorkerHasNotReadGoesToAnother) {
  start(odd_options(1, 1));
  const Outcome first = ask(request_of("echo"));
  const auto pid = static_cast<pid_t>(std::stol(pid_in(first)));
  ASSERT_NO_FATAL_FAILURE(stop_reading(pid));
  auto waiting = pool_->submit(request_of("echo"));
  EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  const Outcome second = waiting.get();
  EXPECT_EQ(second.ending, Ending::Answered) << second.error.message;
  EXPECT_EQ(second.attempts, 1U);
  EXPECT_NE(pid_in(second), pid_in(first));
  EXPECT_EQ(pool_->status().reruns, 0U);
}

// Dead with all its threads: 1. the first thread of a killed process may be a zombie while others still end; 2. its sockets are
// open until then; 3. what is written to them meanwhile counts as sent.
bool is_dead(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const auto text = base::read_file(folder + "/stat", 4096);
  if (!text) return true;
  const auto threads = base::list_directory(folder + "/task");
  return text->at(text->rfind(')') + 2) == 'Z' && threads && threads->size() == 1;
}

TEST_F(PoolTest, AllRequestsThatADeadSharedWorkerWasSentGoToAnother) {
  start(odd_options(1, 4));
  const Outcome before = ask(request_of("echo"));
  const auto pid = static_cast<pid_t>(std::stol(pid_in(before)));
  // The event thread is held up while the worker dies and requests come, so that it sends them before it knows.
  std::promise<void> dead, submitted;
  Request held_up = request_of("progress");
  held_up.progress = [&](double, std::string_view) {
    ::kill(pid, SIGKILL);
    for (int i = 0; i < 20'000 && !is_dead(pid); ++i) std::this_thread::sleep_for(1ms);
    dead.set_value();
    submitted.get_future().wait();
  };
  auto first = pool_->submit(std::move(held_up));
  dead.get_future().wait();
  std::vector<std::future<Outcome>> later;
  for (int i = 0; i < 3; ++i) later.push_back(pool_->submit(request_of("echo")));
  submitted.set_value();
  wait(std::move(first));
  for (auto& future : later) {
    const Outcome outcome = wait(std::move(future));
    EXPECT_EQ(outcome.ending, Ending::Answered) << outcome.error.message;
    EXPECT_EQ(outcome.attempts, 1U);
  }
  EXPECT_EQ(pool_->status().reruns, 0U);
}

TEST_F(PoolTest, ASeatOfAWorkerThatDiedBeforeItReadTheRequestSaysSo) {
  start(odd_options(1, 1));
  auto seat = pool_->acquire(Request()).get();
  ASSERT_TRUE(seat);
  ASSERT_NO_FATAL_FAILURE(stop_reading(seat->worker().pid));
  auto waiting = pool_->submit(*seat, request_of("echo"));
  EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout);
  ASSERT_EQ(::kill(seat->worker().pid, SIGKILL), 0);
  const Outcome outcome = waiting.get();
  EXPECT_EQ(outcome.ending, Ending::WorkerDied);
  EXPECT_EQ(outcome.attempts, 0U);
}

TEST_F(PoolTest, AnAnswerThatLiesBehindTheNewsOfAWorkersDeathStillCounts) {
  PoolOptions options = odd_options(2, 1);
  options.start_ahead = 2;
  start(options);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 2; }));
  // The event thread is held up until the worker has answered behind more frames than are read at a time, and died.
  Request flood = request_of("last-words", 150);
  std::atomic<bool> first{true};
  flood.progress = [&](double, std::string_view) {
    if (first.exchange(false)) std::this_thread::sleep_for(300ms);
  };
  EXPECT_EQ(ask(std::move(flood)).ending, Ending::Answered);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.died_.size() == 1; }));
}

TEST_F(PoolTest, MegabytesOfPrintingBlockNothingAndAreBoundedInTheLog) {
  PoolOptions options = odd_options(1, 1);
  options.log_lines_per_second = 100;
  start(options);
  EXPECT_EQ(ask(request_of("print", 8)).ending, Ending::Answered);
  EXPECT_EQ(ask(request_of("exit", 0)).ending, Ending::WorkerDied);
  EXPECT_TRUE(sink->has("xxxxxxxxxx"));
  EXPECT_TRUE(sink->has("more lines were printed"));
  EXPECT_LT(sink->lines().size(), 20'000U) << "160,000 lines were printed";
}

TEST_F(PoolTest, AWorkerThatCannotStartIsToldWithItsLastWordsAndTriedAgain) {
  start(odd_options(1, 1, {"--at-start", "exit"}));
  const Outcome outcome = ask(request_of("echo"));
  EXPECT_EQ(outcome.ending, Ending::Refused);
  EXPECT_THAT(outcome.error.message, HasSubstr("exited with status 7"));
  EXPECT_THAT(outcome.error.message, HasSubstr("the configuration is missing"));
  EXPECT_TRUE(observer->wait([](const auto& seen) { return seen.started_.size() >= 3; }));
}

TEST_F(PoolTest, AProgramThatDoesNotExistIsToldByName) {
  PoolOptions options = odd_options(1, 1);
  options.command.program = "/nonexistent/python";
  start(options);
  const Outcome outcome = ask(request_of("echo"));
  EXPECT_EQ(outcome.ending, Ending::Refused);
  EXPECT_THAT(outcome.error.message, HasSubstr("/nonexistent/python"));
}

TEST_F(PoolTest, WorkersThatHangLieOrAreTooNewAtStartAreEnded) {
  for (const auto& [what, words] : std::vector<std::pair<std::string, std::string>>{{"hang", "was not ready"},
                                                                                    {"garbage", "not a frame"},
                                                                                    {"ready-first", "not 'hello'"},
                                                                                    {"newer", "install matching versions"}}) {
    PoolOptions options = odd_options(1, 1, {"--at-start", what});
    options.start_timeout = what == "hang" ? 300ms : 20'000ms;
    start(options);
    const Outcome outcome = ask(request_of("echo"));
    EXPECT_EQ(outcome.ending, Ending::Refused) << what;
    EXPECT_THAT(outcome.error.message, HasSubstr(words)) << what;
    TearDown();
    observer = std::make_shared<RecordingObserver>();
  }
}

TEST_F(PoolTest, ASlowStartKeepsRequestsWaiting) {
  start(odd_options(1, 1, {"--at-start", "slow"}));
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
}

TEST_F(PoolTest, AWorkerKilledFromOutsideWhileItStartsCostsNoRequestAndNoBackOff) {
  PoolOptions options = odd_options(1, 1, {"--at-start", "slow"});
  options.backoff_first = 1ms;
  options.backoff_max = 10min;
  start(std::move(options));
  auto waiting = pool_->submit(request_of("echo"));
  for (std::size_t kills = 0; kills < 12; ++kills) {
    pid_t pid = 0;
    ASSERT_TRUE(observer->wait([&](const auto& o) {
      if (o.started_.size() <= kills) return false;
      pid = o.started_[kills].pid;
      return true;
    }));
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(observer->wait([&](const auto& o) { return o.died_.size() > kills; }));
  }
  EXPECT_EQ(waiting.get().ending, Ending::Answered);
}

TEST_F(PoolTest, WorkersAreStartedOnDemandUpToTheLimit) {
  start(odd_options(3, 1));
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 1; }));
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
  EXPECT_EQ(pool_->status().started, 1U);
  std::vector<std::future<Outcome>> futures;
  for (int i = 0; i < 8; ++i) futures.push_back(pool_->submit(request_of("sleep", 100)));
  for (auto& future : futures) EXPECT_EQ(wait(std::move(future)).ending, Ending::Answered);
  EXPECT_EQ(pool_->status().started, 3U);
}

TEST_F(PoolTest, AnIdleWorkerIsRetiredOnRequestAndABusyOneIsNot) {
  start(odd_options(1, 1));
  const Outcome first = ask(request_of("echo"));
  auto busy = pool_->submit(request_of("sleep", 1000));
  EXPECT_FALSE(pool_->retire_idle(first.worker.id).get());
  EXPECT_EQ(wait(std::move(busy)).ending, Ending::Answered);
  EXPECT_TRUE(pool_->retire_idle(first.worker.id).get());
  EXPECT_FALSE(pool_->retire_idle(first.worker.id).get());
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.died_.size() == 1; }));
  EXPECT_EQ(pool_->status().crashed, 0U);
  const Outcome next = ask(request_of("echo"));
  EXPECT_NE(next.worker.id, first.worker.id);
}

TEST_F(PoolTest, AWorkerThatLeaksHostMemoryIsReplacedAfterItsRequest) {
  PoolOptions options = odd_options(1, 1);
  options.max_host_growth = base::Bytes(64U << 20);
  start(options);
  const Outcome first = ask(request_of("echo"));
  const Outcome leaking = ask(request_of("leak", 100));
  EXPECT_EQ(leaking.ending, Ending::Answered);
  EXPECT_EQ(leaking.worker.id, first.worker.id);
  EXPECT_NE(ask(request_of("echo")).worker.id, first.worker.id);
  EXPECT_EQ(pool_->status().leaked, 1U);
}

TEST_F(PoolTest, AWorkerThatKeepsDeviceMemoryIsReplacedAfterItsRequest) {
  PoolOptions options = odd_options(1, 1);
  options.max_device_growth = base::Bytes(1000);
  start(options);
  EXPECT_EQ(ask(request_of("memory", 500)).ending, Ending::Answered);
  const Outcome within = ask(request_of("memory", 1500));
  ASSERT_TRUE(within.memory);
  EXPECT_EQ(within.memory->devices.at(0).held_after, base::Bytes(1500));
  const Outcome beyond = ask(request_of("memory", 1501));
  EXPECT_EQ(beyond.worker.id, within.worker.id);
  EXPECT_NE(ask(request_of("echo")).worker.id, beyond.worker.id);
  EXPECT_EQ(pool_->status().leaked, 1U);
  EXPECT_EQ(observer->reports_.size(), 3U);
}

TEST_F(PoolTest, AWorkerIsReplacedAfterItsNumberOfRequestsWhenThereIsOne) {
  PoolOptions options = odd_options(1, 1);
  options.max_requests = 2;
  start(options);
  const auto first = ask(request_of("echo")).worker.id;
  EXPECT_EQ(ask(request_of("echo")).worker.id, first);
  EXPECT_NE(ask(request_of("echo")).worker.id, first);
}

TEST_F(PoolTest, AnErrorOfTheWorkerComesWithItsCode) {
  start(odd_options(1, 1));
  const Outcome outcome = ask(request_of("fail", static_cast<long>(WorkerCode::OutOfMemory)));
  EXPECT_EQ(outcome.ending, Ending::Failed);
  EXPECT_EQ(outcome.code, WorkerCode::OutOfMemory);
  EXPECT_EQ(outcome.error.code, base::ErrorCode::InsufficientMemory);
  EXPECT_EQ(outcome.error.message, "it went wrong");
}

TEST_F(PoolTest, AReloadStartsNewProcessesWithTheNewCommandAndLetsTheOldOnesFinish) {
  PoolOptions options = odd_options(2, 1);
  options.start_ahead = 2;
  start(options);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 2; }));
  auto running = pool_->submit(request_of("sleep", 500));
  EXPECT_EQ(ask(request_of("environment")).document.view(), "(none)");
  ChildCommand command = options.command;
  command.environment.emplace_back("ODD_VALUE", "new");
  pool_->reload(command);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 4 && seen.died_.size() == 2; }));
  EXPECT_EQ(wait(std::move(running)).ending, Ending::Answered);
  EXPECT_EQ(ask(request_of("environment")).document.view(), "new");
  EXPECT_EQ(pool_->status().crashed, 0U);
}

TEST_F(PoolTest, AReloadWithoutRoomForBothEndsTheOldOneFirst) {
  start(odd_options(1, 1));
  const auto first = ask(request_of("echo")).worker.id;
  std::atomic<int> asked{0};
  observer->consent([&](const WorkerRef&, std::stop_token) -> base::Result<StartGrant> {
    if (asked.fetch_add(1) == 0) return base::Error{base::ErrorCode::InsufficientMemory, "no room for two"};
    return StartGrant{};
  });
  pool_->reload();
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 2; }));
  EXPECT_EQ(asked, 2);
  EXPECT_TRUE(sink->has("it makes room for its successor"));
  EXPECT_NE(ask(request_of("echo")).worker.id, first);
  observer->consent({});
}

TEST_F(PoolTest, AReloadWithABrokenProgramKeepsTheOldOneServing) {
  PoolOptions options = odd_options(1, 1);
  start(options);
  const auto first = ask(request_of("echo")).worker.id;
  ChildCommand broken = options.command;
  broken.program = "/nonexistent/worker";
  pool_->reload(broken);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(request_of("sleep", 20)).worker.id, first);
  for (int i = 0; i < 1000 && !sink->has("could not be started"); ++i) EXPECT_EQ(ask(request_of("sleep", 20)).worker.id, first);
  EXPECT_TRUE(sink->has("could not be started"));
}

TEST_F(PoolTest, AReloadToFewerWorkersLeavesNoOldOneBehind) {
  PoolOptions options = odd_options(3, 1);
  options.start_ahead = 3;
  start(options);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 3; }));
  auto busy = pool_->submit(request_of("sleep", 200));
  pool_->reload();
  pool_->resize(1, 1);
  EXPECT_EQ(wait(std::move(busy)).ending, Ending::Answered);
  ASSERT_TRUE(
      observer->wait([](const auto& seen) { return seen.died_.size() >= 3 && seen.started_.size() == seen.died_.size() + 1; }));
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
}

TEST_F(PoolTest, StoppingWhileTheOwnerStillThinksAboutAStartEndsAtOnce) {
  observer->consent([](const WorkerRef&, std::stop_token stop) -> base::Result<StartGrant> {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any changed;
    changed.wait(lock, stop, [] { return false; });
    return base::Error{base::ErrorCode::Cancelled, "told to stop"};
  });
  start(odd_options(2, 1));
  auto waiting = pool_->submit(request_of("echo"));
  pool_->stop_now();
  EXPECT_EQ(wait(std::move(waiting)).ending, Ending::Refused);
  EXPECT_TRUE(pool_->wait_stopped(std::chrono::steady_clock::now() + 60s));
}

TEST_F(PoolTest, TheOwnersRefusalAnswersTheQueueWithItsOwnWords) {
  observer->consent([](const WorkerRef&, std::stop_token) -> base::Result<StartGrant> {
    return base::Error{base::ErrorCode::InsufficientMemory, "12 GiB are needed for the start, 3 are free"};
  });
  start(odd_options(1, 1));
  const Outcome outcome = ask(request_of("echo"));
  EXPECT_EQ(outcome.ending, Ending::Refused);
  EXPECT_EQ(outcome.error.code, base::ErrorCode::InsufficientMemory);
  EXPECT_EQ(outcome.error.message, "12 GiB are needed for the start, 3 are free");
}

TEST_F(PoolTest, AnOwnerThatRefusesIsAskedAgainWithoutALongBackOffAndToldOfOnce) {
  std::atomic<int> asked{0};
  observer->consent([&](const WorkerRef&, std::stop_token) -> base::Result<StartGrant> {
    if (++asked <= 3)
      return base::Error{base::ErrorCode::InsufficientMemory, "no room, said " + std::to_string(asked.load()) + " times"};
    return StartGrant{};
  });
  PoolOptions options = odd_options(1, 1);
  options.backoff_first = 10min;
  options.backoff_max = 10min;
  start(std::move(options));
  ASSERT_TRUE(observer->wait([](const auto& seen) { return !seen.ready_.empty(); }));
  EXPECT_EQ(asked.load(), 4);
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
  const auto lines = sink->lines();
  EXPECT_EQ(
      std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.second.find("no room") != std::string::npos; }),
      1);
}

TEST_F(PoolTest, AGrantReachesTheWorkerAndIsKeptUntilItsDeath) {
  auto token = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = token;
  observer->consent([&](const WorkerRef&, std::stop_token) -> base::Result<StartGrant> {
    StartGrant grant;
    grant.environment = {{"ODD_VALUE", "granted"}};
    BASE_TRY_ASSIGN(base::Fd fd, base::open_file("/dev/null", 0));
    grant.descriptors.push_back(std::move(fd));
    grant.until_death = std::exchange(token, nullptr);
    return grant;
  });
  start(odd_options(1, 1));
  EXPECT_EQ(ask(request_of("environment")).document.view(), "granted");
  // 6 and 7 are the worker's own: the event of its life line's watch, and the descriptor that lists the others does not exist.
  EXPECT_THAT(std::string(ask(request_of("descriptors")).document.view()), HasSubstr("0 1 2 3 4 5 6 "));
  EXPECT_FALSE(alive.expired());
  ask(request_of("exit", 0));
  ASSERT_TRUE(observer->wait([](const auto& seen) { return !seen.died_.empty(); }));
  pool_->wait_stopped(std::chrono::steady_clock::now() + 1ms);
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
  EXPECT_TRUE(alive.expired());
  observer->consent({});
}

TEST_F(PoolTest, ASeatNamesItsWorkerRunsOneRequestAfterTheOtherAndHoldsThePlace) {
  PoolOptions options = odd_options(1, 1);
  start(options);
  auto seat = pool_->acquire(request_of("")).get();
  ASSERT_TRUE(seat) << seat.error().message;
  EXPECT_GT(seat->worker().pid, 0);
  auto outside = pool_->submit(request_of("echo"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(wait(pool_->submit(*seat, request_of("echo"))).worker.id, seat->worker().id);
  EXPECT_EQ(outside.wait_for(50ms), std::future_status::timeout) << "the only place is held";
  seat->release();
  EXPECT_EQ(wait(std::move(outside)).ending, Ending::Answered);
  EXPECT_EQ(wait(pool_->submit(*seat, request_of("echo"))).ending, Ending::Refused);
}

TEST_F(PoolTest, ASeatWhoseWorkerDiedSaysSoAndTheWorkerIsReplaced) {
  start(odd_options(1, 1));
  auto seat = pool_->acquire(request_of("")).get();
  ASSERT_TRUE(seat);
  ::kill(seat->worker().pid, SIGKILL);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.died_.size() == 1; }));
  EXPECT_EQ(wait(pool_->submit(*seat, request_of("echo"))).ending, Ending::WorkerDied);
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
}

TEST_F(PoolTest, TheNumberOfWorkersChangesWhileTheyRun) {
  PoolOptions options = odd_options(1, 1);
  start(options);
  std::vector<std::future<Outcome>> futures;
  for (int i = 0; i < 6; ++i) futures.push_back(pool_->submit(request_of("sleep", 150)));
  pool_->resize(3, 1);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 3; }));
  pool_->resize(1, 1);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.died_.size() == 2; }));
  for (auto& future : futures) EXPECT_EQ(wait(std::move(future)).ending, Ending::Answered);
  EXPECT_EQ(pool_->status().crashed, 0U);
}

TEST_F(PoolTest, DrainingFinishesWhatIsThereAndRefusesWhatComes) {
  start(odd_options(2, 1));
  std::vector<std::future<Outcome>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(pool_->submit(request_of("sleep", 60)));
  pool_->drain(20s);
  const Outcome late = ask(request_of("echo"));
  EXPECT_EQ(late.ending, Ending::Refused);
  EXPECT_THAT(late.error.message, HasSubstr("shut down"));
  for (auto& future : futures) EXPECT_EQ(wait(std::move(future)).ending, Ending::Answered);
  EXPECT_TRUE(pool_->wait_stopped(std::chrono::steady_clock::now() + 60s));
  for (const WorkerStatus& worker : pool_->status().workers) EXPECT_EQ(worker.state, WorkerState::Dead);
}

TEST_F(PoolTest, ADrainThatTakesTooLongAnswersEverythingAndEndsTheWorkers) {
  start(odd_options(1, 1, {"--ignore-term"}));
  warm_up();
  auto running = pool_->submit(request_of("hang"));
  auto waiting = pool_->submit(request_of("echo"));
  pool_->drain(100ms);
  EXPECT_EQ(wait(std::move(waiting)).ending, Ending::Refused);
  const Outcome outcome = wait(std::move(running));
  EXPECT_EQ(outcome.ending, Ending::WorkerDied);
  EXPECT_THAT(outcome.error.message, HasSubstr("being shut down"));
  EXPECT_TRUE(pool_->wait_stopped(std::chrono::steady_clock::now() + 60s));
}

TEST_F(PoolTest, ThePoolsEndAnswersEverythingAndLeavesNoProcess) {
  start(odd_options(3, 1));
  std::vector<std::future<Outcome>> futures;
  for (int i = 0; i < 12; ++i) futures.push_back(pool_->submit(request_of("hang")));
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 3; }));
  TearDown();
  for (auto& future : futures) {
    ASSERT_EQ(future.wait_for(0s), std::future_status::ready);
    EXPECT_NE(future.get().ending, Ending::Answered);
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "there is no child any more";
}

TEST_F(PoolTest, AWorkerThatFallsSilentWhileIdleIsReplaced) {
  PoolOptions options = odd_options(1, 1);
  options.ping_interval = 30ms;
  options.ping_timeout = 1s;
  start(options);
  const Outcome first = ask(request_of("echo"));
  ::kill(first.worker.pid, SIGSTOP);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.died_.size() == 1; }));
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered);
}

}  // namespace
}  // namespace worker::testing
