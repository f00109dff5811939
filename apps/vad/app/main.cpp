// clams-vad.
#include "clams/main.hpp"

#include "app/vad_app.hpp"
#include "speech/sound.hpp"

int main(int argc, char** argv) {
  speech::quiet_media_library();
  return clams::main<vad_app::VadApp>(argc, argv);
}
