{# A pathway whose queue holds neurons where the delay is common, or their synapses of one delay where the program has
   drawn them, and hands out Brian2's queue otherwise. #}
{% macro cpp_file() %}
#include "synapses_classes.h"
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

// What `eisim.keyed_synapses` does in Python, with the same numbers.
namespace {

uint64_t _mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * {{multipliers[0]}};
    z = (z ^ (z >> 27)) * {{multipliers[1]}};
    return z ^ (z >> 31);
}

uint64_t _at(uint64_t key, int64_t position)
{
    return _mixed(key + ((uint64_t)position + 1) * {{increment}});
}

int64_t _random_source(uint64_t key, int64_t position, int64_t available)
{
    return (int64_t)((double)(int64_t)(_at(key, position) >> 11) * 0x1.0p-53 * (double)available);
}

struct Part // as `eisim.simulation.drawn` writes it
{
    int64_t row, delays, least, sources, target, target_stride, targets, copies;
    int64_t key, spares, multapses, table, levels, thresholds, lengths, in_degrees, course;
};

// Calls `use` with source, target and random word of each synapse of a part.
template <typename Use, typename Report>
void _each_synapse(const Part &part, const int32_t *in_degrees, std::vector<uint64_t> &seen, Use use, Report report)
{
    const int64_t available = part.sources - part.spares;
    std::vector<int64_t> chosen;
    for (int64_t target = 0; target < part.targets; target++)
    {
        const uint64_t key = _at((uint64_t)part.key, target), of_words = _mixed(key ^ {{of_words}});
        const int64_t number = in_degrees[target];
        report(number);
        const auto with = [&](int64_t source, int64_t position) { use(source, target, _at(of_words, position)); };
        if (part.multapses)
        {
            for (int64_t k = 0; k < number; k++)
            {
                const int64_t source = _random_source(key, k, available);
                with(source + (part.spares && source >= target), k);
            }
            continue;
        }
        const bool is_complement = 2 * number > available;
        const size_t wanted = is_complement ? available - number : number;
        chosen.clear();
        for (int64_t k = 0; chosen.size() < wanted; k++)
        {
            const int64_t source = _random_source(key, k, available);
            const uint64_t bit = (uint64_t)1 << (source & 63);
            if (!(seen[source >> 6] & bit))
            {
                seen[source >> 6] |= bit;
                chosen.push_back(source);
            }
        }
        for (int64_t source = 0; is_complement && source < available; source++)
            if (!(seen[source >> 6] >> (source & 63) & 1))
            {
                const int64_t shifted = source + (part.spares && source >= target);
                with(shifted, shifted);
            }
        for (const int64_t source : chosen)
        {
            seen[source >> 6] = 0;
            if (is_complement)
                continue;
            const int64_t shifted = source + (part.spares && source >= target);
            with(shifted, shifted);
        }
    }
}

// Whole steps by which the delay of a synapse exceeds the least, by its word: how many thresholds it reaches.
struct Delays
{
    const int64_t *thresholds;
    int64_t number;
    std::vector<int32_t> begins; // of words by their first 12 bits

    Delays(const int64_t *given, int64_t length) : thresholds(given), number(length), begins(4097)
    {
        for (int64_t k = 0, reached = 0; k <= 4096; k++)
        {
            while (reached < number && thresholds[reached] <= k << 20)
                reached++;
            begins[k] = reached;
        }
    }

    int64_t operator()(uint64_t word) const
    {
        const int64_t share = word & 0xFFFFFFFF;
        int64_t reached = begins[share >> 20];
        while (reached < number && thresholds[reached] <= share)
            reached++;
        return reached;
    }
};

} // namespace

void SynapticPathway::draw(const char *file, std::vector<int32_t> &targets, std::vector<double> *weights,
                           std::vector<int32_t> *courses, int number, int of)
{
    std::ifstream in(file, std::ios::binary);
    const auto read = [&](void *to, int64_t bytes) {
        if (bytes && !in.read((char *)to, bytes))
        {
            std::cout << "what synapses are drawn from cannot be read: " << file << std::endl;
            std::exit(1);
        }
    };
    int64_t head[7];
    read(head, sizeof head);
    std::vector<Part> parts(head[0]);
    std::vector<int64_t> thresholds(head[1] + 1);
    segments.resize(head[2]);
    delays.resize(head[3]);
    std::vector<double> tables(head[4]);
    std::vector<int32_t> in_degrees(head[5]);
    read(parts.data(), parts.size() * sizeof(Part));
    read(thresholds.data(), head[1] * sizeof(int64_t));
    read(segments.data(), segments.size() * sizeof(Segment));
    read(delays.data(), delays.size() * sizeof(int64_t));
    read(tables.data(), tables.size() * sizeof(double));
    read(in_degrees.data(), in_degrees.size() * sizeof(int32_t));

    drawn = true;
    begins.assign(head[6] + 1, 0);
    arriving.resize(*std::max_element(delays.begin(), delays.end()) + 1);
    int64_t most = 1, total = 1, done = 0, synapses = 0;
    for (const Part &part : parts)
    {
        most = std::max(most, part.sources);
        for (int64_t k = 0; k < part.targets; k++)
            total += 2 * (int64_t)in_degrees[part.in_degrees + k];
    }
    std::vector<uint64_t> seen(most / 64 + 1, 0);
    auto said = std::chrono::steady_clock::now();
    const auto report = [&](int64_t more) {
        done += more;
        if (done - synapses < 1000000)
            return;
        synapses = done;
        const auto now = std::chrono::steady_clock::now();
        if (now - said > std::chrono::milliseconds(500))
        {
            said = now;
            std::cout << "drawing synapses:" << (number + (double)done / total) / of << std::endl;
        }
    };
    for (int filling = 0; filling < 2; filling++)
    {
        for (const Part &part : parts)
        {
            const Delays longer(thresholds.data() + part.thresholds, part.lengths);
            const double *table = tables.data() + part.table;
            const int32_t *of_part = in_degrees.data() + part.in_degrees;
            const bool is_one_delay = !part.lengths, has_table = part.levels > 0;
            const auto row = [&](int64_t copy, int64_t source, uint64_t word) {
                const int64_t first_row = part.row + (copy * part.sources + source) * part.delays;
                return first_row + part.least + (is_one_delay ? 0 : longer(word));
            };
            if (!filling)
                _each_synapse(part, of_part, seen, [&](int64_t source, int64_t, uint64_t word) {
                    for (int64_t copy = 0; copy < part.copies; copy++)
                        begins[row(copy, source, word) + 1]++;
                }, report);
            else
                _each_synapse(part, of_part, seen, [&](int64_t source, int64_t target, uint64_t word) {
                    double weight = table[0];
                    if (has_table)
                    {
                        const int64_t level = word >> 48;
                        const double within = (double)(int64_t)(word >> 32 & 0xFFFF) * 0x1.0p-16;
                        weight = table[level] + (table[level + 1] - table[level]) * within;
                    }
                    for (int64_t copy = 0; copy < part.copies; copy++)
                    {
                        const int64_t place = begins[row(copy, source, word)]++;
                        targets[place] = part.target + copy * part.target_stride + target;
                        if (weights)
                            (*weights)[place] = weight;
                        if (courses)
                            (*courses)[place] = part.course;
                    }
                }, report);
        }
        if (!filling)
        {
            for (size_t k = 1; k < begins.size(); k++)
                begins[k] += begins[k - 1];
            targets.resize(begins.back());
            if (weights)
                weights->resize(begins.back());
            if (courses)
                courses->resize(begins.back());
        }
        else // each has grown to the next
        {
            std::memmove(begins.data() + 1, begins.data(), (begins.size() - 1) * sizeof(int64_t));
            begins[0] = 0;
        }
    }
}
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
    int64_t begin, end;
};

// Neurons of which each has as many rows of drawn synapses as there are delays, from a row on.
struct Segment
{
    int64_t start, stop, row, delay, delays;
};

class SynapticPathway
{
    bool common = false, drawn = false;
    int delay = 0, offset = 0, first, stop;
    std::vector<std::vector<int32_t>> spikes; // neurons, by the step at which their spikes arrive
    std::vector<int32_t> order;               // synapses by source, unless they are so already
    std::vector<int64_t> begins;              // of each source, in that order; of drawn synapses of each row
    std::vector<Segment> segments;            // of drawn synapses, by their neurons
    std::vector<int64_t> delays;              // of their rows
    std::vector<std::vector<int64_t>> arriving; // rows, by the step at which their spikes arrive

public:
    int Nsource, Ntarget;
    std::vector<int> &sources;
    std::vector<CSpikeQueue *> queue;

    SynapticPathway(std::vector<int> &_sources, int _spikes_start, int _spikes_stop)
        : first(_spikes_start), stop(_spikes_stop), sources(_sources),
          queue{new CSpikeQueue(_spikes_start, _spikes_stop)} {}

    ~SynapticPathway() { delete queue[0]; }

    void draw(const char *file, std::vector<int32_t> &targets, std::vector<double> *weights,
              std::vector<int32_t> *courses, int number, int of);

    void push(int *found, int number)
    {
        if (!drawn && !common)
            return queue[0]->push(found, number);
        const int *begin = std::lower_bound(found, found + number, first);
        const int *end = std::lower_bound(found, found + number, stop);
        if (!drawn)
        {
            std::vector<int32_t> &later = spikes[(offset + delay) % spikes.size()];
            later.insert(later.end(), begin, end);
            return;
        }
        auto segment = segments.begin();
        for (; begin < end; begin++)
        {
            const auto ends = [](const Segment &each, int64_t neuron) { return each.stop <= neuron; };
            segment = std::lower_bound(segment, segments.end(), *begin, ends);
            if (segment == segments.end())
                return;
            int64_t row = segment->row + (*begin - segment->start) * segment->delays;
            for (int64_t k = 0; *begin >= segment->start && k < segment->delays; k++, row++)
                if (begins[row + 1] > begins[row])
                    arriving[(offset + delays[segment->delay + k]) % arriving.size()].push_back(row);
        }
    }

    void advance()
    {
        if (!drawn && !common)
            return queue[0]->advance();
        if (drawn)
            arriving[offset].clear();
        else
            spikes[offset].clear();
        offset = (offset + 1) % (drawn ? arriving.size() : spikes.size());
    }

    int64_t arrivals() { return drawn ? arriving[offset].size() : common ? spikes[offset].size() : 1; }

    Arrival arrival(int64_t k)
    {
        if (drawn)
            return {NULL, begins[arriving[offset][k]], begins[arriving[offset][k] + 1]};
        if (!common)
            return {queue[0]->peek()->data(), 0, (int64_t)queue[0]->peek()->size()};
        const int source = spikes[offset][k] - first;
        return {order.empty() ? NULL : order.data(), begins[source], begins[source + 1]};
    }

    template <typename scalar>
    void prepare(int n_source, int n_target, scalar *delays, int n_delays, int *from, int n_synapses, double dt)
    {
        Nsource = n_source;
        Ntarget = n_target;
        if (drawn)
            return;
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
        std::vector<int64_t> next(begins);
        order.resize(n_synapses);
        for (int i = 0; i < n_synapses; i++)
            order[next[from[i] - first]++] = i;
    }
};

#endif
{% endmacro %}
