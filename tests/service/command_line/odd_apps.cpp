// Apps whose metadata is wrong in one way each, and one that does what its parameters say: for tests of the command line.
#include <csignal>
#include <cstdlib>
#include <thread>

#include "clams/main.hpp"

namespace {

using clams::ParameterType;
using Spoil = void (*)(clams::AppMetadata&);

clams::AppMetadata minimal() {
  clams::AppMetadata m;
  m.name = "Odd";
  m.description = "Does what its parameters say.";
  m.app_license = "Apache-2.0";
  m.app_version = "3.1";
  m.identifier = "odd";
  m.url = "https://example.org/odd";
  return m;
}

class Spoilt final : public clams::App {
 public:
  explicit Spoilt(Spoil spoil) : spoil_(spoil) {}
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m = minimal();
    spoil_(m);
    return m;
  }
  void annotate(mmif::Mmif&, const clams::Parameters&, clams::Run&) override {}

 private:
  Spoil spoil_;
};

class Unmakeable final : public clams::App {
 public:
  Unmakeable() { throw std::runtime_error("there are no weights"); }
  clams::AppMetadata metadata() const override { return minimal(); }
  void annotate(mmif::Mmif&, const clams::Parameters&, clams::Run&) override {}
};

[[gnu::noinline]] int overflow(volatile int* depth) {
  volatile char room[4096] = {};
  room[0] = static_cast<char>(*depth);
  int next = *depth + 1;
  return next > 0 ? overflow(&next) + room[0] : 0;
}

void fault() {
  volatile int* nowhere = nullptr;
  *nowhere = 1;  // NOLINT(clang-analyzer-core.NullDereference): that is what the test asks for
}

class Works final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m = minimal();
    m.add_parameter(
        {.name = "modelSize", .description = "How large the model is.", .choices = {"small", "large"}, .default_value = "small"});
    m.add_parameter({.name = "levels", .description = "Which levels.", .default_value = mmif::Array{"word"}, .multivalued = true});
    m.add_parameter({.name = "names", .description = "From and to.", .type = ParameterType::Map, .default_value = mmif::Array{}});
    m.add_parameter({.name = "count", .description = "How many.", .type = ParameterType::Integer, .default_value = 1});
    m.add_parameter({.name = "strict", .description = "Fail on doubt.", .type = ParameterType::Boolean, .default_value = true});
    m.add_parameter({.name = "port", .description = "Has the name of a flag of the server.", .default_value = "left"});
    m.add_parameter({.name = "crash",
                     .description = "How it crashes.",
                     .choices = {"no", "fault", "overflow", "thread", "abort", "memory"},
                     .default_value = "no"});
    m.add_parameter({.name = "warn", .description = "Says a warning.", .default_value = ""});
    m.add_parameter({.name = "fail", .description = "Fails with this text.", .default_value = ""});
    m.add_parameter({.name = "number", .description = "A property.", .type = ParameterType::Number, .default_value = 0.5});
    return m;
  }
  bool uses_gpu() const override { return false; }
  void annotate(mmif::Mmif&, const clams::Parameters& p, clams::Run& run) override {
    crash(p.get<std::string>("crash"));
    if (const auto text = p.get<std::string>("warn"); !text.empty()) {
      run.warn(text);
      run.warn(text + ", a second one");
    }
    if (const auto text = p.get<std::string>("fail"); !text.empty()) throw clams::RuntimeError(text);
    run.new_view().new_annotation(mmif::types::Annotation, {{"number", p.get<double>("number")}});
  }

 private:
  static void crash(const std::string& how) {
    int depth = 0;
    if (how == "fault") fault();
    if (how == "overflow") overflow(&depth);
    if (how == "thread") std::thread(fault).join();
    if (how == "abort") std::abort();
    if (how == "memory") throw vram::OutOfMemory("taken by others");
  }
};

clams::NamedApp spoilt(const char* name, Spoil spoil) {
  return {name, [spoil] { return std::make_unique<Spoilt>(spoil); }};
}

}  // namespace

int main(int argc, char** argv) {
  using clams::AppMetadata;
  return clams::run_program(
      argc, argv,
      {{"works", [] { return std::make_unique<Works>(); }},
       {"unmakeable", [] { return std::make_unique<Unmakeable>(); }},
       spoilt("twice",
              [](AppMetadata& m) {
                m.add_parameter({.name = "a", .description = "d"}).add_parameter({.name = "a", .description = "d"});
              }),
       spoilt("universal",
              [](AppMetadata& m) { m.add_parameter({.name = "pretty", .description = "d", .type = ParameterType::Boolean}); }),
       spoilt("running-time", [](AppMetadata& m) { m.add_parameter({.name = "runningTime", .description = "d"}); }),
       spoilt("throws", [](AppMetadata&) { throw std::runtime_error("no\nconfiguration"); }),
       spoilt("throws-a-number", [](AppMetadata&) { throw 42; }),
       spoilt("no-name", [](AppMetadata& m) { m.add_parameter({.name = "", .description = "d"}); }),
       spoilt("blank-name", [](AppMetadata& m) { m.add_parameter({.name = "a b", .description = "d"}); }),
       spoilt("dashed-name", [](AppMetadata& m) { m.add_parameter({.name = "-a", .description = "d"}); }),
       spoilt("line-in-name", [](AppMetadata& m) { m.add_parameter({.name = "a\nb", .description = "d"}); }),
       spoilt("identifier", [](AppMetadata& m) { m.identifier = "my app!"; }),
       spoilt("no-identifier", [](AppMetadata& m) { m.identifier.clear(); }),
       spoilt("url", [](AppMetadata& m) { m.url = "example.org"; }),
       spoilt("default",
              [](AppMetadata& m) { m.add_parameter({.name = "a", .description = "d", .choices = {"x"}, .default_value = "y"}); }),
       spoilt("choices", [](AppMetadata& m) {
         m.add_parameter({.name = "a", .description = "d", .choices = {"x", "x"}});
       })});
}
