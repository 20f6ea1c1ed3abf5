// The current-based network of Brette et al. (J. Comput. Neurosci. 23:349, 2007) as a hand-written loop.
//
// Exact steps of 0.1 ms, synapses with a probability that gives every neuron 80 of them on average, a delay of one
// step, all spikes recorded; one thread. Usage: ./cuba NEURONS SECONDS SEED, after a warm-up of 0.2 s.
#include "network.hpp"

#include <cmath>
#include <cstdlib>

int main(int, char** words) {
    const int n = std::atoi(words[1]), excitatory = n * 4 / 5;
    const double dt = 1e-4, tau = 20e-3, tau_e = 5e-3, tau_i = 10e-3;
    const double rest = -49e-3, threshold = -50e-3, reset = -60e-3, weight_e = 1.62e-3, weight_i = -9e-3;
    const int warm_up = 2000, steps = warm_up + std::lround(std::atof(words[2]) / dt), hold = 50;
    Random random(std::atoi(words[3]));

    std::vector<int32_t> source, target;
    const double scale = 1 / std::log1p(-0.02 * 4000 / n);
    for (int64_t pair = -1;;) {  // from one synapse to the next
        pair += 1 + int64_t(std::log1p(-uniform(random)) * scale);
        if (pair >= int64_t(n) * n) break;
        source.push_back(pair / n);
        target.push_back(pair % n);
    }
    const Synapses synapses = by_source(n, source, target);
    std::vector<double> v(n), g_e(n), g_i(n);
    std::vector<int32_t> free_at(n);
    for (double& one : v) one = reset + uniform(random) * (threshold - reset);

    const double leak = std::exp(-dt / tau), decay_e = std::exp(-dt / tau_e), decay_i = std::exp(-dt / tau_i);
    const double to_v_e = tau_e / (tau_e - tau) * (decay_e - leak), to_v_i = tau_i / (tau_i - tau) * (decay_i - leak);
    Spikes spikes(1);
    const Watch watch;
    for (int now = 0; now < steps; now++) {
        for (int i = 0; i < n; i++) {
            const double next = rest + (v[i] - rest) * leak + g_e[i] * to_v_e + g_i[i] * to_v_i;
            v[i] = now < free_at[i] ? v[i] : next;
            g_e[i] *= decay_e;
            g_i[i] *= decay_i;
        }
        auto& sent = spikes.sent(now);
        sent.clear();
        for (int i = 0; i < n; i++)
            if (v[i] > threshold) {
                sent.push_back(i);
                spikes.neuron.push_back(i);
                spikes.step.push_back(now);
                v[i] = reset;
                free_at[i] = now + hold;
            }
        for (int i : spikes.arriving(now)) {
            auto& g = i < excitatory ? g_e : g_i;
            const double weight = i < excitatory ? weight_e : weight_i;
            for (int64_t k = synapses.first[i]; k < synapses.first[i + 1]; k++) g[synapses.target[k]] += weight;
        }
    }
    print(spikes, excitatory, warm_up, steps, dt, watch.seconds());
}
