#include "gpu/live_view.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "pictures.hpp"

namespace clams::tool {
namespace {

using namespace base::literals;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(Bar, FillsItsWidthAndShowsEveryPartThatIsThere) {
  const GpuParts parts{.foreign = 1_MiB, .held = 5_GiB, .promised = 1_B, .draining = {}, .headroom = 2_GiB, .free = 17_GiB};
  for (std::size_t width = 6; width < 200; ++width) {
    const auto cells = bar_cells(parts, width);
    EXPECT_EQ(std::accumulate(cells.begin(), cells.end(), std::size_t{0}), width);
    EXPECT_GE(cells[0], 1U) << "a little foreign use is seen";
    EXPECT_GE(cells[2], 1U);
    EXPECT_EQ(cells[3], 0U) << "nothing drains";
  }
}

TEST(Bar, OfADeviceOfNoSizeIsEmpty) { EXPECT_EQ(bar_cells({}, 10), std::vector<std::size_t>(6, 0)); }

TEST(Bar, GlyphsTellThePartsApartWithoutColours) {
  GpuDevice device = testing::device(0, 20_GiB, 14_GiB);
  device.headroom = 2_GiB;
  device.reserved = 6_GiB;
  device.unattributed = 2_GiB;
  EXPECT_EQ(bar_text(device, 20, {80, false, true}), "██▓▓▓▓▒▒··········╱╱");
  EXPECT_EQ(bar_text(device, 20, {80, false, false}), "FF####++..........//");
  device.state = vram::SampleState::Unknown;
  EXPECT_EQ(bar_text(device, 5, {80, false, true}), "?????");
}

TEST(Sparkline, GoesFromEmptyToFullAndLeavesOutWhatIsNotKnown) {
  EXPECT_EQ(sparkline({-1.0, 0.0, 0.5, 1.0}, {80, false, true}), " ▁▅█");
  EXPECT_EQ(sparkline({-1.0, 0.0, 0.5, 1.0}, {80, false, false}), " _+#");
}

TEST(UseHistory, KeepsTheLargestOfEachPieceOfTheLastMinutes) {
  UseHistory history;
  GpuPicture picture;
  picture.devices = {testing::device(0, 10_GiB, 10_GiB)};
  const auto add = [&](base::Bytes free, seconds at) {
    picture.devices[0].free = free;
    history.add(picture, at);
  };
  add(1_GiB, seconds(1));
  add(5_GiB, seconds(1000));
  add(2_GiB, seconds(1001));
  add(10_GiB, seconds(1290));
  const auto shares = history.shares(picture.devices[0].info.uuid, 5, seconds(1299));
  EXPECT_EQ(shares, (std::vector<double>{0.8, 0.8, 0.8, 0.8, 0.0}))
      << "gaps show what was before; what is older than five minutes is forgotten";
  EXPECT_EQ(history.shares(vram::DeviceUuid("GPU-other"), 2, seconds(1299)), (std::vector<double>{-1.0, -1.0}));
}

std::vector<std::string> lines_of(const GpuPicture& picture, std::size_t columns, std::size_t rows, bool colours = true) {
  return live_lines(picture, {}, {rows, milliseconds(1000), seconds(1), "12:00:00"}, {columns, colours, true});
}

TEST(LiveView, FitsEveryTerminal) {
  GpuPicture picture = testing::busy_picture();
  for (int i = 2; i < 9; ++i) picture.devices.push_back(testing::device(i, 80_GiB, 10_GiB));
  for (int i = 0; i < 30; ++i) picture.processes.push_back(picture.processes[0]);
  for (const std::size_t columns : {1U, 20U, 60U, 80U, 100U, 200U}) {
    for (const std::size_t rows : {1U, 2U, 5U, 10U, 24U, 50U, 100U}) {
      const auto lines = lines_of(picture, columns, rows);
      EXPECT_EQ(lines.size(), rows);
      for (const std::string& line : lines) EXPECT_LE(width_of(line), columns) << columns << "x" << rows << ": " << line;
    }
  }
}

TEST(LiveView, ShowsDevicesLegendAndProcesses) {
  const std::string text = testing::joined(lines_of(testing::busy_picture(), 100, 24, false));
  for (const char* part : {"GPU 0  NVIDIA H200", "foreign 2.00", "held 5.00", "promised 4.00", "draining 1.00", "headroom 2.40",
                           "2 requests", "cooling", "whisper-wrapper/v10", "large-v3 5.00 idle", "Xorg", "12:00:00", "q quit",
                           "the driver has not answered in time"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(LiveView, TheLegendIsWholeIn80Columns) {
  const std::string text = testing::joined(lines_of(testing::busy_picture(), 80, 24, false));
  EXPECT_NE(text.find("draining 1.0 ·free 9.6 ╱headroom 2.4\n"), std::string::npos) << text;
}

TEST(LiveView, SaysHowManyProcessesAreNotShown) {
  GpuPicture picture = testing::busy_picture();
  for (int i = 0; i < 50; ++i) picture.processes.push_back(picture.processes[0]);
  const std::string text = testing::joined(lines_of(picture, 80, 24, false));
  EXPECT_NE(text.find(" more\n"), std::string::npos) << text;
}

TEST(LiveView, WithoutAGpuSaysSo) {
  EXPECT_NE(testing::joined(lines_of({}, 80, 24, false)).find("No GPU was found"), std::string::npos);
}

}  // namespace
}  // namespace clams::tool
