# clams::vram_profiles: what runs needed (profile/) and models that stay (cache/).
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)

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
  PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json> OpenSSL::Crypto)
