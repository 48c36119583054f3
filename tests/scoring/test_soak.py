"""Batch after batch, memory and open files stay what they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = os.environ.get("CLIENTCARE_TESTS") == "full"
SCRIPT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from crash_worker import CountingModel, orders
from clientcare.scoring import score_dataset

def resident():
    return int(open("/proc/self/statm").read().split()[1])

n, seen = int(sys.argv[3]), []
rows = orders(3000)
for number in range(n):
    score_dataset(CountingModel(), transactions=rows, out=sys.argv[2], as_of="2022-12-01", n_partitions=2)
    seen.append((resident(), len(os.listdir("/proc/self/fd"))))
quarter = n // 4
print(seen[quarter][0], seen[-1][0], seen[quarter][1], seen[-1][1])
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_many_batches_in_a_row_do_not_grow(tmp_path):
    """From the first quarter to the last of 200 batches (24 in short runs) memory grows less than 5 %."""
    command = [
        sys.executable,
        "-c",
        SCRIPT,
        str(Path(__file__).parent),
        str(tmp_path / "book"),
        "200" if FULL else "24",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    memory, memory_at_end, files, files_at_end = map(int, done.stdout.split())
    assert memory_at_end < 1.05 * memory
    assert files_at_end <= files
