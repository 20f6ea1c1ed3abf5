{# Brian2's pathway for one thread, which hands out the synapses of a step as they are in the queue: without a copy. #}
{% macro cpp_file() %}
{% endmacro %}

{% macro h_file() %}
#ifndef _BRIAN_SYNAPSES_H
#define _BRIAN_SYNAPSES_H

#include <vector>
#include <algorithm>
#include "brianlib/spikequeue.h"

class SynapticPathway
{
public:
    int Nsource, Ntarget;
    std::vector<int> &sources;
    std::vector<CSpikeQueue *> queue;

    SynapticPathway(std::vector<int> &_sources, int _spikes_start, int _spikes_stop)
        : sources(_sources), queue{new CSpikeQueue(_spikes_start, _spikes_stop)} {}

    ~SynapticPathway() { delete queue[0]; }

    void push(int *spikes, int nspikes) { queue[0]->push(spikes, nspikes); }

    void advance() { queue[0]->advance(); }

    std::vector<int32_t> *peek() { return queue[0]->peek(); }

    template <typename scalar>
    void prepare(int n_source, int n_target, scalar *real_delays, int n_delays, int *sources, int n_synapses, double _dt)
    {
        Nsource = n_source;
        Ntarget = n_target;
        queue[0]->prepare(n_delays ? real_delays : (scalar *)0, n_delays, sources, n_synapses, _dt);
    }
};

#endif
{% endmacro %}
