# Sourced by ./dev: clang-format, clang-tidy and the layers.

our_sources() {
  find libs apps tools bindings fuzz bench tests -type f \( -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name '*.h' \) \
    -not -path '*/build/*' -print0 | sort -z
}

format() {
  need format
  case ${1:-} in
    "") our_sources | xargs -0 -r clang-format -i && note "formatted with $(clang-format --version)" ;;
    --check)
      local wrong
      wrong=$(our_sources | xargs -0 -r clang-format --dry-run 2>&1 | grep 'clang-format-violations' | cut -d: -f1 | sort | uniq -c || true)
      if [[ -n $wrong ]]; then
        printf '%s\n' "$wrong"
        fail "not formatted, with the number of places: see above; ./dev format mends it (written for clang-format 14; other versions may differ in details)"
      fi
      note "all sources are formatted"
      ;;
    *) wrong_use "'./dev format' takes --check or nothing, got: $*" ;;
  esac
}

# Needs python3 alone. Forgotten files are found where a build was configured before.
lint_quick() {
  no_arguments 'lint --quick' "$@"
  need quick
  local known=() preset
  for preset in tidy dev; do
    [[ ! -f build/$preset/compile_commands.json ]] || { known=(--compile-commands "build/$preset/compile_commands.json"); break; }
  done
  [[ ${#known[@]} -eq 0 ]] || grep -q /apps/whisper/ "${known[1]}" || known+=(--left-out apps/speech apps/whisper apps/vad)
  python3 ci/layering.py "${known[@]}" || fail "findings: see above; the layers are in docs/ARCHITECTURE.md"
  [[ ${#known[@]} -gt 0 ]] || note "not looked for: files that no build names (./dev build or ./dev test configures one)"
}

lint() {
  if [[ ${1:-} == --quick ]]; then
    shift
    lint_quick "$@"
    return
  fi
  need core ocr media python test clang tidy
  fetch_whisper_if_wanted
  # The whole configuration, tests included: it is what says which file is compiled how.
  configure tidy
  # Again where a CMakeLists.txt has changed since.
  supervise ninja -C build/tidy build.ninja >build/tidy/regenerate.log 2>&1 || { cat build/tidy/regenerate.log >&2; fail "configuring build/tidy failed: see above"; }
  local wrong=0 left_out=()
  grep -q /apps/whisper/ build/tidy/compile_commands.json || left_out=(--left-out apps/speech apps/whisper apps/vad)
  python3 ci/layering.py --compile-commands build/tidy/compile_commands.json "${left_out[@]}" || wrong=1
  # Sources that the build makes must be there before they are read.
  if target_exists tidy generated; then build_preset tidy generated; fi
  supervise python3 ci/tidy.py build/tidy "$(jobs)" "$@" || wrong=1
  [[ $wrong -eq 0 ]] || fail "findings: see above; the layers are in docs/ARCHITECTURE.md, the reasons for checks that are off in .clang-tidy"
}
