# clams_server: an app over HTTP (run_program), on top of clams_server_http.
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(tomlplusplus QUIET)

clams_add_library(clams_server server
  SOURCES src/app_handler.cpp src/config.cpp src/hosted_backend.cpp src/hosted_observer.cpp src/hosted_request.cpp src/hosted_workers.cpp src/program.cpp src/serve_python.cpp src/service_backend.cpp src/config_file.cpp src/lifecycle.cpp src/log_sink.cpp src/metrics.cpp src/one_shot.cpp src/run_program.cpp
          src/service_manager.cpp src/settings.cpp src/stop_signals.cpp src/worker_plan.cpp src/worker_program.cpp src/worker_reclaimer.cpp src/worker_records.cpp
  PUBLIC clams::sdk clams::server_http clams::worker
  PRIVATE spdlog::spdlog prometheus-cpp::core)

clams_add_test(service_manager_test SOURCES tests/service_manager_test.cpp LIBS clams::server)
if(TARGET service_manager_test)
  target_include_directories(service_manager_test PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src)
endif()

clams_add_test(hosted_parts_test SOURCES tests/hosted_parts_test.cpp LIBS clams::server)
if(TARGET hosted_parts_test)
  target_include_directories(hosted_parts_test PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src)
endif()
