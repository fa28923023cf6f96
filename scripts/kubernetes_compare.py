"""Writes the YAML that spreads the unfinished cells of a study (`zview compare`) over a Kubernetes cluster, to stdout:
an Indexed Job with one pod per cell, and a suspended Job that collects the results when it is let go.

    kubernetes_compare.py CONFIG OUT --image IMAGE --claim CLAIM [options] > cells.yaml
    kubectl create -f cells.yaml          # the further commands stand at the top of cells.yaml

CONFIG and OUT are paths as the containers see them. OUT must lie on the shared volume (below --mount). The numbers of the
unfinished cells come from `zview compare CONFIG --out OUT --plan --untimed --json`: run here, if the volume is mounted here at the
same path, or given with --plan FILE (`-`: stdin). With completion index k a pod runs the k-th unfinished cell.
Only the standard library is needed. Kubernetes 1.29 or newer (backoffLimitPerIndex)."""

import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys

# The container's arguments are the cells, `--` and the command; the index says which of the cells. No path is ever quoted.
RUN_CELL = 'shift "$JOB_COMPLETION_INDEX"; cell=$1; while [ "$1" != -- ]; do shift; done; shift; exec "$@" --cell "$cell"'
LONGEST_NAME = 63 - len("-collect")  # of a label; the pods' host names are the job's name and the index


class Refused(Exception):
    """What the user gave cannot be used; the message says what to do."""


def arguments(given=None):
    """Reads and checks the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="the study, as the containers see it")
    parser.add_argument("out", help="the folder of the study, on the shared volume, as the containers see it")
    parser.add_argument("--image", required=True, help="container image with zview and /bin/sh")
    parser.add_argument("--claim", required=True, help="PersistentVolumeClaim that all pods share (ReadWriteMany)")
    parser.add_argument("--create-claim", metavar="SIZE", help="write the claim too, of this size (for instance 20Gi)")
    parser.add_argument("--storage-class", help="storage class of the claim that is written")
    parser.add_argument("--mount", default="/study", help="where the volume is mounted (default: %(default)s)")
    parser.add_argument("--plan", metavar="FILE", help="the plan as JSON; - is stdin (default: zview is run here)")
    parser.add_argument("--zview", default="zview", help="the binary, here and in the image (default: %(default)s)")
    parser.add_argument("--zview-option", action="append", default=[], metavar="ARG",
                        help="an option for every call of zview, as --zview-option=--device=vulkan; may be repeated")
    parser.add_argument("--name", help="name of the job (default: from CONFIG and the time)")
    parser.add_argument("--namespace", help="namespace (default: that of kubectl)")
    parser.add_argument("--limit", type=whole(1), help="cells at the same time (default: all)")
    parser.add_argument("--cpus", type=whole(1), default=2, help="processors and threads of a cell (default: %(default)s)")
    parser.add_argument("--memory", default="4Gi", help="memory of a cell (default: %(default)s)")
    parser.add_argument("--gpus", type=whole(0), default=0, help="GPUs of a cell (default: %(default)s)")
    parser.add_argument("--gpu-resource", default="nvidia.com/gpu", help="what the cluster calls a GPU (default: %(default)s)")
    parser.add_argument("--retries", type=whole(0), default=1,
                        help="of a cell whose pod was killed; a cell that fails by itself is not retried (default: %(default)s)")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="environment variable; may be repeated")
    made = parser.parse_args(given)
    for what, text in vars(made).items():
        for one in text if isinstance(text, list) else [text]:
            if isinstance(one, str) and not one.isprintable():
                raise Refused(f"{what} is {one!r}: it must have no line breaks or other control characters")
    mount = pathlib.PurePosixPath(made.mount)
    for what, path in (("--mount", made.mount), ("CONFIG", made.config), ("OUT", made.out)):
        if not path.startswith("/"):
            raise Refused(f"{what} is {path}: it must be an absolute path, as the containers see it")
        if ".." in pathlib.PurePosixPath(path).parts:
            raise Refused(f"{what} is {path}: it must have no ..")
    if not pathlib.PurePosixPath(made.out).is_relative_to(mount):
        raise Refused(f"OUT is {made.out}: it must lie on the shared volume, below {made.mount} (--mount)")
    if ":" in made.mount:
        raise Refused(f"--mount is {made.mount}: Kubernetes allows no colon there")
    for variable in made.env:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*", variable, re.DOTALL):
            raise Refused(f"--env is {variable}: it must be NAME=VALUE")
    for what, quantity in (("--memory", made.memory), ("--create-claim", made.create_claim)):
        if quantity is not None and not re.fullmatch(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?", quantity):
            raise Refused(f"{what} is {quantity}: it must be a quantity as 4Gi or 500M")
    if made.name is None:
        stem = re.sub(r"[^a-z0-9]+", "-", pathlib.PurePosixPath(made.config).stem.lower()).strip("-")[:28].strip("-")
        made.name = f"zview-{stem or 'study'}-{datetime.datetime.now():%y%m%d%H%M%S}"
    return made


def whole(smallest):
    """A parser of whole numbers from `smallest`."""
    def read(text):
        if not text.isascii() or not text.isdigit() or int(text) < smallest:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {smallest}")
        return int(text)
    return read


def compare(made):
    """The command that every call of zview begins with."""
    return [made.zview, "compare", made.config, "--out", made.out, *made.zview_option]


def unfinished_cells(made):
    """Numbers of the cells that are not finished, in ascending order, and the number of all cells."""
    if made.plan is None:
        command = [*compare(made), "--plan", "--untimed", "--json"]
        try:
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        except FileNotFoundError as error:
            raise Refused(f"there is no {made.zview} here; run the plan where there is one, and give it with --plan FILE") from error
        except subprocess.CalledProcessError as error:
            raise Refused(f"the plan failed with exit status {error.returncode} (its error is above). Is the volume mounted here? "
                          "If not, run the plan in a pod, and give it with --plan FILE") from error
    else:
        try:
            text = sys.stdin.read() if made.plan == "-" else pathlib.Path(made.plan).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"--plan: {error}") from error
    try:
        cells = json.loads(text)["cells"]
        return sorted(int(cell["cell"]) for cell in cells if cell["state"] != "finished"), len(cells)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"the plan is not what `zview compare CONFIG --out OUT --plan --untimed --json` prints: {error!r}") from error


def literal(text):
    """Kubernetes expands $(NAME) in commands and variables and makes one $ of two; this keeps the text as it is."""
    return text.replace("$", "$$")


def pod(made, command, processors, gpus):
    """Template of a pod with one container, named `zview`, that has the shared volume."""
    resources = {"cpu": str(processors), "memory": made.memory}
    if gpus:
        resources[made.gpu_resource] = str(gpus)
    variables = dict(variable.split("=", 1) for variable in made.env)
    variables.setdefault("RAYON_NUM_THREADS", str(processors))
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": "zview", "app.kubernetes.io/instance": made.name}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "containers": [{
                "name": "zview",
                "image": made.image,
                "command": command,
                "env": [{"name": name, "value": literal(value)} for name, value in variables.items()],
                "resources": {"requests": resources, "limits": dict(resources)},
                "volumeMounts": [{"name": "study", "mountPath": made.mount}],
            }],
            "volumes": [{"name": "study", "persistentVolumeClaim": {"claimName": made.claim}}],
        },
    }


def metadata(made, name):
    """Name, namespace if one was given, and labels of an object."""
    space = {"namespace": made.namespace} if made.namespace else {}
    return {"name": name, **space, "labels": {"app.kubernetes.io/name": "zview", "app.kubernetes.io/instance": made.name}}


def claim(made):
    """The shared volume's claim."""
    storage = {"storageClassName": made.storage_class} if made.storage_class else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(made, made.claim),
        "spec": {"accessModes": ["ReadWriteMany"], **storage, "resources": {"requests": {"storage": made.create_claim}}},
    }


def cells_job(made, cells):
    """The Indexed Job: completion index k runs cells[k]."""
    command = ["/bin/sh", "-c", RUN_CELL, "cell", *map(str, cells), "--", *map(literal, compare(made))]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(made, made.name),
        "spec": {
            "completionMode": "Indexed",
            "completions": len(cells),
            "parallelism": min(made.limit or len(cells), len(cells)),
            # A failed cell ends its index and no other one.
            "backoffLimitPerIndex": made.retries,
            "podFailurePolicy": {"rules": [
                # A node that was drained or pre-empted is not the cell's fault and does not count.
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                # 1: the cell failed; 2: the command line is wrong. A second try would end in the same way.
                {"action": "FailIndex", "onExitCodes": {"containerName": "zview", "operator": "In", "values": [1, 2]}},
            ]},
            "template": pod(made, command, made.cpus, made.gpus),
        },
    }


def collect_job(made, suspended):
    """The Job that collects; suspended until the cells have ended."""
    command = [*map(literal, compare(made)), "--collect"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(made, f"{made.name}-collect"),
        "spec": {"suspend": suspended, "backoffLimit": 0, "template": pod(made, command, 1, 0)},
    }


def yaml(value, indent=0):
    """Lines of YAML: block style; every string as a JSON string, which is a YAML string too."""
    pad = "  " * indent
    entries = [(f"{json.dumps(key) if not re.fullmatch('[A-Za-z]+', key) else key}:", item) for key, item in value.items()] \
        if isinstance(value, dict) else [("-", item) for item in value]
    for mark, item in entries:
        if isinstance(item, (dict, list)) and item:
            nested = list(yaml(item, indent + 1))
            if mark == "-":  # the first line of the entry stands beside its dash
                yield f"{pad}- {nested[0].lstrip()}"
                nested = nested[1:]
            else:
                yield pad + mark
            yield from nested
        else:
            yield f"{pad}{mark} {json.dumps(item, ensure_ascii=False)}"


def heading(made, cells, number_of_cells):
    """Comments that say what the file is and which commands to use."""
    kubectl = f"kubectl --namespace {made.namespace}" if made.namespace else "kubectl"
    collect = f"{kubectl} patch job {made.name}-collect --patch '{{\"spec\":{{\"suspend\":false}}}}'"
    lines = [f"{len(cells)} of {number_of_cells} cells are not finished; written by kubernetes_compare.py.",
             f"Submit:   {kubectl} create -f THIS_FILE"]
    if cells:
        lines += [f"Ended?    {kubectl} get job {made.name} --output jsonpath='{{.status.conditions[*].type}}' "
                  "(Complete: all finished; Failed: some did not)",
                  f"Collect:  {collect}"]
    lines += [f"Result:   {kubectl} logs job/{made.name}-collect",
              f"Clean up: {kubectl} delete job {made.name + ' ' if cells else ''}{made.name}-collect"]
    return [f"# {line}" for line in lines]


def main():
    try:
        made = arguments()
        cells, number_of_cells = unfinished_cells(made)
        longest = LONGEST_NAME - len(f"-{max(len(cells) - 1, 0)}")
        if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", made.name) or len(made.name) > longest:
            raise Refused(f"--name is {made.name}: it must be of a-z, 0-9 and -, begin with a letter, and have at most {longest} characters")
    except Refused as refused:
        print(f"kubernetes_compare: {refused}", file=sys.stderr)
        return 1
    objects = [claim(made)] if made.create_claim else []
    objects += [cells_job(made, cells)] if cells else []
    objects += [collect_job(made, suspended=bool(cells))]
    print("\n".join(heading(made, cells, number_of_cells)))
    for one in objects:
        print("---")
        print("\n".join(yaml(one)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
