{# Spikes of all neurons: in blocks without a branch, since few blocks have one. The caller has a neuron's code. #}
{% macro spikes(events, size, block_size, condition, on_spike='', is_parallel=false) %}
    int64_t _found[{{block_size}}];
    int32_t _count = 0;
    for (int64_t _first_idx = 0; _first_idx < {{size}}; _first_idx += {{block_size}})
    {
        const int64_t _end_idx = _first_idx + {{block_size}} < {{size}} ? _first_idx + {{block_size}} : {{size}};
        int64_t _any = 0;
        {% if is_parallel %}
        #pragma GCC ivdep
        {% endif %}
        for (int64_t _idx = _first_idx; _idx < _end_idx; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{caller()}}
            _found[_idx - _first_idx] = {{condition}};
            _any |= _found[_idx - _first_idx];
        }
        if (!_any)
            continue;
        for (int64_t _idx = _first_idx; _idx < _end_idx; _idx++)
            if (_found[_idx - _first_idx])
            {
                {{events}}[_count++] = _idx;
                {{on_spike}}
            }
    }
    {% if size != '_moving' %}
    {{events}}[{{size}}] = _count;
    {% endif %}
{% endmacro %}
