// The documents of a request, heard one after the other.
#pragma once
#include <functional>
#include <string_view>

#include "clams/run.hpp"
#include "mmif/mmif.hpp"
#include "speech/sound.hpp"

namespace speech {

inline constexpr std::string_view kNothingToHear = "there is no AudioDocument and no VideoDocument to listen to";

// A document that could be read, and its share of the request's progress.
struct Heard {
  const mmif::Annotation& document;
  const Sound& sound;
  double progress_from = 0, progress_to = 1;
};

// Reads each document with sound (documents_with_sound) and hands it to `take`. One document at a time is in memory.
//
// What is not whole is named in a warning that begins with the document's id: a document that cannot be read while another one can,
// sound that is missing (from when to when, and its share), sound that is empty, no document at all. Throws as speech::fail when no
// document can be read, when the request is stopped, or when memory is short; what `take` throws ends the request.
void for_each_sound(const mmif::Mmif& mmif, clams::Run& run, const std::function<void(const Heard&)>& take);

}  // namespace speech
