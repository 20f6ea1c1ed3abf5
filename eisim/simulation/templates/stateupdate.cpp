{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{# Brian2's template, which also finds the spikes where the code says which neurons have crossed their threshold. #}
{% extends 'common_group.cpp' %}
{% import 'blocks.cpp' as blocks %}
{% block maincode %}
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    const int _N = {{constant_or_scalar('N', variables['N'])}};
    {% if finds_spikes(vector_code) %}
    int32_t *_spikes = {{spikes_of(owner)}};
    {% call blocks.spikes('_spikes', '_N', block_size, crossed) %}
            {{vector_code|autoindent}}
    {% endcall %}
    {% else %}
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
    {% endif %}
{% endblock %}
