#include "clams/main.hpp"
#include "vram_demo_app.hpp"

int main(int argc, char** argv) { return clams::main<VramDemoApp>(argc, argv); }
