#include "clams/main.hpp"
#include "wire_apps.hpp"

int main(int argc, char** argv) {
  return clams::run_program(argc, argv,
                            {{"echo", make_echo_app},
                             {"failing", make_failing_app},
                             {"gpu", make_gpu_app},
                             {"shapes", make_shapes_app},
                             {"traps", make_traps_app}});
}
