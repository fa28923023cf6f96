#!/usr/bin/env bash
# Computes the studies of configs/studies (all, or those that are named) and renews their tables in docs/studies: what is
# finished in runs/ stays, encoders that several studies have in common are trained once. About two minutes per cell and
# core; `zview compare FILE --plan` says how long it takes here. The tables of docs/studies/README.md are renewed last.
#   scripts/studies.sh [--data-dir DIR] [--jobs N] [STUDY...]
# DIR has mnist/ and fashion-mnist/ (IDX files); published generators are looked for as configs/generators says.
set -eu
cd "$(dirname "$0")/.."
zview=${ZVIEW:-target/release/zview}
more=()
jobs=1
while [ $# -gt 0 ]; do
    case "$1" in
        --data-dir) more+=(--data-dir "$2"); shift 2 ;;
        --jobs) jobs=$2; shift 2 ;;
        -*) echo "studies: unknown option $1; expected --data-dir DIR or --jobs N" >&2; exit 2 ;;
        *) break ;;
    esac
done
studies=("$@")
[ ${#studies[@]} -gt 0 ] || for file in configs/studies/*.toml; do studies+=("$(basename "$file" .toml)"); done

# Our own generators, and early stages of their training (NAME-UPDATES): of digits two minutes on two cores, of clothes four each.
train_generator() {
    name=$(basename "$1")
    recipe=configs/generators/train/$name.toml
    changes=()
    if [ ! -e "$recipe" ]; then
        recipe=configs/generators/train/${name%-*}.toml
        changes=(--set "train.steps=${name##*-}" --set "name=$name")
    fi
    "$zview" generator train "$recipe" --out "$1" ${changes[@]+"${changes[@]}"} "${more[@]}"
}
for study in "${studies[@]}"; do
    recipes=$(grep -ho 'recipes/[a-z-]*.toml' "configs/studies/$study.toml" | sort -u | sed 's#^#configs/studies/#')
    # shellcheck disable=SC2086 # names without blanks
    # shellcheck disable=SC2013 # names without blanks
    for generator in $(grep -ho 'runs/[a-z0-9-]*' $recipes "configs/studies/$study.toml" | sort -u); do
        [ -e "$generator/generator.toml" ] || train_generator "$generator"
    done
done
mkdir -p docs/studies
for study in "${studies[@]}"; do
    "$zview" compare "configs/studies/$study.toml" --out "runs/$study" --reuse runs --jobs "$jobs" "${more[@]}"
    cp "runs/$study/comparison.md" "docs/studies/$study.md"
    cp "runs/$study/comparison.json" "docs/studies/$study.json"
done
python3 scripts/studies_summary.py
