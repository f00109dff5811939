// What --gpu and CLAMS_GPU say: which devices a program is to use.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vram {

struct DeviceChoice {
  enum class Kind { Auto, None, Simulated };
  static constexpr std::size_t kMaxSimulated = 16;

  Kind kind = Kind::Auto;
  std::vector<base::Bytes> simulated;  // sizes in index order; not empty exactly for Simulated

  // "auto", "none", or a list of simulated devices: "sim:24GiB", "sim:24GiB,sim:16GiB", "sim:24GiB,16GiB". Error InvalidArgument,
  // with an example.
  static base::Result<DeviceChoice> parse(std::string_view text);
  friend bool operator==(const DeviceChoice&, const DeviceChoice&) = default;
};

// As parse() reads it: "sim:24GiB,sim:16GiB"; sizes that are no whole unit are given in bytes.
std::string to_string(const DeviceChoice& choice);
std::string simulated_list_text(const std::vector<base::Bytes>& sizes);

}  // namespace vram
