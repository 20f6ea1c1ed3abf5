"""What synapses with short-term plasticity release on average when Poisson spikes arrive."""

from eisim.synapses import ShortTerm


def mean_release(plasticity: ShortTerm | None, rate):
    """Mean release of a spike, of a synapse at rest 1 where there is no plasticity (`rate` in Hz, any shape).

    In the mean-field of Tsodyks, Pawelzik & Markram (Neural Comput. 10:821, 1998), which is exact for Poisson spikes
    without facilitation. The saturation of NMDA receptors is of this kind.
    """
    if plasticity is None:
        return 1.0
    used, left = _steady(plasticity, rate)
    return used * left


def release_response(plasticity: ShortTerm | None, rate, growth):
    r"""Change of what is released in a second with the rate (Hz), for changes that go as :math:`e^{\lambda t}`.

    The growth is an array of :math:`\lambda`, in 1/s.
    """
    if plasticity is None:
        return 1.0
    used, left = _steady(plasticity, rate)
    direct = used * left
    if plasticity.facilitation:
        share = plasticity.release
        waiting = 1 - (used - share) / (1 - share) if share < 1 else 0.0
        decay = growth + 1 / plasticity.facilitation + share * rate
        direct = direct + (1 - share) * share * waiting * left * rate / decay
    recovery = growth + 1 / plasticity.depression
    return direct * recovery / (recovery + used * rate)


def _steady(plasticity, rate):
    """Mean share that a spike uses, and mean of what is left for it."""
    share, raised = plasticity.release, rate * plasticity.facilitation
    used = share * (1 + raised) / (1 + share * raised)
    return used, 1 / (1 + used * rate * plasticity.depression)
