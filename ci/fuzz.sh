# Sourced by ./dev: the fuzz targets. A target NAME ends in _fuzz; its seeds are corpus/NAME and its words NAME.dict, in fuzz/ or in the fuzz/ of its
# library. What it finds new stays in build/fuzz/corpus/NAME.

# The names of all fuzz targets that build/fuzz knows.
fuzz_targets() { ninja -C build/fuzz -t targets all | sed -n 's/^\([A-Za-z0-9_-]*_fuzz\): phony$/\1/p' | grep -v '^cmake_object_order' | sort -u; }

fuzz() {
  local seconds=${1:-60} only=${2:-} targets failed=() name
  [[ $seconds =~ ^[0-9]+$ && $seconds -gt 0 ]] || wrong_use "'./dev fuzz' takes a number of seconds, got: $seconds"
  need core ocr media python clang fuzz
  configure fuzz
  mapfile -t targets < <(fuzz_targets | grep -F -- "$only" || true)
  if [[ ${#targets[@]} -eq 0 ]]; then
    [[ -z $only ]] || wrong_use "no fuzz target has '$only' in its name; there are: $(fuzz_targets | xargs)"
    note "no fuzz targets yet"
    return
  fi
  build_preset fuzz "${targets[@]}"
  for name in "${targets[@]}"; do
    fuzz_one "$name" "$seconds" || failed+=("$name")
  done
  [[ ${#failed[@]} -eq 0 ]] || fail "fuzzing found something in: ${failed[*]}; the input lies under build/fuzz/findings, run the program with it as argument"
  echo "fuzz: ${#targets[@]} passed, 0 failed"
}

fuzz_one() {
  local name=$1 seconds=$2 rc=0 place
  local own=build/fuzz/corpus/$name found=build/fuzz/findings/$name log=build/fuzz/$name.log
  mkdir -p "$own" "$found"
  local arguments=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/")
  for place in fuzz libs/*/fuzz; do
    [[ ! -f $place/$name.dict ]] || arguments+=(-dict="$place/$name.dict")
  done
  arguments+=("$own")
  for place in fuzz libs/*/fuzz; do
    [[ ! -d $place/corpus/$name ]] || arguments+=("$place/corpus/$name")
  done
  note "fuzzing $name for $seconds s"
  supervise "build/fuzz/bin/$name" "${arguments[@]}" >"$log" 2>&1 || rc=$?
  if [[ $rc -ne 0 ]]; then
    tail -n 60 "$log" >&2
    return 1
  fi
  awk '/number_of_executed_units/ { runs = $2 } /peak_rss_mb/ { rss = $2 } END { printf "     %s inputs, peak %s MB, nothing found\n", runs, rss }' "$log"
}
