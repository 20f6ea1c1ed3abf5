// What the hand-written loops share: synapses by source, spikes on their way, and what is printed.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

using Random = std::mt19937_64;

inline double uniform(Random& random) { return (random() >> 11) * 0x1.0p-53; }

// Targets of each neuron, one after the other: those of neuron i from first[i] up to first[i + 1].
struct Synapses {
    std::vector<int64_t> first;
    std::vector<int32_t> target;
};

// From the pairs (source, target) in any order.
inline Synapses by_source(int neurons, const std::vector<int32_t>& source, const std::vector<int32_t>& target) {
    Synapses s{std::vector<int64_t>(neurons + 1, 0), std::vector<int32_t>(target.size())};
    for (int32_t i : source) s.first[i + 1]++;
    for (int i = 0; i < neurons; i++) s.first[i + 1] += s.first[i];
    std::vector<int64_t> next(s.first.begin(), s.first.end() - 1);
    for (size_t k = 0; k < source.size(); k++) s.target[next[source[k]]++] = target[k];
    return s;
}

// All spikes, and those of each of the last steps, for as long as they are on their way.
struct Spikes {
    std::vector<int32_t> neuron, step;
    std::vector<std::vector<int32_t>> under_way;
    explicit Spikes(int delay) : under_way(delay + 1) {}
    std::vector<int32_t>& sent(int now) { return under_way[now % under_way.size()]; }
    const std::vector<int32_t>& arriving(int now) { return under_way[(now + 1) % under_way.size()]; }
};

struct Watch {
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
};

// The seconds of the loop, and the mean rate of the first `excitatory` neurons after the warm-up.
inline void print(const Spikes& spikes, int excitatory, int warm_up, int steps, double dt, double seconds) {
    int64_t count = 0;
    for (size_t k = 0; k < spikes.neuron.size(); k++)
        count += spikes.neuron[k] < excitatory && spikes.step[k] >= warm_up;
    std::printf("{\"seconds\": %.6f, \"rate\": %.6f}\n", seconds, count / ((steps - warm_up) * dt * excitatory));
}
