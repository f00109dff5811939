#include "gpu/table.hpp"

#include <gtest/gtest.h>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "mmif/json.hpp"
#include "pictures.hpp"

namespace clams::tool {
namespace {

using testing::busy_picture;
using namespace base::literals;

std::string expected(const std::string& name) {
  const auto text = base::read_file(std::string(CLAMS_TOOL_GPU_DATA) + "/" + name);
  return text ? *text : text.error().message;
}

void expect_within(const std::string& text, std::size_t columns) {
  for (const auto line : base::split(text, '\n')) EXPECT_LE(width_of(line), columns) << line;
}

TEST(GpuTable, LooksAsItIsDocumentedIn80Columns) {
  EXPECT_EQ(gpu_table(busy_picture(), {80, false, true}), expected("table-80.txt"));
}

TEST(GpuTable, WiderTerminalsGetUuidsAndWholeNames) {
  EXPECT_EQ(gpu_table(busy_picture(), {140, false, true}), expected("table-140.txt"));
}

TEST(GpuTable, AModelThatIsPromisedAndNotThereYetIsLoading) {
  GpuPicture picture = busy_picture();
  picture.devices[0].resident[0].coming = true;
  EXPECT_NE(gpu_table(picture, {80, false, true}).find("large-v3 5.00 loading"), std::string::npos);
}

TEST(GpuTable, StaysWithinTheTerminal) {
  for (const std::size_t columns : {80U, 100U, 140U}) expect_within(gpu_table(busy_picture(), {columns, true, true}), columns);
}

TEST(GpuTable, AnIdleCardSaysSo) {
  GpuPicture picture;
  picture.driver = "sim";
  picture.devices = {testing::device(0, 24_GiB, 24_GiB)};
  EXPECT_NE(gpu_table(picture, {}).find("No process uses a GPU."), std::string::npos);
  EXPECT_NE(gpu_table(picture, {}).find("simulated, no ledger yet"), std::string::npos);
}

TEST(GpuTable, HostileNamesAreShownHarmless) {
  GpuPicture picture = busy_picture();
  picture.processes[0].app = "\x1b]0;title\x07";
  picture.processes[0].models = {"\x1b[2J"};
  picture.devices[0].info.name = "\x1b[31m";
  EXPECT_EQ(gpu_table(picture, {}).find('\x1b'), std::string::npos);
}

TEST(GpuTable, AppsAreCalledByTheLastPartOfTheirIdentifier) {
  EXPECT_EQ(short_app_name("http://apps.clams.ai/whisper-wrapper/v10"), "whisper-wrapper/v10");
  EXPECT_EQ(short_app_name("vram-demo"), "vram-demo");
  EXPECT_EQ(short_app_name("http://apps.clams.ai/"), "http://apps.clams.ai/");
}

TEST(GpuParts, AddUpToTheTotal) {
  const GpuDevice device = busy_picture().devices[0];
  const GpuParts parts = parts_of(device);
  EXPECT_EQ(parts.foreign, 2_GiB) << "what the dead still hold is not a stranger's";
  EXPECT_EQ(parts.held, 5_GiB);
  EXPECT_EQ(parts.promised, 4_GiB);
  EXPECT_EQ(parts.draining, 1_GiB);
  EXPECT_EQ(parts.foreign + parts.held + parts.promised + parts.draining + parts.headroom + parts.free, device.info.total);
}

TEST(GpuParts, ACardThatIsTooFullHasNeitherFreeBytesNorHeadroom) {
  GpuDevice device = testing::device(0, 24_GiB, 1_GiB);
  device.unattributed = 23_GiB;
  device.reserved = 6_GiB;
  const GpuParts parts = parts_of(device);
  EXPECT_EQ(parts.foreign, 23_GiB);
  EXPECT_EQ(parts.promised, 1_GiB);
  EXPECT_EQ(parts.headroom, 0_B);
  EXPECT_EQ(parts.free, 0_B);
}

std::vector<std::string> keys_of(const mmif::Object& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object) keys.push_back(key);
  return keys;
}

TEST(GpuJson, HasTheKeysThatScriptsReadAndNoOthers) {
  const auto json = mmif::parse_json(picture_json(busy_picture(), true));
  ASSERT_TRUE(json);
  EXPECT_EQ(keys_of(*json->object()), (std::vector<std::string>{"devices", "processes"}));
  const auto& device = *json->object()->find("devices")->array()->front().object();
  EXPECT_EQ(keys_of(device),
            (std::vector<std::string>{"id", "name", "uuid", "total_memory_gb", "available_memory_gb", "total_bytes", "free_bytes",
                                      "reserved_bytes", "available_bytes", "headroom_bytes", "unattributed_bytes", "resident",
                                      "sample_age_ms", "state"}));
  EXPECT_EQ(device.find("available_memory_gb")->as_double(), 8.6);
  EXPECT_EQ(device.find("sample_age_ms")->as_int64(), 12);
  const auto& process = *json->object()->find("processes")->array()->front().object();
  EXPECT_EQ(keys_of(process),
            (std::vector<std::string>{"pid", "app", "device", "reserved_bytes", "materialised_bytes", "models", "requests"}));
  EXPECT_EQ(process.find("app")->as_string(), "http://apps.clams.ai/whisper-wrapper/v10");
}

TEST(GpuJson, ListsTheLivingOfTheLedgerOnly) {
  const auto json = mmif::parse_json(picture_json(busy_picture(), false));
  ASSERT_TRUE(json);
  std::vector<std::int64_t> pids;
  for (const auto& process : *json->object()->find("processes")->array())
    pids.push_back(process.object()->find("pid")->as_int64().value_or(0));
  EXPECT_EQ(pids, (std::vector<std::int64_t>{4711, 4712}));
}

}  // namespace
}  // namespace clams::tool
