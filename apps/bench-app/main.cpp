#include "clams/main.hpp"
#include "bench_apps.hpp"

int main(int argc, char** argv) {
  return clams::run_program(argc, argv, {{"echo", make_echo_app}, {"model", make_model_app}, {"storm", make_storm_app}});
}
