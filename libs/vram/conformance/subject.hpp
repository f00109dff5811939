// What the suite runs on: one kind of devices, how to open them, and how another process takes their memory.
#pragma once
#include <memory>
#include <string>

#include "vram/open_probe.hpp"
#include "vram/testing/holder.hpp"

namespace conformance {

enum class Kind { Simulated, Fake, Real };

struct Subject {
  Kind kind = Kind::Simulated;
  std::string program;  // this executable, started again as the other process
  vram::DeviceChoice choice;
  vram::ProbeOptions options;
  vram::Bytes slack;  // how far other use of the devices may move a figure meanwhile

  vram::Result<std::shared_ptr<vram::Probe>> open() const { return vram::open_probe(choice, options); }
  // A process that holds a context (where there is such a thing) and `bytes`.
  std::unique_ptr<vram::testing::Holder> holder(const vram::DeviceUuid& device, vram::Bytes bytes) const;
};

// Sets up simulated or fake devices in `directory` (a fresh one). For the real ones it reads the environment.
Subject make_subject(Kind kind, const std::string& program, const std::string& directory);

// The other process: allocates, says "ready" or "refused CODE TEXT", then obeys "free" until its input ends.
int hold(const std::string& choice, const std::string& directory, const std::string& uuid, vram::Bytes bytes);

}  // namespace conformance
