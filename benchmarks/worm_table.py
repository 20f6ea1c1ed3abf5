"""Make the table of C. elegans that ships with eisim from its sources.

    pip download --no-deps cect==0.3.5
    python benchmarks/worm_table.py cect-0.3.5-py3-none-any.whl

writes ``celegans_connections.csv`` and ``celegans_neurons.csv`` to ``eisim/data``, whose README says where the numbers
come from. Reading the spreadsheet needs openpyxl.
"""

import re
import sys
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

DATA = Path(__file__).parent.parent / "eisim" / "data"
CONNECTIONS, ATLAS = "cect/data/aconnectome_white_1986_whole.csv", "cect/data/elife-95402-supp2-v1.xlsx"
#: Places of the columns of the atlas: name and class of a neuron, and its up to three transmitters.
NAME, CLASS, TRANSMITTERS = 2, 25, (20, 21, 22)
KNOWN = {
    "ACh": "acetylcholine",
    "Glu": "glutamate",
    "GABA": "GABA",
    "DA": "dopamine",
    "5-HT": "serotonin",
    "octopamine": "octopamine",
    "tyramine": "tyramine",
    "betaine": "betaine",
}


def neurons(atlas: pd.DataFrame) -> pd.DataFrame:
    """Name, class and transmitters of every neuron of the hermaphrodite."""
    atlas = atlas[atlas[NAME].notna()].copy()
    atlas[CLASS] = atlas[CLASS].ffill()
    rows = [
        (name.split("/")[0], of.strip(), _transmitters([text for text in texts if isinstance(text, str)]))
        for name, of, *texts in zip(atlas[NAME], atlas[CLASS], *(atlas[k] for k in TRANSMITTERS), strict=True)
    ]
    return pd.DataFrame(rows, columns=["name", "class", "transmitter"]).sort_values("name")


def _transmitters(texts: list[str]) -> str:
    """Those that a neuron makes and releases, in the order of `KNOWN`, joined by ``+``; empty if none is known.

    What is only taken up, expressed dimly beside another one, or not identified is left out.
    """
    found = []
    for text in texts:
        name = re.match(r"\W*([\w-]+)", text).group(1)
        is_made = "uptake" not in text or "synthesis" in text
        if name in KNOWN and is_made:
            found.append((text.startswith("*"), KNOWN[name]))
    clear = [name for is_dim, name in found if not is_dim]
    made = clear or [name for _, name in found]
    return "+".join(name for name in KNOWN.values() if name in made)


def connections(white: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    """Synapses between different neurons; a gap junction is one row, whatever its direction."""
    kept = white[white.pre.isin(names) & white.post.isin(names) & (white.pre != white.post)]
    columns = {"pre": "source", "post": "target", "synapses": "count"}
    return kept.rename(columns=columns)[["source", "target", "count", "type"]].sort_values(["source", "target", "type"])


def main():
    """Write the two files."""
    with ZipFile(sys.argv[1]) as wheel:
        with wheel.open(ATLAS) as file:
            cells = neurons(pd.read_excel(file, header=None, skiprows=4))
        with wheel.open(CONNECTIONS) as file:
            synapses = connections(pd.read_csv(file, sep="\t"), set(cells.name))
    cells.to_csv(DATA / "celegans_neurons.csv", index=False, lineterminator="\n")
    synapses.to_csv(DATA / "celegans_connections.csv", index=False, lineterminator="\n")
    print(f"{len(cells)} neurons, {len(synapses)} connections, {synapses['count'].sum()} synapses")


if __name__ == "__main__":
    main()
