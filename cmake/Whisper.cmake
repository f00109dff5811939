# whisper.cpp, for apps/whisper and apps/vad: CLAMS_HAVE_WHISPER and the target clams_whisper_engine (include <whisper.h>), static
# where we build it. Configuring needs no network: either the machine has whisper.cpp, or the pinned source archive lies in
# CLAMS_WHISPER_CACHE, where `./dev fetch-whisper` puts it. Without both the apps are left out (CLAMS_WHISPER=AUTO) or the
# configuration stops (ON).
#
# The archive also carries the weights of the voice detector, model files without weights and a recording for tests: with it,
# CLAMS_WHISPER_ARCHIVE is the unpacked folder, else it is empty.
set(CLAMS_WHISPER AUTO CACHE STRING "Build the speech apps: AUTO (if whisper.cpp is there), ON, OFF")
set_property(CACHE CLAMS_WHISPER PROPERTY STRINGS AUTO ON OFF)
set(CLAMS_WHISPER_CUDA AUTO CACHE STRING "Speech on NVIDIA GPUs: AUTO (if the CUDA compiler is there), ON, OFF")
set_property(CACHE CLAMS_WHISPER_CUDA PROPERTY STRINGS AUTO ON OFF)
option(CLAMS_WHISPER_SYSTEM "Use an installed whisper.cpp if there is one" ON)
option(CLAMS_WHISPER_NATIVE "Compile whisper.cpp for this machine's processor (AVX-512 where it has it)" OFF)
set(CLAMS_WHISPER_CACHE ${CMAKE_SOURCE_DIR}/build/downloads CACHE PATH "Folder with the pinned source archive of whisper.cpp")

# The source distribution of the Python package pywhispercpp 1.5.1 holds whisper.cpp 1.8.5 as upstream tagged it. ci/whisper.sh
# fetches the same version.
set(clams_whisper_archive_name pywhispercpp-1.5.1)
set(clams_whisper_archive_sha256 5df897e5dd9d9f16804fc937bd85b9f5880a0b29a55f8843585e0e03d76195e5)
set(clams_whisper_oldest 1.7.6)  # the first with voice detection

# Unpacks the archive into the build tree if it is there and is the right one.
function(clams_unpack_whisper result)
  set(${result} "" PARENT_SCOPE)
  set(archive ${CLAMS_WHISPER_CACHE}/${clams_whisper_archive_name}.tar.gz)
  if(NOT EXISTS ${archive})
    return()
  endif()
  set(folder ${CMAKE_BINARY_DIR}/_deps/whisper)
  set(stamp ${folder}/unpacked-${clams_whisper_archive_sha256})
  if(NOT EXISTS ${stamp})
    file(SHA256 ${archive} found)
    if(NOT found STREQUAL clams_whisper_archive_sha256)
      message(FATAL_ERROR "${archive} is not the pinned archive (SHA-256 ${found}, wanted ${clams_whisper_archive_sha256}): "
                          "remove it and call ./dev fetch-whisper")
    endif()
    file(REMOVE_RECURSE ${folder})
    file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${folder} PATTERNS "${clams_whisper_archive_name}/whisper.cpp/*")
    file(TOUCH ${stamp})
  endif()
  set(${result} ${folder}/${clams_whisper_archive_name}/whisper.cpp PARENT_SCOPE)
endfunction()

# An installed whisper.cpp. Its config file stops the configuration, instead of saying "not found", when the prefix lacks one of the
# folders it names; its version file has a name that CMake does not look for. So folders and version are looked at by hand.
function(clams_find_installed_whisper result)
  set(${result} FALSE PARENT_SCOPE)
  find_path(CLAMS_WHISPER_CONFIG_DIR whisper-config.cmake HINTS ${whisper_DIR}
            PATH_SUFFIXES lib/${CMAKE_LIBRARY_ARCHITECTURE}/cmake/whisper lib/cmake/whisper lib64/cmake/whisper share/whisper)
  mark_as_advanced(CLAMS_WHISPER_CONFIG_DIR)
  if(NOT CLAMS_WHISPER_CONFIG_DIR)
    return()
  endif()
  file(READ ${CLAMS_WHISPER_CONFIG_DIR}/whisper-config.cmake text)
  string(REGEX MATCH "WHISPER_VERSION +([0-9.]+)" ignored "${text}")
  if(CMAKE_MATCH_1 STREQUAL "" OR CMAKE_MATCH_1 VERSION_LESS clams_whisper_oldest)
    message(STATUS "whisper.cpp in ${CLAMS_WHISPER_CONFIG_DIR} is older than ${clams_whisper_oldest}: not used")
    return()
  endif()
  set(version ${CMAKE_MATCH_1})
  string(REGEX REPLACE "/(lib|lib64|share)/.*$" "" prefix ${CLAMS_WHISPER_CONFIG_DIR})
  foreach(folder bin include)
    if(NOT IS_DIRECTORY ${prefix}/${folder})
      message(STATUS "whisper.cpp in ${CLAMS_WHISPER_CONFIG_DIR} is incomplete (no folder ${prefix}/${folder}): not used")
      return()
    endif()
  endforeach()
  find_package(ggml CONFIG QUIET HINTS ${CLAMS_WHISPER_CONFIG_DIR}/..)
  if(NOT ggml_FOUND)
    message(STATUS "whisper.cpp in ${CLAMS_WHISPER_CONFIG_DIR} lacks its ggml: not used")
    return()
  endif()
  find_package(whisper CONFIG REQUIRED PATHS ${CLAMS_WHISPER_CONFIG_DIR} NO_DEFAULT_PATH)
  set_target_properties(whisper PROPERTIES IMPORTED_GLOBAL TRUE)
  set(CLAMS_WHISPER_VERSION ${version} PARENT_SCOPE)
  set(${result} TRUE PARENT_SCOPE)
endfunction()

# Whether the CUDA backend is built, in `result`. Under sanitizers it is not: nvcc does not know their flags.
function(clams_whisper_cuda result)
  set(${result} OFF PARENT_SCOPE)
  if(CLAMS_WHISPER_CUDA STREQUAL "OFF" OR CLAMS_SANITIZE)
    return()
  endif()
  # CMake's own variable for the cards to compile for; ggml would set its list first.
  if(DEFINED ENV{CUDAARCHS} AND NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES $ENV{CUDAARCHS} CACHE STRING "Cards to compile whisper.cpp for")
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  # CMake 3.25 stops for those that ask for 3.25, when it cannot mark a library as outdated that toolkits from 13 on do not have.
  set(CMAKE_MINIMUM_REQUIRED_VERSION 3.24)
  find_package(CUDAToolkit QUIET)
  if(CMAKE_CUDA_COMPILER AND TARGET CUDA::cudart_static AND TARGET CUDA::cublas)
    set(${result} ON PARENT_SCOPE)
    return()
  endif()
  set(hint "no CUDA compiler (nvcc) was found; set CUDACXX")
  if(CMAKE_CUDA_COMPILER)
    set(hint "the CUDA toolkit of ${CMAKE_CUDA_COMPILER} lacks cudart_static or cublas")
  elseif(CUDAToolkit_NVCC_EXECUTABLE)
    set(hint "${CUDAToolkit_NVCC_EXECUTABLE} does not work with this C++ compiler; set CUDAHOSTCXX to one that it knows")
  endif()
  if(NOT CLAMS_WHISPER_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "CLAMS_WHISPER_CUDA is ${CLAMS_WHISPER_CUDA}, but ${hint}")
  elseif(CUDAToolkit_NVCC_EXECUTABLE)
    message(STATUS "whisper.cpp without CUDA: ${hint}")
  endif()
endfunction()

# A function: what is set here for whisper.cpp stays here.
function(clams_build_whisper source cuda)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # else its options ignore the variables below
  set(CMAKE_POLICY_DEFAULT_CMP0069 NEW)
  set(BUILD_SHARED_LIBS OFF)
  set(GGML_NATIVE ${CLAMS_WHISPER_NATIVE})
  set(GGML_CUDA ${cuda})
  # Programs start without the driver of NVIDIA, on the processor then: nothing of it is called directly, only by the CUDA runtime,
  # which looks for it.
  set(GGML_CUDA_NO_VMM ON)
  set(GGML_CUDA_NCCL OFF)  # for several GPUs at once
  set(GGML_CCACHE OFF)  # the launcher of this build is used
  # ggml's own thread pool spins: with more threads than cores it was measured 7 to 24 times slower.
  set(GGML_OPENMP ON)
  if(CLAMS_SANITIZE MATCHES "thread")
    set(GGML_OPENMP OFF)  # the OpenMP runtime is not instrumented: every barrier would look like a race
  endif()
  set(WHISPER_BUILD_TESTS OFF)
  set(WHISPER_BUILD_EXAMPLES OFF)
  set(WHISPER_BUILD_SERVER OFF)
  set(CMAKE_EXPORT_COMPILE_COMMANDS OFF)
  # Both ask git for their commit, and would get ours.
  find_program(CLAMS_FALSE_PROGRAM false)
  mark_as_advanced(CLAMS_FALSE_PROGRAM)
  set(GIT_EXE OFF)
  set(GIT_EXECUTABLE ${CLAMS_FALSE_PROGRAM})
  # Unoptimised kernels would take minutes for a second of sound.
  foreach(language C CXX)
    set(CMAKE_${language}_FLAGS_DEBUG "-O2 -g1")
  endforeach()
  set(CMAKE_MESSAGE_LOG_LEVEL WARNING)  # this file says what was found
  add_subdirectory(${source} ${CMAKE_BINARY_DIR}/_deps/whisper-build EXCLUDE_FROM_ALL SYSTEM)
  if(cuda)
    # The CUDA runtime becomes part of the programs: of the toolkit only cuBLAS must be there where they run.
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_target_property(libraries ggml-cuda ${property})
      list(TRANSFORM libraries REPLACE "CUDA::cudart(>?)$" "CUDA::cudart_static\\1")
      set_target_properties(ggml-cuda PROPERTIES ${property} "${libraries}")
    endforeach()
  endif()
  if(CLAMS_SANITIZE MATCHES "undefined")
    # ggml measures structures by walking from the null pointer, which does no harm and stops every run under that sanitizer. The
    # address sanitizer stays.
    foreach(target whisper ggml ggml-base ggml-cpu)
      target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
    endforeach()
  endif()
endfunction()

set(CLAMS_HAVE_WHISPER FALSE)
set(CLAMS_WHISPER_KNOWS_GPUS TRUE)  # an installed one may load GPU backends at run time
set(CLAMS_WHISPER_ARCHIVE "")
if(NOT CLAMS_WHISPER STREQUAL "OFF" AND NOT CLAMS_FUZZ)
  clams_unpack_whisper(CLAMS_WHISPER_ARCHIVE)
  set(clams_whisper_found FALSE)
  if(CLAMS_WHISPER_SYSTEM)
    clams_find_installed_whisper(clams_whisper_found)
  endif()
  if(clams_whisper_found)
    set(CLAMS_HAVE_WHISPER TRUE)
    set(CLAMS_WHISPER_IS_PINNED FALSE)
    message(STATUS "whisper.cpp ${CLAMS_WHISPER_VERSION}: ${CLAMS_WHISPER_CONFIG_DIR}")
  elseif(CLAMS_WHISPER_ARCHIVE)
    clams_whisper_cuda(clams_whisper_with_cuda)
    clams_build_whisper(${CLAMS_WHISPER_ARCHIVE} ${clams_whisper_with_cuda})
    set(CLAMS_HAVE_WHISPER TRUE)
    set(CLAMS_WHISPER_IS_PINNED TRUE)
    set(CLAMS_WHISPER_KNOWS_GPUS ${clams_whisper_with_cuda})
    set(CLAMS_WHISPER_VERSION 1.8.5)
    message(STATUS "whisper.cpp ${CLAMS_WHISPER_VERSION}: built from the pinned archive, CUDA ${clams_whisper_with_cuda}")
  endif()
endif()

if(CLAMS_HAVE_WHISPER)
  add_library(clams_whisper_engine INTERFACE)
  target_link_libraries(clams_whisper_engine INTERFACE whisper Threads::Threads)
elseif(NOT CLAMS_WHISPER STREQUAL "OFF" AND NOT CLAMS_FUZZ)
  set(clams_whisper_hint "whisper.cpp is not installed and ${CLAMS_WHISPER_CACHE}/${clams_whisper_archive_name}.tar.gz is not there; ./dev fetch-whisper fetches it")
  if(NOT CLAMS_WHISPER STREQUAL "AUTO")
    message(FATAL_ERROR "CLAMS_WHISPER is ${CLAMS_WHISPER}, but ${clams_whisper_hint}")
  endif()
  message(STATUS "apps/whisper, apps/vad: not built, ${clams_whisper_hint}")
endif()
