{# USES_VARIABLES { N } #}
{# Poisson numbers in blocks: those of neighbours with one mean come from one table. #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    {% set _arrived = get_array_name(variables[arrived]) %}
    const int64_t _block = {{block_size}};
    static _PoissonSums _table;
    double _keys[_block], _firsts[_block], _means[_block];
    for (int64_t _begun = 0; _begun < N; _begun += _block)
    {
        const int64_t _size = _begun + _block < N ? _block : N - _begun;
        for (int64_t _i = 0; _i < _size; _i++)
        {
            const int64_t _idx = _begun + _i;
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _keys[_i] = _key;
            _firsts[_i] = _first;
            _means[_i] = _mean;
        }
        for (int64_t _i = 0, _end; _i < _size; _i = _end)
        {
            for (_end = _i + 1; _end < _size && _means[_end] == _means[_i]; _end++) {}
            double *_numbers = {{_arrived}} + _begun;
            if (_end - _i >= {{fewest}} && _is_one_part(_means[_i]))
                _poisson_numbers(_table, _firsts + _i, _end - _i, _means[_i], _numbers + _i);
            else
                for (int64_t _k = _i; _k < _end; _k++)
                    _numbers[_k] = _poisson_number(_keys[_k], t_in_timesteps, _means[_k]);
        }
    }
{% endblock %}
