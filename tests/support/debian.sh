# Makes directories with a Debian of their own, for the scripts beside this file that source it.
# Only root can.

die() {
  echo "$(basename "$0"): $*" >&2
  exit 2
}

# The mirror that this machine's own packages come from.
debian_mirror() {
  local sources=/etc/apt/sources.list.d/*.sources found=
  # shellcheck disable=SC2086
  found=$(sed -n 's/^URIs: *\(.*\/debian\)\/\? *$/\1/p' $sources 2>/dev/null | head -n 1)
  [ -n "$found" ] || found=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\/debian\)\/\? .*/\2/p' \
    /etc/apt/sources.list 2>/dev/null | head -n 1)
  [ -n "$found" ] || die "cannot find a Debian mirror in apt's sources"
  echo "$found"
}

# debian_remove ROOT: deletes the directory, unless it is something else.
debian_remove() {
  [ -e "$1" ] || return 0
  [ -e "$1/.begun" ] || [ -e "$1/.ready" ] || die "$1 was not made by this script"
  rm -rf --one-file-system "$1"
}

# debian_setup ROOT PACKAGES [AFTERWARDS]: makes the directory, unless it is there: Debian trixie, or
# what $suite says, the packages (with commas between them), and what the function AFTERWARDS does.
debian_setup() {
  local root=$1 packages=$2 afterwards=${3-true}
  mkdir -p "$(dirname "$root")"
  exec 9>"$root.lock"
  flock 9
  if [ ! -e "$root/.ready" ]; then
    command -v debootstrap >/dev/null || die "debootstrap is missing; try: apt-get install debootstrap"
    debian_remove "$root"
    mkdir "$root"
    touch "$root/.begun"
    debootstrap --variant=minbase ${packages:+"--include=$packages"} "${suite:-trixie}" "$root" \
      "$(debian_mirror)" >"$root.log" 2>&1 || die "debootstrap failed; see $root.log"
    rm -f "$root"/var/cache/apt/archives/*.deb
    ("$afterwards" 9>&-)
    touch "$root/.ready"
  fi
  exec 9>&-
}
