#include "bench_apps.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/duration.hpp"
#include "base/fd.hpp"
#include "card_socket.hpp"
#include "vram/out_of_memory.hpp"

namespace {

namespace types = mmif::types;
using clams::ParameterType;

clams::AppMetadata described(std::string name, std::string description) {
  clams::AppMetadata m;
  m.name = "Bench " + name;
  m.description = std::move(description);
  m.app_license = "Apache-2.0";
  m.identifier = "bench-" + name;
  m.url = "https://github.com/clamsproject/clams-cpp";
  m.add_output(types::TimeFrame).add_output(types::TextDocument);
  return m;
}

void add_result(clams::Run& run) {
  mmif::View& view = run.new_view();
  view.new_annotation(types::TimeFrame, {{"start", 0}, {"end", 1000}, {"label", "speech"}});
  view.new_text_document("hello world");
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}
std::uint64_t number(const char* name) {
  const std::string text = variable(name);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class EchoApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override { return described("echo", "Adds one view to any document, as fast as it can."); }
  void annotate(mmif::Mmif&, const clams::Parameters&, clams::Run& run) override { add_result(run); }
  bool uses_gpu() const override { return false; }
};

// Memory that stands for a model: every page touched.
class HeavyModel {
 public:
  HeavyModel() : bytes_(number("BENCH_MODEL_MB") << 20) {
    tell_load();
    std::this_thread::sleep_for(std::chrono::milliseconds(number("BENCH_LOAD_MS")));
    if (bytes_ == 0) return;
    data_ = static_cast<volatile char*>(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    for (std::size_t at = 0; at < bytes_; at += 4096) data_[at] = 1;
  }
  HeavyModel(const HeavyModel&) = delete;
  HeavyModel& operator=(const HeavyModel&) = delete;
  ~HeavyModel() {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), bytes_);
  }

 private:
  static void tell_load() {
    const std::string path = variable("BENCH_EVENTS");
    if (path.empty()) return;
    const auto fd = base::open_file(path, O_WRONLY | O_APPEND | O_CREAT);
    if (!fd) throw clams::RuntimeError(fd.error().message);
    (void)base::write_all(
        fd->get(), "load " + std::to_string(::getpid()) + " " + std::to_string(base::system_clock().monotonic().count()) + " 0\n",
        path);
  }
  std::size_t bytes_;
  volatile char* data_ = nullptr;
};

class ModelApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override { return described("model", "Has a model loaded before it annotates."); }
  bool uses_gpu() const override { return false; }  // its model lies in main memory
  void annotate(mmif::Mmif&, const clams::Parameters&, clams::Run& run) override {
    const auto model = run.model<HeavyModel>("bench", [] { return std::make_unique<HeavyModel>(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(number("BENCH_ANNOTATE_MS")));
    add_result(run);
  }
};

class StormApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    auto m = described("storm", "Declares and takes GPU memory of a card that somebody else keeps.");
    m.add_parameter({.name = "vramMB",
                     .description = "GPU memory that the request needs, in MiB.",
                     .type = ParameterType::Integer,
                     .default_value = 1024});
    m.add_parameter({.name = "holdMs",
                     .description = "How long it holds it, in milliseconds.",
                     .type = ParameterType::Integer,
                     .default_value = 0});
    return m;
  }
  std::optional<clams::ModelRequirement> model_requirement(const clams::Parameters& p) const override {
    return clams::ModelRequirement{.bytes = base::Bytes(megabytes(p) << 20), .name = "storm"};
  }
  void annotate(mmif::Mmif&, const clams::Parameters& p, clams::Run& run) override {
    const auto time = std::chrono::milliseconds(p.get<std::int64_t>("holdMs"));
    if (const std::string card = variable("BENCH_CARD"); !card.empty()) {
      CardSocket socket(card);
      if (!socket.alloc(megabytes(p))) throw vram::OutOfMemory("the card has no " + std::to_string(megabytes(p)) + " MiB left");
      std::this_thread::sleep_for(time);
      socket.free();
    } else {
      std::this_thread::sleep_for(time);
    }
    add_result(run);
  }

 private:
  static std::uint64_t megabytes(const clams::Parameters& p) {
    const auto value = p.get<std::int64_t>("vramMB");
    if (value < 0) throw clams::ValueError("vramMB must not be negative");
    return static_cast<std::uint64_t>(value);
  }
};

}  // namespace

std::unique_ptr<clams::App> make_echo_app() { return std::make_unique<EchoApp>(); }
std::unique_ptr<clams::App> make_model_app() { return std::make_unique<ModelApp>(); }
std::unique_ptr<clams::App> make_storm_app() { return std::make_unique<StormApp>(); }
