#!/bin/sh
# Post an MMIF to an app; come back while its GPU is busy or while the server restarts.
#     retry.sh URL [IN [OUT]]        IN: standard input if absent or "-"; OUT: standard output, else a file that appears when it is whole
# Exit status: 0 done, 1 failed (one line says why), 75 still refused after 10 minutes.
set -eu
case $#:${1-} in
  [123]:http://* | [123]:https://*) ;;
  *)
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
    ;;
esac
url=$1 target=${3--}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
cat -- "${2--}" > "$folder/in.mmif"
deadline=$(($(date +%s) + 600))
own_pause=1

# What an answer says: "error" of a refusal, or the last "message" (of the error view of an MMIF), or its beginning.
message() {
  text=$(tr '\n' ' ' < "$folder/answer" | sed -n 's/.*"error": *"\([^"\\]*\(\\.[^"\\]*\)*\)".*/\1/p')
  [ -n "$text" ] || text=$(tr '\n' ' ' < "$folder/answer" | sed -n 's/.*"message": *"\([^"\\]*\(\\.[^"\\]*\)*\)".*/\1/p')
  [ -n "$text" ] || text=$(tr '\n' ' ' < "$folder/answer" | cut -c 1-500)
  printf '%s\n' "$text" | sed 's/\\n.*//; s/\\"/"/g'
}

while :; do
  : > "$folder/answer"
  : > "$folder/headers"
  trouble=0
  status=$(curl -sS -H 'Content-Type: application/json' --data-binary "@$folder/in.mmif" --max-time 21600 \
    -D "$folder/headers" -o "$folder/answer" -w '%{http_code}' "$url" 2> "$folder/trouble") || trouble=$?
  pause=$(tr -d '\r' < "$folder/headers" | awk 'tolower($1) == "retry-after:" && $2 ~ /^[0-9]+$/ { print ($2 > 60 ? 60 : $2); exit }')
  if [ "$trouble" = 0 ] && [ "$status" = 200 ]; then
    if [ "$target" = - ]; then
      cat "$folder/answer"
    else
      cp -- "$folder/answer" "$target.tmp"
      mv -- "$target.tmp" "$target"
    fi
    exit 0
  fi
  case $trouble in
    0)
      # The header decides, not the status: a server may refuse with 500. A server that goes down says 503, at times without it.
      case $status:$pause in
        429:* | 503:* | *:[0-9]*) printf '%s: %s\n' "$status" "$(tr '\n' ' ' < "$folder/answer")" >&2 ;;
        *)
          printf '%s: %s\n' "$status" "$(message)" >&2
          exit 1
          ;;
      esac
      ;;
    7 | 18 | 52 | 55 | 56) pause='' && head -n 1 "$folder/trouble" >&2 ;; # refused, or cut off in the middle
    *)
      head -n 1 "$folder/trouble" >&2
      exit 1
      ;;
  esac
  if [ -z "$pause" ]; then
    pause=$own_pause
    own_pause=$((own_pause < 30 ? own_pause * 2 : 60))
  fi
  if [ $(($(date +%s) + pause)) -gt "$deadline" ]; then
    echo 'still refused after 600 s' >&2
    exit 75
  fi
  sleep "$pause"
done
