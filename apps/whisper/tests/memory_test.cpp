// What is computed before a model is loaded, against what the engine says it took.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "engine/memory.hpp"
#include "engine/model.hpp"

namespace asr {
namespace {

// Adds up the sizes in the engine's log ("… = 12.34 MB", millions of bytes).
class Taken {
 public:
  EngineListener listener() {
    return [this](EngineLevel, std::string_view line) { hear(line); };
  }
  double weights = 0, state = 0;

 private:
  void hear(std::string_view line) {
    const auto number = line.rfind("= ");
    if (number == std::string_view::npos || !line.ends_with("MB")) return;
    const double bytes = std::strtod(std::string(line.substr(number + 2)).c_str(), nullptr) * 1e6;
    if (line.find("total size") != std::string_view::npos) weights += bytes;
    if (line.find("kv ") != std::string_view::npos || line.find("compute buffer") != std::string_view::npos) state += bytes;
  }
};

struct Figures {
  double computed_weights, computed_state;
  Taken taken;
};

Figures figures_of(const std::string& path) {
  Figures figures{};
  const auto shape = read_model_shape(path).value();
  figures.computed_weights = static_cast<double>(memory_need(shape, 1).weights.count());
  figures.computed_state = static_cast<double>(state_buffers(shape, 1).count());
  LoadOptions options;
  options.use_gpu = false;
  options.log = figures.taken.listener();
  const auto model = Model::load(path, options).value();
  const auto state = State::create(model, figures.taken.listener()).value();
  std::printf("%s: weights %.1f of %.1f MB, state %.1f of %.1f MB\n", path.substr(path.rfind('/') + 1).c_str(),
              figures.taken.weights / 1e6, figures.computed_weights / 1e6, figures.taken.state / 1e6, figures.computed_state / 1e6);
  return figures;
}

// Never less than what is taken, and little more.
void expect_fits(const Figures& f, double slack) {
  EXPECT_GT(f.taken.weights, 0);
  EXPECT_GT(f.taken.state, 0);
  EXPECT_GE(f.computed_weights, f.taken.weights - 1e5);
  EXPECT_LE(f.computed_weights, f.taken.weights * 1.02);
  EXPECT_GE(f.computed_state, f.taken.state - 1e5);
  EXPECT_LE(f.computed_state, f.taken.state * slack);
}

TEST(Memory, of_the_toy_models_is_what_the_engine_takes) {
  expect_fits(figures_of(ASR_TOY_MODELS "/ggml-toy.en.bin"), 1.10);
  expect_fits(figures_of(ASR_TOY_MODELS "/ggml-toy.bin"), 1.10);
}

#ifdef ASR_EMPTY_MODELS
// Header and vocabulary without weights: the engine takes the memory of the real model.
class RealSizes : public ::testing::TestWithParam<const char*> {};
TEST_P(RealSizes, is_what_the_engine_takes) {
  expect_fits(figures_of(std::string(ASR_EMPTY_MODELS "/for-tests-ggml-") + GetParam() + ".bin"), 1.05);
}
INSTANTIATE_TEST_SUITE_P(Memory, RealSizes, ::testing::Values("tiny", "tiny.en", "base", "small", "medium"));

TEST(Memory, of_a_large_model_is_known_from_its_header_alone) {
  const auto shape = read_model_shape(ASR_EMPTY_MODELS "/for-tests-ggml-large.bin").value();
  const auto need = memory_need(shape, 1);
  EXPECT_NEAR(static_cast<double>(need.weights.count()), 3094e6, 31e6);
  EXPECT_NEAR(static_cast<double>(state_buffers(shape, 1).count()), 542e6, 20e6);
}
#endif

TEST(Memory, several_decoders_take_a_larger_cache_of_past_tokens) {
  ModelShape large;
  large.vocabulary = 51866;
  large.audio_context = 1500;
  large.audio_state = large.text_state = 1280;
  large.audio_layers = large.text_layers = 32;
  large.text_context = 448;
  large.mel_bands = 128;
  large.weight_type = 1;
  // 512 positions x 1280 values x 32 layers, keys and values as halves: 83.9 MB; five decoders take room for seven.
  const auto one = memory_need(large, 1).state, five = memory_need(large, 5).state;
  EXPECT_EQ((five - one).count(), 6U * 2 * 2 * 512 * 1280 * 32);
  EXPECT_EQ(memory_need(large, 0).state, one);
}

TEST(Memory, of_a_run_counts_decoders_only_where_they_can_be_used) {
  EXPECT_EQ(decoders_of({}), 1);
  EXPECT_EQ(decoders_of({.beam = 5}), 5);
  EXPECT_EQ(decoders_of({.best_of = 5}), 5);
  EXPECT_EQ(decoders_of({.best_of = 5, .temperature_step = 0}), 1);
}

}  // namespace
}  // namespace asr
