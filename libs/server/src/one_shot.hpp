// Running an app once: MMIF in, MMIF out.
#pragma once
#include <string>

#include "clams/service.hpp"
#include "config.hpp"

namespace clams::server {

// Returns the exit status: 0 done, 1 the app failed (the MMIF with the error view is written), 2 a bad parameter, 65 a bad input
// document (nothing is written), 69 and 75 no GPU memory.
int run_once(Service& service, const Config& config, const base::Logger& log, const std::string& program);

}  // namespace clams::server
