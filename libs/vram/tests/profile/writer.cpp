// A child of the tests: profile_writer ROOT COUNT [LOAD]. Records COUNT runs, each flushed, and says "n" for each that is on disk.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "vram/profile.hpp"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  vram::ProfileOptions options;
  options.root = argv[1];
  options.app = "crash";
  options.lock_deadline = std::chrono::seconds(60);
  vram::ProfileStore store(std::move(options));
  const auto key = vram::ProfileKey::from_json(R"({"model":"large"})");
  if (!key) return 3;
  for (int i = 1; i <= std::atoi(argv[2]); ++i) {
    vram::Measurement run;
    run.visible = std::int64_t{i} << 30;
    run.instrument = vram::Instrument::Process;
    store.record(*key, run);
    if (argc > 3) store.record_model("large", vram::Bytes(1024), std::chrono::milliseconds(i));
    if (!store.flush(std::chrono::seconds(60))) return 4;
    std::printf("%d\n", i);
    std::fflush(stdout);
  }
  return 0;
}
