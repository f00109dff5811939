# Sourced by ./dev: installs what ci/packages.txt lists, and only what is missing.

# The release as ci/packages.txt names it, for example debian-12.
release_name() {
  local id="" version=""
  if [[ -r ${CLAMS_OS_RELEASE:-/etc/os-release} ]]; then
    # shellcheck disable=SC1090
    id=$(. "${CLAMS_OS_RELEASE:-/etc/os-release}"; echo "${ID:-}")
    # shellcheck disable=SC1090
    version=$(. "${CLAMS_OS_RELEASE:-/etc/os-release}"; echo "${VERSION_ID:-}")
  fi
  echo "${id:-unknown}-${version:-unknown}"
}

# packages_of GROUP...: one line "name<TAB>what for" for each package of these groups on this release.
packages_of() {
  awk -F'|' -v groups=" $* " -v release="$(release_name)" '
    /^[[:space:]]*(#|$)/ { next }
    {
      group = $1; gsub(/[[:space:]]/, "", group)
      if (index(groups, " " group " ") == 0) next
      n = split($2, words, " "); name = words[1]
      for (i = 2; i <= n; i++) {
        at = index(words[i], "=")
        if (substr(words[i], 1, at - 1) == release) name = substr(words[i], at + 1)
      }
      why = $3; sub(/^[[:space:]]+/, "", why)
      if (name != "-" && !seen[name]++) printf "%s\t%s\n", name, why
    }' ci/packages.txt
}

# missing_packages GROUP...: those lines of packages_of that are not installed.
missing_packages() {
  local list installed
  list=$(packages_of "$@")
  [[ -n $list ]] || return 0
  # shellcheck disable=SC2046
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\n' $(cut -f1 <<<"$list") 2>/dev/null | sed -n 's/^.i \?\t//p' || true)
  awk -F'\t' 'NR == FNR { have[$1] = 1; next } !($1 in have)' <(printf '%s\n' "$installed") <(printf '%s\n' "$list")
}

# Sets `as_root` to the words that make a command run as root. False when there is no way.
find_root() {
  as_root=()
  if [[ $(id -u) -eq 0 ]]; then return 0; fi
  if command -v sudo >/dev/null; then
    as_root=(sudo)
    return 0
  fi
  return 1
}

apt_install() {
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y -q --no-install-recommends "$@"
}

apt_update() { quietly "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any update -q; }

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
  local output rc=0
  output=$("$@" 2>&1) || rc=$?
  [[ $rc -eq 0 ]] || printf '%s\n' "$output" >&2
  return "$rc"
}

# need GROUP...: afterwards the packages of these groups are installed. Sets packages_changed=1 when it installed something.
need() {
  packages_changed=0
  if ! command -v dpkg-query >/dev/null; then
    note "no dpkg here: install what ci/packages.txt lists for the groups '$*' by your own means; going on"
    return 0
  fi
  local missing names
  missing=$(missing_packages "$@")
  [[ -n $missing ]] || return 0
  case $(release_name) in
    debian-12 | debian-13 | ubuntu-24.04) ;;
    *) note "package names are known for Debian 12, Debian 13 and Ubuntu 24.04; this is $(release_name), trying the common names" ;;
  esac
  mapfile -t names < <(cut -f1 <<<"$missing")
  note "needs ${#names[@]} package(s) that are not installed:"
  awk -F'\t' '{ printf "  %-24s %s\n", $1, $2 }' <<<"$missing"
  find_root || fail "cannot install packages: neither root nor sudo. As root: apt-get install --no-install-recommends ${names[*]}"
  note "installing with: ${as_root[*]:+${as_root[*]} }apt-get install --no-install-recommends ..."
  if ! known_to_apt "${names[@]}"; then
    apt_update || fail "apt-get update failed: see above; once it works, call ./dev again"
  fi
  check_removals "${names[@]}"
  # Lists may be older than the archive (404): fetch them once more before giving up.
  apt_install "${names[@]}" || { apt_update && apt_install "${names[@]}"; } ||
    fail "apt-get could not install: ${names[*]}. See its message above; once it is mended, call ./dev again"
  packages_changed=1
}

known_to_apt() {
  local name
  for name in "$@"; do
    apt-cache show --no-all-versions "$name" >/dev/null 2>&1 || return 1
  done
}

# Boost's headers exist in one version at a time: on Debian 12 those of 1.81 take the place of 1.74. Nothing else may be removed.
check_removals() {
  local removed others
  removed=$(apt-get -s install --no-install-recommends "$@" 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p')
  [[ -n $removed ]] || return 0
  others=$(grep -v '^libboost' <<<"$removed" || true)
  [[ -z $others ]] || fail "apt-get would remove ${others//$'\n'/, }: install the packages above by hand if that is meant"
  note "in exchange apt-get removes: ${removed//$'\n'/, }"
}
