#!/usr/bin/env bash
# Gets what some tests start for themselves. Redis, PostgreSQL, tmux, zsh and fish are installed, where Debian's package manager
# and the rights to use it are there; nats-server is put into .cache/nats-server, because a release of Debian may have one that
# is too old. What cannot be had is said, and no failure: those tests are skipped, and print it. Starts no service.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

nats=.cache/nats-server
if [[ -x $nats/nats-server ]]; then
  echo "$("$nats/nats-server" --version) is there."
elif fetched=$(scripts/fetch-nats-server.sh "$nats"); then
  echo "Fetched: $fetched."
else
  echo "Not fetched: $fetched. The tests that need it are skipped, unless \$NATS_SERVER or the search path has one."
fi

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
for program in tmux zsh fish; do
  command -v "$program" >/dev/null || missing+=("$program")
done
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
if ((${#missing[@]} == 0)); then
  echo 'Redis, PostgreSQL, tmux, zsh and fish are there.'
  exit 0
fi

as_root=()
if ((EUID != 0)); then as_root=(sudo -n); fi
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  echo "Not installed: ${missing[*]} (no apt-get, or not the rights to use it). The tests that need them are skipped."
  exit 0
fi

# Packages start what they install unless a policy says no.
POLICY=/usr/sbin/policy-rc.d
if [[ ! -e $POLICY ]]; then
  trap '"${as_root[@]}" rm -f "$POLICY"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$POLICY" >/dev/null
  "${as_root[@]}" chmod 755 "$POLICY"
fi

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}
# The lists of packages may be old, or not there at all on a fresh machine.
if install 2>/dev/null || { "${as_root[@]}" apt-get update -qq && install; }; then
  echo "Installed: ${missing[*]}."
else
  echo "Not installed: ${missing[*]} (see above). The tests that need them are skipped."
fi
