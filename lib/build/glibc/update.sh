#!/usr/bin/env bash
# Gets the files that executables for Linux bring (libraries.ts) from Debian's packages, checked by
# apt, with their licences. For Debian; needs zstd. Run it after security updates of glibc, then the
# tests, and commit what changed.
set -euo pipefail
cd "$(dirname "$0")"
. ../../../tests/support/debian.sh

suite=trixie
packages=(libc6 libgcc-s1 gcc-14-base)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# download ARCHITECTURE: unpacks the packages for it into $work/ARCHITECTURE, with lists of its own,
# so that this machine's architecture and suite do not matter.
download() {
  local dir=$work/$1 deb
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/debs"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $suite main" \
    >"$dir/sources.list"
  cat >"$dir/apt.conf" <<EOF
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Sandbox::User "";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$dir/lists";
Dir::State::status "/dev/null";
Dir::Cache "$dir/cache";
EOF
  export APT_CONFIG=$dir/apt.conf
  apt-get update -qq
  (cd "$dir/debs" && apt-get download -qq "${packages[@]}")
  for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$dir/root"; done
}

# compress ARCHITECTURE PROCESSOR LOADER: writes the files for it.
compress() {
  local name
  rm -f "$2"/*.zst
  for name in "$3" libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 librt.so.1; do
    zstd -19 -q "$work/$1/root/usr/lib/$2-linux-gnu/$name" -o "$2/$name.zst"
    chmod 644 "$2/$name.zst"
  done
}

# version PACKAGE
version() {
  dpkg-deb -f "$work"/amd64/debs/"$1"_*.deb Version
}

licenses() {
  local doc=$work/amd64/root/usr/share/doc common=/usr/share/common-licenses
  cat <<EOF
The GNU C Library and GCC's runtime library

The Linux executables bring files of these two, unchanged, from Debian's packages libc6
$(version libc6) and libgcc-s1 $(version libgcc-s1). Debian publishes their complete sources
as its source packages glibc and gcc-14, and keeps all versions of them at
https://snapshot.debian.org/package/glibc/ and https://snapshot.debian.org/package/gcc-14/.
To use other versions, replace the files in lib/build/glibc of Converge's sources and build again.

EOF
  cat "$doc/libc6/copyright" $common/LGPL-2.1
  sed -n '/^GCC is Copyright/,/tsystem.h/p; /^GCC RUNTIME LIBRARY/,/^requirements of the license/p' \
    "$doc/gcc-14-base/copyright"
  cat $common/GPL-3
}

download amd64
download arm64
compress amd64 x86_64 ld-linux-x86-64.so.2
compress arm64 aarch64 ld-linux-aarch64.so.1
licenses >LICENSES.txt
echo "libc6 $(version libc6), libgcc-s1 $(version libgcc-s1)"
