"""Connectomes from files: edge lists as tables, GraphML, and the JSON of two collections."""

from collections.abc import Callable, Mapping
from pathlib import Path

from eisim.base.errors import InputError
from eisim.base.progress import shows_progress
from eisim.base.store.safe_read import regular_file
from eisim.connectome import graphml, json_formats, tables
from eisim.connectome.connectome import Connectome
from eisim.connectome.edges import Edges, Nodes
from eisim.connectome.signs import policy
from eisim.functions.tables import LARGEST_IN_PARTS


@shows_progress
def read_connectome(
    file,
    *,
    source: str | None = None,
    target: str | None = None,
    count: str | None = None,
    sign: str | None = None,
    transmitter: str | None = None,
    kind: str | None = None,
    nodes=None,
    name: str | None = None,
    classes: str | None = None,
    signs: Mapping[str, int | str] | None = None,
    report: Callable[..., None] | None = None,
) -> Connectome:
    """Read a connectome from a file.

    An edge list is a table with a row for each connection: text with separators, packed or not, or Parquet or Feather
    (with pyarrow), or GraphML. Columns with usual names are found, such as ``pre`` and ``post``, ``weight`` or
    ``syn_count``, those of Shiu et al. (2024, ``Presynaptic_Index``, ``Postsynaptic_Index``, ``Connectivity``,
    ``Excitatory``) and of Fenyves et al. (2020, ``Source``, ``Target``, ``Synapses``, ``Type``, ``Pred_pol``); others
    are named by the options. JSON is read as the cache of OpenWorm's ConnectomeToolbox (cect) has it, with a matrix for
    each transmitter, and as flyvis has its optic lobe, with a neuron for each cell type.

    The sign of a synapse is what a sign column says; else, also where its cell says nothing, that of its source, if the
    table of neurons has one; else that of its transmitter, else of the transmitter of its source; else it is unknown.
    Rows that repeat a connection are summed, and counted in the notes, as all else that is left out or taken for
    granted. A column that is named for one option is not taken for another.

    Parameters
    ----------
    file : path-like
    source, target : str, optional
        Columns with the names of neurons. Names that end in ``_Index`` are numbers of rows of the table of neurons.
    count : str, optional
        Column with the number of synapses; 1 each without one, which the notes say.
    sign : str, optional
        Column with signs: 1 or -1, ``+`` or ``-``, E or I, excitatory or inhibitory, "complex" or "both" for either
        sign, and nothing or "unknown" where it is not known. "no pred" says that it is not known, whatever the
        transmitter. The column of counts if these have signs.
    transmitter : str, optional
        Column with transmitters, of the synapses and of the neurons.
    kind : str, optional
        Column that says which rows are gap junctions: "chemical" and "electrical", or abbreviations of these. E and R
        alone can mean something else, and are refused in a column that is not named here.
    nodes : path-like, optional
        A table of the neurons, with those that have no synapse, and the order of all.
    name, classes : str, optional
        Its columns with names and classes; found, or the first and none.
    signs : dict of str to {1, -1, 0}, optional
        Signs of transmitters, over those of `eisim.connectome.SIGNS`; 0: either sign. Case does not count. Glutamate
        has no sign unless it is given here: it inhibits in much of the fly, and excites in mammals.
    report : callable, optional
        As for `simulate`.

    For ``source`` to ``kind``, ``""`` means that there is no such column. GraphML has attributes in place of columns.
    ``sign`` and ``transmitter`` may be columns of either table, or of both.

    Returns
    -------
    Connectome

    Raises
    ------
    InputError
        For files that cannot be read or are too large, columns that are not there, cells without a name, counts that
        are not finite or negative, signs without a meaning, and numbers of neurons that are not in the table.
    """
    path = regular_file(file, LARGEST_IN_PARTS)
    columns = {"source": source, "target": target, "count": count, "sign": sign, "transmitter": transmitter}
    columns |= {"kind": kind}
    of_nodes = {"name": name, "classes": classes, "transmitter": transmitter, "sign": sign}
    for option, given in {**columns, **of_nodes}.items():
        if not isinstance(given, (str, type(None))):
            raise InputError(f"{path}: {option}: expected the name of a column, found {given!r:.60}")
    edges, neurons = Edges(str(path)), Nodes()
    signs_of = policy(signs, "read_connectome: signs")
    with path.open("rb") as opened:
        start = opened.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    form = {b"<": "GraphML", b"{": "JSON", b"[": "JSON"}.get(start, "")
    if nodes is not None:
        neurons = tables.read_nodes(nodes, of_nodes, report)
        edges.known(neurons)
    _refuse_unused(str(path), form, columns, of_nodes, None if nodes is None else neurons)
    if form == "GraphML":
        graphml.read(path, edges, neurons, columns, of_nodes, report)
    elif form == "JSON":
        json_formats.read(path, edges, neurons, report)
    else:
        tables.read(path, edges, columns, None if nodes is None else neurons, report)
    return edges.connectome(_stem(path), neurons, signs_of, report)


def _refuse_unused(where, form, columns, of_nodes, listed: Nodes | None):
    """Refuse names of columns of what is not there."""
    if form != "GraphML" and listed is None:
        for option in ("name", "classes"):
            if of_nodes[option]:
                said = "expected a table of neurons (nodes=), whose column it is, found none"
                raise InputError(f"{where}: {option}: {said}")
    if form == "JSON":
        for option, given in columns.items():
            if given and not (listed and option in listed.found):
                raise InputError(f"{where}: {option}: expected none, since JSON has no columns, found {given!r:.60}")


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name
