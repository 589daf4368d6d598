"""An audit of a long history in a large repository: wall seconds and peak memory of the whole process.

    cargo build --release -p pinlib-cli
    python3 benches/audit_history.py [--files 100000] [--commits 10000] [--pins 50] [--runs 5]

The repository is made by `git fast-import` in a temporary folder: of each hundred commits `--pins` are pins as pinlib writes
them, the others change some other file. One pin in the middle is by hand, so that an audit that looks at nothing fails.
"""
import argparse, hashlib, json, pathlib, subprocess, sys, tempfile
from measured import PINLIB, spread, timed

SERVICES = 20
CONFIG = "images:\n" + "".join(
    f"  - name: ghcr.io/acme/service-{n}\n    targets:\n      - kustomization: platform/service-{n}/kustomization.yaml\n"
    for n in range(SERVICES))


def git(folder, *words, stdin=None):
    done = subprocess.run(["git", "-C", str(folder), *words], input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


def manifest(service, digest):
    return (f"# what runs in production\nkind: Kustomization\nimages:\n  - name: ghcr.io/acme/service-{service}\n"
            f"    newTag: \"1.4\"\n    digest: sha256:{digest}\n")


def data(text):
    body = text.encode()
    return b"data %d\n%s\n" % (len(body), body)


def digest_of(n):
    return hashlib.sha256(str(n).encode()).hexdigest()


class Git:
    """`git fast-import`, asked for the name of each commit: a record names its parent, which must be there before."""

    def __init__(self, repo):
        self.child = subprocess.Popen(["git", "-C", str(repo), "fast-import", "--quiet", "--cat-blob-fd=1"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.mark = 0

    def commit(self, who, when, message, files):
        self.mark += 1
        write = self.child.stdin.write
        write(b"commit refs/heads/main\nmark :%d\nauthor %s %d +0000\ncommitter %s %d +0000\n" % (
            self.mark, who, when, who, when))
        write(data(message))
        for path, text in files:
            write(b"M 100644 inline %s\n" % path.encode() + data(text))
        write(b"get-mark :%d\n" % self.mark)
        self.child.stdin.flush()
        return self.child.stdout.readline().decode().strip()

    def close(self):
        self.child.stdin.close()
        if self.child.wait():
            sys.exit("git fast-import failed")


def record(service, digest, source):
    claim = (f"Pinlib-Record: v1 pin\nPinlib-Branch: refs/heads/main\nPinlib-Source: {source}\n"
             f"Pinlib-Pin: sha256:{digest} kustomize:0/images/ghcr.io/acme/service-{service} "
             f"platform/service-{service}/kustomization.yaml\n")
    key = hashlib.sha256(claim.encode()).hexdigest()
    run = hashlib.sha256(claim.encode() + b"run").hexdigest()[:32]
    return (f"Pin service-{service}\n\n{claim}Pinlib-Proof: hashed\nPinlib-Parent: {source}\nPinlib-Run: {run}\n"
            f"Pinlib-Key: sha256:{key}\n")


def make(folder, options):
    git(folder, "init", "-q", "--bare", "-b", "main", "large.git")
    repo = folder / "large.git"
    importer, people = Git(repo), b"A <a@example.test>"
    files = [(f"d{n % 100}/s{n // 100 % 100}/f{n}", f"file {n}\n") for n in range(options.files)]
    files += [(f"platform/service-{n}/kustomization.yaml", manifest(n, digest_of(-n))) for n in range(SERVICES)]
    first = head = importer.commit(people, 1_700_000_000, "all\n", files)
    for n in range(1, options.commits + 1):
        service, digest, when = n % SERVICES, digest_of(n), 1_700_000_000 + n
        path = f"platform/service-{service}/kustomization.yaml"
        if n == options.commits // 2:
            head = importer.commit(people, when, "by hand\n", [(path, manifest(service, digest))])
        elif n % 100 < options.pins:
            message = record(service, digest, head)
            head = importer.commit(b"pinlib <pinlib@noreply.invalid>", when, message, [(path, manifest(service, digest))])
        else:
            other = n * 7919 % options.files
            file = (f"d{other % 100}/s{other // 100 % 100}/f{other}", f"file {other}, {n}\n")
            head = importer.commit(people, when, "other work\n", [file])
    importer.close()
    return repo, first, head


def audit(folder, repo, first, head):
    """One audit as a user runs it, which finds the edit by hand: the run, and its report."""
    run = timed(PINLIB, "audit", f"{first}..{head}", "--forge", repo, "--config", folder / "pinlib.yaml", "--json", cwd=folder, code=6)
    return run, json.loads(run.out)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--commits", type=int, default=10_000)
    options.add_argument("--pins", type=int, default=50)
    options.add_argument("--runs", type=int, default=5)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        repo, first, head = make(folder, options)
        (folder / "pinlib.yaml").write_text(CONFIG)
        runs = [audit(folder, repo, first, head) for _ in range(options.runs + 1)]
    report = runs[-1][1]
    found = [finding["kind"] for finding in report["findings"]]
    if (report["outcome"], report["commits"], found) != ("mismatch", options.commits, ["unrecorded"]):
        sys.exit(f"the audit found {found} in {report['commits']} commits, and not the one edit by hand: {report['error']}")
    print(f"{options.files} files, {options.commits} commits, {report['pins']} pins, {options.runs} runs after one to warm up")
    spread("wall, whole process", [run.wall for run, _ in runs[1:]], "s")
    spread("peak memory", [run.memory / 1024 for run, _ in runs[1:]], "MB")


main()
