# Third-party libraries from source, static, instead of those of the distribution: for programs that need libc alone (deploy/wheel).
# CLAMS_STATIC_DEPS is the folder that deploy/wheel/fetch made. Empty: find_package finds what is installed.
set(CLAMS_STATIC_DEPS "" CACHE PATH "Folder of third-party sources to link statically (deploy/wheel/fetch makes it)")
if(NOT CLAMS_STATIC_DEPS)
  return()
endif()

# Files in this folder answer find_package before anything that is installed.
function(clams_answer_find_package name version text)
  string(TOLOWER ${name} file)
  file(WRITE ${CMAKE_FIND_PACKAGE_REDIRECTS_DIR}/${file}-config.cmake "${text}\n")
  file(WRITE ${CMAKE_FIND_PACKAGE_REDIRECTS_DIR}/${file}-config-version.cmake
       "set(PACKAGE_VERSION ${version})\nif(NOT PACKAGE_FIND_VERSION VERSION_GREATER ${version})\n  set(PACKAGE_VERSION_COMPATIBLE TRUE)\nendif()\n")
endfunction()

function(clams_static_library name export_name include)
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${ARGN})
  add_library(${export_name} ALIAS ${name})
  target_include_directories(${name} SYSTEM PUBLIC $<BUILD_INTERFACE:${include}>)
  set_property(GLOBAL APPEND PROPERTY CLAMS_INSTALL_TARGETS ${name})  # our libraries are exported, and these with them
endfunction()

function(clams_header_library export_name)
  string(REPLACE "::" "_" name clams_headers_${export_name})
  add_library(${name} INTERFACE)
  add_library(${export_name} ALIAS ${name})
  target_include_directories(${name} SYSTEM INTERFACE $<BUILD_INTERFACE:${CLAMS_STATIC_DEPS}/include>)
endfunction()

set(clams_deps ${CLAMS_STATIC_DEPS})

clams_static_library(clams_simdjson simdjson::simdjson ${clams_deps}/simdjson/singleheader ${clams_deps}/simdjson/singleheader/simdjson.cpp)
clams_answer_find_package(simdjson 3.0.1 "")

clams_static_library(clams_fmt fmt::fmt ${clams_deps}/fmtlib/include ${clams_deps}/fmtlib/src/format.cc ${clams_deps}/fmtlib/src/os.cc)
clams_answer_find_package(fmt 9.1.0 "")

set(clams_spdlog_sources spdlog stdout_sinks color_sinks file_sinks async cfg)
list(TRANSFORM clams_spdlog_sources PREPEND ${clams_deps}/spdlog/src/)
list(TRANSFORM clams_spdlog_sources APPEND .cpp)
clams_static_library(clams_spdlog spdlog::spdlog ${clams_deps}/spdlog/include ${clams_spdlog_sources})
target_compile_definitions(clams_spdlog PUBLIC SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)
target_link_libraries(clams_spdlog PUBLIC clams_fmt Threads::Threads)
clams_answer_find_package(spdlog 1.10.0 "")

set(clams_prometheus_sources check_names counter detail/builder detail/ckms_quantiles detail/time_window_quantiles detail/utils family gauge
    histogram registry serializer summary text_serializer)
list(TRANSFORM clams_prometheus_sources PREPEND ${clams_deps}/prometheus-cpp/core/src/)
list(TRANSFORM clams_prometheus_sources APPEND .cc)
clams_static_library(clams_prometheus prometheus-cpp::core ${clams_deps}/prometheus-cpp/core/include ${clams_prometheus_sources})
# The header that its own build would generate for shared libraries.
file(WRITE ${CMAKE_BINARY_DIR}/static-deps/prometheus/detail/core_export.h
     "#pragma once\n#define PROMETHEUS_CPP_CORE_EXPORT\n#define PROMETHEUS_CPP_CORE_NO_EXPORT\n")
target_include_directories(clams_prometheus SYSTEM PUBLIC $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/static-deps>)
clams_answer_find_package(prometheus-cpp 1.0.1 "")

clams_header_library(CLI11::CLI11)
clams_answer_find_package(CLI11 2.1.2 "")
clams_header_library(nlohmann_json::nlohmann_json)
clams_answer_find_package(nlohmann_json 3.11.2 "")
clams_header_library(tomlplusplus::tomlplusplus)
clams_answer_find_package(tomlplusplus 3.3.0 "")
clams_header_library(Boost::headers)
clams_answer_find_package(Boost 1.81.0 "set(Boost_INCLUDE_DIRS ${clams_deps}/include)")

# Tests with another C++ library need their tools compiled with it, too. That of the property tests is left out with them: three files.
if(CLAMS_TESTS)
  set(CLAMS_PROPERTY_TESTS OFF)
  function(clams_build_test_tools)
    set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # else their options ignore the variables below
    set(INSTALL_GTEST OFF)
    set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
    add_subdirectory(${CLAMS_STATIC_DEPS}-tests/googletest ${CMAKE_BINARY_DIR}/static-deps/googletest EXCLUDE_FROM_ALL SYSTEM)
  endfunction()
  clams_build_test_tools()
  clams_answer_find_package(GTest 1.12.1 "")
endif()
