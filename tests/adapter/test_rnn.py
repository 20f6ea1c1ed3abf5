"""Recurrent networks as circuits: equal at every step to NumPy's and PyTorch's evaluation in double precision."""

from itertools import product

import numpy as np
import pytest

from eisim import (
    LIF,
    RNN,
    InputError,
    Logistic,
    Population,
    Saturating,
    Softplus,
    ablate,
    from_rnn,
    load,
    save,
    simulate,
    to_dnn,
)
from eisim.adapter.brian2_network import to_brian2

TAU, DT, STEPS = 50e-3, 10e-3, 12
TIMES = {"dt": DT, "duration": STEPS * DT, "window": DT, "backend": "numpy"}
PHI = {
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.logaddexp(0, x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "retanh": lambda x: np.maximum(np.tanh(x), 0),
}
FORMS = ("rate", "current")


def weights(n, n_inhibitory, seed, inputs=3, outputs=2):
    """Those of a network whose last cells are inhibitory; of both signs where `n_inhibitory` is None."""
    rng = np.random.default_rng(seed)
    recurrent = rng.normal(size=(n, n)) / np.sqrt(n)
    if n_inhibitory is not None:
        recurrent = np.abs(recurrent) * np.where(np.arange(n) < n - n_inhibitory, 1, -1)
    return rng.normal(size=(n, inputs)), recurrent, 0.3 * rng.normal(size=n), rng.normal(size=(outputs, n))


def stimuli(trials=4, inputs=3, steps=STEPS):
    return np.random.default_rng(1).normal(size=(trials, steps, inputs))


def by_hand(form, phi, W_in, W_rec, b, initial, u, alpha=DT / TAU):
    state, found = np.tile(initial, (len(u), 1)), []
    for step in range(u.shape[1]):
        rates = state if form == "rate" else phi(state)
        drive = rates @ W_rec.T + u[:, step] @ W_in.T + b
        state = (1 - alpha) * state + alpha * (phi(drive) if form == "rate" else drive)
        found.append(state if form == "rate" else phi(state))
    return np.stack(found, axis=1)


def unrolled(circuit, given):
    times = {name: TIMES[name] for name in ("dt", "duration", "window")}
    return np.stack(list(to_dnn(circuit, unrolled=True, **times).layers(given)), axis=-1)


def test_rates_and_outputs_are_those_of_the_network_at_every_step():
    """Of all forms and activations, with signs and without: simulated, unrolled, and ablated."""
    kinds, u = list(product(FORMS, PHI, (None, 3))), stimuli()
    networks, circuits, expected = [], [], []
    for k, (form, name, inhibitory) in enumerate(kinds):
        W_in, W_rec, b, W_out = weights(8, inhibitory, k)
        initial = np.random.default_rng(k).random(8)
        rnn = RNN(W_in, W_rec, b, W_out, TAU, DT, name, form=form, initial=initial, b_out=[0.1, -0.2])
        networks.append(rnn)
        circuits += [rnn.circuit, ablate(rnn.circuit, 0.3)]
        expected.append(by_hand(form, PHI[name], W_in, W_rec, b, initial, u))
    given = [rnn.stimuli(u) for rnn in networks for _ in range(2)]
    responses = simulate(circuits, given, record=True, **TIMES)
    for rnn, circuit, wanted, intact, ablated in zip(
        networks, circuits[::2], expected, responses[::2], responses[1::2], strict=True
    ):
        outputs = wanted @ rnn.W_out.T + [0.1, -0.2]
        np.testing.assert_allclose(rnn.rates(u), wanted, rtol=0, atol=1e-12)
        np.testing.assert_allclose(rnn.cells(intact.traces), wanted, rtol=0, atol=1e-12)
        np.testing.assert_allclose(rnn.decode(intact.traces), outputs, rtol=0, atol=1e-12)
        np.testing.assert_allclose(rnn.decode(ablated.traces), rnn.scaled(0.3)(u), rtol=0, atol=1e-12)
        assert np.abs(rnn.decode(ablated.traces) - outputs).max() > 1e-3
        layers = np.concatenate([intact.traces[p.name] for p in circuit.populations], axis=1)
        np.testing.assert_allclose(unrolled(circuit, rnn.stimuli(u)), layers, rtol=0, atol=1e-12)


def test_cells_keep_their_sign_and_only_those_of_both_signs_have_twins():
    W_in, W_rec, b, _ = weights(20, 5, 0)
    rnn = RNN(W_in, W_rec, b, None, TAU, DT, signs=[1] * 15 + [-1] * 5)
    assert rnn.signs == ("E",) * 15 + ("I",) * 5 and not rnn.twins
    circuit = rnn.circuit
    assert [(p.name, p.sign, p.size) for p in circuit.populations] == [("E", "E", 15), ("I", "I", 5)]
    assert [p.name for p in circuit.inhibitory_projections] == ["I->E", "I->I"]
    mixed = W_rec.copy()
    mixed[3, [2, 17]] *= -1
    rnn = RNN(W_in, mixed, b, None, TAU, DT)
    assert rnn.twins == (2, 17) and (rnn.signs.count("E"), rnn.signs.count("I")) == (14, 4)
    sizes = {p.name: (p.sign, p.size) for p in rnn.circuit.populations}
    assert sizes == {"E": ("E", 16), "I": ("I", 4), "twins": ("I", 2)}
    silent = np.where(np.arange(20) == 4, 0.0, W_rec)
    assert RNN(W_in, silent, tau=TAU, dt=DT).signs[4] == "E", "a cell that sends nothing"
    assert RNN(W_in, silent, tau=TAU, dt=DT, signs="EEEEI" + "E" * 10 + "I" * 5).signs[4] == "I"
    assert rnn.scaled(1.0).signs == rnn.signs
    np.testing.assert_array_equal(rnn.scaled(1.0).W_rec, np.maximum(mixed, 0))


@pytest.mark.parametrize("form", FORMS)
def test_pathways_are_ablated_by_name(form):
    W_in, W_rec, b, W_out = weights(8, 3, 2)
    rnn, u = RNN(W_in, W_rec, b, W_out, TAU, DT, "softplus", form=form), stimuli()
    response = simulate(ablate(rnn.circuit, projections=["I->E"]), rnn.stimuli(u), record=True, **TIMES)
    W_rec = W_rec.copy()
    W_rec[:5, 5:] = 0
    wanted = by_hand(form, PHI["softplus"], W_in, W_rec, b, np.zeros(8), u) @ W_out.T
    np.testing.assert_allclose(rnn.decode(response.traces), wanted, rtol=0, atol=1e-12)


def test_inputs_are_afferents_where_no_weight_is_negative_and_injected_otherwise():
    W_in, W_rec, b, W_out = weights(8, 3, 3)
    positive, u = np.abs(W_in), np.abs(stimuli())
    rates, injected, both = (
        RNN(positive, W_rec, b, W_out, TAU, DT),
        RNN(positive, W_rec, b, W_out, TAU, DT, signed_inputs=True),
        RNN(W_in, W_rec, b, W_out, TAU, DT),
    )
    assert [i.is_current for i in rates.circuit.inputs] == [False]
    assert [i.is_current for i in injected.circuit.inputs] == [True]
    assert [i.name for i in both.circuit.inputs] == ["input", "input_negated"]
    np.testing.assert_array_equal(rates.stimuli(u), u)
    np.testing.assert_array_equal(both.stimuli(u), np.concatenate([u, -u], axis=-1))
    one, other = (simulate(each.circuit, each.stimuli(u), record=True, **TIMES) for each in (rates, injected))
    np.testing.assert_allclose(rates.decode(one.traces), rates(u), rtol=0, atol=1e-12)
    np.testing.assert_allclose(injected.decode(other.traces), rates(u), rtol=0, atol=1e-12)
    with pytest.raises(InputError, match="expected 0 or more"):
        simulate(rates.circuit, -u, **TIMES)


def test_noise_is_that_of_song_and_others():
    """The variance of x without synapses: each step adds variance 2 alpha sigma^2, of which the leak leaves a part."""
    sigma, alpha, n = 0.5, DT / TAU, 60
    rnn = RNN(np.zeros((n, 1)), np.zeros((n, n)), tau=TAU, dt=DT, form="current", noise=sigma)
    times = {"dt": DT, "duration": 400 * DT, "window": DT, "backend": "numpy"}
    response = simulate(rnn.circuit, np.zeros((4, 1)), record={"E": ["x", "r"]}, seed=[5, 6], **times)
    x = response.traces["E"]["x"].values[..., 100:]
    assert x.var() == pytest.approx(2 * alpha * sigma**2 / (1 - (1 - alpha) ** 2), rel=0.05)
    assert np.mean(x[..., 1:] * x[..., :-1]) == pytest.approx((1 - alpha) * x.var(), rel=0.05)
    np.testing.assert_array_equal(response.traces["E"]["r"].values[..., 100:], np.maximum(x, 0))
    assert np.abs(np.corrcoef(x.reshape(-1, x.shape[-1])) - np.eye(480)).mean() < 0.15, "seeds and trials differ"
    quiet = simulate(rnn.circuit.without_noise(), np.zeros((1, 1)), **times)
    assert not quiet.readouts.any()


@pytest.mark.parametrize("name", ["softplus", "tanh"])
def test_excitatory_only_networks_of_the_current_form_keep_order_at_every_step(name):
    rng = np.random.default_rng(4)
    W_in, W_rec, b, _ = weights(8, 3, 4)
    circuit = ablate(from_rnn(np.abs(W_in), 3 * W_rec, b, None, TAU, TAU, name, form="current"))
    lower = rng.random((5, STEPS, 3))
    upper = lower + rng.random(lower.shape) * (rng.random(lower.shape) < 0.3)
    assert (unrolled(circuit, lower) <= unrolled(circuit, upper)).all()


def test_a_state_of_the_current_form_is_continued():
    W_in, W_rec, b, W_out = weights(8, 3, 5)
    initial = np.random.default_rng(5).normal(size=8)
    rnn = RNN(W_in, W_rec, b, W_out, TAU, DT, "softplus", form="current", initial=initial)
    u, half = rnn.stimuli(stimuli()), STEPS // 2
    times = TIMES | {"duration": half * DT, "record": True}
    first = simulate(rnn.circuit, u[:, :half], keep_state=True, **times)
    second = simulate(rnn.circuit, u[:, half:], initial=first, **times)
    assert set(first.state["E"]) == {"x"}
    both = np.concatenate([rnn.decode(each.traces) for each in (first, second)], axis=1)
    np.testing.assert_allclose(both, rnn(stimuli()), rtol=0, atol=1e-12)


def test_the_current_form_has_the_fixed_points_of_the_rate_form():
    W_in, W_rec, b, _ = weights(8, 3, 6)
    one, other = (from_rnn(np.abs(W_in), W_rec, b, None, TAU, DT, "sigmoid", form=form) for form in FORMS)
    x = np.abs(stimuli(3)[:, 0])
    settled = to_dnn(other, unrolled=True, duration=3.0, window=DT, dt=DT)(x)
    for circuit in (one, other):
        np.testing.assert_allclose(to_dnn(circuit)(x), settled, rtol=0, atol=1e-8)


@pytest.fixture
def b2():
    b2 = pytest.importorskip("brian2")
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    yield b2
    b2.prefs.codegen.target = before


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_objects_of_brian2_and_programs_give_the_same_rates(form, b2):
    W_in, W_rec, b, _ = weights(8, 3, 7)
    initial = np.random.default_rng(7).normal(size=8)
    rnn = RNN(W_in, W_rec, b, None, TAU, DT, "softplus", form=form, initial=initial)
    u = stimuli(1)
    made = to_brian2(rnn.circuit, rnn.stimuli(u)[0], duration=STEPS * DT, dt=DT)
    made.network.run(STEPS * DT * b2.second)
    traces = {name: np.array(made.monitors[name].r_)[None] for name in "EI"}
    np.testing.assert_allclose(rnn.cells(traces), rnn.rates(u), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_compiled_programs_give_the_same_bits():
    W_in, W_rec, b, _ = weights(8, 3, 7)
    rnn = RNN(W_in, W_rec, b, None, TAU, DT, "retanh", form="current", noise=0.1, initial=b)
    one, other = (
        simulate(rnn.circuit, rnn.stimuli(stimuli()), record=True, seed=[1, 2], **TIMES | {"backend": backend})
        for backend in ("cpp", "numpy")
    )
    for name in "EI":
        np.testing.assert_array_equal(one.traces[name], other.traces[name])


def test_a_form_that_is_not_used_is_not_written(tmp_path):
    unit = Softplus(tau=20e-3)
    assert repr(unit) == (
        "Softplus(tau=0.02, threshold=0.0, refractory=0.0, noise=0.0, noise_tau=0.002, scale=10.0)"
    ), "as before there were forms"
    current = Softplus(tau=20e-3, form="current")
    assert repr(current) != repr(unit) and current != unit
    for each in (unit, current):
        save(each, tmp_path / "unit.eisim")
        assert (b'"form"' in (tmp_path / "unit.eisim").read_bytes()) is (each is current)
        assert load(tmp_path / "unit.eisim") == each
    W_in, W_rec, b, W_out = weights(8, None, 8)
    rnn = RNN(W_in, W_rec, b, W_out, TAU, DT, "tanh", form="current", noise=0.1)
    save([rnn, rnn.circuit], tmp_path / "rnn.eisim")
    again, circuit = load(tmp_path / "rnn.eisim")
    np.testing.assert_array_equal(again(stimuli()), rnn(stimuli()))
    assert again.signs == rnn.signs and again.unit == rnn.unit == circuit.populations[0].neuron


GOOD = {"W_in": [[1.0], [1.0]], "W_rec": [[0.0, -1.0], [1.0, 0.0]], "tau": TAU, "dt": DT}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"W_rec": [[1.0, 2.0]]}, r"RNN: W_rec: expected shape \(units, units\), found \(1, 2\)"),
        ({"W_rec": []}, r"RNN: W_rec: expected shape \(units, units\), found \(0,\)"),
        ({"W_rec": [[0, np.nan], [1, 0]]}, "RNN: W_rec: expected finite numbers, found nan"),
        ({"W_rec": "x"}, "RNN: W_rec: expected a plain number, found 'x'"),
        ({"W_in": [[1.0, 2.0]]}, r"RNN: W_in: expected shape \(2, inputs\), found \(1, 2\)"),
        ({"W_in": np.zeros((2, 0))}, r"RNN: W_in: expected shape \(2, inputs\), found \(2, 0\)"),
        ({"b": 1.0}, r"RNN: b: expected shape \(2,\), found \(\)"),
        ({"W_out": [1.0, 2.0]}, r"RNN: W_out: expected shape \(outputs, 2\), found \(2,\)"),
        ({"b_out": [1.0]}, "RNN: b_out: expected it with W_out, found no W_out"),
        ({"tau": None}, "RNN: tau: expected a time such as 5.ms, found None"),
        ({"dt": 0.0}, "RNN: dt: expected more than 0, found 0 s"),
        ({"dt": 60e-3}, "RNN: dt: expected at most the time constant, 50 ms, found 60 ms"),
        ({"activation": "relo"}, "RNN: activation: expected one of relu, .* found 'relo'; did you mean 'relu'"),
        ({"activation": LIF()}, "RNN: activation: expected a name such as 'relu', or a rate unit"),
        ({"activation": Logistic(refractory=1e-3)}, "without refractory period and noise"),
        ({"form": "voltage"}, "RNN: form: expected 'rate' or 'current', found 'voltage'"),
        ({"noise": -1.0}, "RNN: noise: expected 0 or more, found -1"),
        ({"signs": "E"}, "RNN: signs: expected 'E' or 'I' for each of 2 cells, found 1 of them"),
        ({"signs": 3}, "RNN: signs: expected 'E' or 'I' for each of 2 cells, found 3"),
        ({"signs": "EX"}, r"RNN: signs: expected 'E' or 'I' \(or 1 or -1\) for each cell, found 'X'"),
        (
            {"signs": "EE"},
            "RNN: signs: cell 1: expected no negative weight in its column of W_rec, since it is 'E' .* found -1 onto "
            "cell 0",
        ),
        ({"signs": [-1, -1]}, "RNN: signs: cell 0: expected no positive weight .* found 1 onto cell 1"),
        ({"signs": {"E": 2}}, "RNN: signs: expected 'E' or 'I' for each of 2 cells, found {'E': 2}"),
        ({"signs": {"E", "I"}}, "RNN: signs: expected 'E' or 'I' for each of 2 cells, found {"),
        ({"signs": b"EI"}, "RNN: signs: expected 'E' or 'I' for each of 2 cells, found b'EI'"),
        ({"name": None}, "RNN: name: expected a text, found None"),
        ({"signed_inputs": "yes"}, "RNN: signed_inputs: expected True or False, found 'yes'"),
    ],
)
def test_wrong_networks_are_refused_in_one_line(changes, line):
    with pytest.raises(InputError, match=line):
        RNN(**(GOOD | changes))


def test_wrong_use_is_refused_in_one_line():
    rnn = RNN(**GOOD)
    with pytest.raises(InputError, match="RNN: outputs of 'RNN': expected a network with W_out, found none"):
        rnn(np.ones((1, 2, 1)))
    with pytest.raises(InputError, match=r"RNN: inputs: expected shape \(trials, time, 1\), found \(2, 1\)"):
        rnn.rates([[1.0], [1.0]])
    with pytest.raises(InputError, match=r"RNN: traces: expected rates of the 1 cells 'I'.*found dict with none"):
        rnn.cells({"E": np.ones((1, 1, 2))})
    for ragged in ([[1], [1, 2]], "abc", object()):
        with pytest.raises(InputError, match="RNN: traces of 'E': expected a plain number, found"):
            rnn.cells({"E": ragged, "I": ragged})
    with pytest.raises(InputError, match=r"RNN: traces: expected as many trials and steps .* found \(2, 1, 4\)"):
        rnn.cells({"E": np.ones((2, 1, 3)), "I": np.ones((2, 1, 4))})
    with pytest.raises(InputError, match="RNN: fraction: expected between 0 and 1, found 2"):
        rnn.scaled(2)
    with pytest.raises(InputError, match=r"Saturating\.refractory: expected 0 in the form 'current', found 1 ms"):
        Saturating(refractory=1e-3, form="current")
    with pytest.raises(InputError, match=r"Saturating\.form: expected 'rate' or 'current', found 'x'"):
        Saturating(form="x")
    with pytest.raises(InputError, match="gap_junctions: expected rate units whose rates relax"):
        Population("E", "E", Saturating(form="current"), 2, gap_junctions=[[0, 1], [1, 0]])
