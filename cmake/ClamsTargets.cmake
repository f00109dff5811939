# clams_add_library(NAME EXPORT_NAME SOURCES ... [PUBLIC libs...] [PRIVATE libs...])
#   A static library `NAME` with the alias `clams::EXPORT_NAME`, public headers in include/.
function(clams_add_library name export_name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  add_library(clams::${export_name} ALIAS ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${export_name})
  target_include_directories(${name}
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include/clams-cpp>
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:clams_flags>)
  set_property(GLOBAL APPEND PROPERTY CLAMS_INSTALL_TARGETS ${name})
  set_property(GLOBAL APPEND PROPERTY CLAMS_INSTALL_INCLUDES ${CMAKE_CURRENT_SOURCE_DIR}/include)
endfunction()

# clams_add_program(NAME SOURCES ... LIBS ...): an executable in bin/.
function(clams_add_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} clams_flags)
endfunction()

# clams_add_test(NAME SOURCES ... LIBS ... [LABELS ...] [TIMEOUT seconds]): a GoogleTest program, one CTest per program.
function(clams_add_test name)
  if(NOT CLAMS_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gtest GTest::gmock GTest::gtest_main clams_flags)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)  # for what hangs: a busy machine and a sanitizer take ten times as long as usual
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# clams_add_script_test(NAME COMMAND ... [LABELS ...] [TIMEOUT seconds]): any command as a test, with the places of the build in
# its environment (CLAMS_BIN: programs, CLAMS_SOURCE: the checkout).
function(clams_add_script_test name)
  if(NOT CLAMS_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 900)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "CLAMS_BIN=${CMAKE_BINARY_DIR}/bin;CLAMS_SOURCE=${CMAKE_SOURCE_DIR};CLAMS_BUILD=${CMAKE_BINARY_DIR}")
endfunction()
