#!/usr/bin/env bash
# Builds the container runtime of one node (containerd with its shim and ctr, runc, four CNI plugins) from the modules that
# go.mod pins, into OUT (default: bin/runtime at the root of the repository). What is newer than its pins is left alone.
# Needs Go and gcc. The nft program, through which pod network and service proxy program the kernel, is installed when missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${OUT:-$(cd ../.. && pwd)/bin/runtime}
mkdir -p "$out"

say() { printf 'runtime: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

# install_package PROGRAM PACKAGES: the packages that make the program work, unless it is there.
install_package() {
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] && return
    install "$2" "$1"
}

# install PACKAGES WHAT: the packages, by apt, for the sake of what is missing.
install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "$2 is missing: install $1 of your distribution and try again"
    say "installing $1, for $2"
    apt-get install -y --no-install-recommends $1 >"$out/apt.log" 2>&1 ||
        { apt-get update && apt-get install -y --no-install-recommends $1; } >"$out/apt.log" 2>&1 ||
        die "installing $1 did not succeed, see $out/apt.log"
    rm -f "$out/apt.log"
}

# build NAME PACKAGE CGO TAGS [LDFLAGS]: one program; VERSION in LDFLAGS becomes its module's pinned version.
build() {
    local name=$1 package=$2 cgo=$3 tags=$4 ldflags=${5:-} file="$out/$1" version started=$SECONDS
    if [ "$file" -nt go.mod ] && [ "$file" -nt go.sum ] && [ "$file" -nt build.sh ]; then
        built=$((built + 1))
        return
    fi
    version=$(go list -mod=readonly -f '{{.Module.Version}}' -tags "$tags" "$package")
    say "building $name $version"
    CGO_ENABLED=$cgo go build -mod=readonly -trimpath -tags "$tags" -ldflags "-s -w ${ldflags//VERSION/$version}" -o "$file" "$package"
    touch "$file"
    say "built    $name $version in $((SECONDS - started)) s"
}

[ "$(go env GOOS)" = linux ] || die "containers need Linux; use the simulated runtime here"
install_package gcc 'gcc libc6-dev'
install_package nft nftables
install_package pkg-config pkg-config
pkg-config --exists libseccomp || install libseccomp-dev libseccomp

built=0
containerd=github.com/containerd/containerd/v2
plugins=github.com/containernetworking/plugins
lean='no_btrfs no_zfs no_devmapper no_tracing netgo osusergo'

build containerd "$containerd/cmd/containerd" 0 "$lean" "-X $containerd/version.Version=VERSION"
build containerd-shim-runc-v2 "$containerd/cmd/containerd-shim-runc-v2" 0 "$lean" "-X $containerd/version.Version=VERSION"
build ctr "$containerd/cmd/ctr" 0 "$lean" "-X $containerd/version.Version=VERSION"
# runc enters namespaces from C before Go starts, and hands seccomp profiles to the kernel through the C library.
build runc github.com/opencontainers/runc 1 'netgo osusergo seccomp'
for plugin in main/bridge main/loopback ipam/host-local meta/portmap; do
    build "cni/${plugin##*/}" "$plugins/plugins/$plugin" 0 'netgo osusergo' "-X $plugins/pkg/utils/buildversion.BuildVersion=VERSION"
done
say "$out is complete ($built of 8 programs were there already)"
