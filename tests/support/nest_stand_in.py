"""A stand-in for NEST's module that keeps what a script creates and connects, and simulates nothing."""

import types

import numpy as np


class Nodes(list):
    """Nodes by their numbers, as a ``NodeCollection``, with what they were given."""

    def __init__(self, model, numbers, given):
        super().__init__(numbers)
        self.__dict__.update(model=model, given=given, of_each=None)

    def __getitem__(self, which):
        if isinstance(which, int):
            return types.SimpleNamespace(global_id=list.__getitem__(self, which))
        some = Nodes(self.model, [list.__getitem__(self, k) for k in which], {})
        self.given.setdefault("parts", []).append((list(which), some.given))
        return some

    def __setattr__(self, name, value):
        self.given[name] = value

    def set(self, of_each):
        assert len(of_each) == len(self)
        self.given.update({name: [each[name] for each in of_each] for name in of_each[0]})

    def tolist(self):
        return list(self)

    @property
    def events(self):
        return {"senders": np.empty(0, int), "times": np.empty(0)}

    @property
    def local(self):
        return (True,) * len(self)


class Law:
    """A random parameter: what it is drawn from, and what is done with it."""

    def __init__(self, *parts):
        self.parts = parts

    def __mul__(self, factor):
        return Law("times", self.parts, factor)

    __rmul__ = __mul__

    def __add__(self, more):
        return Law("plus", self.parts, more)


def run(script, path, words=()):
    """Run a script of `eisim.to_nest` from this path; returns the stand-in, and the names that the script defines."""
    script.save(path)
    nest = types.ModuleType("nest")
    nest.connections, nest.simulated, nest.nodes = [], [], 0

    def create(model, n=1, params=None):
        first, nest.nodes = nest.nodes + 1, nest.nodes + n
        return Nodes(model, range(first, first + n), dict(params or {}))

    def drawn(name):
        return lambda *given, **named: Law(name, given, named)

    nest.Create, nest.ResetKernel, nest.num_processes = create, lambda: None, 1
    nest.Connect = lambda *given: nest.connections.append(given)
    nest.copies = {}
    nest.CopyModel = lambda model, copy: nest.copies.setdefault(copy, model)
    nest.Simulate = nest.simulated.append
    nest.random = types.SimpleNamespace(normal=drawn("normal"), lognormal=drawn("lognormal"))
    nest.math = types.SimpleNamespace(redraw=drawn("redraw"), max=drawn("max"))
    import sys

    before, argv = sys.modules.get("nest"), sys.argv
    sys.modules["nest"], sys.argv = nest, [str(path), *map(str, words)]
    try:
        made = {"__file__": str(path), "__name__": "__main__"}
        exec(compile(script.text, str(path), "exec"), made)
    finally:
        sys.argv = argv
        sys.modules.pop("nest")
        if before is not None:
            sys.modules["nest"] = before
    return nest, made


def between(nest, source, target):
    """How these nodes are connected: rules with their synapses, and synapses one by one."""
    rules = [given[2:] for given in nest.connections if given[0] is source and given[1] is target]
    singles = []
    for pre, post, how, synapse in (given for given in nest.connections if len(given) == 4):
        if isinstance(pre, np.ndarray) and how == "one_to_one" and set(pre) <= set(source) and set(post) <= set(target):
            singles.append((pre - source.tolist()[0], post - target.tolist()[0], synapse))
    return rules, singles
