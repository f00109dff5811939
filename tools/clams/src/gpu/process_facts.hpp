// What this host knows of a process beside the ledger: whose it is, what it runs, since when.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace clams::tool {

struct ProcessFacts {
  std::string user;                // a number where it has no name here
  std::string command;             // its command line, blanks between the words; empty if it may not be read
  std::chrono::nanoseconds age{};  // since its start
};

// `started`: since boot, as the ledger has it; zero if nobody knows. nullopt when there is no such process here, or when the number
// belongs to a process that started at another time: the ledger has numbers of other PID namespaces too.
std::optional<ProcessFacts> facts_of(std::int64_t pid, std::chrono::nanoseconds started, const std::string& proc = "/proc");

}  // namespace clams::tool
