// Apps that benchmarks and load tests drive.
#pragma once
#include <memory>

#include "clams/app.hpp"

std::unique_ptr<clams::App> make_echo_app();
std::unique_ptr<clams::App> make_model_app();
std::unique_ptr<clams::App> make_storm_app();
