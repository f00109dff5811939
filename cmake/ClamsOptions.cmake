# Options of the build, and two interface targets that carry our compiler flags. They are linked privately by our own
# targets only: a consumer gets neither our warnings nor our sanitizers.
option(CLAMS_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
set(CLAMS_PROPERTY_TESTS ON)  # those that need rapidcheck
option(CLAMS_FUZZ "Build the fuzz targets (clang)" OFF)
option(CLAMS_WERROR "Warnings are errors" ${PROJECT_IS_TOP_LEVEL})
option(CLAMS_CRASH_POINTS "Compile in the named crash points of ledger, profile and admission (tests)" OFF)
option(CLAMS_HARDENING "Hardening flags in optimised builds (cmake/Hardening.cmake)" ON)
option(CLAMS_VRAM_ONLY "Configure libs/base and libs/vram alone (GPU machines without packages)" OFF)
set(CLAMS_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (for example address,undefined)")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_library(clams_flags INTERFACE)
target_compile_options(clams_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlapping copies in "literal" + std::string when it optimises (GCC bug 105651); there are none.
  target_compile_options(clams_flags INTERFACE -Wno-restrict)
endif()
if(CLAMS_WERROR)
  target_compile_options(clams_flags INTERFACE -Werror)
endif()
if(CLAMS_CRASH_POINTS)
  target_compile_definitions(clams_flags INTERFACE CLAMS_CRASH_POINTS=1)
endif()

if(CLAMS_SANITIZE)
  # clang's function sanitizer cannot represent the coroutine frames of Asio.
  add_compile_options(-fsanitize=${CLAMS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CLAMS_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CLAMS_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=function)
  endif()
  if(CLAMS_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-error=tsan -Wno-unknown-warning-option)
  endif()
endif()

include(Hardening)

if(CLAMS_FUZZ)
  # The libraries tell the fuzzer which branches were taken; the targets themselves link -fsanitize=fuzzer.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_package(Threads REQUIRED)
