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

# build DIR CGO TAGS LDFLAGS PACKAGES: the programs of one module into DIR, together, so that one is linked while another is
# compiled; VERSION in LDFLAGS becomes the module's pinned version.
build() {
    local dir=$1 cgo=$2 tags=$3 ldflags=$4 started=$SECONDS package file version packages=() files=()
    shift 4
    for package; do
        file="$dir/${package##*/}"
        if [ "$file" -nt go.mod ] && [ "$file" -nt go.sum ] && [ "$file" -nt build.sh ]; then
            built=$((built + 1))
        else
            packages+=("$package") files+=("$file")
        fi
    done
    [ ${#packages[@]} != 0 ] || return 0
    version=$(go list -mod=readonly -f '{{.Module.Version}}' -tags "$tags" "${packages[0]}")
    say "building ${files[*]##*/} $version"
    mkdir -p "$dir"
    CGO_ENABLED=$cgo go build -mod=readonly -trimpath -tags "$tags" -ldflags "-s -w ${ldflags//VERSION/$version}" -o "$dir/" "${packages[@]}"
    touch "${files[@]}"
    say "built    ${files[*]##*/} $version in $((SECONDS - started)) s"
}

[ "$(go env GOOS)" = linux ] || die "containers need Linux; use the simulated runtime here"
install_package gcc 'gcc libc6-dev'
install_package nft nftables
install_package pkg-config pkg-config
pkg-config --exists libseccomp || install libseccomp-dev libseccomp

built=0
containerd=github.com/containerd/containerd/v2
plugins=github.com/containernetworking/plugins
# Without cgo names of hosts and users are looked up by Go itself. Tags that say so as well, as runc's do, would have net and all that
# stands on it compiled a second time, beside what the control plane has of it.
lean='no_btrfs no_zfs no_devmapper no_tracing'

build "$out" 0 "$lean" "-X $containerd/version.Version=VERSION" "$containerd"/cmd/{containerd,containerd-shim-runc-v2,ctr}
# runc enters namespaces from C before Go starts, and hands seccomp profiles to the kernel through the C library.
build "$out" 1 'netgo osusergo seccomp' '' github.com/opencontainers/runc
build "$out/cni" 0 '' "-X $plugins/pkg/utils/buildversion.BuildVersion=VERSION" \
    "$plugins"/plugins/{main/bridge,main/loopback,ipam/host-local,meta/portmap}
say "$out is complete ($built of 8 programs were there already)"
