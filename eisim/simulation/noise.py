"""Noise that depends on the seed, the trial, the neuron and the time step, and on nothing else.

Brian2's generators are one stream for the whole program, so what a neuron gets would depend on the batch around it.
Here each neuron has a key; its noise at a step is drawn from the SplitMix64 stream of that key at that position
(Steele, Lea & Flood, OOPSLA 2014), shaped to a standard normal by the ziggurat method (Marsaglia & Tsang, J. Stat.
Softw. 5:8, 2000, with the independent layer index of Doornik 2005).
"""

import math

import numpy as np

from eisim.base.elementary import exp, log
from eisim.base.seeds import INCREMENT as _INCREMENT
from eisim.base.seeds import MULTIPLIERS as _MULTIPLIERS
from eisim.base.seeds import mixed as _mix
from eisim.simulation.elementary import CPP

_LAYERS = 128
# For 128 layers: where the tail begins, and the area of each layer.
_TAIL, _AREA = 3.442619855899, 9.91256303526217e-3


def _edges_of_layers() -> np.ndarray:
    """Right edges of the layers of the ziggurat, from the base layer up; the last is 0."""
    density = exp(-0.5 * _TAIL**2)
    edges = [_AREA / density, _TAIL]
    for _ in range(2, _LAYERS):
        edges.append(math.sqrt(-2 * log(_AREA / edges[-1] + density)))
        density = exp(-0.5 * edges[-1] ** 2)
    return np.array([*edges, 0.0])


_EDGES = _edges_of_layers()


def _uniform(z: np.ndarray) -> np.ndarray:
    """Between 0 and 1, both excluded, from the upper 53 bits."""
    return ((z >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53


def _begin(key, step) -> np.ndarray:
    """The first bits of the streams of these keys at a time step."""
    positions = (np.asarray(step).astype(np.uint64) + np.uint64(1)) * np.uint64(_INCREMENT)
    return np.atleast_1d(_mix(np.asarray(key).astype(np.uint64) + positions))


def keys(seed, trial, neuron) -> np.ndarray:
    """Noise keys: whole numbers below 2**53, held in floats, for arrays of seeds, trials and neurons (broadcast)."""
    with np.errstate(over="ignore"):
        z = np.uint64(0)
        for part in (seed, trial, neuron):
            z = _mix((z ^ np.asarray(part, dtype=np.uint64)) + np.uint64(_INCREMENT))
    return (z >> np.uint64(11)).astype(float)


def gaussian(key, step) -> np.ndarray:
    """Standard normal numbers for neurons with these `keys` at time step `step`."""
    with np.errstate(over="ignore"):
        z = _begin(key, step)
        found, todo = np.empty(z.shape), np.arange(z.size)
        while todo.size:
            layer, u = (z & np.uint64(_LAYERS - 1)).astype(int), 2 * _uniform(z) - 1
            x = u * _EDGES[layer]
            done = np.abs(x) < _EDGES[layer + 1]
            found[todo[done]] = x[done]
            todo, z, layer, u, x = (each[~done] for each in (todo, z, layer, u, x))  # one of eighty
            z = _mix(z + np.uint64(_INCREMENT))
            tail, first = layer == 0, _uniform(z)
            z = _mix(z + np.uint64(_INCREMENT))
            high, low = exp(-0.5 * _EDGES[layer] ** 2), exp(-0.5 * _EDGES[layer + 1] ** 2)
            beyond = -log(first) / _TAIL
            within = high + first * (low - high) < exp(-0.5 * x**2)
            done = np.where(tail, -2 * log(_uniform(z)) >= beyond**2, within)
            x = np.where(tail, np.copysign(_TAIL + beyond, u), x)
            found[todo[done]] = x[done]
            todo, z = todo[~done], _mix(z[~done] + np.uint64(_INCREMENT))
    return found


#: Means above this are drawn in parts.
_PART = 16.0


def poisson_number(key, step, mean) -> np.ndarray:
    """Poisson numbers of these means for `keys` at time step `step`, by inversion."""
    with np.errstate(over="ignore"):
        left = np.asarray(mean, dtype=float)
        z = np.broadcast_arrays(_begin(key, step), left)[0]
        found = np.zeros(z.shape)
        while (left > 0).any():
            part = np.clip(left, 0, _PART)
            u, p = _uniform(z), np.broadcast_to(exp(-part), z.shape)
            total, count = p.copy(), 0
            todo = (u > total) & (part > 0)
            while todo.any() and count < 200:
                count += 1
                p = p * part / count
                found += todo
                total = total + p
                todo &= u > total
            left, z = left - _PART, _mix(z + np.uint64(_INCREMENT))
    return found


#: What `gaussian` and `poisson_number` share in C++; both may be in one file.
_CPP_BITS = f"""
{CPP}
#ifndef EISIM_BITS
#define EISIM_BITS
EISIM_ANYWHERE static inline uint64_t _mix(uint64_t z) {{
    z = (z ^ (z >> 30)) * {_MULTIPLIERS[0]:#x}ULL;
    z = (z ^ (z >> 27)) * {_MULTIPLIERS[1]:#x}ULL;
    return z ^ (z >> 31);
}}
EISIM_ANYWHERE static inline uint64_t _begin(double key, int64_t step) {{
    return _mix((uint64_t)(int64_t)key + ((uint64_t)step + 1) * {_INCREMENT:#x}ULL);
}}
EISIM_ANYWHERE static inline uint64_t _next(uint64_t z) {{
    return _mix(z + {_INCREMENT:#x}ULL);
}}
EISIM_ANYWHERE static inline double _uniform(uint64_t z) {{
    return ((double)(int64_t)(z >> 11) + 0.5) * 0x1.0p-53;
}}
#endif
"""
#: `gaussian` in C++, the same numbers.
_CPP_GAUSSIAN = f"""
EISIM_ANYWHERE static inline double _gaussian(double key, int64_t step) {{
    static const double _edges[{_LAYERS + 1}] = {{{", ".join(repr(float(e)) for e in _EDGES)}}};
    uint64_t z = _begin(key, step);
    while (true) {{
        const int layer = z & {_LAYERS - 1};
        const double u = 2 * _uniform(z) - 1;
        const double x = u * _edges[layer];
        if (fabs(x) < _edges[layer + 1])
            return x;
        z = _next(z);
        const double first = _uniform(z);
        z = _next(z);
        if (layer == 0) {{
            const double beyond = -_eisim_log(first) / {_TAIL!r};
            if (-2 * _eisim_log(_uniform(z)) >= beyond * beyond)
                return u < 0 ? -({_TAIL!r} + beyond) : {_TAIL!r} + beyond;
        }} else {{
            const double high = _eisim_exp(-0.5 * _edges[layer] * _edges[layer]);
            const double low = _eisim_exp(-0.5 * _edges[layer + 1] * _edges[layer + 1]);
            if (high + first * (low - high) < _eisim_exp(-0.5 * x * x))
                return x;
        }}
        z = _next(z);
    }}
}}
"""
#: `poisson_number` in C++, the same numbers.
_CPP_POISSON = f"""
EISIM_ANYWHERE static inline double _poisson_number(double key, int64_t step, double mean) {{
    uint64_t z = _begin(key, step);
    double found = 0;
    for (double left = mean; left > 0; left -= {_PART}) {{
        const double part = left < {_PART} ? left : {_PART};
        const double u = _uniform(z);
        double p = _eisim_exp(-part), total = p;
        for (int count = 1; u > total && count <= 200; count++) {{
            p = p * part / count;
            found++;
            total += p;
        }}
        z = _next(z);
    }}
    return found;
}}
"""


#: `poisson_number` for neurons of the same mean, the same numbers: how many of the cumulative sums, which are kept and
#: grow as they are needed, are less than a neuron's uniform number.
_CPP_POISSON_NUMBERS = f"""
struct _PoissonSums {{
    double mean = 0, p = 0, sums[200];
    int size = 0;
    void reach(double of, double u) {{
        if (of != mean) {{
            mean = of;
            sums[0] = p = _eisim_exp(-mean);
            size = 1;
        }}
        for (; u > sums[size - 1] && size < 200; size++) {{
            p = p * mean / size;
            sums[size] = sums[size - 1] + p;
        }}
    }}
}};
static inline double _first_uniform(double key, int64_t step) {{
    return _uniform(_begin(key, step));
}}
static inline void _poisson_numbers(_PoissonSums &table, const double *u, int size, double mean, double *found) {{
    double most = 0;
    for (int i = 0; i < size; i++)
        most = u[i] > most ? u[i] : most;
    table.reach(mean, most);
    for (int i = 0; i < size; i++)
        found[i] = 0;
    for (int k = 0; k < table.size; k++) {{
        const double sum = table.sums[k];
        for (int i = 0; i < size; i++)
            found[i] += u[i] > sum ? 1.0 : 0.0;
    }}
}}
static inline bool _is_one_part(double mean) {{
    return mean > 0 && mean <= {_PART};
}}
"""


def brian2_uniform() -> dict:
    """``first_uniform``, from which a Poisson number is found, for C++, with what finds them for many neurons."""
    from brian2 import Function

    function = Function(
        lambda key, step: _uniform(_begin(key, step)),
        arg_units=[1, 1],
        return_unit=1,
        arg_types=["float", "integer"],
    )
    code = _CPP_BITS + _CPP_POISSON + _CPP_POISSON_NUMBERS
    function.implementations.add_implementation("cpp", code, name="_first_uniform")
    return {"first_uniform": function}


def brian2_functions() -> dict:
    """`gaussian` and `poisson_number` as Brian2 functions, each with a C++ and a NumPy implementation."""
    from brian2 import Function

    found = {}
    for of, arguments, code in ((gaussian, 2, _CPP_GAUSSIAN), (poisson_number, 3, _CPP_POISSON)):
        types, name = ["float", "integer", "float"][:arguments], of.__name__
        function = Function(of, arg_units=[1] * arguments, return_unit=1, arg_types=types)
        for target in ("cpp", "cuda"):
            function.implementations.add_implementation(target, _CPP_BITS + code, name=f"_{name}")
        function.implementations.add_implementation("numpy", of)
        found[name] = function
    return found
