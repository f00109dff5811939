# clams_server: an app over HTTP (run_program), on top of clams_server_http.
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)

clams_add_library(clams_server server
  SOURCES src/app_handler.cpp src/config.cpp src/hosted_backend.cpp src/hosted_observer.cpp src/hosted_request.cpp src/hosted_workers.cpp src/program.cpp src/serve_python.cpp src/service_backend.cpp src/config_file.cpp src/log_sink.cpp src/metrics.cpp src/one_shot.cpp src/run_program.cpp
          src/settings.cpp src/stop_signals.cpp src/worker_plan.cpp src/worker_program.cpp src/worker_reclaimer.cpp src/worker_records.cpp
  PUBLIC clams::sdk clams::server_http clams::worker
  PRIVATE spdlog::spdlog prometheus-cpp::core)
# Headers alone: a consumer needs neither, so their targets are not exported with ours.
foreach(headers tomlplusplus::tomlplusplus CLI11::CLI11)
  target_include_directories(clams_server SYSTEM PRIVATE $<BUILD_INTERFACE:$<TARGET_PROPERTY:${headers},INTERFACE_INCLUDE_DIRECTORIES>>)
endforeach()

clams_add_test(hosted_parts_test SOURCES tests/hosted_parts_test.cpp LIBS clams::server)
if(TARGET hosted_parts_test)
  target_include_directories(hosted_parts_test PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src)
endif()
