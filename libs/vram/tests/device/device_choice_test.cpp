#include "vram/device_choice.hpp"

#include <gtest/gtest.h>

#include "vram/open_probe.hpp"

namespace vram {
namespace {

using base::literals::operator""_GiB;
using base::literals::operator""_MiB;

TEST(DeviceChoice, ReadsAutoNoneAndSimulatedLists) {
  EXPECT_EQ(DeviceChoice::parse("auto")->kind, DeviceChoice::Kind::Auto);
  EXPECT_EQ(DeviceChoice::parse(" none ")->kind, DeviceChoice::Kind::None);
  const DeviceChoice two{DeviceChoice::Kind::Simulated, {24_GiB, 16_GiB}};
  EXPECT_EQ(*DeviceChoice::parse("sim:24GiB,sim:16GiB"), two);
  EXPECT_EQ(*DeviceChoice::parse("sim:24GiB, 16GiB"), two);
  EXPECT_EQ(to_string(two), "sim:24GiB,sim:16GiB");
  EXPECT_EQ(*DeviceChoice::parse(to_string(two)), two);
}

TEST(DeviceChoice, WritesEverySizeExactly) {
  for (const base::Bytes size : {1_MiB, 1_GiB, 1536_MiB, base::Bytes(123456789)}) {
    const DeviceChoice choice{DeviceChoice::Kind::Simulated, {size}};
    EXPECT_EQ(*DeviceChoice::parse(to_string(choice)), choice) << to_string(choice);
  }
}

TEST(DeviceChoice, RefusesWhatItCannotUseWithAnExample) {
  for (const char* text : {"", "cuda", "sim:", "sim:big", "sim:24GiB,", "sim:0", "24GiB", "sim:24GiB;sim:1GiB", "sim:-1GiB", "0",
                           "sim:8", "sim:24GiB,16"}) {
    const auto choice = DeviceChoice::parse(text);
    ASSERT_FALSE(choice) << text;
    EXPECT_EQ(choice.error().code, base::ErrorCode::InvalidArgument);
    EXPECT_NE(choice.error().message.find("sim:24GiB,sim:16GiB"), std::string::npos) << choice.error().message;
  }
  EXPECT_FALSE(DeviceChoice::parse("sim:1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB,1GiB"));
}

TEST(DeviceChoice, AsksBackWhatIsLikelyASlip) {
  EXPECT_NE(DeviceChoice::parse("sim:8").error().message.find("8 bytes? write 8GiB"), std::string::npos);
  EXPECT_NE(DeviceChoice::parse("0").error().message.find("CUDA_VISIBLE_DEVICES"), std::string::npos);
}

TEST(ChooseDevices, PrefersTheSettingToTheEnvironment) {
  DeviceEnvironment environment;
  EXPECT_EQ(choose_devices(std::nullopt, environment)->kind, DeviceChoice::Kind::Auto);
  environment.gpu = "none";
  EXPECT_EQ(choose_devices(std::nullopt, environment)->kind, DeviceChoice::Kind::None);
  EXPECT_EQ(choose_devices("sim:1GiB", environment)->kind, DeviceChoice::Kind::Simulated);
  environment.gpu = "nonsense";
  EXPECT_NE(choose_devices(std::nullopt, environment).error().message.find("CLAMS_GPU"), std::string::npos);
}

}  // namespace
}  // namespace vram
