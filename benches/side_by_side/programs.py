"""Programs under the clock."""
import dataclasses, os, pathlib, shutil, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PINLIB = ROOT / "target/release/pinlib"
EDITOR = ROOT / "target/release/examples/editor"
NODE_MODULES = ROOT / "target/bench/node_modules"
# What CI tells is no part of the work; git asks nobody, and knows no settings but its own.
QUIET = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "CI", "PINLIB_", "GIT_"))} | {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.test", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.test",
}
# A process that forks counts its own memory for its child: so a small one starts the program, and tells what it took.
RUNNER = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=sys.stderr)
os._exit(os.waitstatus_to_exitcode(status))
"""


@dataclasses.dataclass
class Run:
    wall: float
    cpu: float
    memory: int
    requests: int | None = None
    bytes: int | None = None
    out: str = ""


def need(name):
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/git-core") or sys.exit(f"missing: {name}")


def said(*words, cwd=None, stdin=None):
    done = subprocess.run([str(word) for word in words], capture_output=True, cwd=cwd, input=stdin, env=QUIET)
    if done.returncode:
        sys.exit(f"{words[0]} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode().strip()


def timed(*words, cwd=None, proxy=None):
    """Runs a program to its end; a way of several programs is one script of bash."""
    before = proxy.counted() if proxy else None
    command = [sys.executable, "-S", "-E", "-c", RUNNER, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=QUIET)
    if done.returncode:
        sys.exit(f"{words} ended with {done.returncode}: {done.stderr}")
    wall, cpu, memory = done.stderr.split()[-3:]
    run = Run(float(wall), float(cpu), int(memory), out=done.stdout)
    if proxy:
        run.requests, run.bytes = (now - then for now, then in zip(proxy.counted(), before))
    return run


def repeated(runs, one):
    """The runs after one to warm up."""
    return [one(n) for n in range(runs + 1)][1:]
