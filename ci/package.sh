# Sourced by ./dev: packages for people who compile nothing (docs/guides/packages.md), in dist/.

# shellcheck source=ci/images.sh
source ci/images.sh

readonly package_folder=$root/build/package
readonly package_venv=$package_folder/venv
readonly static_build=$package_folder/static

# package [wheel|deb|deb:CODENAME|images]...: without arguments all that this machine can make.
package() {
  local kinds=("$@") kind
  [[ $# -gt 0 ]] || kinds=(wheel deb images)
  for kind in "${kinds[@]}"; do
    case $kind in
      wheel | deb | deb:bookworm | deb:trixie | images) ;;
      *) wrong_use "no package '$kind'; did you mean '$(nearest "$kind" wheel deb deb:bookworm deb:trixie images)'?" ;;
    esac
  done
  # Images take their base from a registry, so they are made without being asked for only where somebody makes images anyway.
  if [[ $# -eq 0 ]] && ! command -v buildah >/dev/null; then
    note "images are left out: there is no buildah here (./dev package images installs it)"
    kinds=(wheel deb)
  fi
  set_moment
  mkdir -p dist "$package_folder"
  for kind in "${kinds[@]}"; do
    case $kind in
      deb:*) package_deb_in "${kind#*:}" ;;
      *) "package_$kind" ;;
    esac
  done
  ci/manifest dist
  note "packages are in dist/:"
  sed 's/^[0-9a-f]*  /  /' dist/SHA256SUMS
}

project_version() { sed -n 's/^project(clams_cpp VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt; }

# The moment that stands in every archive: that of the commit, so that the same commit gives the same bytes.
set_moment() {
  [[ -z ${SOURCE_DATE_EPOCH:-} ]] || { export SOURCE_DATE_EPOCH && return 0; }
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) || fail "no git checkout here: set SOURCE_DATE_EPOCH to the seconds since 1970 of this release"
  export SOURCE_DATE_EPOCH
  [[ -z $(git status --porcelain 2>/dev/null) ]] || note "the checkout has changes that are in no commit: these packages are for trying only"
}

package_wheel() {
  prepare_zig
  build_zig static clams clams_vram_c
  supervise deploy/wheel/pack --build "$static_build" --sources "$package_folder/sources" --zig "$(zig_folder)" --out dist >"$package_folder/wheel.path" ||
    fail "packing the wheel failed: see above"
  note "the wheel is $(cat "$package_folder/wheel.path")"
}

# The compiler of the wheel, and the sources of third parties.
prepare_zig() {
  need core python package-wheel
  [[ $(uname -m) == x86_64 ]] || fail "what zig compiles here is for x86_64, and is built there"
  mkdir -p "$package_folder"
  fetch_zig
  supervise deploy/wheel/fetch deploy/wheel/sources.txt "$package_folder/downloads" "$package_folder/sources" || fail "the sources of third parties could not be fetched: see above"
}

zig_folder() { echo "$package_venv"/lib/python3*/site-packages/ziglang; }

# The compiler, and wrappers with the names that CMake and ccache know compilers by.
fetch_zig() {
  local stamp=$package_folder/zig.stamp tool
  if ! cmp -s deploy/wheel/requirements.txt "$stamp"; then
    note "fetching the compiler of the wheel (zig, about 90 MB)"
    rm -rf "$package_venv" "$package_folder/zig"
    python3 -m venv "$package_venv"
    quietly supervise "$package_venv/bin/pip" install -q --disable-pip-version-check --require-hashes --only-binary :all: -r deploy/wheel/requirements.txt ||
      fail "pip could not install the compiler: see above"
    mkdir -p "$package_folder/zig"
    for tool in clang=cc clang++=c++ ar=ar ranlib=ranlib; do
      # glibc 2.34: what the wheel's tag promises (manylinux_2_34).
      local words=${tool#*=}
      [[ ${tool#*=} != c* ]] || words="$words -target x86_64-linux-gnu.2.34"
      printf '#!/bin/sh\nexec %s/zig %s "$@"\n' "$(zig_folder)" "$words" >"$package_folder/zig/${tool%%=*}"
      chmod +x "$package_folder/zig/${tool%%=*}"
    done
    cp deploy/wheel/requirements.txt "$stamp"
  fi
  export ZIG_GLOBAL_CACHE_DIR=$package_folder/zig-cache ZIG_LOCAL_CACHE_DIR=$package_folder/zig-cache
  export CCACHE_COMPILERTYPE=clang CCACHE_COMPILERCHECK="string:$(md5sum <deploy/wheel/requirements.txt)"
}

# build_zig PRESET TARGET...: static or libcxx, with zig; the C++ library and all third parties inside.
build_zig() {
  local preset=$1 zig=$package_folder/zig dir wanted
  shift
  dir=build/$preset
  [[ $preset != static ]] || dir=$static_build
  wanted="$(md5sum CMakePresets.json deploy/wheel/requirements.txt)"
  if [[ ! -f $dir/build.ninja || $(cat "$dir/.dev-configured" 2>/dev/null) != "$wanted" ]]; then
    mkdir -p "$dir"
    supervise env -u LDFLAGS cmake --preset "$preset" --fresh -DCMAKE_C_COMPILER="$zig/clang" -DCMAKE_CXX_COMPILER="$zig/clang++" -DCMAKE_AR="$zig/ar" \
      -DCMAKE_RANLIB="$zig/ranlib" -DCLAMS_STATIC_DEPS="$package_folder/sources" >"$dir/configure.log" 2>&1 ||
      { cat "$dir/configure.log" >&2 && fail "configuring $dir failed: see above"; }
    echo "$wanted" >"$dir/.dev-configured"
  fi
  note "building $dir with zig"
  supervise env -u LDFLAGS ninja --quiet -C "$dir" -j "$(jobs)" "$@" || fail "the build of $dir failed: see above"
}

# The release of this machine as the suffix of versions: 0.1.0+deb12 is older than 0.1.0+deb13, so upgrades of the system go on.
release_suffix() {
  case $(release_name) in
    debian-*) echo "+deb$(release_name | sed 's/debian-//')" ;;
    ubuntu-*) echo "+ubuntu$(release_name | sed 's/ubuntu-//')" ;;
    *) fail ".deb packages are built on Debian 12, Debian 13 and Ubuntu 24.04; this is $(release_name)" ;;
  esac
}

# .deb packages for the release of this machine, from what is committed or changed here.
package_deb() {
  need core ocr media python package-deb
  fetch_whisper
  local version tree=$package_folder/deb/tree
  version=$(project_version)$(release_suffix)
  rm -rf "$package_folder/deb"
  mkdir -p "$tree"
  source_files | tar --null --files-from=- -cf - | tar -xf - -C "$tree"
  { deb_changelog "$version" && cat debian/changelog; } >"$tree/debian/changelog"
  note "building .deb packages $version"
  (cd "$tree" && CLAMS_WHISPER_CACHE=$root/build/downloads CCACHE_BASEDIR=$tree CCACHE_NOHASHDIR=1 DEB_BUILD_OPTIONS="parallel=$(jobs) ${DEB_BUILD_OPTIONS:-}" \
    supervise env -u LDFLAGS dpkg-buildpackage --build=binary --unsigned-changes --unsigned-source >"$package_folder/deb/build.log" 2>&1) ||
    { tail -n 40 "$package_folder/deb/build.log" >&2 && fail "dpkg-buildpackage failed: see above (all of it in $package_folder/deb/build.log)"; }
  rm -f dist/*"${version##*+}"_*.deb
  mv "$package_folder"/deb/*.deb dist/
}

# package_deb_in CODENAME: the same in a folder with another release of Debian, which is made once. As root, with this machine's network; ccache's folder is shared.
package_deb_in() {
  [[ $(id -u) -eq 0 ]] || fail "'./dev package deb:$1' makes a Debian in a folder: run it as root"
  need package-deb-elsewhere
  fetch_whisper
  local chroot=$package_folder/$1 cache=${CCACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ccache}
  if [[ ! -e $chroot/complete ]]; then
    note "making $chroot"
    rm -rf "$chroot"
    quietly supervise mmdebstrap --variant=minbase --include=ca-certificates,git "$1" "$chroot" || fail "mmdebstrap failed: see above"
    touch "$chroot/complete"
  fi
  rm -rf "$chroot/source"
  mkdir -p "$chroot/source/build/downloads" "$chroot/ccache" "$cache"
  source_files | tar --null --files-from=- -cf - | tar -xf - -C "$chroot/source"
  cp -L build/downloads/*.tar.gz "$chroot/source/build/downloads/"
  cp -L /etc/resolv.conf "$chroot/etc/resolv.conf"
  # shellcheck disable=SC2016
  supervise unshare --mount --pid --fork bash -euc '
    mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount --bind "$1" "$0/ccache"
    exec chroot "$0" env CCACHE_DIR=/ccache SOURCE_DATE_EPOCH="$2" CLAMS_JOBS="$3" bash -c "cd /source && ./dev package deb"' "$chroot" "$cache" "$SOURCE_DATE_EPOCH" "$(jobs)" ||
    fail "building in $chroot failed: see above"
  cp "$chroot"/source/dist/*.deb dist/
}

# What git knows and what is new, without what it ignores; in an unpacked archive of the source, all.
source_files() {
  if ! git rev-parse --git-dir >/dev/null 2>&1; then
    find . \( -path ./build -o -path ./dist \) -prune -o -type f -printf '%P\0'
    return
  fi
  git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done
}

# An entry of the changelog for the build of one release; its date is that of the commit.
deb_changelog() {
  local codename
  # shellcheck disable=SC1091
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  printf 'clams-cpp (%s) %s; urgency=medium\n\n  * Built for %s.\n\n -- %s  %s\n\n' "$1" "$codename" "$codename" \
    "$(sed -n 's/^Maintainer: //p' debian/control)" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
}
