#include "speech/sound.hpp"

namespace speech {

std::vector<mmif::Annotation*> documents_with_sound(const mmif::Mmif& mmif) {
  auto found = mmif.documents(mmif::types::AudioDocument);
  if (found.empty()) found = mmif.documents(mmif::types::VideoDocument);
  return found;
}

}  // namespace speech
