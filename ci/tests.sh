# Sourced by ./dev: the tests, plain and under sanitizers.

run_ctest_prefix=()

# run_ctest PRESET [CTEST-ARGS]: runs, then prints counts per label, tests and cases.
run_ctest() {
  local preset=$1 rc=0
  shift
  local results=$root/build/$preset/results
  rm -rf "$results"
  mkdir -p "$results"
  # GoogleTest programs write one file each into a directory named with a slash at its end.
  supervise "${run_ctest_prefix[@]}" env GTEST_OUTPUT="xml:$results/" GTEST_COLOR=no TZ=UTC \
    ctest --test-dir "build/$preset" --parallel "${CTEST_PARALLEL_LEVEL:-2}" -LE '^gpu$' --output-on-failure --no-tests=error \
    --output-junit "$results.xml" --test-output-size-passed 65536 --test-output-size-failed 1048576 "$@" || rc=$?
  python3 ci/count_tests.py "build/$preset" || rc=1
  return "$rc"
}

# targets_for PRESET CTEST-ARGS: the test programs that these arguments choose; nothing where one of the tests needs more than its
# own program, for then all is built.
targets_for() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --show-only=json-v1 -LE '^gpu$' "$@" 2>/dev/null | python3 ci/test_programs.py "build/$preset"
}

run_tests() {
  need core ocr media python demo test systemd
  fetch_whisper_if_wanted
  local programs=()
  if [[ $# -gt 0 ]]; then
    configure dev
    mapfile -t programs < <(targets_for dev "$@")
  fi
  build_preset dev "${programs[@]}"
  run_ctest dev "$@" || fail "tests failed: see above; one again with its output: ./dev test -R NAME -V"
}

sanitize() {
  local lanes=("$@") lane
  [[ $# -gt 0 ]] || lanes=(address thread)
  for lane in "${lanes[@]}"; do
    case $lane in
      address | thread | libcxx) ;;
      *) wrong_use "no sanitizer lane '$lane'; did you mean '$(nearest "$lane" address thread libcxx)'?" ;;
    esac
  done
  need core ocr media python demo test clang
  fetch_whisper_if_wanted
  for lane in "${lanes[@]}"; do
    "sanitize_$lane"
  done
}

sanitize_address() {
  build_preset asan
  export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:abort_on_error=1:disable_coredump=1
  export UBSAN_OPTIONS=print_stacktrace=1
  export LSAN_OPTIONS=suppressions=$root/ci/lsan.supp:print_suppressions=0
  # Left out: what runs compilers, pip and Python rather than our code, and takes minutes.
  run_ctest asan -E '^(python_worker_test|install_find_package|clams_develop|docs_.*)$' || fail "tests failed under the address and undefined-behaviour sanitizers: see above"
}

sanitize_thread() {
  build_preset tsan
  export TSAN_OPTIONS=second_deadlock_stack=1:halt_on_error=1:suppressions=$root/ci/tsan.supp
  # Kernels with much address randomisation break clang 14's shadow memory; where it can be switched off, it is.
  local plain=()
  if setarch "$(uname -m)" -R true 2>/dev/null; then plain=(setarch "$(uname -m)" -R); fi
  run_ctest_prefix=("${plain[@]}")
  run_ctest tsan || fail "tests failed under the thread sanitizer: see above"
  run_ctest_prefix=()
}

# Not a sanitizer, but the same use: another standard library, with its assertions on. By hand, since it compiles third parties, too.
sanitize_libcxx() {
  prepare_zig
  supervise deploy/wheel/fetch deploy/wheel/sources-tests.txt "$package_folder/downloads" "$package_folder/sources-tests" || fail "GoogleTest could not be fetched: see above"
  build_zig libcxx
  # Left out: what links packages of the distribution, which are built with the other library, and what needs a model of the speech apps.
  run_ctest libcxx -E '^(python_worker_test|install_find_package|clams_develop|docs_.*)$' || fail "tests failed with libc++: see above"
}
