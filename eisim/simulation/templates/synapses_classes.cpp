{# A pathway whose queue holds neurons where the delay is common, and hands out Brian2's queue where it is not. #}
{% macro cpp_file() %}
{% endmacro %}

{% macro h_file() %}
#ifndef _BRIAN_SYNAPSES_H
#define _BRIAN_SYNAPSES_H

#include <algorithm>
#include <vector>
#include "brianlib/spikequeue.h"

// Synapses at which a spike arrives: numbers from begin on, or what stands there in an order.
struct Arrival
{
    const int32_t *order;
    int begin, end;
};

class SynapticPathway
{
    bool common = false;
    int delay = 0, offset = 0, first, stop;
    std::vector<std::vector<int32_t>> spikes; // neurons, by the step at which their spikes arrive
    std::vector<int32_t> order;               // synapses by source, unless they are so already
    std::vector<int> begins;                  // of each source, in that order

public:
    int Nsource, Ntarget;
    std::vector<int> &sources;
    std::vector<CSpikeQueue *> queue;

    SynapticPathway(std::vector<int> &_sources, int _spikes_start, int _spikes_stop)
        : first(_spikes_start), stop(_spikes_stop), sources(_sources),
          queue{new CSpikeQueue(_spikes_start, _spikes_stop)} {}

    ~SynapticPathway() { delete queue[0]; }

    void push(int *found, int number)
    {
        if (!common)
            return queue[0]->push(found, number);
        std::vector<int32_t> &later = spikes[(offset + delay) % spikes.size()];
        later.insert(later.end(), std::lower_bound(found, found + number, first),
                     std::lower_bound(found, found + number, stop));
    }

    void advance()
    {
        if (!common)
            return queue[0]->advance();
        spikes[offset].clear();
        offset = (offset + 1) % spikes.size();
    }

    int arrivals() { return common ? spikes[offset].size() : 1; }

    Arrival arrival(int k)
    {
        if (!common)
            return {queue[0]->peek()->data(), 0, (int)queue[0]->peek()->size()};
        const int source = spikes[offset][k] - first;
        return {order.empty() ? NULL : order.data(), begins[source], begins[source + 1]};
    }

    template <typename scalar>
    void prepare(int n_source, int n_target, scalar *delays, int n_delays, int *from, int n_synapses, double dt)
    {
        Nsource = n_source;
        Ntarget = n_target;
        common = n_delays == 1;
        if (!common)
            return queue[0]->prepare(n_delays ? delays : (scalar *)0, n_delays, from, n_synapses, dt);
        delay = (int)(delays[0] / dt + 0.5); // as Brian2 rounds it
        spikes.resize(delay + 1);
        begins.assign(stop - first + 1, 0);
        for (int i = 0; i < n_synapses; i++)
            begins[from[i] - first + 1]++;
        for (int i = 0; i < stop - first; i++)
            begins[i + 1] += begins[i];
        if (std::is_sorted(from, from + n_synapses))
            return;
        std::vector<int> next(begins);
        order.resize(n_synapses);
        for (int i = 0; i < n_synapses; i++)
            order[next[from[i] - first]++] = i;
    }
};

#endif
{% endmacro %}
