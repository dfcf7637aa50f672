// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

/// Random numbers that are the same on every machine and library, which std::normal_distribution does not promise.
namespace portolan::market {

/// One step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a good hash of a
/// counter.
constexpr std::uint64_t mix(std::uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/// In (0, 1): never 0, so its logarithm exists.
constexpr double unit(std::uint64_t bits) { return (double(bits >> 11) + 0.5) * 0x1p-53; }

/// A standard normal number from two hashes (Box, Muller 1958).
inline double normal(std::uint64_t first, std::uint64_t second)
{
    return std::sqrt(-2 * std::log(unit(first))) * std::cos(2 * std::numbers::pi * unit(second));
}

/// xoshiro256++ 1.0 (Blackman, Vigna 2019), seeded by SplitMix64 as its authors advise.
class Xoshiro final
{
public:
    explicit Xoshiro(std::uint64_t seed)
    {
        for (auto &word : m_state)
            word = mix(seed++ * 0xd1342543de82ef95 + 1);
    }
    std::uint64_t operator()()
    {
        const std::uint64_t result = std::rotl(m_state[0] + m_state[3], 23) + m_state[0];
        const std::uint64_t t = m_state[1] << 17;
        m_state[2] ^= m_state[0];
        m_state[3] ^= m_state[1];
        m_state[1] ^= m_state[2];
        m_state[0] ^= m_state[3];
        m_state[2] ^= t;
        m_state[3] = std::rotl(m_state[3], 45);
        return result;
    }
    /// 0 … bound − 1. Multiply and shift (Lemire 2019) without its rejection: the bias is below bound / 2^32.
    std::uint32_t below(std::uint32_t bound) { return std::uint32_t(((*this)() >> 32) * bound >> 32); }
    /// Standard normal; Box–Muller makes two at a time.
    double normal()
    {
        if (m_hasSpare) {
            m_hasSpare = false;
            return m_spare;
        }
        const double radius = std::sqrt(-2 * std::log(unit((*this)())));
        const double angle = 2 * std::numbers::pi * unit((*this)());
        m_spare = radius * std::sin(angle);
        m_hasSpare = true;
        return radius * std::cos(angle);
    }

private:
    std::array<std::uint64_t, 4> m_state{};
    double m_spare = 0;
    bool m_hasSpare = false;
};

} // namespace portolan::market
