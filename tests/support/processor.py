"""What makes the numbers of tests the same on all processors that have AVX2: kernels that these have in common.

NumPy's exponentials and the sums of OpenBLAS have other last digits with AVX-512, and what is trained depends on them.
What is simulated does not: `eisim.base.elementary`.
"""

from importlib.metadata import version

_AVX512 = "AVX512_ICL AVX512_SPR"
_OLD = [int(part) for part in version("numpy").split(".")[:2]] < [2, 4]  # features had other names
ENVIRONMENT = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": f"AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL {_AVX512}"
    if _OLD
    else f"X86_V4 {_AVX512}",
}
