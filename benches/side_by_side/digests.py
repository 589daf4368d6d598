"""The digest of a tag, of a real registry without a login."""
import json, hashlib, subprocess, urllib.request
from programs import PINLIB, need, repeated, timed
from proxy import Proxy
from repository import await_port, port


class Registry:
    def __init__(self, folder):
        self.port = port()
        config = folder / "registry.yml"
        config.write_text(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\n"
                          f"http: {{addr: '127.0.0.1:{self.port}'}}\n")
        self.process = subprocess.Popen([need("docker-registry"), "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_port(self.port, "docker-registry")

    def close(self):
        self.process.terminate()
        self.process.wait()

    def send(self, method, path, body, kind):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {"Content-Type": kind}, method=method)
        return urllib.request.urlopen(request)

    def push(self):
        """A small image for two platforms, and its digest."""
        manifests = []
        for machine in ("amd64", "arm64"):
            config = json.dumps({"os": "linux", "architecture": machine, "rootfs": {"type": "layers", "diff_ids": []}}).encode()
            at = "sha256:" + hashlib.sha256(config).hexdigest()
            to = self.send("POST", "/v2/acme/web/blobs/uploads/", b"", "application/octet-stream").headers["Location"]
            place = to[to.index("/v2/"):]
            self.send("PUT", f"{place}{'&' if '?' in place else '?'}digest={at}", config, "application/octet-stream")
            manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
                                   "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": at, "size": len(config)}}).encode()
            name = "sha256:" + hashlib.sha256(manifest).hexdigest()
            self.send("PUT", f"/v2/acme/web/manifests/{name}", manifest, "application/vnd.oci.image.manifest.v1+json")
            manifests.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": name, "size": len(manifest),
                              "platform": {"os": "linux", "architecture": machine}})
        index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}).encode()
        self.send("PUT", "/v2/acme/web/manifests/1.4", index, "application/vnd.oci.image.index.v1+json")
        return "sha256:" + hashlib.sha256(index).hexdigest()


def run(folder, options, table):
    registry = Registry(folder)
    digest = registry.push()
    for latency in options.latency:
        proxy = Proxy(registry.port, latency)
        image = f"127.0.0.1:{proxy.port}/acme/web:1.4"

        def one(*words):
            run = timed(*words, cwd=folder, proxy=proxy)
            assert digest in run.out, run.out
            return run

        table.begin(f"The digest of a tag: {latency} ms a round trip")
        table.row("pinlib resolve", repeated(options.runs, lambda _: one(PINLIB, "resolve", "-q", image)))
        skopeo = ("skopeo", "inspect", "--tls-verify=false", "--no-tags", "--override-os=linux", "--override-arch=amd64", "--format", "{{.Digest}}")
        table.row("skopeo inspect", repeated(options.runs, lambda _: one(*skopeo, f"docker://{image}")))
        table.end()
        proxy.close()
    registry.close()
