{# USES_VARIABLES { N } #}
{# Brian2's template, but for how spikes are looked for: in blocks without a branch, since few blocks have one. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    // scalar code
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    {% set _eventspace = get_array_name(eventspace_variable) %}
    const int64_t _block = {{block_size}};
    int64_t _crossed[_block];
    int32_t _count = 0;
    for (int64_t _first = 0; _first < N; _first += _block)
    {
        const int64_t _end = _first + _block < N ? _first + _block : N;
        int64_t _any = 0;
        for (int64_t _idx = _first; _idx < _end; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _crossed[_idx - _first] = _cond;
            _any |= _crossed[_idx - _first];
        }
        if (!_any)
            continue;
        for (int64_t _idx = _first; _idx < _end; _idx++)
            if (_crossed[_idx - _first])
            {
                {{_eventspace}}[_count++] = _idx;
                {% if _uses_refractory %}
                {{not_refractory}}[_idx] = false;
                {{lastspike}}[_idx] = {{t}};
                {% endif %}
            }
    }
    {{_eventspace}}[N] = _count;
{% endblock %}

{% block after_code %}
{% set _eventspace = get_array_name(eventspace_variable) %}
{{_eventspace}}[N] = 0;
{% endblock %}
