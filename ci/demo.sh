# Sourced by ./dev: a real app reads a real page, over HTTP and from the command line.

readonly demo_out=$root/demo-output
readonly sample=$root/apps/tesseract/sample
readonly exit_port_in_use=78

demo() {
  no_arguments demo "$@"
  need core ocr demo
  build_preset release clams clams-tesseract clams-vram-demo ocr_score
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

  demo_gpu "$bin"

  echo
  echo "Documents are in demo-output/: page.mmif (asked), page-read.mmif (answered), page-one-shot.mmif, page-read.txt"
  echo "More to try: build/release/bin/clams describe demo-output/page-read.mmif; build/release/bin/clams-tesseract --help"
}

# GPU memory: a request that is admitted, the table while it runs, and one that does not fit. On a simulated card when this machine has no GPU.
demo_gpu() {
  local bin=$1 gib=$((1 << 30))
  if [[ $("$bin/clams" gpu --json 2>/dev/null) != *'"uuid"'* ]]; then
    export CLAMS_GPU=sim:24GiB
    mkdir -p "$scratch/gpu"
    export CLAMS_VRAM_DIR=$scratch/gpu
  fi
  export CLAMS_PROFILE_DIR=$scratch/profiles
  local free
  free=$("$bin/clams" gpu --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["devices"][0]["available_bytes"])')
  say_step "5. GPU memory is promised before it is used${CLAMS_GPU:+ (no GPU here: on a simulated card, $CLAMS_GPU)}"
  start_server "$bin/clams-vram-demo"
  local need=$((free * 6 / 10)) url=http://127.0.0.1:$port
  echo "   A request that needs $((need / gib)) GiB runs for two seconds; meanwhile 'clams gpu' shows:"
  start curl --silent --max-time 30 --output "$demo_out/gpu-granted.mmif" --data-binary "@$demo_out/page.mmif" "$url/?bytes=$need&allocate=$need&hold_ms=2000"
  local running=$started
  sleep 0.7
  echo
  "$bin/clams" gpu | sed 's/^/   | /'
  echo
  echo "   A second one that needs as much does not fit, and is told so at once:"
  echo "   curl --data-binary @demo-output/page.mmif '$url/?bytes=$need'"
  curl --silent --max-time 30 --write-out '\n%{http_code}\n' --data-binary "@$demo_out/page.mmif" "$url/?bytes=$need" >"$demo_out/gpu-refused.json" || fail "the server did not answer; its log: $(cat "$scratch/server.log")"
  python3 - "$demo_out/gpu-refused.json" <<'PYTHON'
import json, sys
text, status = open(sys.argv[1]).read().rstrip("\n").rsplit("\n", 1)
body = json.loads(text)
print("   | HTTP %s  %s" % (status, body["error"]))
for key in ("code", "model", "device", "required_bytes", "available_bytes", "reserved_bytes", "headroom_bytes", "source", "retry_after"):
    print("   |   %-16s %s" % (key, body.get(key)))
PYTHON
  wait "$running" || true
  forget "$running"
  local status
  status=$(curl --silent --max-time 30 --output "$demo_out/gpu-retried.mmif" --write-out '%{http_code}' --data-binary "@$demo_out/page.mmif" "$url/?bytes=$need")
  echo "   After the first one has ended the same request is answered with HTTP $status."
  stop "$server"
}

say_step() {
  echo
  echo "$1"
}

# show COMMAND...: as one would type it here.
show() { echo "   ${*//"$root/"/}"; }

# start_server COMMAND...: sets `server` (its process group) and `port`.
start_server() {
  local attempt words
  for attempt in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    start "$@" --production --host 127.0.0.1 --port "$port" >"$scratch/server.log" 2>&1
    server=$started
    if wait_ready; then
      words="$*"
      echo "   ${words//"$root/"/} --production --host 127.0.0.1 --port $port"
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
