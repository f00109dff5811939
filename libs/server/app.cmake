# clams_server: an app over HTTP (run_program), on top of clams_server_http.
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)

clams_add_library(clams_server server
  SOURCES src/app_handler.cpp src/config.cpp src/cpu_budget.cpp src/environment.cpp src/hosted_backend.cpp src/hosted_observer.cpp src/hosted_options.cpp src/hosted_request.cpp src/hosted_workers.cpp src/program.cpp src/serve_python.cpp src/service_backend.cpp src/config_file.cpp src/log_sink.cpp src/metrics.cpp src/one_shot.cpp src/process_metrics.cpp src/run_program.cpp
          src/settings.cpp src/stop_signals.cpp src/worker_plan.cpp src/worker_program.cpp src/worker_reclaimer.cpp src/worker_records.cpp
  PUBLIC clams::sdk clams::server_http clams::worker
  PRIVATE spdlog::spdlog prometheus-cpp::core)
# Both are used as headers alone, wherever they lie: an installed library needs neither.
foreach(party CLI11::CLI11 tomlplusplus::tomlplusplus)
  get_target_property(party_includes ${party} INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(clams_server SYSTEM PRIVATE ${party_includes})
endforeach()
set_source_files_properties(src/config_file.cpp PROPERTIES COMPILE_DEFINITIONS TOML_HEADER_ONLY=1)

set_source_files_properties(src/metrics.cpp PROPERTIES COMPILE_DEFINITIONS CLAMS_CPP_VERSION="${PROJECT_VERSION}")

clams_add_test(hosted_parts_test SOURCES tests/cpu_budget_test.cpp tests/environment_test.cpp tests/hosted_parts_test.cpp LIBS clams::server)
if(TARGET hosted_parts_test)
  target_include_directories(hosted_parts_test PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src)
endif()
