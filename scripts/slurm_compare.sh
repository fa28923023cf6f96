#!/usr/bin/env bash
# Spreads the unfinished cells of a study (`zview compare`) over Slurm: a job array with one task per cell, and a job that
# collects the results when all tasks have ended, whether they succeeded or not.
#
#   slurm_compare.sh [options] CONFIG OUT [sbatch options...] [-- sbatch options of the collecting job...]
#
#   --limit N           at most N cells at the same time (sbatch's --array=...%N)
#   --zview-option=ARG  an option for every call of zview, as --zview-option=--device=vulkan; may be repeated
#   --dry-run           print the two commands and submit nothing
#   CONFIG OUT          the study and its folder, as for `zview compare CONFIG --out OUT`; every node must see both
#
# The options after OUT go to both jobs; those after `--` to the collecting job only, where they come last and win:
#   slurm_compare.sh --limit 8 study.toml runs/study --partition gpu --gres gpu:1 --cpus-per-task 8 --time 4:00:00 \
#       -- --partition cpu --gres none --cpus-per-task 1
# Threads of a task: --cpus-per-task, or what Slurm gives a task without it (1, as a rule). Logs: OUT/slurm/. Run it again
# after failures: only the unfinished cells are submitted. It refuses while its array for OUT is pending or running.
set -euo pipefail

fail() { echo "slurm_compare: $*" >&2; exit 1; }
usage() { echo "usage: slurm_compare.sh [--limit N] [--zview-option=ARG] [--dry-run] CONFIG OUT [sbatch options...] [-- options of the collecting job...]" >&2; exit 2; }

# On a node: Slurm runs a copy of this file with these arguments, so that no path passes through a shell's quoting.
case ${1:-} in
--run-cell | --run-collect)
    [ "$#" -ge 2 ] || usage
    what=$1
    shift # what is left is the command: zview compare CONFIG --out OUT [options...]
    export RAYON_NUM_THREADS="${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}"
    if [ "$what" = --run-collect ]; then exec "$@" --collect; fi
    : "${SLURM_ARRAY_TASK_ID:?--run-cell is only for the tasks of a job array}"
    exec "$@" --cell "$SLURM_ARRAY_TASK_ID" # exec: signals of Slurm reach zview itself, which saves its state
    ;;
esac

limit='' dry_run='' zview_options=()
while [ "$#" -gt 0 ]; do
    case $1 in
    --limit) [ "$#" -ge 2 ] || usage; limit=$2; shift 2 ;;
    --limit=*) limit=${1#*=}; shift ;;
    --zview-option) [ "$#" -ge 2 ] || usage; zview_options+=("$2"); shift 2 ;;
    --zview-option=*) zview_options+=("${1#*=}"); shift ;;
    --dry-run) dry_run=yes; shift ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    --) shift; break ;;
    -*) echo "slurm_compare: unknown option $1; options of sbatch come after OUT" >&2; usage ;;
    *) break ;;
    esac
done
[ "$#" -ge 2 ] || usage
config=$1 out=$2
shift 2
case $limit in
'') ;;
*[!0-9]* | 0*) fail "--limit takes a whole number from 1, not '$limit'" ;;
esac

both=() collecting=() after_dashes=''
for option in "$@"; do
    if [ -z "$after_dashes" ] && [ "$option" = -- ]; then after_dashes=yes; continue; fi
    case $option in
    --array | --array=* | -a | -a[0-9]* | --wrap | --wrap=* | --wait | -W)
        fail "$option cannot be given: the array is that of the unfinished cells, and nothing is waited for" ;;
    esac
    if [ -n "$after_dashes" ]; then collecting+=("$option"); else both+=("$option"); fi
done

command -v sbatch >/dev/null 2>&1 || fail "there is no sbatch here; run this on a machine that submits to Slurm"
command -v python3 >/dev/null 2>&1 || fail "there is no python3 here; it reads the plan of the study"
zview=$(command -v zview) || fail "there is no zview in PATH; add the folder of the binary (export PATH=/path/to/bin:\$PATH)"
case $zview in /*) ;; *) zview=$PWD/$zview ;; esac
[ -f "$config" ] || fail "there is no file $config"
case $config in /*) ;; *) config=$PWD/$config ;; esac
case $out in /*) ;; *) out=$PWD/$out ;; esac
case $out in *\\* | *$'\n'*) fail "the folder's path must have no backslash and no line break: sbatch's --output has no way to name it" ;; esac

# ${x[@]+"${x[@]}"}: an empty array is an unset variable for bash before 4.4.
compare=("$zview" compare "$config" --out "$out" ${zview_options[@]+"${zview_options[@]}"})
plan=$("${compare[@]}" --plan --untimed --json) || fail "the plan failed (its error is above): ${compare[*]} --plan --untimed --json"
# Three words: the number of unfinished cells, of all cells, and the unfinished ones as sbatch writes them (0-2,5).
counted=$(python3 -c '
import json, sys
try:
    cells = json.load(sys.stdin)["cells"]
    unfinished = sorted(int(cell["cell"]) for cell in cells if cell["state"] != "finished")
except (ValueError, KeyError, TypeError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
ranges = []
for cell in unfinished:
    if ranges and ranges[-1][1] == cell - 1:
        ranges[-1][1] = cell
    else:
        ranges.append([cell, cell])
print(len(unfinished), len(cells), ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges) or "none")
' <<<"$plan") || fail "the plan is not the expected JSON; are this script and $zview of the same version?"
read -r unfinished all cells <<<"$counted"

# The array that was submitted for this folder before: two arrays would run the same cells twice.
last=$out/slurm/array_job_id
if [ -s "$last" ]; then
    read -r job <"$last" || true
    if [ -n "$(squeue --noheader --jobs="$job" --format=%i 2>/dev/null || true)" ]; then
        fail "job array $job of this folder is still pending or running; wait for it, or end it with: scancel $job"
    fi
fi

self=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)/$(basename -- "${BASH_SOURCE[0]}")
name=$(basename -- "$config" .toml)
logs=${out//%/%%}/slurm # sbatch reads % as a placeholder
array_command=(sbatch --parsable "--job-name=zview-$name" "--output=$logs/cell-%a-%A.log" ${both[@]+"${both[@]}"}
    "--array=$cells${limit:+%$limit}" "$self" --run-cell "${compare[@]}")
collect_options=(--parsable "--job-name=zview-$name-collect" "--output=$logs/collect-%j.log" ${both[@]+"${both[@]}"}
    ${collecting[@]+"${collecting[@]}"})
collect_script=("$self" --run-collect "${compare[@]}")

if [ -n "$dry_run" ]; then
    if [ "$unfinished" != 0 ]; then
        printf '%q ' "${array_command[@]}"; echo
        collect_options+=(--dependency=afterany:ARRAY_JOB_ID)
    fi
    printf '%q ' sbatch "${collect_options[@]}" "${collect_script[@]}"; echo
    exit 0
fi

unset SLURM_CPUS_PER_TASK # of a job that this may run in; it would reach the new ones
mkdir -p -- "$out/slurm"
if [ "$unfinished" = 0 ]; then
    echo "slurm_compare: all $all cells are finished; only the collecting job is submitted" >&2
else
    job=$("${array_command[@]}") ||
        fail "sbatch refused the job array $cells (its reason is above). If it calls the array invalid: cell numbers must be below MaxArraySize (scontrol show config | grep MaxArraySize)"
    job=${job%%;*} # JOB;CLUSTER where there are several clusters
    printf '%s\n' "$job" >"$last"
    echo "cells $cells ($unfinished of $all): job array $job${limit:+, at most $limit at a time}"
    collect_options+=("--dependency=afterany:$job")
fi
collect_job=$(sbatch "${collect_options[@]}" "${collect_script[@]}") ||
    fail "sbatch refused the collecting job${job:+; the cells of array $job run all the same}. When they have ended: ${compare[*]} --collect"
echo "collecting: job ${collect_job%%;*}; logs in $out/slurm"
