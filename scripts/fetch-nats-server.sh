#!/usr/bin/env bash
# fetch-nats-server.sh DIRECTORY: puts a nats-server that is new enough for the relay into DIRECTORY, without installing it.
# Debian's stable release may have an older one, so the package is taken from a newer release: with an apt configuration of
# its own, which leaves the machine's alone, from the same address. Prints the version, or why there is none, and then fails.
set -euo pipefail

target=$1
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo 'no nats-server: there is no apt-get here'
  exit 1
fi
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
address=$(grep -hoE '(https?|file|mirror)[^ ]*/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  head -n 1 | tr -d ' ' || true)
if [[ ! -r $keyring || -z $address ]]; then
  echo 'no nats-server: this machine does not get its packages from Debian'
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for suite in sid trixie; do
  rm -rf "${work:?}"/*
  mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$work"/state
  chmod 755 "$work" # apt downloads as a user of its own
  echo "deb [signed-by=$keyring] $address $suite main" >"$work/sources.list"
  options=(
    -o Dir::Etc::sourcelist="$work/sources.list"
    -o Dir::Etc::sourceparts=-
    -o Dir::State="$work/state"
    -o Dir::State::lists="$work/lists"
    -o Dir::State::status=/var/lib/dpkg/status
    -o Dir::Cache="$work/cache"
    -o APT::Sandbox::User=root
  )
  if (
    cd "$work"
    apt-get "${options[@]}" -qq update && apt-get "${options[@]}" -qq download nats-server
  ) >"$work/output" 2>&1 && dpkg-deb -x "$work"/nats-server_*.deb "$work/package"; then
    mkdir -p "$target"
    # A server that runs from there keeps its file.
    install -m 755 "$work/package/usr/sbin/nats-server" "$target/nats-server.new"
    mv "$target/nats-server.new" "$target/nats-server"
    if "$target/nats-server" --version; then exit 0; fi
  fi
done
echo "no nats-server: $(tail -n 1 "$work/output" 2>/dev/null || true)"
exit 1
