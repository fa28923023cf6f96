#!/usr/bin/env bash
# Computes the studies of configs/studies (all that have a table in docs/studies, or those that are named) and renews their
# tables there: what is finished in runs/ stays, encoders that several studies have in common are trained once. About two minutes per cell and
# core; `zview compare FILE --plan` says how long it takes here. The tables of docs/studies/README.md are renewed last.
#   scripts/studies.sh [--data-dir DIR] [--jobs N] [STUDY...]
#   scripts/studies.sh --generators [STUDY...]     # names our own generators that they ask for, each with its recipe
# To be named: those of docs/results.md (demo, digits), docs/methods.md (methods-*) and docs/views-results.md (views-*).
# DIR has mnist/ and fashion-mnist/ (IDX files); published generators are looked for as configs/generators says.
set -eu
cd "$(dirname "$0")/.."
zview=${ZVIEW:-target/release/zview}
more=()
jobs=1
only_generators=
while [ $# -gt 0 ]; do
    case "$1" in
        --data-dir) more+=(--data-dir "$2"); shift 2 ;;
        --jobs) jobs=$2; shift 2 ;;
        --generators) only_generators=1; shift ;;
        -*) echo "studies: unknown option $1; expected --data-dir DIR, --jobs N or --generators" >&2; exit 2 ;;
        *) break ;;
    esac
done
studies=("$@")
[ ${#studies[@]} -gt 0 ] || for file in docs/studies/*.json; do studies+=("$(basename "$file" .json)"); done

# Our own generators, and early stages of their training (NAME-UPDATES): of digits two minutes on two cores, of clothes four each.
recipe_of() {
    recipe=configs/generators/train/$1.toml
    [ -e "$recipe" ] || recipe=configs/generators/train/${1%-*}.toml
    echo "$recipe"
}
train_generator() {
    name=$(basename "$1")
    recipe=$(recipe_of "$name")
    changes=()
    [ "$(basename "$recipe" .toml)" = "$name" ] || changes=(--set "train.steps=${name##*-}" --set "name=$name")
    "$zview" generator train "$recipe" --out "$1" ${changes[@]+"${changes[@]}"} ${more[@]+"${more[@]}"}
}
# Folders start with a small letter: the runs/NAME of a comment is none. What is in a folder, such as runs/walks/, is no
# generator.
generators_of() {
    recipes=$(grep -ho 'recipes/[a-z-]*.toml' "configs/studies/$1.toml" | sort -u | sed 's#^#configs/studies/#')
    # shellcheck disable=SC2086 # names without blanks
    grep -hoE 'runs/[a-z][a-z0-9-]*([^a-z0-9-]|$)' $recipes "configs/studies/$1.toml" | grep -v '/$' |
        sed 's/[^a-z0-9-]$//' | sort -u || true
}
if [ -n "$only_generators" ]; then
    for study in "${studies[@]}"; do
        for generator in $(generators_of "$study"); do echo "$generator $(recipe_of "$(basename "$generator")")"; done
    done | sort -u
    exit
fi
for study in "${studies[@]}"; do
    for generator in $(generators_of "$study"); do
        [ -e "$generator/generator.toml" ] || train_generator "$generator"
    done
done
mkdir -p docs/studies
for study in "${studies[@]}"; do
    "$zview" compare "configs/studies/$study.toml" --out "runs/$study" --reuse runs --jobs "$jobs" ${more[@]+"${more[@]}"}
    cp "runs/$study/comparison.md" "docs/studies/$study.md"
    cp "runs/$study/comparison.json" "docs/studies/$study.json"
done
python3 scripts/studies_summary.py
