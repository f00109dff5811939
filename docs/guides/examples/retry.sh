#!/bin/sh
# Post an MMIF to an app and come back when its GPU is busy.
#     retry.sh URL < in.mmif > out.mmif
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/in.mmif"
deadline=$(($(date +%s) + 600))

while :; do
  status=$(curl -sS -H 'Content-Type: application/json' --data-binary "@$folder/in.mmif" \
    -D "$folder/headers" -o "$folder/answer" -w '%{http_code}' "$1")
  if [ "$status" = 200 ]; then
    cat "$folder/answer"
    exit 0
  fi
  echo "$status: $(cat "$folder/answer")" >&2
  pause=$(tr -d '\r' < "$folder/headers" | awk 'tolower($1) == "retry-after:" { print $2 }')
  case $status in
    429 | 503) ;;
    *) exit 1 ;; # 507 never fits, 4xx is the document: trying again would not help
  esac
  [ -n "$pause" ] || exit 1
  if [ $(($(date +%s) + pause)) -gt "$deadline" ]; then exit 75; fi
  sleep "$pause"
done
