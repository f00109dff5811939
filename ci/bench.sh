# Sourced by ./dev: the benchmark.
bench() {
  case ${1:-} in
    -h | --help)
      python3 bench/run.py --help
      return
      ;;
  esac
  need core ocr media python bench
  configure release -DCLAMS_TESTS=OFF
  local targets=(bench/all)
  local program
  for program in clams-bench-app clams clams-whisper whisper_cpp_cli; do
    if target_exists release "$program"; then targets+=("$program"); fi
  done
  build_preset release "${targets[@]}"
  local rc=0
  supervise python3 bench/run.py --build build/release --out build/bench "$@" || rc=$?
  case $rc in
    0) ;;
    1) fail "a goal was missed: see above" ;;
    3) fail "something was not measured: see above" ;;
    *) exit "$rc" ;;
  esac
}
