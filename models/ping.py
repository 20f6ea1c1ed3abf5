r"""Make a rhythm: gamma by the loop of excitatory and inhibitory cells (PING).

**Spiking** (Börgers & Kopell, Neural Comput. 15:509, 2003): theta neurons,

.. math::
    \tau\dot{\theta} = 1 - \cos\theta + J(t)\,(1 + \cos\theta),

which fire at :math:`\theta = \pi`; E cells driven above threshold, I cells at threshold, sparsely and randomly
connected, E to I and I to E. A volley of the E cells makes the I cells fire, whose inhibition holds all E cells back
until it has decayed; then they fire together. So the E cells pace the rhythm and the decay of inhibition sets its
period, near the time :math:`T` at which :math:`J_E` overcomes the inhibition, :math:`g\,e^{-T/\tau_I} \approx J_E`.

==========================  =====================  =====================
parameter                   E cells                I cells
==========================  =====================  =====================
number                      160                    40
drive J                     0.1                    0
decay of synapses           2 ms                   10 ms
total strength              0.25, onto I           0.25, onto E
==========================  =====================  =====================

:math:`\tau = 1` ms; each pair is connected with probability 0.5, and a synapse has the total strength over the number
expected at a cell. The numbers of the paper could not be looked up but for the kinetics of the synapses
(rise 0.1 ms, decay 2 and 10 ms); these are of their order. Synapses here jump by their weight at a spike, instead of to
saturation, and the drive comes from a regular train of a high rate. The strengths of the drive differ between
E cells by a standard deviation of 5 %: without the loop nothing keeps them together.

**Rate**: the same loop between one E and one I unit, which synaptic delays :math:`d` turn into a rhythm. At its onset

.. math::
    \arctan\omega\tau_E + \arctan\omega\tau_I + 2\omega d = \pi, \qquad
    w^2 = \sqrt{(1 + \omega^2\tau_E^2)(1 + \omega^2\tau_I^2)}

with the total strength :math:`w^2` of the loop.

Reproduced (see `published`): what the abstract of the paper says, namely synchrony in spite of sparse random
connections if a cell has enough of them, tighter with stronger E to I synapses, not with stronger I to E ones, and
tighter with inhibition that decays faster; E before I; the period from one theta neuron and the decay of inhibition.

Why inhibition: circuits of excitation alone are cooperative, and have no attracting oscillation (Hirsch, SIAM J. Math.
Anal. 16:423, 1985): the rate units come to rest. Theta neurons are oscillators of their own; what is lost with
inhibition is the rhythm of the network: each cell fires at its own pace, which is three times as fast.
"""
