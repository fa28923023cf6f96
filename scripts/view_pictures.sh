#!/bin/sh
# The pictures of docs/views.md: letters of the embedded generator, a row for each anchor, which is its first image.
#   scripts/view_pictures.sh [path of the binary]
set -eu
cd "$(dirname "$0")/.."
zview=${1:-target/release/zview}
for kind in same gaussian angular uniform-ball radii interpolate independent; do
    "$zview" sample --generator glyphs-gan --kind "$kind" --std 0.5 --anchors 3 --per-anchor 12 --seed 1 \
        --device cpu --out "docs/images/views-$kind.png" > /dev/null
done
