{# Brian2's network for objects of one clock, which looks at the time once in a step and not once for each object. #}
{% macro cpp_file() %}
#include "network.h"
#include <chrono>
#include <ctime>
{% if every() > 1 %}
#include "objects.h"
{% endif %}

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
