// A process of the crash ladder: joins the ledger of a directory and passes every named crash point, in one fixed order.
// CLAMS_CRASH_AT says where it dies. Ends with status 0 when it was not told to die, or lived through.
#include <cstdio>
#include <cstdlib>

#include "vram/ledger.hpp"

namespace {

using namespace base::literals;
using namespace vram;

template <class T>
T need(base::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "crash_child: %s\n", result.error().message.c_str());
    std::exit(3);
  }
  return std::move(result).value();
}

std::shared_ptr<Ledger> open_ledger(const char* directory, const char* boot) {
  LedgerOptions options;
  options.directory = {directory, LedgerScope::Host, false, {}};
  options.app = "crash-child";
  options.boot_id = boot;
  return need(Ledger::open(std::move(options)));
}

ChargeRequest ask(Bytes bytes, std::string_view model = {}) {
  ChargeRequest request;
  request.bytes = bytes;
  request.model = model;
  request.context = 16_MiB;
  request.warm_bytes = 1_MiB;
  request.expected_duration = std::chrono::seconds(3);
  return request;
}

void run_requests(const std::shared_ptr<Ledger>& ledger, LedgerDevice device, const std::shared_ptr<ProcessSlot>& slot) {
  auto cold = need(ledger->charge(device, slot, ask(512_MiB, "model"), {}));
  if (!cold.lease) return;
  slot->raise_materialised(device, 256_MiB);
  cold.lease->keep_resident("model", 128_MiB, std::chrono::milliseconds(700));
  auto warm = need(ledger->charge(device, slot, ask(512_MiB, "model"), {}));
  cold.lease.reset();
  auto refused = need(ledger->charge(device, slot, ask(100_GiB), {}));  // sweeps all slots
  slot->set_idle(device, "model", true);
  warm.lease.reset();
  slot->lower_materialised(device, 256_MiB);
  slot->remove_resident(device, "model");
  // One that was to stay, loaded under another name, and one that nobody loads.
  ChargeRequest staying = ask(512_MiB);
  staying.stays_as = "expected";
  auto first = need(ledger->charge(device, slot, staying, {}));
  if (!first.lease) return;
  auto second = need(ledger->charge(device, slot, staying, {}));
  first.lease->keep_resident("loaded", 256_MiB, {});
  first.lease.reset();
  slot->remove_resident(device, "loaded");
  second.lease.reset();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto ledger = open_ledger(argv[1], argv[2]);
  const DeviceInfo card{DeviceUuid("GPU-ladder"), "Ladder card", 0, 8_GiB};
  const LedgerDevice device = need(ledger->register_device(card));
  const LedgerDevice second = need(ledger->register_device({DeviceUuid("GPU-second"), "Second", 1, 8_GiB}));
  auto slot = need(ledger->own_slot());
  run_requests(ledger, device, slot);
  run_requests(ledger, second, slot);
  WorkerSlot worker = need(ledger->prepare_worker_slot("worker"));
  auto held = need(ledger->charge(device, worker.slot, ask(64_MiB), {}));
  worker.token.reset();
  auto sweeping = need(ledger->charge(device, slot, ask(100_GiB), {}));  // finds the worker dead
  MemorySample back{8_GiB, 8_GiB, base::system_clock().monotonic()};
  auto burying = need(ledger->charge(device, slot, ask(1_MiB), {back, nullptr}));
  held.lease.reset();
  return 0;
}
