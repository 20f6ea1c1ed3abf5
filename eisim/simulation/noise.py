"""Noise that depends on the seed, the trial, the neuron and the time step, and on nothing else.

Brian2's generators are one stream for the whole program, so what a neuron gets would depend on the batch around it.
Here each neuron has a key, and its noise at a step is the SplitMix64 stream of that key at that position (Steele,
Lea & Flood, OOPSLA 2014), turned into a standard normal by its quantile function (Wichura 1988, AS 241 PPND16).
"""

import numpy as np

_INCREMENT = 0x9E3779B97F4A7C15
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

_CPP = """
static inline double _ppnd_ratio(const double* n, const double* d, double r) {
    return (((((((n[7]*r + n[6])*r + n[5])*r + n[4])*r + n[3])*r + n[2])*r + n[1])*r + n[0])
         / (((((((d[6]*r + d[5])*r + d[4])*r + d[3])*r + d[2])*r + d[1])*r + d[0])*r + 1.0);
}
static inline double _gaussian(double key, int64_t step) {
    uint64_t z = (uint64_t)key + ((uint64_t)step + 1) * %(increment)sULL;
    z = (z ^ (z >> 30)) * %(first)sULL;
    z = (z ^ (z >> 27)) * %(second)sULL;
    z = z ^ (z >> 31);
    const double q = ((double)(z >> 11) + 0.5) * 0x1.0p-53 - 0.5;
    if (fabs(q) <= 0.425) {
        static const double a[8] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
            1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4,
            2.5090809287301226727e3};
        static const double b[7] = {4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
            2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3};
        return q * _ppnd_ratio(a, b, 0.180625 - q * q);
    }
    double r = sqrt(-log(q < 0 ? q + 0.5 : 0.5 - q));
    double x;
    if (r <= 5.0) {
        static const double c[8] = {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
            3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
            2.27238449892691845833e-2, 7.74545014278341407640e-4};
        static const double d[7] = {2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
            1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
            1.05075007164441684324e-9};
        x = _ppnd_ratio(c, d, r - 1.6);
    } else {
        static const double e[8] = {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
            2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
            2.71155556874348757815e-5, 2.01033439929228813265e-7};
        static const double f[7] = {5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
            7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
            2.04426310338993978564e-15};
        x = _ppnd_ratio(e, f, r - 5.0);
    }
    return q < 0 ? -x : x;
}
""" % {
    "increment": hex(_INCREMENT),
    "first": hex(_MULTIPLIERS[0]),
    "second": hex(_MULTIPLIERS[1]),
}


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MULTIPLIERS[0])
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MULTIPLIERS[1])
    return z ^ (z >> np.uint64(31))


def keys(seed, trial, neuron) -> np.ndarray:
    """Noise keys: whole numbers below 2**53, held in floats, for arrays of seeds, trials and neurons (broadcast)."""
    with np.errstate(over="ignore"):
        z = np.uint64(0)
        for part in (seed, trial, neuron):
            z = _mix((z ^ np.asarray(part, dtype=np.uint64)) + np.uint64(_INCREMENT))
    return (z >> np.uint64(11)).astype(float)


def gaussian(key, step) -> np.ndarray:
    """Standard normal numbers for neurons with these `keys` at time step `step`."""
    from scipy.special import ndtri

    with np.errstate(over="ignore"):
        offset = (np.asarray(step).astype(np.uint64) + np.uint64(1)) * np.uint64(_INCREMENT)
        z = _mix(np.asarray(key).astype(np.uint64) + offset)
    return ndtri(((z >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53)


def brian2_function():
    """`gaussian` as a Brian2 function with a C++ and a NumPy implementation."""
    from brian2 import Function

    function = Function(gaussian, arg_units=[1, 1], return_unit=1, arg_types=["float", "integer"])
    function.implementations.add_implementation("cpp", _CPP, name="_gaussian")
    function.implementations.add_implementation("numpy", gaussian)
    return function
