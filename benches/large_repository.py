"""One pin on a large repository: whole-process time and memory on disk; requests and bytes over HTTP.

    cargo build --release -p pinlib-cli
    python3 benches/large_repository.py [--files 100000] [--runs 20] [--http]

`--http` needs lighttpd and git-http-backend. The repository is made by `git fast-import` in a temporary folder.
"""
import argparse, hashlib, json, os, pathlib, shutil, socket, subprocess, sys, tempfile, time
from measured import PINLIB, spread, timed

TARGET = "platform/ai/kustomization.yaml"
MANIFEST = b"""# what runs in production
kind: Kustomization
resources:
  - rollout.yaml
images:
  - name: ghcr.io/acme/ai-service
    newTag: "1.4"
    digest: sha256:%s
""" % (b"7" * 64)


def git(folder, *words, stdin=None):
    done = subprocess.run(["git", "-C", str(folder), *words], input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


def make(folder, files):
    git(folder, "init", "-q", "--bare", "-b", "main", "large.git")
    repo = folder / "large.git"
    lines = [b"commit refs/heads/main\ncommitter A <a@example.test> 1700000000 +0000\ndata 4\nall\n\n"]
    for n in range(files):
        body = b"file %d\n" % n
        lines.append(b"M 100644 inline d%d/s%d/f%d\ndata %d\n%s\n" % (n % 100, n // 100 % 100, n, len(body), body))
    lines.append(b"M 100644 inline %s\ndata %d\n%s\n" % (TARGET.encode(), len(MANIFEST), MANIFEST))
    git(repo, "fast-import", "--quiet", stdin=b"".join(lines))
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(repo, "config", "http.receivepack", "true")
    return repo


def pin(repo, forge, head, n):
    """One pin as a user runs it: the run, and its receipt."""
    digest = "sha256:" + hashlib.sha256(str(n).encode()).hexdigest()
    run = timed(PINLIB, "pin", "--forge", forge, "--branch", "main", "--source-commit", head, "--registry", "none",
                "--image", f"ghcr.io/acme/ai-service@{digest}", "--target", f"kustomization:{TARGET}", "--json", cwd=repo)
    if git(repo, "log", "-1", "--format=%P", "main") != head:
        sys.exit("the pin is not a child of its source")
    return run, json.loads(run.out)


def serve(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "lighttpd.conf"
    config.write_text(f"""
server.document-root = "{folder}"
server.port = {port}
server.bind = "127.0.0.1"
server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
alias.url = ("/git" => "/usr/lib/git-core/git-http-backend")
$HTTP["url"] =~ "^/git" {{
  cgi.assign = ("" => "")
  setenv.set-environment = ("GIT_PROJECT_ROOT" => "{folder}", "GIT_HTTP_EXPORT_ALL" => "1", "REMOTE_USER" => "bench")
}}
""")
    server = shutil.which("lighttpd", path=os.environ["PATH"] + ":/usr/sbin") or sys.exit("--http needs lighttpd")
    child = subprocess.Popen([server, "-D", "-f", config], stdout=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
            return child, f"http://127.0.0.1:{port}/git/large.git"
        except OSError:
            time.sleep(0.05)
    sys.exit("lighttpd did not start")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--http", action="store_true")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        repo = make(folder, options.files)
        head = git(repo, "rev-parse", "main")
        server, forge = serve(folder) if options.http else (None, str(repo))
        try:
            runs = []
            for n in range(options.runs + 1):
                git(repo, "update-ref", "refs/heads/main", head)
                runs.append(pin(repo, forge, head, n))
        finally:
            if server:
                server.terminate()
        print(f"{options.files} files, {options.runs} runs after one to warm up, {'HTTP' if options.http else 'on disk'}")
        spread("the pin itself", [receipt["seconds"] * 1000 for _, receipt in runs[1:]], "ms")
        spread("wall, whole process", [run.wall * 1000 for run, _ in runs[1:]], "ms")
        spread("peak memory", [run.memory / 1024 for run, _ in runs[1:]], "MB")
        traffic = runs[-1][1].get("traffic")
        if options.http:
            print(f"traffic of the last run: {json.dumps(traffic)}")
        print(git(repo, "fsck", "--strict", "--no-dangling") or "git fsck --strict: clean")


main()
