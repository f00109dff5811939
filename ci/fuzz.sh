# Sourced by ./dev: the fuzz targets. A target NAME is a program whose name begins or ends with "fuzz"; its seeds are
# fuzz/corpus/NAME, its words fuzz/NAME.dict. What it finds new stays in build/fuzz/corpus/NAME.

fuzz_targets() {
  find build/fuzz -maxdepth 3 -type f -executable \( -name 'fuzz_*' -o -name '*_fuzz' -o -name '*_fuzzer' \) -not -path '*/CMakeFiles/*' | sort
}

fuzz() {
  local seconds=${1:-60} only=${2:-} targets failed=() program
  [[ $seconds =~ ^[0-9]+$ && $seconds -gt 0 ]] || wrong_use "'./dev fuzz' takes a number of seconds, got: $seconds"
  need core ocr media python clang fuzz
  configure fuzz
  build_preset fuzz fuzz/all
  mapfile -t targets < <(fuzz_targets | grep -F -- "$only" || true)
  if [[ ${#targets[@]} -eq 0 ]]; then
    [[ -z $only ]] || wrong_use "no fuzz target has '$only' in its name: $(fuzz_targets | xargs -r -n1 basename | xargs)"
    note "no fuzz targets yet"
    return
  fi
  for program in "${targets[@]}"; do
    fuzz_one "$program" "$seconds" || failed+=("$(basename "$program")")
  done
  [[ ${#failed[@]} -eq 0 ]] || fail "fuzzing found something in: ${failed[*]}; the input lies under build/fuzz/findings, run the program with it as argument"
  echo "fuzz: ${#targets[@]} passed, 0 failed"
}

fuzz_one() {
  local program=$1 seconds=$2 name rc=0
  name=$(basename "$program")
  local own=build/fuzz/corpus/$name found=build/fuzz/findings/$name log=build/fuzz/$name.log
  mkdir -p "$own" "$found"
  local arguments=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/")
  [[ ! -f fuzz/$name.dict ]] || arguments+=(-dict="fuzz/$name.dict")
  arguments+=("$own")
  [[ ! -d fuzz/corpus/$name ]] || arguments+=("fuzz/corpus/$name")
  note "fuzzing $name for $seconds s"
  supervise "$program" "${arguments[@]}" >"$log" 2>&1 || rc=$?
  [[ $rc -lt 128 ]] || exit "$rc"
  if [[ $rc -ne 0 ]]; then
    tail -n 60 "$log" >&2
    return 1
  fi
  awk '/number_of_executed_units/ { runs = $2 } /peak_rss_mb/ { rss = $2 } END { printf "     %s inputs, peak %s MB, nothing found\n", runs, rss }' "$log"
}
