#include "runner.hpp"

#include <cstdio>

namespace conformance {

void Report::run(const std::string& name, const std::function<void(Report&)>& body) {
  current_ = name;
  broken_.clear();
  skipped_.clear();
  ++cases_;
  body(*this);
  if (!broken_.empty()) ++failures_;
  const char* verdict = !broken_.empty() ? "FAILED" : skipped_.empty() ? "ok" : "n/a";
  std::printf("%-6s %s%s%s\n", verdict, name.c_str(), skipped_.empty() ? "" : ": ", skipped_.c_str());
  for (const std::string& what : broken_) std::printf("       %s\n", what.c_str());
  std::fflush(stdout);
}

bool Report::expect(bool holds, const std::string& what) {
  if (!holds) broken_.push_back("expected: " + what);
  return holds;
}

void Report::not_applicable(const std::string& why) { skipped_ = why; }

}  // namespace conformance
