"""Which numbers these are."""

#: Raised by a change that moves any number of a result; ``run.json`` states it, among its versions, as ``results``.
#: 2: elementary functions of our own (`eisim.base.elementary`). 1, not stated: those of the C library and of NumPy.
RESULTS_VERSION = 2
