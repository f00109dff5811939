# clams::vram_profiles: what runs needed (profile/) and models that stay (cache/).
find_package(nlohmann_json REQUIRED)

clams_add_library(clams_vram_profiles vram_profiles
  SOURCES
    src/cache/model_cache.cpp
    src/cache/model_state.cpp
    src/cache/model_unload.cpp
    src/profile/canonical_json.cpp
    src/profile/document.cpp
    src/profile/facts.cpp
    src/profile/folder.cpp
    src/profile/manage.cpp
    src/profile/profile_key.cpp
    src/profile/profile_store.cpp
    src/profile/store_core.cpp
    src/profile/store_threads.cpp
    src/profile/window.cpp
  PUBLIC clams_base clams_vram Threads::Threads
  PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)

if(CLAMS_TESTS AND CLAMS_PROPERTY_TESTS)
  find_package(rapidcheck REQUIRED)
endif()

# The tests of inner parts see src/.
function(vram_profiles_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LABELS" ${ARGN})
  set(property_library rapidcheck)
  if(NOT CLAMS_PROPERTY_TESTS)
    list(REMOVE_ITEM arg_SOURCES tests/profile/key_test.cpp tests/profile/window_test.cpp)
    set(property_library "")
  endif()
  if(CLAMS_TESTS AND arg_SOURCES)
    clams_add_test(${name} SOURCES ${arg_SOURCES} LIBS clams::vram_profiles ${property_library} LABELS ${arg_LABELS})
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  endif()
endfunction()

vram_profiles_test(profile_test SOURCES tests/profile/key_test.cpp tests/profile/store_test.cpp LABELS unit property)
vram_profiles_test(profile_window_test SOURCES tests/profile/window_test.cpp LABELS unit property)
vram_profiles_test(profile_format_test SOURCES tests/profile/format_test.cpp LABELS unit conformance)
vram_profiles_test(profile_files_test SOURCES tests/profile/files_test.cpp tests/profile/modes_test.cpp LABELS unit)
vram_profiles_test(profile_fault_test SOURCES tests/profile/fault_test.cpp LABELS fault)
vram_profiles_test(profile_crash_test SOURCES tests/profile/crash_test.cpp LABELS crash mp)
if(CLAMS_TESTS)
  target_compile_definitions(profile_format_test PRIVATE PROFILE_FORMAT_PAGE="${CMAKE_CURRENT_LIST_DIR}/../../docs/formats/profile.md")
  add_executable(profile_writer tests/profile/writer.cpp)
  set_target_properties(profile_writer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(profile_writer PRIVATE clams::vram_profiles clams_flags)
  target_compile_definitions(profile_crash_test PRIVATE PROFILE_WRITER="$<TARGET_FILE:profile_writer>")
  add_dependencies(profile_crash_test profile_writer)
endif()
vram_profiles_test(model_cache_test SOURCES tests/cache/model_cache_test.cpp LABELS unit)
vram_profiles_test(model_cache_random_test SOURCES tests/cache/model_cache_random_test.cpp LABELS property fault)
