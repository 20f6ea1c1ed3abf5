{# Brian2's network for objects of one clock, which looks at the time once in a step and not once for each object. #}
{% macro cpp_file() %}
#include "network.h"
#include <chrono>
#include <ctime>
{% if every() > 1 or resting() %}
#include "objects.h"
{% endif %}
{% for group, (size, arrays) in resting().items() %}

static void _swap_{{group}}(int64_t a, int64_t b)
{
    using namespace brian;
    {% for name in arrays %}
    std::swap({{name}}[a], {{name}}[b]);
    {% endfor %}
}
Movers eisim_movers_{{group}}({{size}}, _swap_{{group}});
{% endfor %}

double Network::_last_run_time = 0.0;
double Network::_last_run_completed_fraction = 0.0;
bool Network::_globally_stopped = false;
bool Network::_globally_running = false;

static double _wall()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What Brian2 of this version gives as the time of a run.
static double _now()
{
    {% if processor_time %}
    return (double)std::clock() / CLOCKS_PER_SEC;
    {% else %}
    return _wall();
    {% endif %}
}

void Network::run(const double duration, report_function report, const double period)
{
    const double began = _now(), wall = _wall(), t_start = t, t_end = t + duration;
    double next_report = wall + period;
{% if every() > 1 %}
    Clock *clock = &brian::eisim_clock, *recorders_clock = &brian::eisim_recorders_clock;
    recorders_clock->set_interval(t, t_end);
    int64_t step = 0;
{% else %}
    Clock *clock = objects.empty() ? NULL : objects[0].first;
{% endif %}
    if (report)
        report(0.0, 0.0, t_start, duration);
    if (clock)
        clock->set_interval(t, t_end);
    _globally_running = true;
    _globally_stopped = false;
    while (clock && clock->running() && !_globally_stopped)
    {
        t = clock->t[0];
        if (report && _wall() > next_report)
        {
            report(_wall() - wall, (t - t_start) / duration, t_start, duration);
            next_report += period;
        }
{% if every() > 1 %}
        const bool is_recorded = step++ % {{ every() }} == 0;
        for (const auto &object : objects)
            if (object.second && (is_recorded || object.first == clock))
                object.second();
        if (is_recorded)
            recorders_clock->tick();
{% else %}
        for (const auto &object : objects)
            if (object.second)
                object.second();
{% endif %}
        clock->tick();
    }
    {% for group in resting() %}
    eisim_movers_{{group}}.restore();
    {% endfor %}
    _globally_running = false;
    t = _globally_stopped ? clock->t[0] : t_end;
    _last_run_time = _now() - began;
    _last_run_completed_fraction = duration > 0 ? (t - t_start) / duration : 1.0;
    if (report)
        report(_last_run_time, _last_run_completed_fraction, t_start, duration);
}
{% endmacro %}

{% macro h_file() %}
#ifndef _BRIAN_NETWORK_H
#define _BRIAN_NETWORK_H

#include <utility>
#include <vector>
#include "brianlib/clocks.h"

{% if resting() %}
#include <algorithm>
#include <cstdint>
#include <cstring>

// Whether a variable that holds a number would hold other bits.
template <typename Held, typename Next> inline bool eisim_differs(Held held, Next next)
{
    const Held stored = next;
    return std::memcmp(&held, &stored, sizeof held) != 0;
}

// Neurons that move, of a group of which most are at rest: an update changes no bit of these until a spike arrives.
// While they are few they have the first places of the group's arrays.
class Movers
{
    std::vector<int32_t> places;  // of neurons
    std::vector<uint8_t> at_rest; // by place
    void (*swap_arrays)(int64_t, int64_t);
    int64_t wait = {{seldom}}, left = {{seldom}}; // updates from one time of asking to the next

    void swap(int64_t a, int64_t b)
    {
        if (a == b)
            return;
        swap_arrays(a, b);
        std::swap(neurons[a], neurons[b]);
        places[neurons[a]] = a;
        places[neurons[b]] = b;
    }

public:
    bool are_few = false;
    int64_t number;
    std::vector<int32_t> neurons; // by place

    Movers(int64_t size, void (*swap_arrays)(int64_t, int64_t))
        : places(size), at_rest(size), swap_arrays(swap_arrays), number(size), neurons(size)
    {
        for (int64_t k = 0; k < size; k++)
            places[k] = neurons[k] = k;
    }

    bool is_to_ask() { return --left <= 0; }

    void says(int64_t place, bool moves) { at_rest[place] = !moves; }

    // When each mover has said whether it moves.
    void arrange()
    {
        const int64_t size = neurons.size(), still = std::count(at_rest.begin(), at_rest.begin() + number, 1);
        const bool are_most = 2 * (number - still) > size;
        left = wait = are_most ? std::min<int64_t>(2 * wait, {{16 * seldom}}) : {{seldom}}; // asking takes time
        if (are_most)
            return restore();
        are_few = are_few || 4 * (number - still) < size;
        for (int64_t place = number; are_few && place-- > 0;)
            if (at_rest[place])
                swap(place, --number);
    }

    // The place of a neuron that moves from now on.
    int64_t wake(int64_t neuron)
    {
        if (!are_few)
            return neuron;
        if (places[neuron] >= number)
            swap(places[neuron], number++);
        return places[neuron];
    }

    void restore()
    {
        for (int64_t place = 0; are_few && place < (int64_t)neurons.size(); place++)
            while (neurons[place] != place)
                swap(place, neurons[place]);
        are_few = false;
        number = neurons.size();
    }

    // Places of spikes as neurons, in their order.
    void name(int32_t *spikes, int32_t count)
    {
        for (int32_t k = 0; are_few && k < count; k++)
            spikes[k] = neurons[spikes[k]];
        if (are_few)
            std::sort(spikes, spikes + count);
    }
};
{% for group in resting() %}
extern Movers eisim_movers_{{group}};
{% endfor %}
{% endif %}

typedef void (*codeobj_func)();
typedef void (*report_function)(const double, const double, const double, const double);

class Network
{
public:
    std::vector<std::pair<Clock *, codeobj_func>> objects;
    double t = 0.0;
    static double _last_run_time;
    static double _last_run_completed_fraction;
    static bool _globally_stopped;
    static bool _globally_running;

    void clear() { objects.clear(); }
    void add(Clock *clock, codeobj_func function) { objects.push_back(std::make_pair(clock, function)); }
    void run(const double duration, report_function report, const double period);
};

#endif
{% endmacro %}
