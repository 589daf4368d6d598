"""What was measured, as a table: min, median and max of each way, and how many times pinlib's median it is."""
import datetime, os, platform, re, statistics
from programs import PINLIB, said


class Table:
    def begin(self, title):
        self.rows = []
        print(f"\n### {title}\n", flush=True)

    def row(self, way, runs):
        """`runs`: of each the wall seconds, CPU seconds, peak kilobytes, requests and bytes; `None` where it is not counted."""
        self.rows.append((way, runs))

    def end(self):
        ours = statistics.median(run.wall for run in self.rows[0][1])
        print("| way | wall ms: min | median | max | × | CPU ms | memory MB | requests | KB |\n|---|---|---|---|---|---|---|---|---|")
        for way, runs in self.rows:
            walls = [run.wall for run in runs]
            middle = statistics.median(walls)
            count = lambda values: "–" if None in values else f"{statistics.median(values):,.0f}"
            print(f"| {way} | {min(walls) * 1e3:,.1f} | {middle * 1e3:,.1f} | {max(walls) * 1e3:,.1f} | {middle / ours:,.1f} "
                  f"| {statistics.median(run.cpu for run in runs) * 1e3:,.1f} | {statistics.median(run.memory for run in runs) / 1024:,.0f} "
                  f"| {count([run.requests for run in runs])} | {count([None if run.bytes is None else run.bytes / 1000 for run in runs])} |",
                  flush=True)


def machine():
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    versions = [said(PINLIB, "--version"), said("git", "--version"), said("skopeo", "--version"), f"Python {platform.python_version()}"]
    day = datetime.datetime.now(datetime.timezone.utc).date()
    return f"{day}, {os.cpu_count()} × {model[1] if model else platform.machine()}, load {os.getloadavg()[0]:.1f}; " + ", ".join(versions)
