#include "vram/visible_devices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vram {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Chosen = std::vector<std::size_t>;

std::vector<VisibleCandidate> four_gpus() {
  return {{"GPU-aaaa1111-0000-0000-0000-000000000000", "", 0, 0, "A100"},
          {"GPU-aaaa2222-0000-0000-0000-000000000000", "", 1, 0, "A100"},
          {"GPU-bbbb1111-0000-0000-0000-000000000000", "", 2, 0, "A100"},
          {"GPU-cccc1111-0000-0000-0000-000000000000", "", 3, 0, "A100"}};
}

// GPU 0 whole, GPU 1 in two slices, GPU 2 whole.
std::vector<VisibleCandidate> with_slices() {
  return {{"GPU-aaaa", "", 0, 0, "A100"},
          {"MIG-1111", "GPU-bbbb", 1, 0, "A100 MIG"},
          {"MIG-2222", "GPU-bbbb", 1, 1, "A100 MIG"},
          {"GPU-cccc", "", 2, 0, "A100"}};
}

VisibleSelection cuda(const std::string& value, const std::vector<VisibleCandidate>& candidates = four_gpus()) {
  DeviceEnvironment environment;
  environment.cuda_visible_devices = value;
  environment.cuda_device_order = "PCI_BUS_ID";
  return select_visible(candidates, environment);
}

VisibleSelection container(const std::string& value, const std::vector<VisibleCandidate>& candidates = four_gpus()) {
  DeviceEnvironment environment;
  environment.nvidia_visible_devices = value;
  return select_visible(candidates, environment);
}

TEST(VisibleDevices, AreAllWithoutVariables) { EXPECT_THAT(select_visible(four_gpus(), {}).chosen, ElementsAre(0, 1, 2, 3)); }

TEST(CudaVisibleDevices, EmptyMeansNone) { EXPECT_THAT(cuda("").chosen, IsEmpty()); }

TEST(CudaVisibleDevices, NumbersSelectInPciOrder) {
  EXPECT_THAT(cuda("2").chosen, ElementsAre(2));
  EXPECT_THAT(cuda("3,1").chosen, ElementsAre(1, 3));
  EXPECT_THAT(cuda(" 0 , 2 ").chosen, ElementsAre(0, 2));
  EXPECT_THAT(cuda("1x,+2").chosen, ElementsAre(1, 2)) << "the driver reads numbers as strtoul does";
}

TEST(CudaVisibleDevices, AnInvalidEntryCutsTheList) {
  EXPECT_THAT(cuda("0,2,-1,1").chosen, ElementsAre(0, 2));
  EXPECT_THAT(cuda("0,7,1").chosen, ElementsAre(0));
  EXPECT_THAT(cuda("-1").chosen, IsEmpty());
  EXPECT_THAT(cuda("NoDevFiles").chosen, IsEmpty());
  EXPECT_THAT(cuda("0,,1").chosen, ElementsAre(0));
  EXPECT_THAT(cuda("0,7,1").notes, SizeIs(1));
}

TEST(CudaVisibleDevices, AnEntryGivenTwiceMakesTheListEmpty) {
  EXPECT_THAT(cuda("0,1,0").chosen, IsEmpty());
  EXPECT_THAT(cuda("GPU-cccc,GPU-cccc1111").chosen, IsEmpty());
}

TEST(CudaVisibleDevices, UuidsMayBeUniquePrefixes) {
  EXPECT_THAT(cuda("GPU-bbbb1111-0000-0000-0000-000000000000").chosen, ElementsAre(2));
  EXPECT_THAT(cuda("GPU-cc,GPU-aaaa2").chosen, ElementsAre(1, 3));
  EXPECT_THAT(cuda("GPU-aaaa").chosen, IsEmpty()) << "two GPUs begin so";
  EXPECT_THAT(cuda("GPU-bb,GPU-aaaa,GPU-cc").chosen, ElementsAre(2)) << "the ambiguous one cuts the list";
  EXPECT_THAT(cuda("GPU-ffff").chosen, IsEmpty());
}

TEST(CudaVisibleDevices, NumbersAndUuidsDoNotMix) {
  EXPECT_THAT(cuda("GPU-bb,0").chosen, ElementsAre(2));
  EXPECT_THAT(cuda("0,GPU-bb").chosen, ElementsAre(0));
}

TEST(CudaVisibleDevices, SlicesAreNamedByUuid) {
  EXPECT_THAT(cuda("MIG-2222", with_slices()).chosen, ElementsAre(2));
  EXPECT_THAT(cuda("MIG-2222,MIG-1111", with_slices()).chosen, ElementsAre(1, 2));
}

TEST(CudaVisibleDevices, AGpuInMigModeStandsForItsSlices) {
  EXPECT_THAT(cuda("1", with_slices()).chosen, ElementsAre(1, 2));
  EXPECT_THAT(cuda("2", with_slices()).chosen, ElementsAre(3));
  EXPECT_THAT(cuda("GPU-bb", with_slices()).chosen, ElementsAre(1, 2));
}

TEST(CudaVisibleDevices, NumbersOfUnlikeGpusAreWarnedAboutUnlessTheOrderIsPci) {
  std::vector<VisibleCandidate> unlike = four_gpus();
  unlike[1].name = "T4";
  DeviceEnvironment environment;
  environment.cuda_visible_devices = "0";
  EXPECT_THAT(select_visible(unlike, environment).notes, SizeIs(1));
  environment.cuda_device_order = "PCI_BUS_ID";
  EXPECT_THAT(select_visible(unlike, environment).notes, IsEmpty());
}

TEST(NvidiaVisibleDevices, WordsMeanWhatTheContainerToolsMean) {
  EXPECT_THAT(container("all").chosen, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(container("none").chosen, IsEmpty());
  EXPECT_THAT(container("").chosen, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(container("void").chosen, ElementsAre(0, 1, 2, 3)) << "CDI sets it in containers that have devices";
}

TEST(NvidiaVisibleDevices, NumbersUuidsAndSlices) {
  EXPECT_THAT(container("1,GPU-cccc").chosen, ElementsAre(1, 3));
  EXPECT_THAT(container("1:1", with_slices()).chosen, ElementsAre(2));
  EXPECT_THAT(container("MIG-1111", with_slices()).chosen, ElementsAre(1));
  EXPECT_THAT(container("1", with_slices()).chosen, ElementsAre(1, 2));
}

TEST(NvidiaVisibleDevices, EntriesThatNameNothingAreLeftOut) {
  const VisibleSelection selection = container("0,9");
  EXPECT_THAT(selection.chosen, ElementsAre(0));
  EXPECT_THAT(selection.notes, SizeIs(1));
}

TEST(NvidiaVisibleDevices, AListOfHostNumbersThatHasBeenAppliedIsNotAppliedAgain) {
  const std::vector<VisibleCandidate> one_left{{"GPU-dddd", "", 0, 0, "A100"}};
  EXPECT_THAT(container("5", one_left).chosen, ElementsAre(0));
  EXPECT_THAT(container("5,6", one_left).chosen, IsEmpty());
}

TEST(VisibleDevices, MustPassBothVariables) {
  DeviceEnvironment environment;
  environment.nvidia_visible_devices = "1,2";
  environment.cuda_visible_devices = "0";
  EXPECT_THAT(select_visible(four_gpus(), environment).chosen, ElementsAre(1));
}

TEST(VisibleDevices, MigEntriesOfBothVariablesAreFound) {
  DeviceEnvironment environment;
  environment.nvidia_visible_devices = "MIG-a,GPU-b";
  environment.cuda_visible_devices = "MIG-a,MIG-c";
  EXPECT_THAT(mig_entries(environment), ElementsAre("MIG-a", "MIG-c"));
}

}  // namespace
}  // namespace vram
