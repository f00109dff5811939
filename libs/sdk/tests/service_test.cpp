// Bytes in, bytes out: what an app does, and what a client sees of it.
#include "clams/service.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>

#include "mmif/json.hpp"

namespace outsider {

// As an app's engine may have it: no std::exception.
struct Strange {
  int code = 7;
};
class Engine : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace outsider

namespace clams {
namespace {

using mmif::Array;
using mmif::Mmif;
using mmif::Object;
using mmif::Value;
using mmif::View;

using Annotate = std::function<void(Mmif&, const Parameters&, clams::Run&)>;

class FunctionApp final : public App {
 public:
  explicit FunctionApp(Annotate annotate) : annotate_(std::move(annotate)) {}
  AppMetadata metadata() const override {
    AppMetadata metadata;
    metadata.name = "Test";
    metadata.description = "d";
    metadata.app_license = "l";
    metadata.identifier = "test";
    metadata.url = "http://example.org/x";
    metadata.add_tag("tagged");
    metadata.add_parameter({.name = "n", .description = "d", .type = ParameterType::Integer, .default_value = 1});
    metadata.add_parameter({.name = "list", .description = "d", .default_value = Value(Array{"x"}), .multivalued = true});
    return metadata;
  }
  void annotate(Mmif& mmif, const Parameters& parameters, clams::Run& run) override { annotate_(mmif, parameters, run); }
  std::optional<ModelRequirement> model_requirement(const Parameters& parameters) const override {
    if (parameters.get<int>("n") == 666) throw std::runtime_error("cannot tell");
    return std::nullopt;
  }
  Object runtime_facts() const override { return {{"facts", 1}}; }

 private:
  Annotate annotate_;
};

std::unique_ptr<Service> service_of(Annotate annotate, bool python_status_codes = false) {
  ServiceOptions options;
  options.environment_version = "1.0";
  options.python_status_codes = python_status_codes;
  auto service = Service::create(std::make_unique<FunctionApp>(std::move(annotate)), std::move(options));
  EXPECT_TRUE(service) << service.error().message;
  return std::move(*service);
}

constexpr const char* kDocument = R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v2", "properties": {"id": "d1"}})";
constexpr const char* kOldView =
    R"({"id":"v_0","metadata":{"app":"http://apps.clams.ai/test/1.0","contains":{"http://x.org/Unused":{}}},"annotations":[]})";

std::string input(std::string_view views = kOldView) {
  return R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)" + std::string(kDocument) + R"(], "views": [)" +
         std::string(views) + "]}";
}

struct Seen {
  unsigned status;
  std::string type, body;
  Object mmif;
  const Array& views() const { return *mmif.find("views")->array(); }
  const Object& view(std::size_t i) const { return *views().at(i).object(); }
  const Object& metadata(std::size_t i) const { return *view(i).find("metadata")->object(); }
  std::string field(std::size_t i, std::string_view name) const {
    const Value* value = metadata(i).find(name);
    return value == nullptr ? "absent" : mmif::to_mmif_text(*value);
  }
  std::string error() const {
    const Value* error = metadata(views().size() - 1).find("error");
    return error == nullptr ? "none" : std::string(error->object()->find("message")->as_string());
  }
};

Seen seen(const Answer& answer) {
  Seen seen{answer.status, answer.content_type, answer.body.to_string(), {}};
  if (answer.content_type == "application/json") {
    auto value = mmif::parse_json(seen.body);
    EXPECT_TRUE(value) << seen.body;
    if (value && value->object() != nullptr) seen.mmif = *value->object();
  }
  return seen;
}

Seen run(Service& service, std::string_view query = "", std::string body = input(), const RequestContext& context = {}) {
  return seen(service.annotate(std::move(body), RawParameters::from_query(query), context));
}

void add_frame(clams::Run& run) { run.new_view().new_annotation(mmif::types::TimeFrame, {{"start", 0}, {"end", 1}}); }

TEST(Service, SignsTheViewsOfARunWithOneLocalTime) {
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run& run) {
    add_frame(run);
    add_frame(run);
  });
  const Seen answer = run(*service, "n=2&foo=a&foo=b");
  ASSERT_EQ(answer.status, 200U) << answer.body;
  ASSERT_EQ(answer.views().size(), 4U);
  EXPECT_EQ(answer.field(1, "app"), "\"http://apps.clams.ai/test/1.0\"");
  EXPECT_EQ(answer.field(1, "timestamp"), answer.field(2, "timestamp"));
  EXPECT_EQ(answer.field(1, "timestamp"), answer.field(3, "timestamp")) << "the warnings view too";
  EXPECT_EQ(answer.field(1, "timestamp").find('Z'), std::string::npos);
  EXPECT_EQ(answer.field(1, "appTags"), R"(["tagged"])");
  EXPECT_EQ(answer.field(1, "parameters"), R"({"n": "2", "foo": "['a', 'b']"})");
  EXPECT_EQ(
      answer.field(1, "appConfiguration"),
      R"({"n": 2, "list": ["x"], "pretty": false, "runningTime": true, "hwFetch": false, "tfSamplingMode": "representatives"})");
  EXPECT_NE(answer.field(1, "appProfiling").find("runningTime"), std::string::npos);
  EXPECT_NE(answer.body.find(kOldView), std::string::npos) << "the view of another run leaves as it came";
  EXPECT_EQ(answer.field(3, "warnings"), R"(["An undefined parameter \"foo\" (value: \"['a', 'b']\") is passed"])");
  EXPECT_EQ(answer.field(3, "contains"), "absent");
}

TEST(Service, RecordsNoParametersWhenNoneWereGivenAndNoProfilingWhenNoneIsWanted) {
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run& run) { add_frame(run); });
  EXPECT_EQ(run(*service).field(1, "parameters"), "absent");
  EXPECT_EQ(run(*service, "runningTime=0").field(1, "appProfiling"), "absent");
  EXPECT_NE(run(*service, "hwFetch=1").field(1, "appProfiling").find(R"(cores", "cuda": []}})"), std::string::npos);
}

TEST(Service, AnswersPrettyWhenAsked) {
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run& run) { add_frame(run); });
  EXPECT_EQ(run(*service, "pretty=1").body.substr(0, 16), "{\n  \"metadata\": ");
  EXPECT_EQ(run(*service, "pretty=0").body.substr(0, 13), "{\"metadata\": ");
}

TEST(Service, ReadsParametersOfAnEnvelopeAndTheQueryWins) {
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run& run) { add_frame(run); });
  const Seen answer = run(*service, "n=3", R"({"parameters": {"list": ["a", "b"], "n": 2, "none": []}, "mmif": )" + input() + "}");
  ASSERT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.field(1, "parameters"), R"({"list": "['a', 'b']", "n": "3"})");
  EXPECT_EQ(answer.field(2, "warnings"), R"(["An undefined parameter \"none\" (value: \"[]\") is passed"])");
}

TEST(Service, TellsWarningsOnceUndefinedParametersFirst) {
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run& run) {
    add_frame(run);
    for (int i = 0; i < 3; ++i) run.warn("same");
    run.warn("other", "DeprecationWarning");
  });
  const Seen answer = run(*service, "zz=1&aa");
  ASSERT_EQ(answer.views().size(), 3U);
  const Array& warnings = *answer.metadata(2).find("warnings")->array();
  ASSERT_EQ(warnings.size(), 4U);
  EXPECT_EQ(warnings[0].as_string(), R"(An undefined parameter "zz" (value: "['1']") is passed)");
  EXPECT_EQ(warnings[1].as_string(), R"(An undefined parameter "aa" (value: "['']") is passed)");
  EXPECT_TRUE(warnings[2].as_string().starts_with(
      "{message : UserWarning('same'), category : 'UserWarning', filename : 'service_test.cpp', lineno : "));
  EXPECT_TRUE(warnings[3].as_string().starts_with("{message : DeprecationWarning('other')"));
}

TEST(Service, DropsEmptyViewsAndSaysWhenNothingIsLeft) {
  const auto nothing = service_of([](Mmif&, const Parameters&, clams::Run& run) { run.new_view(); });
  const Seen answer = run(*nothing);
  ASSERT_EQ(answer.views().size(), 2U);
  EXPECT_EQ(answer.view(1).find("id")->as_string(), "v_1");
  EXPECT_NE(
      answer.field(1, "warnings")
          .find(R"({message : EmptyOutputWarning('App \"http://apps.clams.ai/test/1.0\" produced no annotations for this input;)"),
      std::string::npos)
      << answer.body;
  const auto some = service_of([](Mmif&, const Parameters&, clams::Run& run) {
    run.new_view();
    add_frame(run);
  });
  const Seen one = run(*some);
  ASSERT_EQ(one.views().size(), 2U);
  EXPECT_EQ(one.view(1).find("id")->as_string(), "v_2") << "the number of the removed view is not given again";
}

TEST(Service, WritesDocumentPropertiesIntoAViewOfTheApp) {
  const auto service = service_of([](Mmif& mmif, const Parameters&, clams::Run&) { mmif.document("d1")->set("fps", 25); });
  const Seen answer = run(*service);
  ASSERT_EQ(answer.views().size(), 2U);
  EXPECT_NE(answer.body.find(R"({"fps": 25, "document": "d1", "id": "v_1:an_1"})"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.field(1, "app"), "\"http://apps.clams.ai/test/1.0\"");
}

TEST(Service, SignsAViewAgainWithParametersThatTheAppResolved) {
  const auto service = service_of([](Mmif& mmif, const Parameters& parameters, clams::Run& run) {
    View& view = mmif.new_view();
    Parameters resolved = parameters;
    resolved.set("n", 99);
    run.sign(view, resolved);
    view.new_annotation(mmif::types::TimeFrame, {});
  });
  const Seen answer = run(*service, "n=5");
  EXPECT_EQ(answer.field(1, "parameters"), R"({"n": "5"})");
  EXPECT_NE(answer.field(1, "appConfiguration").find("\"n\": 99"), std::string::npos);
}

struct Thrown {
  Annotate annotate;
  std::string message;
};

TEST(Service, WhateverAnAppThrowsBecomesAnErrorView) {
  const std::vector<Thrown> cases{
      {[](Mmif&, const Parameters&, clams::Run&) { throw ValueError("bad value"); }, "<class 'ValueError'>: bad value"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw RuntimeError("r"); }, "<class 'RuntimeError'>: r"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw TypeError("t"); }, "<class 'TypeError'>: t"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw KeyError("k'y"); }, "<class 'KeyError'>: \"k'y\""},
      {[](Mmif&, const Parameters&, clams::Run&) { throw FileNotFoundError("f"); }, "<class 'FileNotFoundError'>: f"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw AppError("myapp.NoSpeech", "silence"); },
       "<class 'myapp.NoSpeech'>: silence"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw Cancelled("why"); }, "<class 'clams.Cancelled'>: why"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw std::invalid_argument("i"); }, "<class 'ValueError'>: i"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw std::out_of_range("o"); }, "<class 'IndexError'>: o"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw std::bad_alloc(); }, "<class 'MemoryError'>: out of memory"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw std::runtime_error("s"); }, "<class 'RuntimeError'>: s"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw std::logic_error("l"); }, "<class 'std.logic_error'>: l"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw outsider::Engine("e"); }, "<class 'outsider.Engine'>: e"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw outsider::Strange(); },
       "<class 'outsider.Strange'>: the app threw something that is no std::exception"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw 42; }, "<class 'int'>: the app threw something that is no std::exception"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw "text"; },
       "<class 'char const*'>: the app threw something that is no std::exception"},
      {[](Mmif& mmif, const Parameters&, clams::Run&) { mmif.new_view().new_annotation(""); },
       "<class 'ValueError'>: view v_1: the type of an annotation must not be empty"},
      {[](Mmif&, const Parameters& parameters, clams::Run&) { (void)parameters.get<int>("typo"); },
       "<class 'ValueError'>: there is no parameter \"typo\"; declare it in metadata()"},
      {[](Mmif&, const Parameters&, clams::Run&) { throw std::runtime_error("caf\xe9 \n \"quoted\" \x01"); },
       "<class 'RuntimeError'>: caf\xEF\xBF\xBD \n \"quoted\" \x01"},
  };
  for (const auto& c : cases) {
    const auto service = service_of([&](Mmif& mmif, const Parameters& parameters, clams::Run& run) {
      add_frame(run);  // lost: the error view stands for the run
      mmif.document("d1")->set("fps", 25);
      mmif.remove(*mmif.new_views().front());
      c.annotate(mmif, parameters, run);
    });
    const Seen answer = run(*service, "n=2");
    EXPECT_EQ(answer.status, 500U) << c.message;
    EXPECT_EQ(answer.type, "application/json");
    ASSERT_EQ(answer.views().size(), 2U) << answer.body;
    EXPECT_EQ(answer.error(), c.message);
    EXPECT_EQ(answer.body.substr(0, 2), "{\n") << "always pretty";
    EXPECT_EQ(answer.field(1, "app"), "\"http://apps.clams.ai/test/1.0\"");
    EXPECT_EQ(answer.field(1, "parameters"), R"({"n": "2"})");
    EXPECT_EQ(answer.field(1, "appTags"), R"(["tagged"])");
    EXPECT_TRUE(answer.field(1, "timestamp").ends_with("Z\""));
    for (const char* absent : {"contains", "appConfiguration", "appProfiling"}) EXPECT_EQ(answer.field(1, absent), "absent");
    EXPECT_TRUE(answer.view(1).find("annotations")->array()->empty());
    EXPECT_EQ(answer.field(0, "contains"), R"({"http://x.org/Unused": {}})") << "the app's earlier view stays";
  }
}

TEST(Service, AnExceptionOfModelRequirementBecomesAnErrorViewToo) {
  char directory[] = "/tmp/sdk_service_XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  ServiceOptions options;
  options.gpu.gpu = "sim:24GiB";
  options.gpu.directory.explicit_directory = directory;
  options.environment_version = "1.0";
  auto created = Service::create(std::make_unique<FunctionApp>([](Mmif&, const Parameters&, clams::Run& run) { add_frame(run); }),
                                 std::move(options));
  ASSERT_TRUE(created) << created.error().message;
  const auto service = std::move(*created);
  const Seen answer = run(*service, "n=666");
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.error(), "<class 'RuntimeError'>: cannot tell");
  EXPECT_EQ(run(*service).status, 200U) << "the service goes on";
  std::filesystem::remove_all(directory);
}

TEST(Service, WrongParametersBecomeAnErrorViewWithoutRunningTheApp) {
  bool ran = false;
  const auto service = service_of([&](Mmif&, const Parameters&, clams::Run&) { ran = true; });
  const Seen answer = run(*service, "n=x&foo=1");
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.error(), "<class 'ValueError'>: invalid literal for int() with base 10: 'x'");
  EXPECT_EQ(answer.field(1, "parameters"), R"({"n": "x", "foo": "1"})");
  EXPECT_FALSE(ran);
}

TEST(Service, MalformedInputIsTextWithTheStatusThatWasChosen) {
  for (const bool python : {false, true}) {
    const auto service = service_of([](Mmif&, const Parameters&, clams::Run&) {}, python);
    for (const char* body : {"", "not json", "{}", "[]", R"({"parameters": 1})", "\xff"}) {
      const Seen answer = run(*service, "", body);
      EXPECT_EQ(answer.status, python ? 500U : 400U) << body;
      EXPECT_EQ(answer.type, "text/plain; charset=utf-8");
      EXPECT_EQ(answer.body.substr(0, 54), "Invalid input data. See below for validation error.\n\n" + answer.body.substr(53, 1))
          << answer.body;
      EXPECT_NE(answer.body.back(), '\n');
    }
  }
}

// Not the client's: its document was fine, and is in the answer.
TEST(Service, InvalidOutputIsAFailureOfTheApp) {
  const auto service =
      service_of([](Mmif& mmif, const Parameters&, clams::Run&) { mmif.new_view().new_annotation("http://x.org/T", {}); });
  const Seen unsigned_view = run(*service);
  EXPECT_EQ(unsigned_view.status, 500U);
  EXPECT_EQ(unsigned_view.type, "application/json");
  EXPECT_TRUE(unsigned_view.error().starts_with("<class 'ValueError'>: the app made invalid MMIF: ")) << unsigned_view.body;
  EXPECT_NE(unsigned_view.error().find("it was not signed"), std::string::npos) << unsigned_view.body;
  const auto odd_type = service_of([](Mmif&, const Parameters&, clams::Run& run) { run.new_view().new_annotation("foo", {}); });
  const Seen odd = run(*odd_type);
  EXPECT_EQ(odd.status, 500U);
  EXPECT_NE(odd.error().find("'foo' does not match any of the regexes"), std::string::npos) << odd.body;
  EXPECT_EQ(odd.body.find("\"foo\""), std::string::npos) << "what is invalid is not handed on";
}

TEST(Service, AStoppedRunThatFailsIsNoFailureOfTheApp) {
  std::stop_source source;
  const auto service = service_of([&](Mmif&, const Parameters&, clams::Run& run) {
    EXPECT_FALSE(run.cancelled());
    run.throw_if_cancelled();
    source.request_stop();
    EXPECT_TRUE(run.cancelled());
    run.throw_if_cancelled();
    ADD_FAILURE() << "goes on although cancelled";
  });
  RequestContext context;
  context.stop = source.get_token();
  const Seen answer = run(*service, "", input(), context);
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.mmif.find("code")->as_string(), "CANCELLED");
}

TEST(Service, ARunThatIsStoppedForItsTimeLimitSaysSo) {
  std::stop_source source;
  const auto overdue = std::make_shared<std::atomic<bool>>(false);
  const auto service = service_of([&](Mmif&, const Parameters&, clams::Run& run) {
    overdue->store(true);
    source.request_stop();
    run.throw_if_cancelled();
  });
  RequestContext context;
  context.stop = source.get_token();
  context.overdue = overdue;
  const Seen answer = run(*service, "", input(), context);
  EXPECT_EQ(answer.status, 504U);
  EXPECT_EQ(answer.mmif.find("code")->as_string(), "REQUEST_TIMEOUT");
}

TEST(Service, ARunHasWhatItsRequestBrought) {
  std::vector<std::pair<double, std::string>> told;
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run& run) {
    EXPECT_EQ(run.request_id(), "request-7");
    EXPECT_EQ(run.cpu_threads(), 3U);
    run.progress(0.5, "half");
    add_frame(run);
  });
  RequestContext context;
  context.request_id = "request-7";
  context.cpu_threads = 3;
  context.progress = [&](double fraction, std::string_view what) { told.emplace_back(fraction, what); };
  EXPECT_EQ(run(*service, "", input(), context).status, 200U);
  EXPECT_EQ(told, (std::vector<std::pair<double, std::string>>{{0.5, "half"}}));
}

TEST(Service, DescribesItselfCompactOrPretty) {
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run&) {});
  const std::string compact = service->describe("").body.to_string(), pretty = service->describe("pretty=1").body.to_string();
  EXPECT_TRUE(compact.starts_with(R"({"name":"Test","description":"d","app_version":"1.0",)")) << compact;
  EXPECT_TRUE(pretty.starts_with("{\n  \"name\": \"Test\",")) << pretty;
  EXPECT_EQ(*mmif::parse_json(compact), *mmif::parse_json(pretty));
  for (const char* query : {"pretty=0", "pretty=F&pretty=1", "unknown=1", "n=bad", "&&", "=", "%", "pretty=false"})
    EXPECT_EQ(service->describe(query).body.to_string(), compact) << query;
  for (const char* query : {"pretty", "pretty=", "pretty=no", "pretty=1&pretty=0"})
    EXPECT_EQ(service->describe(query).body.to_string(), pretty) << query;
}

TEST(Service, MetadataOutOfOrderIsNoService) {
  class Bad final : public App {
   public:
    AppMetadata metadata() const override { return {}; }
    void annotate(Mmif&, const Parameters&, clams::Run&) override {}
  };
  const auto service = Service::create(std::make_unique<Bad>(), {});
  ASSERT_FALSE(service);
  EXPECT_EQ(service.error().code, base::ErrorCode::Configuration);
}

TEST(Service, ValuesTypedForARunAreCheckedBefore) {
  const auto service = service_of([](Mmif&, const Parameters&, clams::Run&) {});
  EXPECT_TRUE(service->check_values(RawParameters::from_query("n=1&unknown=x")));
  const auto status = service->check_values(RawParameters::from_query("n=x"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::ErrorCode::InvalidArgument);
  EXPECT_TRUE(status.error().message.starts_with("--n: invalid literal for int()")) << status.error().message;
}

TEST(Service, RequestsRunAtOnceAndDoNotMix) {
  const auto service = service_of([](Mmif&, const Parameters& parameters, clams::Run& run) {
    run.warn("w" + std::to_string(parameters.get<int>("n")));
    run.new_view().new_annotation(mmif::types::TimeFrame, {{"start", parameters.get<int>("n")}});
  });
  std::vector<std::future<void>> all;
  for (int thread = 0; thread < 4; ++thread) {
    all.push_back(std::async(std::launch::async, [&, thread] {
      for (int i = 0; i < 50; ++i) {
        const std::string n = std::to_string(thread * 1000 + i);
        const Seen answer = run(*service, "n=" + n);
        ASSERT_EQ(answer.status, 200U);
        EXPECT_NE(answer.body.find("\"start\": " + n), std::string::npos);
        EXPECT_NE(answer.field(2, "warnings").find("UserWarning('w" + n + "')"), std::string::npos);
      }
    }));
  }
  for (auto& one : all) one.get();
}

}  // namespace
}  // namespace clams
