"""A repository of many files with one kustomization, and a server in front of it."""
import hashlib, socket, subprocess, sys, time
from programs import need, said

TARGET = "platform/ai/kustomization.yaml"
IMAGE = "ghcr.io/acme/ai-service"
MANIFEST = f"""# what runs in production
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - rollout.yaml
images:
  - name: {IMAGE}
    newTag: "1.4"
    digest: sha256:{"7" * 64}
""".encode()


def make(folder, files):
    """The repository, and its one commit."""
    repo = folder / f"files-{files}.git"
    if not repo.exists():
        fill(repo, files)
    return repo, said("git", "-C", repo, "rev-list", "--max-parents=0", "main")


def fill(repo, files):
    said("git", "init", "-q", "--bare", "-b", "main", repo)
    lines = [b"commit refs/heads/main\ncommitter A <a@example.test> 1700000000 +0000\ndata 4\nall\n\n"]
    for n in range(files):
        # Like source: a kilobyte that packs to a third.
        body = b"".join(b"line %d of file %d: %x\n" % (line, n, (n + 1) * (line + 7) * 2654435761 % 2**32) for line in range(25))
        lines.append(b"M 100644 inline d%d/s%d/f%d\ndata %d\n%s\n" % (n % 100, n // 100 % 100, n, len(body), body))
    lines.append(b"M 100644 inline %s\ndata %d\n%s\n" % (TARGET.encode(), len(MANIFEST), MANIFEST))
    said("git", "-C", repo, "fast-import", "--quiet", stdin=b"".join(lines))
    for key in ("uploadpack.allowFilter", "http.receivepack"):
        said("git", "-C", repo, "config", key, "true")


def digest(n):
    return "sha256:" + hashlib.sha256(str(n).encode()).hexdigest()


def landed(repo, head, n, one):
    """One pin of the n-th digest on the first commit: its run, and that it did what it says."""
    said("git", "-C", repo, "update-ref", "refs/heads/main", head)
    run = one(n)
    assert said("git", "-C", repo, "log", "-1", "--format=%P", "main") == head
    assert digest(n) in said("git", "-C", repo, "show", f"main:{TARGET}")
    return run


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def await_port(port, name):
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), 0.1).close()
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{name} did not start")


class GitServer:
    def __init__(self, folder):
        self.port = port()
        config = folder / "lighttpd.conf"
        config.write_text(f"""
server.document-root = "{folder}"
server.port = {self.port}
server.bind = "127.0.0.1"
server.max-keep-alive-idle = 60
server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
alias.url = ("/git" => "{need('git-http-backend')}")
$HTTP["url"] =~ "^/git" {{
  cgi.assign = ("" => "")
  setenv.set-environment = ("GIT_PROJECT_ROOT" => "{folder}", "GIT_HTTP_EXPORT_ALL" => "1", "REMOTE_USER" => "bench")
}}
""")
        self.process = subprocess.Popen([need("lighttpd"), "-D", "-f", config], stdout=subprocess.DEVNULL)
        await_port(self.port, "lighttpd")

    def close(self):
        self.process.terminate()
        self.process.wait()
