"""A program under the clock: what one run of it took, and how several spread."""
import dataclasses, os, pathlib, statistics, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PINLIB = ROOT / "target/release/pinlib"
# What CI tells is no part of the work.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "CI", "PINLIB_"))}
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
    """Seconds of wall and CPU, peak kilobytes, and what stood on stdout."""
    wall: float
    cpu: float
    memory: int
    out: str
    requests: int | None = None
    bytes: int | None = None


def timed(*words, cwd=None, environment=ENVIRONMENT, code=0):
    """Runs a program to its end, which is this exit code."""
    command = [sys.executable, "-S", "-E", "-c", RUNNER, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
    if done.returncode != code:
        sys.exit(f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    wall, cpu, memory = done.stderr.split()[-3:]
    return Run(float(wall), float(cpu), int(memory), done.stdout)


def spread(name, values, unit):
    print(f"{name:22} min {min(values):8.2f}  median {statistics.median(values):8.2f}  max {max(values):8.2f}  {unit}")
