"""How values of eisim are drawn, tabulated and shown in notebooks: registered when this is imported."""

from eisim.adapter.static import DNN
from eisim.adapter.unrolled import UnrolledDNN
from eisim.analysis.mean_field_check import Prediction
from eisim.base.display import register
from eisim.base.values import Shown
from eisim.circuit import Circuit
from eisim.report import (
    diagram,
    figures,
    functions,
    functions_figures,
    network,
    notebook,
    response,
    style,
)
from eisim.simulation import Response
from eisim.studies.networks import NetworkAblation
from eisim.studies.tasks.result import Assessment, Survey


def _plot_circuit(circuit, ax, keywords):
    size = diagram.size(diagram.circuit_layout(circuit)) if ax is None else None
    return style.axes(diagram.circuit, ax, circuit, size=size, bare=True, keywords=keywords)


def _plot_dnn(dnn, ax, keywords):
    size = diagram.size(diagram.dnn_layout(dnn)) if ax is None else None
    return style.axes(diagram.dnn, ax, dnn, size=size, bare=True, keywords=keywords)


def _plot_response(value, ax, keywords, trials):
    return style.axes(figures.response, ax, value, trials, size=(style.DOUBLE, 3.0), keywords=keywords)


def _plot_assessment(assessment, ax, keywords):
    draw, size = functions_figures.dose_response_with_legend, (style.DOUBLE, 2.6)
    return style.axes(draw, ax, assessment, size=size, keywords=keywords)


def _plot_survey(survey, ax, keywords):
    size = (style.DOUBLE, 0.9 + 0.35 * len(survey.assessments))
    return style.axes(functions_figures.critical_doses, ax, survey, size=size, keywords=keywords)


def _plot_network(result, ax, keywords):
    return style.axes(network.by_largest_output, ax, result, size=(style.SINGLE, 2.8), keywords=keywords)


def _plot_prediction(prediction, ax, keywords):
    return style.axes(figures.prediction, ax, prediction, keywords=keywords)


register(Shown, html=notebook.html)
register(Circuit, plot=_plot_circuit)
register(DNN, plot=_plot_dnn)
register(UnrolledDNN, plot=_plot_dnn)
register(Prediction, plot=_plot_prediction)
register(
    Response,
    plot=_plot_response,
    to_dataframe=response.frame,
    spikes_to_dataframe=response.spike_frame,
    to_xarray=response.dataset,
)
register(
    Assessment,
    plot=_plot_assessment,
    text=lambda assessment: functions.plain_table([assessment]),
    to_dataframe=lambda assessment: functions.frame(Survey((assessment,))),
    to_xarray=lambda assessment: functions.dataset(Survey((assessment,))),
)
register(Survey, plot=_plot_survey, to_dataframe=functions.frame, to_xarray=functions.dataset)
register(NetworkAblation, plot=_plot_network, to_dataframe=lambda result: network.frame([result]))
