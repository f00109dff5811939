# `clams gpu` and `clams profiles`: parts of clams_tool that need libs/vram.
target_sources(clams_tool PRIVATE
  src/gpu/background.cpp src/gpu/child.cpp src/gpu/gpu_command.cpp src/gpu/host.cpp src/gpu/lease_desk.cpp src/gpu/live_view.cpp src/gpu/picture.cpp
  src/gpu/picture_json.cpp src/gpu/reserve_command.cpp src/gpu/run_command.cpp src/gpu/settings.cpp src/gpu/simulate_command.cpp
  src/gpu/simulation_text.cpp src/gpu/table.cpp src/gpu/terminal.cpp src/gpu/text_table.cpp src/gpu/watch.cpp
  src/profiles/listing_text.cpp src/profiles/profiles_command.cpp)
target_link_libraries(clams_tool PUBLIC clams::vram clams::vram_profiles)
