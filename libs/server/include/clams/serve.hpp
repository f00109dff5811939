// clams serve: an app written for the Python SDK behind this server, unchanged.
#pragma once
#include <string>

namespace clams {

// `argv[0]` is the name for messages ("clams serve"), the rest as in docs/guides/hosting-python.md. `python_package`: folder that
// holds clams_worker. Returns the exit status.
int serve_python_app(int argc, const char* const* argv, const std::string& python_package);

}  // namespace clams
