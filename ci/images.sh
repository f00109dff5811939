# Sourced by ./dev: container images from the packages in dist/ (docs/guides/containers.md).

# Apps with an image, and the packages that each needs beside clams-cpp.
readonly image_apps=(vram-demo: tesseract:clams-tesseract whisper:clams-whisper vad:clams-vad)

# The image of this machine's release, since its .deb packages fit no other.
image_base() {
  case $(release_name) in
    debian-*) echo "docker.io/library/$(release_name | tr - :)-slim" ;;
    *) echo "docker.io/library/$(release_name | tr - :)" ;;
  esac
}

package_images() {
  need images
  local base=${CLAMS_IMAGE_BASE:-$(image_base)} version context=$package_folder/images app
  version=$(project_version)
  images_context "$context" "$version"
  note "building images from $base"
  build_image clams-cpp runtime "$base" "$context"
  for app in "${image_apps[@]}"; do
    build_image "clams-cpp-${app%%:*}" app "$base" "$context" --build-arg "APP=${app%%:*}" --build-arg "PACKAGES=${app#*:}"
  done
}

# A folder with the wheel and the .deb packages of this version and this release, and nothing else.
images_context() {
  local context=$1 version=$2 wheel deb name
  rm -rf "$context"
  mkdir -p "$context"
  wheel=$(find dist -name "clams_cpp-$version-*.whl" | head -n 1)
  [[ -n $wheel ]] || fail "there is no wheel of $version in dist/: ./dev package wheel makes it"
  cp "$wheel" "$context"
  for name in clams-cpp clams-tesseract clams-whisper clams-vad; do
    deb=$(find dist -name "${name}_$version$(release_suffix)_*.deb" | head -n 1)
    [[ -n $deb ]] || fail "there is no $name of $version$(release_suffix) in dist/: ./dev package deb makes it"
    cp "$deb" "$context"
  done
}

# build_image NAME CONTAINERFILE BASE CONTEXT [ARGUMENT...]: localhost/NAME:VERSION, and an archive of it in dist/.
build_image() {
  local name=$1 file=deploy/images/$2.Containerfile base=$3 context=$4 version archive
  shift 4
  version=$(project_version)
  archive=dist/${name}_${version}_$(dpkg --print-architecture).oci.tar
  # Without a daemon and, in a container of somebody else, without the right to raise limits or make control groups.
  supervise buildah build --isolation chroot --ulimit "nofile=$(at_most 20000 "$(ulimit -Hn)")" --ulimit "nproc=$(at_most 30000 "$(ulimit -Hu)")" \
    --layers=false --timestamp "$SOURCE_DATE_EPOCH" --build-arg "BASE=$base" --build-context images=deploy/images "$@" --file "$file" \
    --tag "localhost/$name:$version" "$context" >"$package_folder/$name.log" 2>&1 ||
    { tail -n 20 "$package_folder/$name.log" >&2 && fail "the image $name could not be built: see above (all of it in $package_folder/$name.log)"; }
  # buildah writes such archives too, with the times of today in them.
  rm -rf "$archive" "$package_folder/oci"
  quietly supervise buildah push "localhost/$name:$version" "oci:$package_folder/oci:localhost/$name:$version" || fail "the image $name could not be written to $archive: see above"
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$package_folder/oci" -cf "$archive" .
  rm -rf "$package_folder/oci"
  note "localhost/$name:$version, $(buildah images --format '{{.Size}}' "localhost/$name:$version") unpacked"
}

# at_most LIMIT VALUE, where VALUE may be "unlimited"; as SOFT:HARD.
at_most() {
  local value=$2
  [[ $value != unlimited && $value -le $1 ]] || value=$1
  echo "$value:$value"
}
