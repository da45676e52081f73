"""Random texts to every reader of what strangers control; how many, how slow, and what memory did.

python -m benchmarks.fuzz --n 20000 --seed 7
"""

import click
import psutil

from tests.strangers import READERS, SLOWEST_S, try_reader


@click.command()
@click.option("--n", "count", default=20_000, help="Texts in all.")
@click.option("--seed", default=0)
def main(count: int, seed: int) -> None:
    """Print a row for each reader; ends with the first error that is no answer."""
    each = -(-count // len(READERS))
    process = psutil.Process()
    for reader in READERS:
        try_reader(reader, 100, seed + 1)  # its imports and caches
        before = process.memory_info().rss
        slowest, taken = try_reader(reader, each, seed)
        grown = (process.memory_info().rss - before) / 1e6
        late = "" if slowest < SLOWEST_S else "  too slow"
        print(
            f"{reader.name:28} {each:6} texts, {taken:5} taken, slowest {1000 * slowest:6.1f} ms, {grown:+.1f} MB{late}"
        )


if __name__ == "__main__":
    main()
