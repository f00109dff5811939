# Install and export: find_package(clams) gives clams::base, clams::vram, clams::mmif, clams::sdk, clams::server.
get_property(targets GLOBAL PROPERTY CLAMS_INSTALL_TARGETS)
get_property(includes GLOBAL PROPERTY CLAMS_INSTALL_INCLUDES)
install(TARGETS ${targets} EXPORT clamsTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Programs for people; those of tests and measurements stay in the build. OPTIONAL: a build of some targets can be installed too.
foreach(program clams clams-vram-demo clams-tesseract clams-whisper clams-vad)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)
  endif()
endforeach()
foreach(dir IN LISTS includes)
  install(DIRECTORY ${dir}/ DESTINATION include/clams-cpp)
endforeach()
install(EXPORT clamsTargets NAMESPACE clams:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/clams)
include(CMakePackageConfigHelpers)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/clamsConfig.cmake.in ${CMAKE_BINARY_DIR}/clamsConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/clams)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/clamsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/clamsConfig.cmake ${CMAKE_BINARY_DIR}/clamsConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/clams)
# What the guides name beside the programs. A prefix other than /usr needs its paths in the unit changed.
if(TARGET clams)
  install(FILES ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/clams DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)  # a link to clams-cpp
  install(FILES ${CMAKE_BINARY_DIR}/completions/clams.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME clams OPTIONAL)
  install(FILES ${CMAKE_BINARY_DIR}/completions/clams.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME clams-cpp OPTIONAL)
  install(FILES ${CMAKE_BINARY_DIR}/completions/_clams DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions OPTIONAL)
  install(FILES ${CMAKE_BINARY_DIR}/completions/clams.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d OPTIONAL)
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/deploy/systemd/ DESTINATION lib/systemd/system FILES_MATCHING PATTERN "*.service" PATTERN "*.socket")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/deploy/sysusers.d ${CMAKE_SOURCE_DIR}/deploy/tmpfiles.d DESTINATION lib FILES_MATCHING PATTERN "*.conf")
# What makes an image of a program answer as images of Python apps do (docs/guides/containers.md).
install(PROGRAMS ${PROJECT_SOURCE_DIR}/deploy/images/prepare ${PROJECT_SOURCE_DIR}/deploy/images/python
  DESTINATION ${CMAKE_INSTALL_DATADIR}/clams-cpp/image)
