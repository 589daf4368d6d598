"""Programs under the clock, behind a proxy that counts, and quiet."""
import os, shutil, subprocess, sys
import measured
from measured import PINLIB, ROOT

EDITOR = ROOT / "target/release/examples/editor"
NODE_MODULES = ROOT / "target/bench/node_modules"
# Git asks nobody, and knows no settings but its own.
QUIET = {key: value for key, value in measured.ENVIRONMENT.items() if not key.startswith("GIT_")} | {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.test", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.test",
}


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
    run = measured.timed(*words, cwd=cwd, environment=QUIET)
    if proxy:
        run.requests, run.bytes = (now - then for now, then in zip(proxy.counted(), before))
    return run


def repeated(runs, one):
    """The runs after one to warm up."""
    return [one(n) for n in range(runs + 1)][1:]
