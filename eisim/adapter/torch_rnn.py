"""Recurrent PyTorch modules as networks of rate units."""

import numpy as np

from eisim.adapter.extras import extra
from eisim.adapter.rnn import RNN
from eisim.base.errors import InputError

#: Time constant and time step of a network that has none: a step replaces its rates.
STEP = 10e-3
#: What gates break, as an assumption of the theorem on order.
GATES = (
    "gates multiply activities, so that context changes the gain of a cell, and the theory of order assumes that no "
    "context does (T9)"
)


def is_recurrent(module) -> bool:
    """Whether a module is one of PyTorch's recurrent layers."""
    torch = extra("torch", "PyTorch")
    return isinstance(module, (torch.nn.RNNBase, torch.nn.RNNCellBase))


def refuse_gates(module) -> None:
    """Refuse a module with a GRU or an LSTM in it."""
    torch = extra("torch", "PyTorch")
    gated = (torch.nn.GRU, torch.nn.GRUCell, torch.nn.LSTM, torch.nn.LSTMCell)
    for name, part in module.named_modules():
        if isinstance(part, gated):
            where = f" as {name!r}" if name else ""
            raise InputError(
                f"from_torch: {type(module).__name__}: expected a network without gates, found "
                f"{type(part).__name__}{where}: {GATES}"
            )


def read_layer(layer) -> RNN:
    """The network of an ``nn.RNN`` or ``nn.RNNCell``, without a readout."""
    name = type(layer).__name__
    refuse_gates(layer)
    for what, least in (("num_layers", 1), ("bidirectional", False)):
        if (found := getattr(layer, what, least)) != least:
            why = "" if least else ", whose second direction runs against time"
            raise InputError(f"from_torch: {name}: {what}: expected {least}, found {found}{why}")
    ending = "_l0" if hasattr(layer, "weight_hh_l0") else ""
    W_in, W_rec = (_numbers(getattr(layer, f"weight_{of}{ending}")) for of in ("ih", "hh"))
    b = sum(_numbers(getattr(layer, f"bias_{of}{ending}")) for of in ("ih", "hh")) if layer.bias else None
    return RNN(W_in, W_rec, b, None, STEP, STEP, layer.nonlinearity, signed_inputs=True, name=name)


def _numbers(parameter) -> np.ndarray:
    return parameter.detach().double().cpu().numpy()
