"""How values of eisim are drawn, tabulated and shown in notebooks: registered when this is imported."""

from eisim.adapter.static import DNN
from eisim.adapter.unrolled import UnrolledDNN
from eisim.analysis.mean_field_check import Prediction
from eisim.base.display import register
from eisim.base.errors import InputError
from eisim.base.values import Shown
from eisim.circuit import Circuit
from eisim.report import (
    certificate,
    diagram,
    figures,
    notebook,
    response,
    style,
)
from eisim.simulation import Response
from eisim.theory.certificate import Certificate


def _plot_circuit(circuit, ax, keywords):
    size = diagram.size(diagram.circuit_layout(circuit)) if ax is None else None
    return style.axes(diagram.circuit, ax, circuit, size=size, bare=True, keywords=keywords)


def _plot_dnn(dnn, ax, keywords):
    size = diagram.size(diagram.dnn_layout(dnn)) if ax is None else None
    return style.axes(diagram.dnn, ax, dnn, size=size, bare=True, keywords=keywords)


def _plot_response(value, ax, keywords, trials):
    return style.axes(figures.response, ax, value, trials, size=(style.DOUBLE, 3.0), keywords=keywords)


def _plot_certificate(value, ax, keywords):
    found = certificate.picture(value)
    if found is None:
        n = value.data.n_inputs
        raise InputError(f"Certificate.plot: expected one or two inputs, or a truth table of up to 5, found {n}")
    draw, size = found
    return style.axes(draw, ax, value, size=size, keywords=keywords)


def _plot_prediction(prediction, ax, keywords):
    return style.axes(figures.prediction, ax, prediction, keywords=keywords)


register(Shown, html=notebook.html)
register(Circuit, plot=_plot_circuit)
register(DNN, plot=_plot_dnn)
register(UnrolledDNN, plot=_plot_dnn)
register(Prediction, plot=_plot_prediction)
register(Certificate, plot=_plot_certificate, to_dataframe=certificate.frame)
register(
    Response,
    plot=_plot_response,
    to_dataframe=response.frame,
    spikes_to_dataframe=response.spike_frame,
    to_xarray=response.dataset,
)
