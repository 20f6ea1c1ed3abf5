"""A feed-forward DNN as a PyTorch module; the only file that needs torch when it is imported."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from eisim.adapter.activations import Identity, LeakyReLU, Tanh, refuse_refractory
from eisim.adapter.static import DNN, Layer
from eisim.base.errors import InputError
from eisim.neurons import LIF, ExponentialLinear, Logistic, RectifiedTanh, Saturating, Softplus, Step, ThresholdLinear


def _exponential_linear(unit: ExponentialLinear, drive: Tensor) -> Tensor:
    """`ExponentialLinear.transfer`."""
    above = drive - unit.threshold
    return unit.base * torch.exp(above.clamp(max=0) / unit.scale) + unit.gain * torch.relu(above)


def _firing_rate(unit: LIF, drive: Tensor) -> Tensor:
    """`LIF.activation`, with a gradient that is finite below threshold too."""
    fires = drive > unit.rheobase
    far = 2 * unit.rheobase if unit.rheobase > 0 else unit.rheobase + 1
    end = unit.rest + torch.where(fires, drive, torch.full_like(drive, far))
    interval = unit.refractory + unit.tau * torch.log((end - unit.reset) / (end - unit.threshold))
    return torch.where(fires, 1 / interval, torch.zeros_like(drive))


ACTIVATIONS: dict[type, Callable[[Any, Tensor], Tensor]] = {
    Identity: lambda unit, drive: drive,
    Tanh: lambda unit, drive: torch.tanh(drive),
    LeakyReLU: lambda unit, drive: nn.functional.leaky_relu(drive, unit.slope),
    ThresholdLinear: lambda unit, drive: unit.gain * torch.relu(drive - unit.threshold),
    Saturating: lambda unit, drive: torch.clamp(unit.gain * (drive - unit.threshold), 0.0, unit.maximum),
    Logistic: lambda unit, drive: unit.maximum * torch.sigmoid((drive - unit.threshold) / unit.slope),
    RectifiedTanh: lambda unit, drive: unit.maximum * torch.tanh(torch.relu(drive - unit.threshold) / unit.slope),
    Softplus: lambda unit, drive: (
        unit.scale * nn.functional.softplus((drive - unit.threshold) / unit.scale, threshold=700.0)
    ),
    ExponentialLinear: _exponential_linear,
    Step: lambda unit, drive: unit.maximum * (drive > unit.threshold).to(drive.dtype),
    LIF: _firing_rate,
}


def activation(name: str, unit) -> Callable[[Tensor], Tensor]:
    refuse_refractory(unit, f"PyTorch: layer {name!r}")
    of = next((of for kind, of in ACTIVATIONS.items() if isinstance(unit, kind)), None)
    if of is None or (isinstance(unit, LIF) and unit.noise):
        raise InputError(
            f"PyTorch: layer {name!r}: expected an activation without noise, found {unit!r}; a circuit's "
            "without_noise() can be exported"
        )
    return partial(of, unit)


class Units(nn.Module):
    """One layer: ``activation(bias + sum of source @ weights)``, in double precision."""

    def __init__(self, layer: Layer):
        super().__init__()
        self.sources = [source for source, _ in layer.incoming]
        self.weights = nn.ParameterList(torch.from_numpy(weights.toarray()) for _, weights in layer.incoming)
        self.bias = nn.Parameter(torch.from_numpy(np.array(layer.bias, dtype=float)))
        self.activation = activation(layer.name, layer.neuron)
        self.register_buffer("sends", torch.from_numpy(layer.sends.astype(float)) if layer.silent else None)

    def forward(self, rates: dict[str, Tensor], trials: int) -> Tensor:
        """Rates (trials × size) given those of the sources."""
        drive = self.bias.expand(trials, -1)
        for source, weights in zip(self.sources, self.weights, strict=True):
            drive = drive + rates[source] @ weights
        return self.activation(drive) if self.sends is None else self.activation(drive) * self.sends


class Network(nn.Module):
    """The DNN: from ``stimuli`` (trials × inputs) to output rates (trials × readouts, in Hz).

    Weights and biases are parameters, one matrix (source × target) for each pair of layers, so they can be trained.
    """

    def __init__(self, dnn: DNN):
        super().__init__()
        self.inputs = dnn.inputs
        self.names = [layer.name for layer in dnn.layers]
        self.layers = nn.ModuleList(Units(layer) for layer in dnn.layers)
        self.outputs = [name for name, _ in dnn.outputs]

    def forward(self, stimuli: Tensor) -> Tensor:
        parts = torch.split(stimuli, [size for _, size, _ in self.inputs], dim=1)
        rates = {name: part * rate for (name, _, rate), part in zip(self.inputs, parts, strict=True)}
        for name, layer in zip(self.names, self.layers, strict=True):
            rates[name] = layer(rates, stimuli.shape[0])
        return torch.cat([rates[name] for name in self.outputs], dim=1)
