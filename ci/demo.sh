# Sourced by ./dev: a real app reads a real page, over HTTP and from the command line.

readonly demo_out=$root/demo-output
readonly sample=$root/apps/tesseract/sample
readonly exit_port_in_use=78

demo() {
  no_arguments demo "$@"
  need core ocr demo
  build_preset release clams clams-tesseract ocr_score
  make_scratch
  mkdir -p "$demo_out"
  local bin=$root/build/release/bin

  say_step "1. An MMIF document that points to the page: $sample/page.png"
  local source_command=("$bin/clams" source "image/png:$sample/page.png")
  show "${source_command[@]}"
  supervise "${source_command[@]}" >"$demo_out/page.mmif" || fail "clams source failed: see above"
  echo "   -> demo-output/page.mmif, $(wc -c <"$demo_out/page.mmif") bytes"

  say_step "2. The app as a server"
  start_server "$bin/clams-tesseract"

  say_step "3. The page is read over HTTP"
  local answer=$demo_out/page-read.mmif status
  echo "   curl --data-binary @demo-output/page.mmif http://127.0.0.1:$port/"
  status=$(supervise curl --silent --show-error --max-time 120 --output "$answer" --write-out '%{http_code} %{time_total}' \
    --header 'Content-Type: application/json' --data-binary "@$demo_out/page.mmif" "http://127.0.0.1:$port/?pretty=true") ||
    fail "the server did not answer; its log: $(cat "$scratch/server.log")"
  [[ ${status%% *} == 200 ]] || fail "the server answered ${status%% *}: $(head -c 2000 "$answer")"
  python3 ci/show_text.py "$answer" >"$demo_out/page-read.txt"
  echo
  sed 's/^/   | /' "$demo_out/page-read.txt"
  echo
  echo "   $("$bin/ocr_score" "$sample/page.txt" "$demo_out/page-read.txt"), ${status##* } s from question to answer"
  stop "$server"

  say_step "4. The same without a server"
  local once=("$bin/clams-tesseract" "$demo_out/page.mmif" "$demo_out/page-one-shot.mmif")
  show "${once[@]}"
  supervise "${once[@]}" || fail "clams-tesseract failed: see above"

  echo
  echo "Documents are in demo-output/: page.mmif (asked), page-read.mmif (answered), page-one-shot.mmif, page-read.txt"
  echo "More to try: build/release/bin/clams describe demo-output/page-read.mmif; build/release/bin/clams-tesseract --help"
}

say_step() {
  echo
  echo "$1"
}

# show COMMAND...: as one would type it here.
show() { echo "   ${*//"$root/"/}"; }

# start_server PROGRAM: sets `server` (its process group) and `port`.
start_server() {
  local attempt
  for attempt in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    start "$1" --production --host 127.0.0.1 --port "$port" >"$scratch/server.log" 2>&1
    server=$started
    if wait_ready; then
      echo "   ${1#"$root/"} --production --host 127.0.0.1 --port $port"
      return
    fi
    # Somebody else may have the port: then the program says so and another one is tried.
    if kill -0 "$server" 2>/dev/null; then
      stop "$server"
      break
    fi
    local rc=0
    wait "$server" || rc=$?
    forget "$server"
    [[ $rc -eq $exit_port_in_use ]] || break
  done
  fail "the server did not start; its log: $(cat "$scratch/server.log")"
}

wait_ready() {
  local i
  for ((i = 0; i < 300; i++)); do
    kill -0 "$server" 2>/dev/null || return 1
    if curl --silent --fail --max-time 5 --output /dev/null "http://127.0.0.1:$port/health"; then return 0; fi
    sleep 0.1
  done
  return 1
}
