import { quoteSh } from "./assets/shared/quote.js";
import type { Site } from "./site.ts";

/** The script that installs a program from this server, for any POSIX shell. */
export function installScript({ http }: Pick<Site, "http">): string {
  return `#!/bin/sh
# Installs a program of Converge from this server and checks its SHA-256:
#
#   curl -fsSL ${http}/install.sh | sh
#   curl -fsSL ${http}/install.sh | sh -s -- setup
#   curl -fsSL ${http}/install.sh | sh -s -- tunnel ~/bin
#
# The program is wsproxy unless another is named, the directory /usr/local/bin for root and
# ~/.local/bin for others. "setup" installs wsproxy and lets "ssh ID.converge" reach this server.
set -eu

server=${quoteSh(http)}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

fetch() {
  curl -fsSL -o "$2" "$server/static/$1" || fail "cannot download $server/static/$1"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi |
    cut -d ' ' -f 1
}

# A function, so that nothing runs if only a part of this script arrives.
main() {
  program=\${1:-wsproxy}
  setup=false
  if [ "$program" = setup ]; then setup=true program=wsproxy; fi
  case $program in
    wsproxy | tunnel | agent | server) ;;
    *) fail "there is no program \\"$program\\"; name wsproxy, tunnel, agent, server or setup" ;;
  esac
  if [ "$(id -u)" = 0 ]; then directory=/usr/local/bin; else directory=$HOME/.local/bin; fi
  directory=\${2:-$directory}
  command -v curl >/dev/null || fail "curl is missing"
  mkdir -p "$directory"
  # On the same file system, so that the program is replaced whole.
  work=$(mktemp -d "$directory/.install.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  fetch "$program-$(uname -s)-$(uname -m)" "$work/$program"
  fetch SHA256SUMS "$work/sums"
  grep -q "^$(sha256 "$work/$program")  $program" "$work/sums" ||
    fail "$program has another SHA-256 than in $server/static/SHA256SUMS; nothing is installed"
  chmod 755 "$work/$program"
  mv -f "$work/$program" "$directory/$program"
  echo "installed $directory/$program"
  if [ "$setup" = true ]; then
    "$directory/wsproxy" setup "$server"
    return
  fi
  case ":$PATH:" in
    *":$directory:"*) ;;
    *) echo "add it to your PATH: export PATH=\\"$directory:\\$PATH\\"" ;;
  esac
}

main "$@"
`;
}
