"""How values of eisim are drawn, tabulated and shown in notebooks: registered when this is imported."""

from eisim.base.display import register
from eisim.report import functions, functions_figures, network, notebook, style
from eisim.studies.networks import NetworkAblation
from eisim.studies.tasks.result import Assessment, DoseResponse, Judged, Survey


def _plot_assessment(assessment, ax, keywords):
    draw, size = functions_figures.dose_response_with_legend, (style.DOUBLE, 2.6)
    return style.axes(draw, ax, assessment, size=size, keywords=keywords)


def _plot_survey(survey, ax, keywords):
    size = (style.DOUBLE, 0.9 + 0.35 * len(survey.assessments))
    return style.axes(functions_figures.critical_doses, ax, survey, size=size, keywords=keywords)


def _plot_network(result, ax, keywords):
    return style.axes(network.by_largest_output, ax, result, size=(style.SINGLE, 2.8), keywords=keywords)


for shown in (DoseResponse, Judged, Assessment, Survey, NetworkAblation):
    register(shown, html=notebook.html)
register(
    Assessment,
    plot=_plot_assessment,
    text=lambda assessment: functions.plain_table([assessment]),
    to_dataframe=lambda assessment: functions.frame(Survey((assessment,))),
    to_xarray=lambda assessment: functions.dataset(Survey((assessment,))),
)
register(Survey, plot=_plot_survey, to_dataframe=functions.frame, to_xarray=functions.dataset)
register(NetworkAblation, plot=_plot_network, to_dataframe=lambda result: network.frame([result]))
