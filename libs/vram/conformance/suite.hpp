// What every probe must do, whatever is behind it.
#pragma once
#include "runner.hpp"
#include "subject.hpp"

namespace conformance {

void run_suite(const Subject& subject, Report& report);
// Costs of driver calls, size of a context, how soon freed memory shows: for people.
void print_figures(const Subject& subject);

// Samples until `free` is at least `wanted` or `patience` is over; the time it took, negative if it did not happen.
std::chrono::milliseconds wait_for_free(vram::Probe& probe, const vram::DeviceUuid& device, vram::Bytes wanted,
                                        std::chrono::milliseconds patience);

}  // namespace conformance
