"""One `pinlib verify` of a large cluster: whole-process time and memory, requests and bytes, against a stub of an API server.

    cargo build --release -p pinlib-cli
    python3 benches/verify_pods.py [--pods 5000] [--runs 5]

Each pod has the size of a real one (some 9 KB with its managed fields). The stub answers pages as the API does, from memory.
"""
import argparse, hashlib, http.server, json, pathlib, subprocess, tempfile, threading, urllib.parse
from measured import PINLIB, spread, timed

IMAGE = "registry.test/shop/web"
DIGEST = "sha256:" + "9b" * 32

def pod(n):
    """A pod of a list, which does not say its kind."""
    name, hash_ = f"web-{n % 100}-7d9f-{n}", f"{n % 100:04x}"
    fields = {f"f:field-{i}": {f"k:{{\"name\":\"{hashlib.sha256(f'{n}{i}'.encode()).hexdigest()}\"}}": {}} for i in range(60)}
    status = {"name": "web", "image": f"{IMAGE}@{DIGEST}", "imageID": f"{IMAGE}@{DIGEST}", "ready": True, "started": True,
              "restartCount": 0, "containerID": "containerd://" + "3c" * 32, "lastState": {},
              "state": {"running": {"startedAt": "2026-11-29T10:00:00Z"}}}
    side = dict(status, name="proxy", image="docker.io/istio/proxyv2:1.24", imageID="docker.io/istio/proxyv2@sha256:" + "1a" * 32)
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": hashlib.md5(name.encode()).hexdigest(),
                     "labels": {"app": f"web-{n % 100}", "pod-template-hash": hash_},
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"web-{n % 100}-{hash_}",
                                          "uid": "9a", "controller": True}],
                     "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": fields}]},
        "spec": {"containers": [{"name": part["name"], "image": part["image"],
                                 "env": [{"name": f"VARIABLE_{i}", "value": "value" * 4} for i in range(20)]} for part in (status, side)]},
        "status": {"phase": "Running", "containerStatuses": [status, side],
                   "conditions": [{"type": "Ready", "status": "True"}]},
    }


class Stub(http.server.BaseHTTPRequestHandler):
    protocol_version, pages, requests, sent = "HTTP/1.1", {}, 0, 0

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        body = Stub.pages[int(query.get("continue", ["0"])[0])]
        Stub.requests, Stub.sent = Stub.requests + 1, Stub.sent + len(body)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--pods", type=int, default=5000)
    arguments.add_argument("--runs", type=int, default=5)
    arguments = arguments.parse_args()
    pods = [pod(n) for n in range(arguments.pods)]
    for start in range(0, len(pods), 500):
        end = start + 500
        metadata = {"resourceVersion": "1", **({"continue": str(end)} if end < len(pods) else {})}
        page = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": pods[start:end]}
        Stub.pages[start] = json.dumps(page).encode()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        git = lambda *words: subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)
        git("init", "-q", "-b", "main")
        (folder / "web.yaml").write_text("kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\nspec: {template: {spec: "
                                         f"{{containers: [{{name: web, image: '{IMAGE}@{DIGEST}'}}]}}}}}}\n")
        git("add", ".")
        git("-c", "user.name=a", "-c", "user.email=a@example.test", "commit", "-qm", "Open the shop")
        (folder / "pinlib.yaml").write_text(f"registry: none\nimages: [{{name: {IMAGE}, targets: [{{workload: web.yaml}}]}}]\n")
        (folder / "kubeconfig").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "stub", "users": [{"name": "a", "user": {}}],
            "clusters": [{"name": "stub", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "a", "namespace": "shop"}}]}))
        runs = []
        for _ in range(arguments.runs):
            Stub.requests = Stub.sent = 0
            runs.append(timed(PINLIB, "verify", "--kubeconfig", "kubeconfig", "--json", cwd=folder))
            seen = sum(len(row["pods"]) for row in json.loads(runs[-1].out)["rows"])
            assert seen == arguments.pods, seen
        print(f"{arguments.pods} pods, {arguments.runs} runs; {Stub.requests} requests, {Stub.sent / 1e6:.1f} MB of pages "
              f"({Stub.sent // arguments.pods} bytes a pod)")
        spread("wall, whole process", [run.wall for run in runs], "s")
        spread("peak memory", [run.memory / 1024 for run in runs], "MB")


main()
