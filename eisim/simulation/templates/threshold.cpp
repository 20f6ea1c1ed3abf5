{# USES_VARIABLES { N } #}
{# Brian2's template, but for how spikes are looked for; there is nothing to do where the state updater has found them. #}
{% extends 'common_group.cpp' %}
{% import 'blocks.cpp' as blocks %}
{% block maincode %}
    {% if not is_fused(owner) %}
    // scalar code
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    {% set _on_spike %}
    {% if _uses_refractory %}
    {{not_refractory}}[_idx] = false; {{lastspike}}[_idx] = {{t}};
    {% endif %}
    {% endset %}
    {% call blocks.spikes(get_array_name(eventspace_variable), 'N', block_size, '_cond', _on_spike) %}
            {{vector_code|autoindent}}
    {% endcall %}
    {% endif %}
{% endblock %}

{% block after_code %}
{{get_array_name(eventspace_variable)}}[N] = 0;
{% endblock %}
