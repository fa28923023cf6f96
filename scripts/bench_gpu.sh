#!/usr/bin/env bash
# Measures a training step on this machine's GPU, against its own floors and against PyTorch, in one run:
#
#     scripts/bench_gpu.sh [RECIPE] [OUT]
#
# RECIPE is configs/bench/resnet18-32.toml where none is given: ResNet-18, 512 views of 32x32. OUT is a new
# folder, runs/bench-gpu-<date> where none is given; summary.md in it has everything to show, the JSON files
# all that was measured. Relative paths count from the repository's root. Needs the zview binary and no
# network. Without Python or torch the comparison with PyTorch is left out, and summary.md says so.
#
# Environment: ZVIEW (target/release/zview), ZVIEW_DEVICE (auto), PYTHON (python3), TORCH_DEVICE (auto),
# STEPS (20), ROUNDS (5), MODES (all that the device has; see scripts/pytorch_baseline.py),
# SETS (changes of the recipe, such as "train.batch=16 encoder.width=8").
set -u
cd "$(dirname "$0")/.." || exit 1
recipe=${1:-configs/bench/resnet18-32.toml}
out=${2:-runs/bench-gpu-$(date +%Y%m%d-%H%M%S)}
zview=${ZVIEW:-target/release/zview}
device=${ZVIEW_DEVICE:-auto}
python=${PYTHON:-python3}
steps=${STEPS:-20}
rounds=${ROUNDS:-5}
read -r -a modes <<< "${MODES:-}"
sets=()
for setting in ${SETS:-}; do sets+=(--set "$setting"); done

fail() {
    echo "bench_gpu.sh: $1" >&2
    exit "$2"
}
[ -f "$recipe" ] || fail "$recipe: no such recipe" 2
"$zview" --version > /dev/null || fail "$zview does not run; name the binary in ZVIEW" 2
[ ! -e "$out" ] || fail "$out exists; name a new folder" 2
mkdir -p "$out" || exit 1
summary=$out/summary.md

# Runs zview with its JSON, text and messages in files named $1, and gives its exit code.
measure() {
    name=$1
    shift
    echo "bench_gpu.sh: zview $*" >&2
    "$zview" "$@" --device "$device" --json > "$out/$name.json" 2> "$out/$name.log"
}

measure devices devices || { cat "$out/devices.log" >&2; fail "no device \`$device\`" 1; }
{
    echo "# A training step on this machine"
    echo
    echo "- $("$zview" --version), \`$recipe\`${SETS:+ with $SETS}, $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "- $(uname -sm), $(getconf _NPROCESSORS_ONLN) processors, load $(uptime | sed 's/.*load average[s]*: *//')"
    if command -v nvidia-smi > /dev/null; then
        nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | sed 's/^/- NVIDIA: /'
    fi
    echo
    echo '```'
    "$zview" devices --device "$device"
    echo '```'
    echo
} > "$summary"

measure selfcheck selfcheck "$recipe" ${sets[@]+"${sets[@]}"}
case $? in
    0) verdict="agrees with the CPU in every check." ;;
    2) verdict="was not run: $(grep -v '^ *$' "$out/selfcheck.log" | tail -1 | sed 's/^ *Error: *× *//')" ;;
    3) verdict="**finds this device computing wrongly: the rates below are not of a working training** (selfcheck.log)." ;;
    *) verdict="**failed** (selfcheck.log)." ;;
esac
printf '`zview selfcheck` %s\n\n' "$verdict" >> "$summary"

bench=(bench "$recipe" --steps "$steps" ${sets[@]+"${sets[@]}"})
measure bench "${bench[@]}" || { cat "$out/bench.log" >&2; fail "zview bench failed" 1; }
echo "bench_gpu.sh: the same in words" >&2
{
    echo '```'
    "$zview" "${bench[@]}" --device "$device" 2> /dev/null
    echo '```'
    echo
    echo "(A second run of what bench.json holds.)"
    echo
} >> "$summary"

if "$python" -c 'import torch' 2> "$out/pytorch.log"; then
    compare=(scripts/pytorch_baseline.py "$recipe" --zview "$zview" --device "$device")
    compare+=(--torch-device "${TORCH_DEVICE:-auto}" --steps "$steps" --rounds "$rounds")
    compare+=(${sets[@]+"${sets[@]}"} --json "$out/pytorch.json" --markdown "$out/pytorch.md")
    [ ${#modes[@]} -eq 0 ] || compare+=(--modes "${modes[@]}")
    echo "bench_gpu.sh: ${compare[*]}" >&2
    if "$python" "${compare[@]}" > "$out/pytorch.txt" 2> "$out/pytorch.log"; then
        {
            head -1 "$out/pytorch.txt"
            echo
            cat "$out/pytorch.md"
            echo
            echo "Medians of the rounds, with the smallest and the largest; ratios are within a round."
        } >> "$summary"
    else
        echo "The comparison with PyTorch **failed**: $(tail -1 "$out/pytorch.log")" >> "$summary"
    fi
else
    echo "No comparison with PyTorch: $python has no torch." >> "$summary"
fi
cat "$summary"
