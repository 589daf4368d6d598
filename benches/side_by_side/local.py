"""A pin in a bare repository on disk: pinlib, and git's plumbing with an index."""
from programs import PINLIB, repeated, timed
from repository import IMAGE, TARGET, digest, landed, make

# The edit itself is sed's, which is as cheap as an edit can be, and as blind.
PLUMBING = """
export GIT_INDEX_FILE="$0/bench-index"
rm -f "$GIT_INDEX_FILE"
git read-tree main
blob=$(git show main:{target} | sed 's/digest: .*/digest: {digest}/' | git hash-object -w --stdin)
git update-index --cacheinfo 100644,$blob,{target}
commit=$(git commit-tree -p main -m pin "$(git write-tree)")
git update-ref refs/heads/main $commit {head}
"""


def run(folder, options, table):
    for files in options.files:
        repo, head = make(folder, files)

        def ours(n):
            return timed(PINLIB, "pin", "--forge", repo, "--branch", "main", "--source-commit", head, "--registry", "none",
                         "--image", f"{IMAGE}@{digest(n)}", "--target", f"kustomization:{TARGET}", "-q", cwd=folder)

        def theirs(n):
            return timed("bash", "-ec", PLUMBING.format(target=TARGET, digest=digest(n), head=head), folder, cwd=repo)

        table.begin(f"A pin on disk: {files:,} files")
        table.row("pinlib pin", repeated(options.runs, lambda n: landed(repo, head, n, ours)))
        table.row("git read-tree, update-index, write-tree, commit-tree", repeated(options.runs, lambda n: landed(repo, head, n, theirs)))
        table.end()
