// The network of Brunel (J. Comput. Neurosci. 8:183, 2000), g = 5, eta = 2, as a hand-written loop.
//
// Exact steps of 0.1 ms, distinct sources that are not the neuron itself, a delay of 1.5 ms, a Poisson number of external
// spikes for every neuron and step, all spikes recorded; one thread.
// Usage: ./brunel NEURONS SECONDS SEED, after a warm-up of 0.2 s; NEURONS is 12.5 excitatory synapses each.
#include "network.hpp"

#include <cmath>
#include <cstdlib>

int main(int, char** words) {
    const int n = std::atoi(words[1]), excitatory = n * 4 / 5, in_degree = excitatory / 10;
    const double dt = 1e-4, tau = 20e-3, threshold = 20e-3, reset = 10e-3, g = 5, eta = 2;
    const double weight_e = 0.1 / in_degree, weight_i = -g * weight_e;  // 0.1 mV at 1,000 synapses
    const int warm_up = 2000, steps = warm_up + std::lround(std::atof(words[2]) / dt), hold = 20, delay = 15;
    Random random(std::atoi(words[3]));

    std::vector<int32_t> source, target;
    std::vector<int32_t> taken_by(n, -1);
    for (int j = 0; j < n; j++)
        for (int sign = 0; sign < 2; sign++) {
            const int begin = sign ? excitatory : 0, size = sign ? n - excitatory : excitatory;
            for (int k = 0; k < (sign ? in_degree / 4 : in_degree);) {
                const int i = begin + int(uniform(random) * size);
                if (i == j || taken_by[i] == j) continue;
                taken_by[i] = j;
                source.push_back(i);
                target.push_back(j);
                k++;
            }
        }
    const Synapses synapses = by_source(n, source, target);
    std::vector<int32_t>().swap(source);
    std::vector<int32_t>().swap(target);

    // How often the number of external spikes in a step is at most k.
    const double mean = eta * threshold / (weight_e * tau) * dt;
    std::vector<double> at_most{std::exp(-mean)};
    for (double p = at_most[0]; at_most.back() < 1 - 1e-15 && at_most.size() < 200;)
        at_most.push_back(at_most.back() + (p *= mean / at_most.size()));
    at_most.back() = 1;

    std::vector<double> v(n);
    std::vector<int32_t> free_at(n);
    const double leak = std::exp(-dt / tau);
    Spikes spikes(delay);
    const Watch watch;
    for (int now = 0; now < steps; now++) {
        for (int i = 0; i < n; i++) {
            int external = 0;
            for (const double u = uniform(random); u > at_most[external];) external++;
            v[i] = now < free_at[i] ? v[i] : v[i] * leak + external * weight_e;
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
            const double weight = i < excitatory ? weight_e : weight_i;
            for (int64_t k = synapses.first[i]; k < synapses.first[i + 1]; k++) {
                const int j = synapses.target[k];
                v[j] += now < free_at[j] ? 0 : weight;
            }
        }
    }
    print(spikes, excitatory, warm_up, steps, dt, watch.seconds());
}
