#include "clams/server/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "settings.hpp"

namespace clams::server {
namespace {

constexpr std::string_view kPrefix = "CLAMS_";
constexpr std::size_t kMostNamed = 10;

// Beyond the settings: what our programs and those around them read. This is the one list; a new variable is added here.
constexpr std::array kForUsers{"CLAMS_CONFIG",   "CLAMS_LOGLEVEL",    "CLAMS_GUNICORN_WORKERS", "CLAMS_APP_VERSION",
                               "CLAMS_VRAM_DIR", "CLAMS_PROFILE_DIR", "CLAMS_WHISPER_MODELS"};
constexpr std::array kForOthers{"CLAMS_VERSION",  // images of the Python SDK
                                "CLAMS_CPU_SHARE_FD",
                                "CLAMS_VRAM_DEMO_IDENTIFIER",  // our own processes; the demo
                                "CLAMS_BIN",
                                "CLAMS_BUILD",
                                "CLAMS_SOURCE",
                                "CLAMS_SOURCE_DIR",
                                "CLAMS_JOBS",
                                "CLAMS_TESTS",
                                "CLAMS_FUZZ",
                                "CLAMS_WERROR",
                                "CLAMS_SANITIZE",
                                "CLAMS_LIBAV",
                                "CLAMS_VRAM_ONLY",
                                "CLAMS_OS_RELEASE",
                                "CLAMS_CPP_VERSION",
                                "CLAMS_CPP_REPOSITORY",
                                "CLAMS_WHISPER",
                                "CLAMS_WHISPER_ARCHIVE",
                                "CLAMS_WHISPER_CACHE",
                                "CLAMS_WHISPER_CUDA",
                                "CLAMS_WHISPER_NATIVE",
                                "CLAMS_WHISPER_SYSTEM",
                                "CLAMS_WHISPER_VERSION",  // building
                                "CLAMS_CRASH_AT",
                                "CLAMS_PYTHON_SDKS",
                                "CLAMS_PYTHON_SOURCE",
                                "CLAMS_SHARED_DATA",
                                "CLAMS_WORKER_KILLS"};  // testing
constexpr std::array kPrefixesForOthers{"CLAMS_FAKE_", "CLAMS_TEST_", "CLAMS_TOOL_"};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_port(std::string_view text) {
  return all_digits(text) && text.size() <= 5 && std::stoul(std::string(text)) >= 1 && std::stoul(std::string(text)) <= 65535;
}

bool is_protocol(std::string_view text) { return text == "TCP" || text == "UDP" || text == "SCTP"; }

// "5000_TCP", "5000_TCP_ADDR": what follows NAME_PORT_.
bool is_port_part(std::string_view rest) {
  const std::size_t port = rest.find('_');
  if (port == std::string_view::npos || !is_port(rest.substr(0, port))) return false;
  rest.remove_prefix(port + 1);
  const std::size_t protocol = rest.find('_');
  if (!is_protocol(rest.substr(0, protocol))) return false;
  constexpr std::array<std::string_view, 6> kinds{"PROTO", "PORT", "ADDR", "START", "PORT_START", "PORT_END"};
  return protocol == std::string_view::npos ||
         std::find(kinds.begin(), kinds.end(), rest.substr(protocol + 1)) != kinds.end();
}

// By its name and value alone.
bool is_of_a_service(std::string_view name, std::string_view value) {
  if (name.ends_with("_PORT") && is_service_address(value)) return true;
  if (name.ends_with("_SERVICE_HOST")) return true;
  for (std::size_t at = name.find("_SERVICE_PORT"); at != std::string_view::npos; at = name.find("_SERVICE_PORT", at + 1)) {
    const std::string_view rest = name.substr(at + 13);
    if (rest.empty() || rest.starts_with('_')) return is_port(value);
  }
  for (std::size_t at = name.find("_PORT_"); at != std::string_view::npos; at = name.find("_PORT_", at + 1)) {
    if (is_port_part(name.substr(at + 6))) return true;
  }
  return false;
}

// A linked container: NAME_NAME=/web/clams, its ports, its own environment as NAME_ENV_….
bool names_a_link(std::string_view name, std::string_view value) {
  return name.ends_with("_NAME") && value.starts_with('/') && std::count(value.begin(), value.end(), '/') >= 2;
}

std::set<std::string> links_in(const EnvironmentVariables& variables) {
  std::set<std::string> links;
  for (const auto& [name, value] : variables) {
    if (names_a_link(name, value)) links.insert(name.substr(0, name.size() - 5) + "_ENV_");
    if (name.ends_with("_PORT") && is_service_address(value)) links.insert(name.substr(0, name.size() - 5) + "_ENV_");
  }
  return links;
}

bool is_known(const std::string& name) {
  const auto equals = [&](const char* one) { return name == one; };
  const auto& table = settings();
  return std::any_of(table.begin(), table.end(), [&](const Setting& setting) { return setting.variable() == name; }) ||
         std::any_of(kForUsers.begin(), kForUsers.end(), equals) || std::any_of(kForOthers.begin(), kForOthers.end(), equals) ||
         std::any_of(kPrefixesForOthers.begin(), kPrefixesForOthers.end(), [&](const char* one) { return name.starts_with(one); });
}

// The prefix is left out: six letters that always agree would make everything look alike.
std::string meant_by(std::string_view name) {
  std::vector<std::string> candidates;
  for (const Setting& setting : settings()) candidates.push_back(setting.variable().substr(kPrefix.size()));
  for (const std::string_view one : kForUsers) candidates.emplace_back(one.substr(kPrefix.size()));
  const std::string_view like = base::closest(name.substr(kPrefix.size()), candidates);
  return like.empty() ? "" : std::string(kPrefix) + std::string(like);
}

}  // namespace

EnvironmentVariables environment_variables() {
  EnvironmentVariables variables;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {  // NOLINT(cppcoreguidelines-pro-bounds-pointer-arithmetic)
    const std::string_view text = *at;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

bool is_service_address(std::string_view value) {
  for (const std::string_view scheme : {"tcp://", "udp://", "sctp://"}) {
    if (!value.starts_with(scheme)) continue;
    value.remove_prefix(scheme.size());
    const std::size_t colon = value.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || !is_port(value.substr(colon + 1))) return false;
    const std::string_view host = value.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
    const std::string_view allowed =
        bracketed ? "[]0123456789abcdefABCDEF:.%" : "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._";
    return host.find_first_not_of(allowed) == std::string_view::npos;
  }
  return false;
}

EnvironmentFindings look_at_environment(const EnvironmentVariables& variables) {
  EnvironmentFindings findings;
  const auto links = links_in(variables);
  for (const auto& [name, value] : variables) {
    if (!name.starts_with(kPrefix)) continue;
    const bool of_a_link = names_a_link(name, value) ||
                           std::any_of(links.begin(), links.end(), [&, n = name](const auto& link) { return n.starts_with(link); });
    if (is_of_a_service(name, value) || of_a_link)
      findings.injected.push_back(of_a_link ? name : name + "=" + value);
    else if (!is_known(name))
      findings.unknown.push_back(name);
  }
  std::sort(findings.injected.begin(), findings.injected.end());
  std::sort(findings.unknown.begin(), findings.unknown.end());
  return findings;
}

std::string EnvironmentFindings::injected_line() const {
  if (injected.empty()) return {};
  const auto address = std::find_if(injected.begin(), injected.end(),
                                    [](const std::string& one) { return one.find("_PORT=") != std::string::npos; });
  std::string line = "the environment has " + (address == injected.end() ? injected.front() : *address);
  if (injected.size() > 1)
    line += " and " + std::to_string(injected.size() - 1) + (injected.size() == 2 ? " more variable" : " more variables");
  return line + " of a Kubernetes Service or container link with this name: no settings, ignored (the port is set with --port)";
}

std::string EnvironmentFindings::unknown_line() const {
  if (unknown.empty()) return {};
  std::string line;
  for (std::size_t i = 0; i < std::min(unknown.size(), kMostNamed); ++i) {
    const std::string meant = meant_by(unknown[i]);
    line += (i == 0 ? "" : ", ") + unknown[i] + (meant.empty() ? "" : " (did you mean " + meant + "?)");
  }
  if (unknown.size() > kMostNamed) line += " and " + std::to_string(unknown.size() - kMostNamed) + " more";
  return "the environment has " + line + ": no such " + (unknown.size() == 1 ? "setting" : "settings") +
         ", ignored (--help lists them)";
}

}  // namespace clams::server
