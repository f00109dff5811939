# Sourced by ./dev: configuring and building by preset.

# Compile jobs: one a core, and no more than fit (the largest sources take about 1.5 GB each).
jobs() {
  if [[ -n ${CLAMS_JOBS:-} ]]; then
    echo "$CLAMS_JOBS"
    return
  fi
  local cores by_memory
  cores=$(nproc)
  by_memory=$(awk '/^MemAvailable:/ { n = int($2 / 1500000); print n < 1 ? 1 : n }' /proc/meminfo)
  echo $((cores < by_memory ? cores : by_memory))
}

# forget_moved PRESET: a build folder belongs to the path it was configured at; a copied or moved checkout begins anew.
forget_moved() {
  local dir=build/$1 home
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$dir/CMakeCache.txt" 2>/dev/null) || return 0
  [[ -n $home && $(readlink -m "$home") != "$root" ]] || return 0
  note "$dir was configured for $home: it is removed and built anew"
  rm -rf "$dir"
}

# configure PRESET [CMAKE-ARGS]: only when it would change something; ninja itself follows changed CMake files.
configure() {
  local preset=$1 dir=build/$1 fresh=()
  shift
  forget_moved "$preset"
  local wanted="$* $(md5sum CMakePresets.json) speech $(whisper_state)"
  if [[ ${packages_changed:-0} -eq 0 && -f $dir/build.ninja && $(cat "$dir/.dev-configured" 2>/dev/null) == "$wanted" ]]; then
    return
  fi
  # What was not found before may be there now: start from an empty cache. Objects stay, so little is built again.
  [[ ! -f $dir/CMakeCache.txt ]] || fresh=(--fresh)
  mkdir -p "$dir"
  # The kernels for GPUs take longer than all the rest: only for what people run, unless asked for.
  local cuda=OFF
  [[ $preset != release ]] || cuda=AUTO
  if ! supervise cmake --preset "$preset" "${fresh[@]}" "-DCLAMS_WHISPER=${CLAMS_WHISPER:-AUTO}" \
    "-DCLAMS_WHISPER_CUDA=${CLAMS_WHISPER_CUDA:-$cuda}" "$@" >"$dir/configure.log" 2>&1; then
    cat "$dir/configure.log" >&2
    fail "configuring build/$preset failed: see above (also in $dir/configure.log)"
  fi
  echo "$wanted" >"$dir/.dev-configured"
}

# build_preset PRESET [TARGETS]
build_preset() {
  local preset=$1 arguments=()
  shift
  # Programs are built without tests: nobody who runs them needs GoogleTest.
  [[ $preset != release ]] || arguments=(-DCLAMS_TESTS=OFF)
  configure "$preset" "${arguments[@]}"
  note "building build/$preset ${*:+($*)}"
  local quiet=()
  [[ -t 1 ]] || quiet=(--quiet)
  supervise ninja "${quiet[@]}" -C "build/$preset" -j "$(jobs)" "$@" || fail "the build of build/$preset failed: see above"
}

# target_exists PRESET TARGET
target_exists() { ninja -C "build/$1" -t query "$2" >/dev/null 2>&1; }

build_release() {
  need core ocr media python
  fetch_whisper_if_wanted
  build_preset release "$@"
  sed -n 's/^-- \(whisper\.cpp .*\)/dev: \1/p' build/release/configure.log 2>/dev/null || true
  note "programs are in build/release/bin"
}
