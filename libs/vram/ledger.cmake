# Ledger and admission: sources of clams::vram, their tests and programs.
target_sources(clams_vram PRIVATE
  src/admission/admission.cpp
  src/admission/answer.cpp
  src/admission/attempt.cpp
  src/admission/decision.cpp
  src/admission/device_view.cpp
  src/admission/monitor_sampler.cpp
  src/admission/place.cpp
  src/admission/reclaim.cpp
  src/admission/refusal.cpp
  src/ledger/charge.cpp
  src/ledger/container.cpp
  src/ledger/core.cpp
  src/ledger/device_lock.cpp
  src/ledger/fork_guard.cpp
  src/ledger/invariants.cpp
  src/ledger/lease.cpp
  src/ledger/ledger.cpp
  src/ledger/ledger_directory.cpp
  src/ledger/ledger_file.cpp
  src/ledger/ofd_lock.cpp
  src/ledger/process_slot.cpp
  src/ledger/residents.cpp
  src/ledger/scan.cpp
  src/ledger/slot_table.cpp
  src/ledger/snapshot.cpp
  src/ledger/worker_token.cpp)

clams_add_test(vram_admission_test
  SOURCES tests/admission/admission_test.cpp tests/admission/decision_test.cpp tests/admission/threads_test.cpp
  LIBS clams::vram)
clams_add_test(vram_ledger_test
  SOURCES tests/ledger/charge_test.cpp tests/ledger/container_test.cpp tests/ledger/death_test.cpp tests/ledger/file_test.cpp
    tests/ledger/format_test.cpp tests/ledger/model_test.cpp tests/ledger/namespace_test.cpp tests/ledger/snapshot_test.cpp
  LIBS clams::vram
  LABELS unit fault mp)
if(CLAMS_TESTS AND CLAMS_CRASH_POINTS)
  add_executable(vram_crash_child tests/ledger/crash_child.cpp)
  target_link_libraries(vram_crash_child PRIVATE clams::vram clams_flags)
  set_target_properties(vram_crash_child PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  clams_add_test(vram_crash_ladder_test SOURCES tests/ledger/crash_ladder_test.cpp LIBS clams::vram LABELS crash mp)
  add_dependencies(vram_crash_ladder_test vram_crash_child)
endif()

if(CLAMS_TESTS)
  target_compile_definitions(vram_ledger_test PRIVATE CLAMS_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  find_package(Python3 COMPONENTS Interpreter)
  if(Python3_FOUND)
    clams_add_script_test(ledger_page_decodes_to_what_it_states
      COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/tests/ledger/ledger_reader.py page ${CMAKE_SOURCE_DIR}/docs/formats/ledger.md
      LABELS unit TIMEOUT 900)
  endif()

  clams_add_program(vram_bench SOURCES bench/ledger_bench.cpp LIBS clams::vram)
  clams_add_program(vram_storm SOURCES bench/storm.cpp LIBS clams::vram)
  # Modest here; docs/design/ledger.md has the figures of the long run.
  clams_add_script_test(storm_of_kills_over_commits_nothing
    COMMAND vram_storm --workers 12 --kills 150 --grants 5000 --seconds 100 LABELS crash mp TIMEOUT 900)
endif()
