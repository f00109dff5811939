// main() of an app program: serves without arguments, runs once with IN and OUT.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clams/app.hpp"

namespace clams {

struct NamedApp {
  std::string name;  // value of --app; a program with one app needs none
  std::function<std::unique_ptr<App>()> make;
};

// Reads command line, environment and configuration file, serves or runs once. Returns the exit status (docs/guides/production.md).
int run_program(int argc, char** argv, const std::vector<NamedApp>& apps);

// int main(int argc, char** argv) { return clams::main<MyApp>(argc, argv); }
template <class T>
int main(int argc, char** argv) {
  return run_program(argc, argv, {{"", [] { return std::make_unique<T>(); }}});
}

}  // namespace clams
