"""How the floor of a wiring is tabulated and shown in notebooks."""

from eisim.base.display import register
from eisim.report import proof
from eisim.report.table import Column, Table, html_box, html_table, sentences
from eisim.report.views.certificate import frame
from eisim.report.wording import listing
from eisim.theory.reference_errors import constant_error
from eisim.theory.structure.floor import WiringFloor

#: Inputs of which all are listed.
MOST = 8


def _html(found: WiringFloor) -> str:
    columns = (
        Column("", lambda loss: proof.MEANING[loss]),
        Column("floor", lambda loss: found.floor[loss]),
        Column("constant", lambda loss: constant_error(found.data, loss), note="The best constant answer."),
    )
    said = [f"Signs of the wiring: {listing([f'{name} {word}' for name, word in found.signs.items()], MOST)}."]
    if found.witness is not None:
        routes = [f"{name} ({'of any sign' if route == 'any' else route})" for name, route in found.lacking]
        if len(found.signs) <= MOST:
            lower, upper = (f"({', '.join(f'{x:g}' for x in point)})" for point in found.witness)
            said.append(f"Witness: it falls from {lower} to {upper}.")
        said.append(
            f"Circuits that compute it have one of these routes, which the wiring lacks: {listing(routes, MOST)}."
        )
    title = f"{found.data.name}: the least error of any circuit of a wiring"
    return html_box(title, html_table(Table("", columns, tuple(found.floor))), sentences(*said))


register(WiringFloor, html=_html, to_dataframe=frame)
