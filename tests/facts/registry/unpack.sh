#!/bin/sh
# Unpacks Debian's docker-registry into .venv/registry, for the tests that ask a real one. It needs neither root nor
# Docker, and leaves the system as it is. Ends with 1 where there is no such package.
set -eu
to=$(pwd)/.venv/registry
[ ! -x "$to/usr/bin/docker-registry" ] || exit 0
unpacked=$to.new
rm -rf "$to" "$unpacked"
mkdir -p "$unpacked/apt/lists/partial" "$unpacked/apt/cache/archives/partial"
cd "$unpacked"

get() {
    apt-get -q -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o APT::Sandbox::User="$(id -un)" "$@"
}

# Only root may renew the lists of the system, which may be empty or old: then lists of its own, for this once.
fetch() {
    get download docker-registry && return
    set -- -o Dir::State::Lists="$unpacked/apt/lists" -o Dir::Cache="$unpacked/apt/cache"
    get "$@" update && get "$@" download docker-registry
}

if ! { command -v apt-get && command -v dpkg && fetch && dpkg -x docker-registry_*.deb .; } >log 2>&1; then
    echo "Debian's docker-registry could not be had, so the tests of a real registry are skipped. They need apt-get," \
        "dpkg, and a network; make registry tries again:" >&2
    tail -n 3 log >&2
    exit 1
fi
rm -rf apt log docker-registry_*.deb
mv "$unpacked" "$to"
