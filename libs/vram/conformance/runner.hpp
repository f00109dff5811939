// A test runner of two pages, so that the suite builds on a bare GPU machine.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace conformance {

class Report {
 public:
  // Runs one case; returns whether all its expectations held.
  void run(const std::string& name, const std::function<void(Report&)>& body);
  bool expect(bool holds, const std::string& what);
  // The case says nothing here, and why.
  void not_applicable(const std::string& why);
  int failures() const { return failures_; }
  int cases() const { return cases_; }

 private:
  std::string current_;
  std::vector<std::string> broken_;
  std::string skipped_;
  int cases_ = 0;
  int failures_ = 0;
};

}  // namespace conformance
