// How many bytes of data a file states, where libav looks at what is there and forgets it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace media {

struct StatedSize {
  std::uint64_t stated = 0;  // bytes of data that the head states
  std::uint64_t there = 0;   // bytes of data that are in the file; at most `stated`
  bool cut() const noexcept { return there < stated; }
};

// Of WAV (also RF64) and Wave64: their data chunk; of AVI: the whole file. None for other files, and where a length was never
// filled in, as a writer into a pipe leaves it.
std::optional<StatedSize> read_stated_size(const std::string& path);

// Whether the last page of an Ogg file says that it is the last one of its stream; also true where no page can be found.
bool ogg_has_end_mark(const std::string& path);

// Whether an MPEG transport stream ends with a whole packet, of any of the lengths that are in use.
bool is_whole_transport_stream(const std::string& path);

}  // namespace media
