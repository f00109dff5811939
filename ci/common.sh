# Sourced by ./dev: messages, and children that never outlive us.

note() { echo "dev: $*"; }

fail() {
  echo "dev: $*" >&2
  exit 1
}

wrong_use() {
  echo "dev: $*" >&2
  exit 2
}

no_arguments() {
  local name=$1
  shift
  [[ $# -eq 0 ]] || wrong_use "'./dev $name' takes no arguments, got: $*"
}

# nearest WORD CANDIDATE...: the candidate that needs the fewest single-letter edits.
nearest() {
  local word=$1
  shift
  printf '%s\n' "$@" | awk -v word="$word" '
    function min3(a, b, c) { return a < b ? (a < c ? a : c) : (b < c ? b : c) }
    function distance(a, b,   i, j, d) {
      for (i = 0; i <= length(a); i++) d[i, 0] = i
      for (j = 0; j <= length(b); j++) d[0, j] = j
      for (i = 1; i <= length(a); i++)
        for (j = 1; j <= length(b); j++)
          d[i, j] = min3(d[i-1, j] + 1, d[i, j-1] + 1, d[i-1, j-1] + (substr(a, i, 1) != substr(b, j, 1)))
      return d[length(a), length(b)]
    }
    { n = distance(word, $0); if (index($0, word) == 1 && word != "") n = 0; if (best == "" || n < least) { least = n; best = $0 } }
    END { print best }'
}

# --- children ---------------------------------------------------------------------------------------------------------
# A child runs in a process group of its own: a signal to ./dev then ends the whole group, whatever the child started, and the
# shell's `wait` returns at once where a foreground command would hold the signal back until its end.
children=()
scratch=""

supervise() {
  start "$@"
  local pid=$started rc=0
  wait "$pid" || rc=$?
  forget "$pid"
  return "$rc"
}

# start COMMAND...: runs it in the background; its process group's id is in `started`.
start() {
  set -m
  "$@" </dev/null &
  started=$!
  set +m
  children+=("$started")
}

forget() {
  local pid kept=()
  for pid in "${children[@]}"; do
    [[ $pid == "$1" ]] || kept+=("$pid")
  done
  children=("${kept[@]}")
}

# stop PID: SIGTERM to the group, SIGKILL to what is left after ten seconds.
stop() {
  local i
  kill -TERM -- "-$1" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    kill -0 -- "-$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  forget "$1"
}

leave() {
  local pid
  trap '' INT TERM HUP
  for pid in "${children[@]}"; do stop "$pid"; done
  [[ -z $scratch ]] || rm -rf "$scratch"
}

interrupted() {
  echo "dev: stopped by $1" >&2
  exit "$2"
}

trap leave EXIT
trap 'interrupted SIGINT 130' INT
trap 'interrupted SIGTERM 143' TERM
trap 'interrupted SIGHUP 129' HUP

# make_scratch: a temporary directory that is removed when ./dev ends; its name is in `scratch`.
make_scratch() { scratch=$(mktemp -d "${TMPDIR:-/tmp}/clams-dev.XXXXXX"); }
