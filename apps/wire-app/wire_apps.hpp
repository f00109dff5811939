// The five apps that the recorded requests of tests/conformance/wire are for; apps.md there describes them.
#pragma once
#include <memory>

#include "clams/app.hpp"

std::unique_ptr<clams::App> make_echo_app();
std::unique_ptr<clams::App> make_failing_app();
std::unique_ptr<clams::App> make_gpu_app();
std::unique_ptr<clams::App> make_shapes_app();
std::unique_ptr<clams::App> make_traps_app();
