# Flags of optimised builds that make memory errors harder to exploit, and bytes that do not depend on the folder of the build.
# Sanitizers bring checks of their own, and debug builds are for debuggers: neither gets these.
set(clams_optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)

# Paths in assertions and debug information begin at the checkout, wherever it lies: the same commit gives the same bytes.
add_compile_options("$<${clams_optimised}:-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.>")

if(NOT CLAMS_HARDENING OR CLAMS_SANITIZE OR CLAMS_FUZZ)
  return()
endif()

include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)  # without this call, CMake compiles for position-independent programs but does not link them so

set(clams_hardening -fstack-protector-strong)
foreach(flag -fstack-clash-protection -fcf-protection=full)
  string(MAKE_C_IDENTIFIER "CLAMS_HAVE${flag}" known)
  check_cxx_compiler_flag("-Werror ${flag}" ${known})
  if(${known})
    list(APPEND clams_hardening ${flag})
  endif()
endforeach()
# Level 3 checks buffers whose size is known only at run time; g++ 12 and clang 14 have it, older ones take it as 2.
# -U first: a distribution's own flags may have set another level.
list(APPEND clams_hardening -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
add_compile_options("$<${clams_optimised}:${clams_hardening}>")
add_link_options("$<${clams_optimised}:LINKER:-z,relro;LINKER:-z,now;LINKER:-z,noexecstack>")
