#!/bin/sh
# Holds the forecast of a run against the run: seconds that were forecast after its first steps, seconds that it took.
# On a quiet machine they agree within 20 %. Usage: scripts/forecast.sh [zview] [--device DEVICE ...]
set -eu
cd "$(dirname "$0")/.."
zview=zview
case "${1:-}" in "" | -*) ;; *) zview=$1 && shift ;; esac
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
worst=0
for more in "--steps 300" "--steps 600 --set train.batch=32" "--steps 30 --set encoder.arch=resnet18 --set train.batch=32"; do
    # shellcheck disable=SC2086 # words
    "$zview" pretrain configs/studies/recipes/glyphs.toml --out "$out/run" \
        --set train.warmup_steps=10 $more "$@" >/dev/null 2>&1
    python3 - "$out/run" "$more" <<'PYTHON' || worst=1
import json, sys

run, more = sys.argv[1:]
events = [json.loads(line) for line in open(f"{run}/events.jsonl")]
forecast = next(event["seconds"] for event in events if event.get("event") == "forecast")
taken = json.load(open(f"{run}/result.json"))["seconds"]
print(f"{more}: forecast {forecast:.1f} s, taken {taken:.1f} s, {100 * (forecast / taken - 1):+.0f} %")
sys.exit(abs(forecast / taken - 1) > 0.2)
PYTHON
    rm -rf "$out/run"
done
exit $worst
