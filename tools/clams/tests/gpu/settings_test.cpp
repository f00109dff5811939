#include "gpu/settings.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "gpu/lease_desk.hpp"

namespace clams::tool {
namespace {

using namespace base::literals;

// Variables of this process as each test wants them.
class GpuSettingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"CLAMS_GPU", "CLAMS_HEADROOM", "CLAMS_UNKNOWN", "CLAMS_VRAM_DIR"}) ::unsetenv(name);
  }
  void TearDown() override { SetUp(); }
};

TEST_F(GpuSettingsTest, HeadroomIsAShareOrASize) {
  EXPECT_EQ(parse_headroom("25%").value().of(24_GiB), 6_GiB);
  EXPECT_EQ(parse_headroom("0%").value().of(24_GiB), 0_B);
  EXPECT_EQ(parse_headroom(" 2GiB ").value().of(24_GiB), 2_GiB);
  for (const char* wrong : {"", "%", "101%", "-1%", "10 percent", "nan%", "2Gib"}) EXPECT_FALSE(parse_headroom(wrong)) << wrong;
}

TEST_F(GpuSettingsTest, AFlagWinsOverItsVariable) {
  ::setenv("CLAMS_GPU", "sim:24GiB", 1);
  ::setenv("CLAMS_HEADROOM", "1GiB", 1);
  const auto by_variable = read_gpu_settings({});
  ASSERT_TRUE(by_variable);
  EXPECT_TRUE(by_variable->is_simulated());
  EXPECT_EQ(by_variable->headroom.of(24_GiB), 1_GiB);
  const auto by_flag = read_gpu_settings({.gpu = "none", .headroom = "50%", .unknown = "refuse"});
  ASSERT_TRUE(by_flag);
  EXPECT_EQ(by_flag->choice.kind, vram::DeviceChoice::Kind::None);
  EXPECT_EQ(by_flag->headroom.of(24_GiB), 12_GiB);
  EXPECT_EQ(by_flag->unknown, vram::UnknownPolicy::Refuse);
}

TEST_F(GpuSettingsTest, WhatIsWrongIsNamedAsItWasGiven) {
  ::setenv("CLAMS_UNKNOWN", "maybe", 1);
  const auto wrong_variable = read_gpu_settings({});
  ASSERT_FALSE(wrong_variable);
  EXPECT_NE(wrong_variable.error().message.find("CLAMS_UNKNOWN"), std::string::npos);
  const auto wrong_flag = read_gpu_settings({.gpu = "sim:lots", .headroom = {}, .unknown = {}});
  ASSERT_FALSE(wrong_flag);
  EXPECT_NE(wrong_flag.error().message.find("--gpu"), std::string::npos);
}

TEST_F(GpuSettingsTest, AWishNamesAppAndModelByWhatIsRun) {
  const auto wish = lease_wish_of({.need = "6GiB", .wait = "60", .device = {}, .app = {}, .model = {}}, "train.py");
  ASSERT_TRUE(wish);
  EXPECT_EQ(wish->need, 6_GiB);
  EXPECT_EQ(wish->wait, std::chrono::seconds(60));
  EXPECT_EQ(wish->app, "train.py");
  EXPECT_EQ(wish->model, "train.py");
  EXPECT_EQ(lease_wish_of({.need = "1GiB", .wait = {}, .device = {}, .app = "a", .model = "m"}, "x")->model, "m");
}

TEST_F(GpuSettingsTest, AWishThatMakesNoSenseIsRefused) {
  EXPECT_FALSE(lease_wish_of({.need = "0", .wait = {}, .device = {}, .app = {}, .model = {}}, "x"));
  EXPECT_FALSE(lease_wish_of({.need = "lots", .wait = {}, .device = {}, .app = {}, .model = {}}, "x"));
  EXPECT_FALSE(lease_wish_of({.need = "1GiB", .wait = "soon", .device = {}, .app = {}, .model = {}}, "x"));
}

}  // namespace
}  // namespace clams::tool
