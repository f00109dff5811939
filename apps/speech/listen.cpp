#include "speech/listen.hpp"

#include <string>
#include <utility>
#include <vector>

#include "speech/failure.hpp"

namespace speech {
namespace {

struct Failure {
  std::string document;
  base::Error error;
};

// The others can be heard all the same.
bool concerns_document_alone(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::NotFound:
    case base::ErrorCode::PermissionDenied:
    case base::ErrorCode::InvalidArgument:
    case base::ErrorCode::InvalidDocument:
    case base::ErrorCode::Unsupported:
    case base::ErrorCode::Corrupt:
    case base::ErrorCode::Io: return true;
    default: return false;
  }
}

base::Result<Sound> sound_of(const mmif::Annotation& document, const std::stop_token& stop) {
  BASE_TRY_ASSIGN(const std::string path, document.location_path());
  return read_sound(path, stop);
}

void warn_of_what_is_missing(const std::string& document, const Sound& sound, clams::Run& run) {
  if (sound.samples.empty()) run.warn(document + ": there is no sound in it");
  if (!sound.completeness.complete()) run.warn(document + ": " + media::describe(sound.completeness));
}

[[noreturn]] void fail_of_all(const std::vector<Failure>& failures) {
  if (failures.size() == 1) fail(failures.front().error, failures.front().document);
  std::string text = "none of the " + std::to_string(failures.size()) + " documents can be read: ";
  for (const auto& [document, error] : failures)
    text += (document == failures.front().document ? "" : "; ") + document + ": " + error.message;
  fail({failures.front().error.code, text});
}

}  // namespace

void for_each_sound(const mmif::Mmif& mmif, clams::Run& run, const std::function<void(const Heard&)>& take) {
  const auto documents = documents_with_sound(mmif);
  if (documents.empty()) return run.warn(kNothingToHear);
  std::vector<Failure> failures;
  const auto count = static_cast<double>(documents.size());
  for (std::size_t n = 0; n < documents.size(); ++n) {
    run.throw_if_cancelled();
    const std::string id = documents[n]->id();
    const auto sound = sound_of(*documents[n], run.stop_token());
    if (!sound && !concerns_document_alone(sound.error().code)) fail(sound.error(), id);
    if (!sound) {
      failures.push_back({id, sound.error()});
      continue;
    }
    warn_of_what_is_missing(id, *sound, run);
    take({*documents[n], *sound, static_cast<double>(n) / count, static_cast<double>(n + 1) / count});
  }
  if (failures.size() == documents.size()) fail_of_all(failures);
  for (const auto& [document, error] : failures) run.warn(document + ": left out, for it cannot be read: " + error.message);
}

}  // namespace speech
