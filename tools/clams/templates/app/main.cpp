#include "clams/main.hpp"

#include "app.hpp"

int main(int argc, char** argv) { return clams::main<@APP_CLASS@>(argc, argv); }
