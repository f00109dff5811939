# `clams gpu` and `clams profiles`: parts of clams_tool that need libs/vram.
target_sources(clams_tool PRIVATE
  src/gpu/background.cpp src/gpu/child.cpp src/gpu/gpu_command.cpp src/gpu/host.cpp src/gpu/lease_desk.cpp src/gpu/live_view.cpp src/gpu/picture.cpp
  src/gpu/picture_json.cpp src/gpu/process_facts.cpp src/gpu/reserve_command.cpp src/gpu/run_command.cpp src/gpu/settings.cpp src/gpu/simulate_command.cpp
  src/gpu/simulation_text.cpp src/gpu/table.cpp src/gpu/terminal.cpp src/gpu/text_table.cpp src/gpu/watch.cpp
  src/profiles/listing_text.cpp src/profiles/profile_folders.cpp src/profiles/profiles_command.cpp)
target_link_libraries(clams_tool PUBLIC clams::vram clams::vram_profiles)

clams_add_test(clams_gpu_text_test
  SOURCES tests/gpu/live_view_test.cpp tests/gpu/process_facts_test.cpp tests/gpu/profile_folders_test.cpp tests/gpu/settings_test.cpp tests/gpu/table_test.cpp tests/gpu/text_table_test.cpp
  LIBS clams_tool)
if(TARGET clams_gpu_text_test)
  target_compile_definitions(clams_gpu_text_test PRIVATE CLAMS_TOOL_GPU_DATA="${CMAKE_CURRENT_SOURCE_DIR}/tests/gpu/data")
endif()
foreach(part IN ITEMS gpu_table gpu_run gpu_simulate gpu_live_view profiles_command)
  clams_add_script_test(clams_${part} LABELS service mp TIMEOUT 600
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/gpu/${part}_test.py)
endforeach()

# The retry examples of docs/guides/gpu-clients.md, run against a full card.
if(CLAMS_TESTS)
  find_package(Boost REQUIRED)
  add_executable(clams_retry_example ${PROJECT_SOURCE_DIR}/docs/guides/examples/retry.cpp)
  target_include_directories(clams_retry_example SYSTEM PRIVATE ${Boost_INCLUDE_DIRS})
  target_link_libraries(clams_retry_example PRIVATE Threads::Threads clams_flags)
  set_target_properties(clams_retry_example PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()
clams_add_script_test(clams_retry_examples LABELS service mp TIMEOUT 600
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/gpu/examples_test.py ${CMAKE_BINARY_DIR}/tests/clams_retry_example)
