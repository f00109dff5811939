// Apps written for clams-python behind the worker pool. CLAMS_TEST_PYTHON names the interpreter of an environment with an SDK.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <mutex>

#include "worker/worker_pool.hpp"

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using worker::Ending;

constexpr const char* kMmif = R"({"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [], "views": []})";

class Sink final : public base::LogSink {
 public:
  void write(base::LogLevel, std::string_view context, std::string_view message) noexcept override {
    const std::lock_guard lock(mutex_);
    text_ += std::string(context) + "|" + std::string(message) + "\n";
  }
  bool enabled(base::LogLevel) const noexcept override { return true; }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class PythonPool : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* python = std::getenv("CLAMS_TEST_PYTHON");
    ASSERT_NE(python, nullptr) << "run this program through the test python_worker_test";
    const std::string source = CLAMS_PYTHON_SOURCE;
    worker::PoolOptions options;
    options.name = "odd-app";
    options.command.program = python;
    options.command.arguments = {source + "/clams_worker", "--fd", "3", "--life-fd", "4", "--", "app.py", "--production"};
    options.command.directory = source + "/tests/apps/odd";
    options.command.environment = {{"CLAMS_APP_VERSION", "1.0.0"}, {"PYTHONDONTWRITEBYTECODE", "1"}};
    options.workers = 2;
    options.cancel_grace = 100ms;
    options.stop_grace = 5s;
    options.kill_grace = 500ms;
    auto pool = worker::WorkerPool::start(options, nullptr, base::Logger(sink_));
    ASSERT_TRUE(pool) << pool.error().message;
    pool_ = std::move(*pool);
  }
  static worker::Request http(const std::string& method, const std::string& query, const std::string& body = {}) {
    worker::Request request;
    request.kind = "http";
    request.attributes = {{"method", method}, {"path", "/"}, {"query", query}};
    request.document = worker::Document::of(body);
    request.context = "request-1";
    return request;
  }
  worker::Outcome ask(worker::Request request) {
    auto future = pool_->submit(std::move(request));
    if (future.wait_for(60s) == std::future_status::ready) return future.get();
    ADD_FAILURE() << "no answer within 60 s; the log: " << sink_->text();
    return {};
  }
  worker::Outcome perform(const std::string& what, int number = 0) {
    return ask(http("POST", "do=" + what + "&number=" + std::to_string(number), kMmif));
  }
  static std::string status_of(const worker::Outcome& outcome) {
    const std::string* status = worker::find_attribute(outcome.attributes, "status");
    return status != nullptr ? *status : "none: " + outcome.error.message;
  }
  std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
  std::unique_ptr<worker::WorkerPool> pool_;
};

TEST_F(PythonPool, MetadataAndDocumentsComeFromTheAppItself) {
  const auto metadata = ask(http("GET", ""));
  EXPECT_EQ(status_of(metadata), "200");
  EXPECT_THAT(std::string(metadata.document.view()), HasSubstr("\"name\":\"Odd\""));
  const auto answer = perform("where");
  EXPECT_EQ(status_of(answer), "200");
  EXPECT_THAT(std::string(answer.document.view()), HasSubstr("/tests/apps/odd/app.py --production"));
  ASSERT_TRUE(answer.memory);
  EXPECT_TRUE(answer.memory->host_resident);
}

TEST_F(PythonPool, AnErrorOfTheAppIsItsAnswerAndTheWorkerStays) {
  const auto failed = perform("raise");
  EXPECT_EQ(failed.ending, Ending::Answered);
  EXPECT_EQ(status_of(failed), "500");
  EXPECT_EQ(perform("nothing").worker.id, failed.worker.id);
}

TEST_F(PythonPool, LeavingByExitFailsTheRequestAndTheWorkerStays) {
  const auto left = perform("exit", 3);
  EXPECT_EQ(left.ending, Ending::Failed);
  EXPECT_EQ(left.code, worker::WorkerCode::AppFailed);
  EXPECT_EQ(perform("nothing").worker.id, left.worker.id);
}

TEST_F(PythonPool, AKilledWorkerIsToldAndReplaced) {
  const auto dead = perform("die");
  EXPECT_EQ(dead.ending, Ending::WorkerDied);
  EXPECT_THAT(dead.error.message, HasSubstr("SIGKILL"));
  EXPECT_EQ(status_of(perform("nothing")), "200");
}

TEST_F(PythonPool, NativeCodeThatHoldsTheInterpreterLockIsEndedByTheRequestsDeadline) {
  perform("handler");  // the app's own SIGTERM handler cannot run while the lock is held
  auto request = http("POST", "do=hold-the-lock&number=900000", kMmif);
  request.deadline = std::chrono::steady_clock::now() + 300ms;
  const auto late = ask(std::move(request));
  EXPECT_EQ(late.ending, Ending::TimedOut);
  const auto next = perform("nothing");
  EXPECT_EQ(status_of(next), "200");
  EXPECT_NE(next.worker.id, late.worker.id);
}

TEST_F(PythonPool, ALargeDocumentCrossesBothWays) {
  const std::string text(3'000'000, 't');
  const auto answer =
      ask(http("POST", "",
               R"({"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [{"@type": )"
               R"("http://mmif.clams.ai/vocabulary/TextDocument/v1", "properties": {"id": "d1", "text": {"@value": ")" +
                   text + R"("}}}], "views": []})"));
  EXPECT_EQ(status_of(answer), "200");
  EXPECT_TRUE(answer.document.in_memfd());
  EXPECT_THAT(std::string(answer.document.view()), HasSubstr(text));
}

TEST_F(PythonPool, PrintsReachTheLogWithTheRequest) {
  EXPECT_EQ(status_of(perform("print", 3)), "200");
  pool_.reset();
  EXPECT_THAT(sink_->text(), HasSubstr("odd-app "));
  EXPECT_THAT(sink_->text(), HasSubstr(": printed xxx"));
}

TEST_F(PythonPool, ARequirementIsAsked) {
  worker::Request request;
  request.kind = "requirement";
  request.attributes = {{"query", "do=gpu&number=1000"}};
  const auto outcome = ask(std::move(request));
  EXPECT_EQ(outcome.attributes, (worker::Attributes{{"size_bytes", "1000"}, {"name", "model-gpu"}}));
}

TEST_F(PythonPool, AReloadAndADrainLetRunningRequestsFinish) {
  perform("nothing");
  auto running = pool_->submit(http("POST", "do=sleep&number=500", kMmif));
  pool_->reload();
  pool_->drain(30s);
  ASSERT_EQ(running.wait_for(60s), std::future_status::ready);
  EXPECT_EQ(running.get().ending, Ending::Answered);
  EXPECT_TRUE(pool_->wait_stopped(std::chrono::steady_clock::now() + 30s));
}

}  // namespace
