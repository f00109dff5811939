// What libav itself writes to standard error. Its level is one per process, so the program decides, never this library.
#pragma once

namespace media {

enum class LibavLog { Quiet, Errors, Warnings };

// Call once at the start of a program. Until then libav writes what it likes (its own default: informational lines).
void set_libav_log(LibavLog level) noexcept;

// Version line for an app's metadata: "libavcodec 59.37.100, libavformat 59.27.100", with the licence the library was built under
// in `libav_license()`
// ("GPL version 3 or later").
const char* libav_version() noexcept;
const char* libav_license() noexcept;

}  // namespace media
