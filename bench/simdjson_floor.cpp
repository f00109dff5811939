// What reading a document costs at the least: simdjson's DOM parse and one memcpy of the same bytes, in CPU time.
//
//   simdjson_floor FILE...
//
// Prints one JSON line a file: {"file", "bytes", "warm_ns", "cold_ns"}. Warm: parser and buffers are used again; cold: made anew
// for each document, as for a request of its own. Medians.
#include <simdjson.h>
#include <sys/types.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr int kMinRounds = 5;
constexpr std::int64_t kEnoughNs = 1'000'000'000;

std::int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// One document read and copied. The sum keeps the optimiser from dropping either.
bool parse_and_copy(simdjson::dom::parser& parser, const simdjson::padded_string& text, char* copy, std::uint64_t& sum) {
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size(), false).get(root) != simdjson::SUCCESS) return false;
  std::memcpy(copy, text.data(), text.size());
  sum += static_cast<unsigned char>(copy[text.size() / 2]) + static_cast<std::uint64_t>(root.is_object());
  return true;
}

template <typename Operation>
std::int64_t median_ns(Operation operation) {
  std::vector<std::int64_t> taken;
  std::int64_t total = 0;
  while (static_cast<int>(taken.size()) < kMinRounds || total < kEnoughNs) {
    const std::int64_t begin = cpu_ns();
    if (!operation()) return -1;
    taken.push_back(cpu_ns() - begin);
    total += taken.back();
  }
  std::nth_element(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(taken.size() / 2), taken.end());
  return taken[taken.size() / 2];
}

bool measure(const char* file) {
  simdjson::padded_string text;
  if (simdjson::padded_string::load(file).get(text) != simdjson::SUCCESS) {
    std::fprintf(stderr, "simdjson_floor: cannot read %s\n", file);
    return false;
  }
  std::uint64_t sum = 0;
  simdjson::dom::parser kept;
  const auto buffer = std::make_unique<char[]>(text.size());
  const std::int64_t warm = median_ns([&] { return parse_and_copy(kept, text, buffer.get(), sum); });
  const std::int64_t cold = median_ns([&] {
    simdjson::dom::parser parser;
    const std::unique_ptr<char[]> copy(new char[text.size()]);
    return parse_and_copy(parser, text, copy.get(), sum);
  });
  if (warm < 0 || cold < 0 || sum == 0) {
    std::fprintf(stderr, "simdjson_floor: %s is not JSON that simdjson takes\n", file);
    return false;
  }
  std::printf("{\"file\": \"%s\", \"bytes\": %zu, \"warm_ns\": %lld, \"cold_ns\": %lld}\n", file, text.size(),
              static_cast<long long>(warm), static_cast<long long>(cold));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: simdjson_floor FILE...\n");
    return 2;
  }
  for (int i = 1; i < argc; ++i) {
    if (!measure(argv[i])) return 1;
  }
  return 0;
}
