# clams_server: an app over HTTP (run_program), on top of clams_server_http.
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(tomlplusplus REQUIRED)

clams_add_library(clams_server server
  SOURCES src/app_handler.cpp src/app_start.cpp src/command_line.cpp src/config.cpp src/cpu_budget.cpp src/crash_line.cpp src/environment.cpp src/flags.cpp src/help_page.cpp src/hosted_backend.cpp src/hosted_observer.cpp src/hosted_options.cpp src/hosted_request.cpp src/hosted_workers.cpp src/program.cpp src/serve_python.cpp src/service_backend.cpp src/config_file.cpp src/lifecycle.cpp src/log_sink.cpp src/media_input.cpp src/metrics.cpp src/one_shot.cpp src/process_metrics.cpp src/run_program.cpp
          src/service_manager.cpp src/settings.cpp src/stop_signals.cpp src/worker_plan.cpp src/worker_program.cpp src/worker_reclaimer.cpp src/worker_records.cpp
  PUBLIC clams::sdk clams::server_http clams::worker
  PRIVATE spdlog::spdlog prometheus-cpp::core)
# Used as headers alone, wherever they lie: an installed library does not need it.
target_include_directories(clams_server SYSTEM PRIVATE $<BUILD_INTERFACE:$<TARGET_PROPERTY:tomlplusplus::tomlplusplus,INTERFACE_INCLUDE_DIRECTORIES>>)
set_source_files_properties(src/config_file.cpp PROPERTIES COMPILE_DEFINITIONS TOML_HEADER_ONLY=1)
set_property(SOURCE src/config.cpp APPEND PROPERTY COMPILE_DEFINITIONS CLAMS_CPP_VERSION="${PROJECT_VERSION}")

clams_add_test(service_manager_test SOURCES tests/service_manager_test.cpp LIBS clams::server)
if(TARGET service_manager_test)
  target_include_directories(service_manager_test PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src)
endif()

set_property(SOURCE src/metrics.cpp APPEND PROPERTY COMPILE_DEFINITIONS CLAMS_CPP_VERSION="${PROJECT_VERSION}")

clams_add_test(command_line_test SOURCES tests/command_line_test.cpp tests/help_page_test.cpp LIBS clams::server)
if(TARGET command_line_test)
  target_include_directories(command_line_test PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src)
endif()
clams_add_test(hosted_parts_test SOURCES tests/cpu_budget_test.cpp tests/environment_test.cpp tests/hosted_parts_test.cpp LIBS clams::server)
if(TARGET hosted_parts_test)
  target_include_directories(hosted_parts_test PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src)
endif()
