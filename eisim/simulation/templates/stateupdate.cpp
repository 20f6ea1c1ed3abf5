{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{# Brian2's template, which also finds the spikes where the code says which neurons have crossed their threshold.
   Equations of a user may have more variables than g++ compares for overlaps, which there are none of: it is told. #}
{% extends 'common_group.cpp' %}
{% import 'blocks.cpp' as blocks %}
{% block maincode %}
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    const int _N = {{constant_or_scalar('N', variables['N'])}};
    {% if owner.name in resting() %}
    Movers &_movers = eisim_movers_{{owner.name}};
    if (_movers.is_to_ask())
    {
        for (int64_t _idx = 0; _idx < _movers.number; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            bool _moves = false;
            {{asking(vector_code)|autoindent}}
            _movers.says(_idx, _moves);
        }
        _movers.arrange();
    }
    int32_t *_spikes = {{spikes_of(owner)}};
    const int64_t _moving = _movers.number;
    {% call blocks.spikes('_spikes', '_moving', block_size, crossed) %}
            {{vector_code|autoindent}}
    {% endcall %}
    _movers.name(_spikes, _count);
    _spikes[_N] = _count;
    {% elif finds_spikes(vector_code) %}
    int32_t *_spikes = {{spikes_of(owner)}};
    {% call blocks.spikes('_spikes', '_N', block_size, crossed, is_parallel=is_of_equations(owner)) %}
            {{vector_code|autoindent}}
    {% endcall %}
    {% else %}
    {% if is_of_equations(owner) %}
    #pragma GCC ivdep
    {% endif %}
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
    {% endif %}
{% endblock %}
