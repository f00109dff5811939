// Variables named CLAMS_…: settings, those of other programs of the family, and what an orchestrator puts there.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clams::server {

using EnvironmentVariables = std::vector<std::pair<std::string, std::string>>;

// Those of this process, as they are now.
EnvironmentVariables environment_variables();

// "tcp://10.96.0.7:5000", "udp://[fd00::1]:80": what Kubernetes and container links put into NAME_PORT for a Service called NAME.
bool is_service_address(std::string_view value);

// 1. A Service named `clams` in a Kubernetes namespace puts CLAMS_PORT=tcp://10.96.0.7:5000, CLAMS_SERVICE_HOST,
// CLAMS_SERVICE_PORT, CLAMS_SERVICE_PORT_HTTP, CLAMS_PORT_5000_TCP, …_PROTO, …_PORT and …_ADDR into every pod; `clams-gpu` does so
// with CLAMS_GPU_…. Docker's links add CLAMS_NAME=/web/clams and CLAMS_ENV_…. 2. None of them was meant for this program. 3. A name
// that nobody knows was: somebody has mistyped a setting. Names without CLAMS_ are nobody's business here.
struct EnvironmentFindings {
  std::vector<std::string> injected;  // "CLAMS_PORT=tcp://10.96.0.7:5000", in alphabetical order
  std::vector<std::string> unknown;   // "CLAMS_PROT", in alphabetical order

  // One line each; empty where there is nothing to say.
  std::string injected_line() const;
  std::string unknown_line() const;
};
EnvironmentFindings look_at_environment(const EnvironmentVariables& variables);

}  // namespace clams::server
