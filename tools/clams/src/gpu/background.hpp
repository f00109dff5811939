// A command of ours that goes on after the caller got its prompt back.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace clams::tool {

// Starts this program with `words` in a session of its own and waits until it has printed a line, which is printed here too: then
// 0. If it ends before: what it said, and its exit status.
int run_in_background(std::string_view command, std::vector<std::string> words);

}  // namespace clams::tool
