// The worker process of an app of this program: the same executable, started by its front.
#pragma once
#include <string>
#include <vector>

#include "clams/main.hpp"
#include "config.hpp"
#include "worker/child_process.hpp"

namespace clams::server {

// First argument of a worker's command line.
inline constexpr const char* kWorkerArgument = "--clams-worker";

// How the front starts a worker: this executable with its own arguments.
worker::ChildCommand worker_command(int argc, char** argv);
// Serves the front until it is told to end or the front is gone. Returns the exit status.
int run_worker(const std::string& program, const Config& config, std::unique_ptr<App> app);

}  // namespace clams::server
