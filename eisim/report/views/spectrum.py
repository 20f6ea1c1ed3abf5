"""How spectra are drawn, tabulated and shown in notebooks."""

import numpy as np

from eisim.base.display import register
from eisim.report.style import LOWER, NEUTRAL, SINGLE, UPPER, Axes, drawn_by
from eisim.report.table import Column, Table, html_box, html_table, sentences
from eisim.report.wording import count
from eisim.theory.spectrum import Spectrum, shown


def draw(ax: Axes, spectrum: Spectrum) -> None:
    """Eigenvalues as dots, the predicted disc as a circle, predicted outliers as rings about those found."""
    outlier = spectrum.is_outlier
    found = {"ls": "none", "color": NEUTRAL, "mew": 0}
    ax.plot(*_parts(spectrum.eigenvalues[~outlier]), "o", ms=1.8, alpha=0.6, label="eigenvalues", **found)
    if outlier.any():
        ax.plot(*_parts(spectrum.outliers), "o", ms=4, label="outliers", **(found | {"color": UPPER}))
        ring = {"ls": "none", "mfc": "none", "mec": LOWER, "ms": 9, "mew": 1.2}
        ax.plot(*_parts(spectrum.predicted_outliers), "o", label="predicted outliers", **ring)
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = spectrum.predicted_radius * np.exp(1j * angle)
    ax.plot(*_parts(circle), color=LOWER, lw=1.2, label="predicted bulk")
    unit = f" ({spectrum.unit.replace('volt', 'V').replace('hertz', 'Hz').replace(' ', '')})" if _has(spectrum) else ""
    ax.set(xlabel=f"real part{unit}", ylabel=f"imaginary part{unit}")
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)


def _has(spectrum):
    return spectrum.unit not in ("", "1")


def _parts(values):
    return np.real(values), np.imag(values)


def _html(spectrum: Spectrum) -> str:
    rows = [("bulk radius", f"{spectrum.predicted_radius:.4g}", f"{spectrum.radius:.4g}")]
    pairs = zip(spectrum.predicted_outliers, spectrum.outliers, strict=True)
    rows += [("outlier", shown(predicted), shown(found)) for predicted, found in pairs]
    rows += [("largest real part", "", f"{spectrum.abscissa:.4g}")]
    rows += [("entropy of singular values", "", f"{spectrum.entropy:.4g}")]
    columns = [Column(name, lambda row, k=k: row[k]) for k, name in enumerate(("", "predicted", "found"))]
    title = f"{spectrum.name}: spectrum of {count(len(spectrum.eigenvalues), 'neuron')}"
    return html_box(title, html_table(Table("", columns, rows)), sentences(*spectrum.notes))


def _frame(spectrum: Spectrum):
    import pandas

    values = spectrum.eigenvalues
    return pandas.DataFrame(
        {
            "real": values.real,
            "imaginary": values.imag,
            "modulus": np.abs(values),
            "is_outlier": spectrum.is_outlier,
        }
    )


register(Spectrum, plot=drawn_by(draw, (SINGLE, 3.2)), html=_html, to_dataframe=_frame)
