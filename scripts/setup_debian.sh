#!/usr/bin/env bash
# Sets up what a bare Debian 12 machine lacks for building and testing zview. A Rust toolchain (rustup)
# must be there already. Every part is optional where it cannot be installed: what is missing is said.
set -u

missing=()
command -v cc >/dev/null 2>&1 || missing+=(gcc libc6-dev)
# A GPU in software, so that the GPU path is tested on machines without one.
ls /usr/share/vulkan/icd.d/lvp_icd*.json >/dev/null 2>&1 || missing+=(mesa-vulkan-drivers)
ldconfig -p 2>/dev/null | grep -q libvulkan.so.1 || missing+=(libvulkan1)
# A browser, in which tests open the reports.
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing+=(chromium)

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup: this is no Debian machine; not installed: ${missing[*]}"
    else
        as_root=()
        [ "$(id -u)" = 0 ] || as_root=(sudo)
        "${as_root[@]}" apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" \
                >/dev/null || echo "setup: could not install: ${missing[*]}"
    fi
fi

command -v cargo >/dev/null 2>&1 || { echo "setup: no cargo; install a Rust toolchain (1.95 or newer) first"; exit 1; }
rustup component add rustfmt clippy >/dev/null 2>&1 || true # already there, or no network
cargo fmt --version && cargo clippy --version
