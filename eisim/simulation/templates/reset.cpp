{# USES_VARIABLES { N } #}
{# Brian2's template, but for the places of neurons of which most are at rest. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const int32_t *_events = {{get_array_name(eventspace_variable)}};
    const int32_t _number = _events[N];
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int32_t _k = 0; _k < _number; _k++)
    {
        {% if owner.name in resting() %}
        const size_t _idx = eisim_movers_{{owner.name}}.wake(_events[_k]);
        {% else %}
        const size_t _idx = _events[_k];
        {% endif %}
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
{% endblock %}
