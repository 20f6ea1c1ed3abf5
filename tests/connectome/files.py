"""Small connectomes in every format that is read."""

import importlib.util
import json
import tempfile
from functools import cache
from pathlib import Path

EDGES = "pre,post,weight,sign\nA,B,3,1\nB,C,2,-1\nA,C,4,1\nA,C,1,1\nC,C,2,\n"
TABLES = (
    EDGES,
    "source,target,nt,type\nA,B,ACh,chemical\nB,A,GABA,chemical\nC,A,glutamate,chemical\nA,C,,electrical\n",
    "Presynaptic_Index,Postsynaptic_Index,Connectivity,Excitatory\n0,2,12,1\n2,1,3,-1\n1,0,5,1\n",
)
NODES = "name,class,neurotransmitter\nA,sensory,ACh\nB,motor,GABA\nC,,\nD,inter,dopamine\n"
GRAPH = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="v_name" for="node" attr.name="name" attr.type="string"/>
  <key id="v_type" for="node" attr.name="cell_type" attr.type="string"/>
  <key id="v_nt" for="node" attr.name="neurotransmitter" attr.type="string"/>
  <key id="e_n" for="edge" attr.name="weight" attr.type="double"><default>1</default></key>
  <key id="e_t" for="edge" attr.name="synapse_type" attr.type="string"/>
  <graph id="G" edgedefault="directed">
    <node id="n0"><data key="v_name">AVAL</data><data key="v_type">inter</data><data key="v_nt">ACh</data></node>
    <node id="n1"><data key="v_name">DD1</data><data key="v_type">motor</data><data key="v_nt">GABA</data></node>
    <edge source="n0" target="n1"><data key="e_n">4</data><data key="e_t">C</data></edge>
    <edge source="n1" target="n0"><data key="e_t">C</data></edge>
    <edge source="n1" target="n0" directed="false"><data key="e_n">2</data><data key="e_t">E</data></edge>
  </graph>
</graphml>
"""


def cect(**changes):
    nothing = [[0.0] * 3 for _ in range(3)]
    document = {
        "nodes": ["A", "B", "C"],
        "connections": {
            "Acetylcholine": [[0, 2, 0], [0, 0, 0], [0, 0, 0]],
            "GABA": [[0, 0, 0], [0, 0, 3], [0, 0, 0]],
            "Generic_GJ": [[0, 1, 0], [1, 0, 0], [0, 0, 0]],
            "Generic_CS": [[0, 0, 0], [0, 0, 0], [4, 0, 0]],
            "Contact": [[0, 9, 9], [9, 0, 9], [9, 9, 0]],
            "Monoamines": nothing,
        },
    }
    return json.dumps(document | changes)


def flyvis(**changes):
    edge = {"src": "R1", "tar": "L1", "offsets": [[[0, 0], 40], [[1, 0], 2.5]], "alpha": -1, "edge_type": "chem"}
    edges = [edge | changes, edge | {"src": "L1", "tar": "T4a", "alpha": 1}]
    nodes = [{"name": name, "pattern": ["stride", [1, 1]]} for name in ("R1", "L1", "T4a")]
    return json.dumps({"nodes": nodes, "edges": edges, "input_units": ["R1"], "output_units": ["T4a"]})


@cache
def packed() -> dict[str, bytes]:
    """A table of edges in formats that are no text, where pyarrow is installed."""
    if importlib.util.find_spec("pyarrow") is None:
        return {}
    import pandas

    columns = {"pre": [1, 2, 3] * 5, "post": ["2", "3", "1"] * 5, "weight": [1.0, 2.5, 3.0] * 5, "sign": [1, -1, 1] * 5}
    frame, found = pandas.DataFrame(columns), {}
    with tempfile.TemporaryDirectory() as folder:
        for ending, write in (("parquet", frame.to_parquet), ("feather", frame.to_feather)):
            path = Path(folder) / f"edges.{ending}"
            write(path)
            found[ending] = path.read_bytes()
    return found
