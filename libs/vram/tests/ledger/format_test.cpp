// docs/formats/ledger.md shows the bytes of a small ledger. This makes that ledger and compares; tests/ledger/ledger_reader.py
// decodes the page.
#include <cctype>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "fixture.hpp"

namespace vram::test {
namespace {

// Lines "000a5000  00 01 …" of the page: offset, then sixteen bytes.
std::map<std::uint64_t, std::string> bytes_on_the_page() {
  std::ifstream page(std::string(CLAMS_SOURCE_DIR) + "/docs/formats/ledger.md");
  std::map<std::uint64_t, std::string> lines;
  for (std::string line; std::getline(page, line);) {
    if (line.size() != 57 || line.substr(8, 2) != "  " || std::isxdigit(static_cast<unsigned char>(line[0])) == 0) continue;
    lines[std::stoull(line.substr(0, 8), nullptr, 16)] = line.substr(10);
  }
  return lines;
}

std::string hex_of(const std::string& bytes, std::uint64_t offset) {
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    char pair[4];
    std::snprintf(pair, sizeof pair, i == 0 ? "%02x" : " %02x",
                  static_cast<unsigned>(static_cast<unsigned char>(bytes[offset + i])));
    text += pair;
  }
  return text;
}

TEST(LedgerFormat, IsByteForByteWhatThePageShows) {
  TempDir dir;
  base::FakeClock clock;
  LedgerOptions options = options_for(dir.path());
  options.clock = &clock;
  options.boot_id = "11111111-2222-3333-4444-555555555555";
  const auto ledger = Ledger::open(options).value();
  const LedgerDevice device = ledger->register_device({DeviceUuid("GPU-example"), "Example card", 0, 8_GiB}).value();
  const WorkerSlot worker = ledger->prepare_worker_slot("example-app").value();
  worker.slot->describe_process(1234);
  worker.slot->request_headroom(device, 1_GiB);
  ChargeRequest request = ask(6_GiB);
  request.context = 512_MiB;
  request.expected_duration = std::chrono::seconds(10);
  Joined joined{ledger, device, worker.slot};
  auto lease = try_lease(joined, request);
  lease->keep_resident("large", 4_GiB, std::chrono::milliseconds(1500));
  worker.slot->raise_materialised(device, 5_GiB);

  std::ifstream file(ledger->path(), std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  const std::string bytes = content.str();
  const auto page = bytes_on_the_page();
  EXPECT_EQ(page.size(), 21U);
  for (const auto& [offset, hex] : page) {
    char where[16];
    std::snprintf(where, sizeof where, "%08lx", static_cast<unsigned long>(offset));
    EXPECT_EQ(hex_of(bytes, offset), hex) << "at " << where;
  }
}

}  // namespace
}  // namespace vram::test
