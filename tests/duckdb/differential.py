#!/usr/bin/env python3
"""The same questions to perfdb and to DuckDB: random ones over random samples, or those of the peer bench.

    pip install duckdb
    differential.py --binary target/release/perfdb --queries 300 --seed 1
    differential.py --binary target/release/perfdb --peers DIR     # DIR holds agent-small, devops-small, ...

Each aggregate is computed by DuckDB over the plain rows, one SQL query a column; joins, `having`, `fill` and arithmetic are
done here. What stays true: an answer counts as right only where every row and cell agrees, numbers within 1e-9.
"""
import argparse
import collections
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import duckdb

import peers
import questions
import samples

RELATIVE = 1e-9
# After all samples: what the clock says must not matter.
NOW = "2027-01-01T00:00:00Z"


class Perfdb:
    """The binary and a store of its own."""

    def __init__(self, binary, folder):
        self.binary, self.db = binary, os.path.join(folder, "t.redb")
        # Nothing of the person's settings.
        self.env = {"HOME": folder, "PATH": os.environ.get("PATH", "")}

    def run(self, *args):
        return subprocess.run([self.binary, "--db", self.db, *args], capture_output=True, text=True, env=self.env)

    def ingest(self, path):
        done = self.run("--quiet", "ingest", "--format", "influx", path)
        if done.returncode:
            sys.exit(f"ingest failed: {done.stderr}")

    def rows(self, text):
        """The rows that answer `text`, or the error as a text."""
        done = self.run("query", "--now", NOW, "--timezone", "UTC", "--format", "json", "--times", "ns", text)
        return json.loads(done.stdout)["rows"] if done.returncode == 0 else done.stderr.strip()


def close(got, want, scale=0.0):
    """Whether two cells agree. `scale` is the size of what was added up and may have cancelled out."""
    if got is None or want is None or isinstance(want, str):
        return got == want
    if isinstance(want, int) and isinstance(got, int):
        return got == want
    return math.isclose(got, want, rel_tol=RELATIVE, abs_tol=1e-13 * scale)


def check(question, got, want):
    """What is wrong with the answer `got`; None where nothing is. `want` has a row for each key: its cells and scales."""
    if isinstance(got, str):
        return got
    # Keys need not be unique: a sample is a row, and two may have the same labels and time.
    rest = collections.defaultdict(list)
    for key, cells in want:
        rest[key].append(cells)
    for row in got:
        key, cells = tuple(row[: question.keys]), row[question.keys :]
        fits = [w for w in rest[key] if all(close(c, v, s) for c, (v, s) in zip(cells, w, strict=True))]
        if not fits:
            return f"row {row}, wanted {rest[key] or 'no such row'}"
        rest[key].remove(fits[0])
    return wrong_choice(question, got, want)


def wrong_choice(question, got, want):
    """What is wrong with which rows were chosen and how they were ordered."""
    count = len(want)
    if question.limit_by is not None:
        of_key = collections.Counter(key[question.limit_by] for key, _ in want)
        count = sum(min(n, question.limit) for n in of_key.values())
    elif question.limit is not None:
        count = min(count, question.limit)
    if len(got) != count:
        return f"{len(got)} rows, wanted {count}"
    if question.order is None:
        return None
    column, down = question.order
    best = sorted((cells[column][0] for _, cells in want if cells[column][0] is not None), reverse=down)
    shown = [row[question.keys + column] for row in got]
    # Rows without a value come last.
    best += [None] * (len(want) - len(best))
    if not all(close(s, b) for s, b in zip(shown, best)):
        return f"in the order {shown[:5]}, wanted {best[:5]}"
    return None


def random_questions(perfdb, folder, count, seed):
    """Pairs of a question and what is wrong with its answer."""
    rng = random.Random(seed)
    rows = samples.generate(rng)
    path = os.path.join(folder, "samples.lp")
    samples.write_line_protocol(rows, path)
    perfdb.ingest(path)
    con = duckdb.connect()
    samples.load(con, rows, folder)
    for _ in range(count):
        question = questions.ask(rng)
        yield question.text, check(question, perfdb.rows(question.text), question.answer(con))


def peer_questions(perfdb, folder, sets):
    """The same for the questions of the peer bench."""
    names = [f"{kind}-{size}" for kind in ("agent", "devops") for size in ("small", "medium")]
    for path in (pathlib.Path(sets) / name for name in names if (pathlib.Path(sets) / name).exists()):
        perfdb.db = os.path.join(folder, f"{path.name}.redb")
        perfdb.ingest(str(path / "data.lp"))
        for question, want in peers.ask(path):
            yield f"{path.name}: {question.text}", check(question, perfdb.rows(question.text), want)
        os.remove(perfdb.db)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/perfdb")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", metavar="DIR")
    args = parser.parse_args()
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        perfdb = Perfdb(os.path.abspath(args.binary), folder)
        if args.peers:
            pairs = peer_questions(perfdb, folder, args.peers)
        else:
            pairs = random_questions(perfdb, folder, args.queries, args.seed)
        for text, wrong in pairs:
            passed, failed = passed + (wrong is None), failed + (wrong is not None)
            if wrong is not None:
                print(f"FAILED (seed {args.seed}): {text}\n  {str(wrong)[:600]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
