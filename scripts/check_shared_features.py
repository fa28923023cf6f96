#!/usr/bin/env python3
"""Lists dependencies that some builds of the workspace would compile with other features than the rest.

    python3 scripts/check_shared_features.py

Building one crate, its tests, or the binary must ask for the same features of every dependency, or cargo
compiles the tensor framework again (see crates/shared-features). For each dependency that differs, the
features that every build should ask for are printed; name them in crates/shared-features/Cargo.toml.
Reads cargo's unit graph, which compiles nothing.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def units(arguments):
    """(package, optimisation level, features) of every dependency that cargo would compile."""
    command = ["cargo", *arguments, "--release", "--unit-graph", "-Zunstable-options"]
    # The unit graph is an unstable output of the stable cargo.
    environment = dict(os.environ, RUSTC_BOOTSTRAP="1")
    output = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found = set()
    for unit in json.loads(output.stdout)["units"]:
        if "registry" in unit["pkg_id"] and unit["mode"] == "build":
            package = unit["pkg_id"].split("#")[1]
            found.add((package, unit["profile"]["opt_level"], tuple(unit["features"])))
    return found


def main():
    everything = units(["test", "--workspace", "--no-run"])
    builds = {"build": ["build", "--workspace"], "cli": ["build", "-p", "zview-cli"]}
    for folder in sorted((ROOT / "crates").iterdir()):
        name = f"zview-{folder.name}"
        builds[name] = ["test", "-p", name, "--no-run"]
    missing = collections.defaultdict(set)
    for name, arguments in builds.items():
        asked = units(arguments)
        if any(package.startswith("burn@") for package, _, _ in asked):
            for package, level, _ in asked - everything:
                missing[package, level].add(name)
    for (package, level), names in sorted(missing.items()):
        wanted = [features for other, at, features in everything if (other, at) == (package, level)]
        where = "a build dependency" if level == "0" else "a dependency"
        print(f"{package} as {where}: differs in {', '.join(sorted(names))}; all together ask for {wanted}")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
