// How far a document is, in words for a person who waits.
#pragma once
#include <chrono>
#include <string>

namespace whisper_app {

// "2:14 of 12:29, 0:41 left". `done`: 0 to 1 of `sound`; `taken`: time since the beginning. The time left is named from 1 % on.
std::string progress_in_words(double done, std::chrono::milliseconds sound, std::chrono::milliseconds taken);
// "12:29 of sound in 1:20, 9.4 times as fast as it plays".
std::string summary_in_words(std::chrono::milliseconds sound, std::chrono::milliseconds taken);

}  // namespace whisper_app
