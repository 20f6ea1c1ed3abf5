"""eisim: what does inhibition buy a network?

Builds rate and spiking circuits with separate excitatory and inhibitory populations on Brian2, maps each to an
equivalent DNN, ablates inhibition, and proves which functions no excitatory-only circuit computes.
"""

import importlib

from eisim.base import folders

__version__ = "0.1.0"

_HOMES = {
    "eisim.ablation": ("ablate", "shift_reversal", "silence"),
    "eisim.adapter": ("DNN", "UnrolledDNN", "decode", "from_dnn", "on_off", "to_dnn", "to_spiking"),
    "eisim.adapter.mean_field": ("MeanField", "mean_field"),
    "eisim.adapter.brian2_reader": ("from_brian2",),
    "eisim.adapter.nest_script": ("to_nest",),
    "eisim.adapter.nir_format": ("to_nir",),
    "eisim.adapter.nir_reader": ("from_nir",),
    "eisim.adapter.onnx_reader": ("read_onnx",),
    "eisim.adapter.rnn": ("RNN", "from_rnn"),
    "eisim.adapter.torch_format": ("from_torch", "to_torch"),
    "eisim.studies.tasks": ("Assessment", "assess"),
    "eisim.circuit": ("Circuit", "Input", "Population", "Projection", "Readout"),
    "eisim.base.errors": ("InputError",),
    "eisim.connectome": ("Connectome", "read_connectome"),
    "eisim.controls": ("compensate", "sham_excitation", "sham_random"),
    "eisim.functions": ("TRUTH_TABLES", "REGIONS", "LabelledData", "Region", "TruthTable"),
    "eisim.neurons": (
        "LIF",
        "AbbottChance",
        "ConductanceLIF",
        "ExponentialLinear",
        "Logistic",
        "Neuron",
        "AdEx",
        "EIF",
        "HodgkinHuxley",
        "Izhikevich",
        "QIF",
        "WangBuzsaki",
        "PowerLaw",
        "RectifiedTanh",
        "Saturating",
        "Softplus",
        "Step",
        "Theta",
        "ThresholdLinear",
        "WilsonCowan",
    ),
    "eisim.analysis.mean_field_check": ("Prediction", "predict"),
    "eisim.base.progress": ("Progress",),
    "eisim.plasticity": (
        "STDP",
        "Hebb",
        "InhibitoryPlasticity",
        "Oja",
        "PlasticityRule",
        "SynapticScaling",
        "TripletSTDP",
    ),
    "eisim.simulation": ("Response", "simulate"),
    "eisim.simulation.frozen": ("freeze",),
    "eisim.run.saved": ("load", "save"),
    "eisim.run.sweep": ("Sweep", "sweep"),
    "eisim.synapses": ("NMDA", "Alpha", "Conductance", "Delta", "Exponential", "ShortTerm", "Transient"),
    "eisim.analysis.neurogym_task": ("task_from_neurogym",),
    "eisim.analysis.recurrent_network": ("RecurrentNetwork",),
    "eisim.analysis.recurrent_tasks": ("RECURRENT_TASKS", "RecurrentTask"),
    "eisim.analysis.recurrent_training": ("train_recurrent",),
    "eisim.analysis.task": ("Fact", "Obstruction", "Task"),
    "eisim.theory.certificate": ("Certificate", "certify"),
    "eisim.theory.spectrum": ("Spectrum", "spectrum"),
    "eisim.theory.structure.certificate": ("StructuralCertificate",),
    "eisim.theory.structure.floor": ("WiringFloor",),
    "eisim.theory.synthesis": ("synthesize",),
    "eisim.analysis.training": ("train",),
    "eisim.distributions": ("Gamma", "Lognormal", "Normal"),
    "eisim.weights": (
        "AllToAll",
        "FixedInDegree",
        "FixedOutDegree",
        "FixedProbability",
        "FixedTotalNumber",
        "GaussianProfile",
        "Independent",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)

folders.install()


def __getattr__(name):
    """Import a public name when it is first used, so that importing eisim is cheap."""
    if name == "NAMED":
        from eisim.base.former import warn_of_former

        warn_of_former(__name__, name, "TRUTH_TABLES")
        name = "TRUTH_TABLES"
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'eisim' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
