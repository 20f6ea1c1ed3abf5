{# Brian2's template, but for the loop: over the spikes that arrive, and the synapses of each. #}
{% extends 'common_synapses.cpp' %}
{% block maincode %}
    {# USES_VARIABLES { _synaptic_pre } #}
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    const int64_t _arrivals = {{pathway.name}}.arrivals();
    {% macro loop(code) %}
    for (int64_t _k = 0; _k < _arrivals; _k++)
    {
        const Arrival _arrival = {{pathway.name}}.arrival(_k);
        for (int64_t _i = _arrival.begin; _i < _arrival.end; _i++)
        {
            const size_t _idx = _arrival.order ? _arrival.order[_i] : _i;
            const size_t _vectorisation_idx = _idx;
            {{code|autoindent}}
        }
    }
    {% endmacro %}
    {% if owner.target.name in resting() %}
    if (eisim_movers_{{owner.target.name}}.are_few)
    {
        {{loop(waking(vector_code, owner))}}
    }
    else
    {% endif %}
    {
        {{loop(vector_code)}}
    }
{% endblock %}

{% block extra_functions_cpp %}
void _debugmsg_{{codeobj_name}}() {}
{% endblock %}

{% block extra_functions_h %}
void _debugmsg_{{codeobj_name}}();
{% endblock %}

{% macro main_finalise() -%}
{% endmacro %}
