"""Rules of the literature, with their parameters."""

from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import Measured, scalar_si
from eisim.plasticity.rule import PlasticityRule, of_weights


@explains_arguments
def STDP(*, largest, potentiation=0.005, depression=0.00525, tau_pre=20e-3, tau_post=20e-3) -> PlasticityRule:
    r"""Spike-timing-dependent plasticity of pairs of spikes: additive, of all pairs.

    .. math::
        \Delta w = \begin{cases} A_+\, w_\mathrm{max}\, e^{-\Delta t/\tau_+} & \Delta t \ge 0 \\
        -A_-\, w_\mathrm{max}\, e^{\Delta t/\tau_-} & \Delta t < 0 \end{cases}

    for every pair of a presynaptic and a postsynaptic spike, with :math:`\Delta t` from the arrival of the first to the
    second (Song, Miller & Abbott, Nat. Neurosci. 3:919, 2000, whose values are the defaults).

    Parameters
    ----------
    largest : quantity
        The largest weight :math:`w_\mathrm{max}`, in the unit of the target's weights.
    potentiation, depression : float
        :math:`A_+` and :math:`A_-`, 0 or more: shares of the largest weight.
    tau_pre, tau_post : quantity
        Time constants of the window :math:`\tau_+`, in which a postsynaptic spike follows, and :math:`\tau_-`, in which
        it precedes.

    Returns
    -------
    PlasticityRule

    Raises
    ------
    InputError
        For values with another unit or sign.
    """
    return PlasticityRule(
        """dpre/dt = -pre/tau_plus : 1 (event-driven)
        dpost/dt = -post/tau_minus : 1 (event-driven)""",
        on_pre="pre += 1; w -= depression*largest*post",
        on_post="post += 1; w += potentiation*largest*pre",
        largest=largest,
        name="STDP",
        potentiation=_number(potentiation, "1", "STDP: potentiation"),
        depression=_number(depression, "1", "STDP: depression"),
        tau_plus=_time(tau_pre, "STDP: tau_pre"),
        tau_minus=_time(tau_post, "STDP: tau_post"),
    )


@explains_arguments
def TripletSTDP(
    *,
    largest,
    potentiation=0.0,
    triplet=6.5e-3,
    depression=7.1e-3,
    tau_pre=16.8e-3,
    tau_post=33.7e-3,
    tau_triplet=114e-3,
) -> PlasticityRule:
    r"""Spike-timing-dependent plasticity of triplets of spikes, in its minimal form, of all of them.

    .. math::
        \Delta w &= -A_2^-\, w_\mathrm{max}\, o_1 \text{ at a presynaptic spike} \\
        \Delta w &= w_\mathrm{max}\, r_1 (A_2^+ + A_3^+\, o_2) \text{ at a postsynaptic spike}

    with traces :math:`r_1` of presynaptic spikes (:math:`\tau_+`) and :math:`o_1, o_2` of postsynaptic ones
    (:math:`\tau_-, \tau_y`), that a spike raises by 1, :math:`o_2` once it was read (Pfister & Gerstner, J. Neurosci.
    26:9673, 2006). The defaults are those of the minimal model of visual cortex, of all spikes.

    Parameters
    ----------
    largest : quantity
        The largest weight :math:`w_\mathrm{max}`, in the unit of the target's weights.
    potentiation, triplet, depression : float
        :math:`A_2^+, A_3^+` and :math:`A_2^-`, 0 or more: shares of the largest weight.
    tau_pre, tau_post, tau_triplet : quantity
        Time constants :math:`\tau_+, \tau_-` and :math:`\tau_y`.

    Returns
    -------
    PlasticityRule

    Raises
    ------
    InputError
        For values with another unit or sign.
    """
    return PlasticityRule(
        """dpre/dt = -pre/tau_plus : 1 (event-driven)
        dpost/dt = -post/tau_minus : 1 (event-driven)
        dslow/dt = -slow/tau_triplet : 1 (event-driven)""",
        on_pre="pre += 1; w -= depression*largest*post",
        on_post="w += largest*pre*(potentiation + triplet*slow); post += 1; slow += 1",
        largest=largest,
        name="TripletSTDP",
        potentiation=_number(potentiation, "1", "TripletSTDP: potentiation"),
        triplet=_number(triplet, "1", "TripletSTDP: triplet"),
        depression=_number(depression, "1", "TripletSTDP: depression"),
        tau_plus=_time(tau_pre, "TripletSTDP: tau_pre"),
        tau_minus=_time(tau_post, "TripletSTDP: tau_post"),
        tau_triplet=_time(tau_triplet, "TripletSTDP: tau_triplet"),
    )


@explains_arguments
def InhibitoryPlasticity(*, target, step, largest=None, tau=20e-3) -> PlasticityRule:
    r"""Plasticity of inhibitory synapses that brings the rate of their targets to a value.

    .. math::
        \Delta w &= \eta\,(x_\mathrm{post} - 2 \rho_0 \tau) \text{ at a presynaptic spike} \\
        \Delta w &= \eta\, x_\mathrm{pre} \text{ at a postsynaptic spike}

    with traces :math:`\dot{x} = -x/\tau` that a spike raises by 1 (Vogels, Sprekeler, Zenke, Clopath & Gerstner,
    Science 334:1569, 2011). A presynaptic spike makes the weight smaller where the target fires less than
    :math:`\rho_0`.

    Parameters
    ----------
    target : quantity
        Rate :math:`\rho_0` of the targets, in Hz.
    step : quantity
        Learning rate :math:`\eta`, in the unit of the target's weights.
    largest : quantity, optional
        The largest weight, in the same unit; by default there is none.
    tau : quantity
        Time constant of the traces :math:`\tau`, in s.

    Returns
    -------
    PlasticityRule

    Raises
    ------
    InputError
        For values with another unit or sign.
    """
    step = of_weights(step, "InhibitoryPlasticity: step")
    _at_least_0(step, "InhibitoryPlasticity: step")
    return PlasticityRule(
        """dpre/dt = -pre/tau : 1 (event-driven)
        dpost/dt = -post/tau : 1 (event-driven)""",
        on_pre="pre += 1; w += step*(post - 2*target*tau)",
        on_post="post += 1; w += step*pre",
        largest=largest,
        name="InhibitoryPlasticity",
        target=_number(target, "hertz", "InhibitoryPlasticity: target"),
        tau=_time(tau, "InhibitoryPlasticity: tau"),
        step=step,
    )


@explains_arguments
def SynapticScaling(*, target, largest=None, speed=4e-5, tau=100.0) -> PlasticityRule:
    r"""Homeostatic scaling: the weights of a neuron are multiplied alike, until it fires at a rate.

    .. math:: \dot{w} = \beta\, w\, (\rho_0 - \rho), \qquad \dot{\rho} = -\rho/\tau

    where each spike of the target raises its slow estimate of its rate :math:`\rho`, which starts at 0, by
    :math:`1/\tau` (van Rossum, Bi & Turrigiano, J. Neurosci. 20:8812, 2000, whose values are the defaults, without
    their integral of the error; Turrigiano et al., Nature 391:892, 1998). It is for excitatory synapses: inhibitory
    ones would have to shrink where a neuron fires too little.

    Parameters
    ----------
    target : quantity
        Rate :math:`\rho_0` of the targets, in Hz.
    largest : quantity, optional
        The largest weight, in the unit of the target's weights; by default there is none.
    speed : float
        :math:`\beta`, 0 or more: the share of a weight by which it changes, for each spike that is lacking.
    tau : quantity
        Time constant :math:`\tau` of the estimate, in s.

    Returns
    -------
    PlasticityRule

    Raises
    ------
    InputError
        For values with another unit or sign.
    """
    return PlasticityRule(
        """dw/dt = speed*w*(target - rate) : weight (clock-driven)
        drate/dt = -rate/tau : hertz (clock-driven)""",
        on_post="rate += 1/tau",
        largest=largest,
        name="SynapticScaling",
        target=_number(target, "hertz", "SynapticScaling: target"),
        speed=_number(speed, "1", "SynapticScaling: speed"),
        tau=_time(tau, "SynapticScaling: tau"),
    )


@explains_arguments
def Hebb(*, largest, tau=10.0, scale=10.0) -> PlasticityRule:
    r"""Hebbian plasticity of rates: units that are active together strengthen their synapse, up to the largest weight.

    .. math:: \dot{w} = \frac{1}{\tau}\,\frac{r_\mathrm{pre}}{r_0}\,\frac{r_\mathrm{post}}{r_0}

    Parameters
    ----------
    largest : float
        The largest weight.
    tau : quantity
        Time :math:`\tau` in which a weight grows by 1 where both rates are :math:`r_0`, in s.
    scale : quantity
        Rate :math:`r_0`, in Hz.

    Returns
    -------
    PlasticityRule
        For projections onto rate units.

    Raises
    ------
    InputError
        For values with another unit or sign.
    """
    return PlasticityRule(
        "dw/dt = r_pre/scale*(r_post/scale)/tau : 1",
        largest=largest,
        name="Hebb",
        tau=_time(tau, "Hebb: tau"),
        scale=_rate(scale, "Hebb: scale"),
    )


@explains_arguments
def Oja(*, largest=None, tau=10.0, scale=10.0) -> PlasticityRule:
    r"""Oja's rule for rates: Hebbian plasticity with a decay that keeps the weights of a unit at length 1.

    .. math:: \dot{w} = \frac{1}{\tau}\,\frac{r_\mathrm{post}}{r_0}
        \left(\frac{r_\mathrm{pre}}{r_0} - \frac{r_\mathrm{post}}{r_0}\,w\right)

    (Oja, J. Math. Biol. 15:267, 1982). Where a unit responds with the weighted sum of the rates before its synapses,
    its weights turn towards the principal component of these, of length 1.

    Parameters
    ----------
    largest : float, optional
        The largest weight; by default there is none.
    tau : quantity
        Time :math:`\tau`, in s.
    scale : quantity
        Rate :math:`r_0`, in Hz.

    Returns
    -------
    PlasticityRule
        For projections onto rate units.

    Raises
    ------
    InputError
        For values with another unit or sign.
    """
    return PlasticityRule(
        "dw/dt = r_post/scale*(r_pre/scale - r_post/scale*w)/tau : 1",
        largest=largest,
        name="Oja",
        tau=_time(tau, "Oja: tau"),
        scale=_rate(scale, "Oja: scale"),
    )


def _rate(value, what):
    rate = _number(value, "hertz", what)
    if not rate:
        raise InputError(f"{what}: expected more than 0, found {rate}")
    return rate


def _number(value, unit, what):
    return _at_least_0(Measured(scalar_si(value, unit, what), unit), what)


def _time(value, what):
    time = Measured(scalar_si(value, "second", what), "second")
    if time <= 0:
        raise InputError(f"{what}: expected more than 0, found {time}")
    return time


def _at_least_0(value, what):
    if value < 0:
        raise InputError(f"{what}: expected 0 or more, found {value}")
    return value
