// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/families.h"

#include "core/monitor/printable.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace portolan::monitor {

namespace {

constexpr double z95 = 1.96;
constexpr auto trendSpacing = std::chrono::seconds(5);

/// Wilson's interval of a share.
Estimate wilson(std::uint64_t hits, std::uint64_t total)
{
    const double n = double(total);
    const double share = double(hits) / n;
    const double scale = 1 + z95 * z95 / n;
    const double centre = (share + z95 * z95 / (2 * n)) / scale;
    const double half = z95 * std::sqrt(share * (1 - share) / n + z95 * z95 / (4 * n * n)) / scale;
    return {share, std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Estimate scaled(const Estimate &estimate, double by)
{
    return {estimate.value * by, estimate.low * by, estimate.high * by};
}

} // namespace

FamilyOptions FamilyOptions::rare()
{
    FamilyOptions options;
    options.perRound = options.fewPerRound = 16;
    options.least = 8;
    options.recount = 256;
    options.window = std::chrono::minutes(15);
    return options;
}

FamilyEstimator::FamilyEstimator(const KeyFamilies &families, FamilyOptions options)
    : m_families(families),
      m_options(options),
      m_trends(families.names().size(), Trend({std::chrono::milliseconds(trendSpacing), 60, 12}))
{}

std::vector<std::string> FamilyEstimator::bigKeys() const
{
    std::vector<std::string> keys;
    for (const auto &[hash, big] : m_big)
        if (!big.queue)
            keys.push_back(big.key);
    return keys;
}

std::size_t FamilyEstimator::drawsWanted(std::optional<std::uint64_t> keys) const
{
    constexpr std::uint64_t keysEach = 64; // so that all draws are made from 2,048 keys on
    const auto few = std::size_t(std::clamp<std::uint64_t>(keys.value_or(m_options.perRound * keysEach) / keysEach,
                                                           m_options.fewPerRound, m_options.perRound));
    return m_draws.size() >= few * std::size_t(m_options.window.count()) ? few : m_options.perRound;
}

void FamilyEstimator::recount()
{
    m_draws.clear();
    for (Trend &trend : m_trends)
        trend.clear();
    m_followed.reset();
}

void FamilyEstimator::addDraws(const redis::Reply &reply, std::span<const std::string> queues, SteadyTime now)
{
    const auto &elements = reply.elements;
    if (reply.type != redis::Reply::Type::Array || elements.empty())
        return;
    m_cost = elements[0].integer >= 0 ? std::optional(double(elements[0].integer) * 1e-6) : std::nullopt;
    m_lastDraw = now;
    for (std::size_t i = 1; i + 1 < elements.size(); i += 2)
        if (elements[i + 1].integer > 0) // 0: it expired between the two commands
            addDraw(elements[i].text, std::uint64_t(elements[i + 1].integer), queues, now);
}

void FamilyEstimator::addDraw(std::string_view key, std::uint64_t bytes, std::span<const std::string> queues,
                              SteadyTime now)
{
    const auto hash = std::uint64_t(std::hash<std::string_view>()(key));
    const auto family = std::uint32_t(m_families.indexOf(key, queues));
    m_lastDraw = now;
    m_draws.push_back({now, hash, bytes, family});
    while (!m_draws.empty() && now - m_draws.front().time >= m_options.window)
        m_draws.pop_front();
    if (bytes >= m_options.bigKey)
        promote(key, hash, bytes, family);
}

void FamilyEstimator::promote(std::string_view key, std::uint64_t hash, std::uint64_t bytes, std::uint32_t family)
{
    if (m_big.contains(hash))
        return;
    const auto others = std::count_if(m_big.begin(), m_big.end(), [](const auto &big) { return !big.second.queue; });
    if (std::size_t(others) >= m_options.bigKeys) {
        auto smallest = m_big.end();
        for (auto at = m_big.begin(); at != m_big.end(); ++at)
            if (!at->second.queue && (smallest == m_big.end() || at->second.bytes < smallest->second.bytes))
                smallest = at;
        if (smallest->second.bytes >= bytes)
            return;
        m_big.erase(smallest);
    }
    m_big[hash] = {std::string(key), family, bytes, false};
}

void FamilyEstimator::setMeasured(const std::vector<Measured> &keys, std::span<const std::string> queues)
{
    std::unordered_map<std::uint64_t, Big> measured;
    for (const Measured &key : keys) {
        const auto hash = std::uint64_t(std::hash<std::string_view>()(key.key));
        const auto before = m_big.find(hash);
        const bool queue = before == m_big.end() || before->second.queue;
        // One that shrank goes back into the sample, but not for a wobble around the bound.
        if (!key.bytes || (!queue && *key.bytes < m_options.bigKey / 2))
            continue;
        measured[hash] = {key.key, std::uint32_t(m_families.indexOf(key.key, queues)), *key.bytes, queue};
    }
    m_big = std::move(measured);
}

std::vector<FamilyEstimator::Sum> FamilyEstimator::sums(SteadyTime after, std::size_t &total) const
{
    std::vector<Sum> sums(m_families.names().size());
    total = 0;
    for (auto draw = m_draws.rbegin(); draw != m_draws.rend() && draw->time > after; ++draw) {
        ++total;
        Sum &sum = sums[draw->family];
        ++sum.count;
        if (m_big.contains(draw->hash))
            continue;
        sum.bytes += double(draw->bytes);
        sum.squares += double(draw->bytes) * double(draw->bytes);
    }
    return sums;
}

/// Growth is fitted through estimates of 5 s each, which share no draws and so are independent, as Trend wants it.
void FamilyEstimator::follow(const std::vector<Sum> &recent, std::size_t total, std::uint64_t keys, SteadyTime now)
{
    m_followed = now;
    if (total == 0)
        return;
    for (std::size_t family = 0; family < recent.size(); ++family) {
        double bytes = double(keys) * recent[family].bytes / double(total);
        for (const auto &[hash, big] : m_big)
            if (big.family == family)
                bytes += double(big.bytes);
        m_trends[family].add(bytes, now);
    }
}

FamiliesFigures FamilyEstimator::figures(std::uint64_t keys, std::optional<std::uint64_t> usedMemory,
                                         const std::map<std::string, std::uint64_t> &budget, SteadyTime now)
{
    FamiliesFigures figures;
    figures.cost = m_cost;
    std::size_t total = 0;
    if (!m_followed || now - *m_followed >= trendSpacing) {
        const auto recent = sums(m_followed.value_or(now - trendSpacing), total);
        follow(recent, total, keys, now);
    }
    const auto sums = this->sums(now - m_options.window, total);
    figures.samples = total;
    if (!m_draws.empty())
        figures.span = std::chrono::duration_cast<Age>(now - m_draws.front().time);
    if (m_lastDraw)
        figures.age = std::chrono::duration_cast<Age>(now - *m_lastDraw);

    double overall = 0;
    for (const Sum &sum : sums)
        overall += sum.bytes;
    double known = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        FamilyFigures family;
        family.family = m_families.names()[i];
        if (const auto found = budget.find(family.family); found != budget.end())
            family.budget = found->second;
        std::uint64_t measured = 0;
        for (const auto &[hash, big] : m_big)
            if (big.family == i)
                measured += big.bytes;
        family.measured = measured;
        const bool empty = keys == 0;
        if (empty || total >= m_options.least) {
            const double n = double(std::max<std::size_t>(total, 1));
            const Sum &sum = sums[i];
            const Estimate share = empty ? Estimate{} : wilson(sum.count, total);
            family.keys = scaled(share, double(keys));
            const double mean = sum.bytes / n;
            const double error = std::sqrt(std::max(0.0, sum.squares / n - mean * mean) / n);
            const double each = sum.count ? sum.bytes / double(sum.count) : overall / n;
            Estimate bytes{mean, mean - z95 * error, mean + z95 * error};
            bytes.low = std::max(0.0, std::min(bytes.low, share.low * each));
            bytes.high = std::max(bytes.high, share.high * each);
            bytes = scaled(bytes, double(keys));
            const double alone = double(measured);
            family.bytes = Estimate{bytes.value + alone, bytes.low + alone, bytes.high + alone};
            known += family.bytes->value;
        }
        if (const auto &line = m_trends[i].line())
            family.growth = line->slope;
        figures.families.push_back(std::move(family));
    }
    if (usedMemory && (keys == 0 || total >= std::max(m_options.least, m_options.restLeast)))
        figures.unattributed = std::uint64_t(std::max(0.0, double(*usedMemory) - known));
    std::ranges::stable_sort(figures.families, std::greater(), [](const FamilyFigures &family) {
        return family.bytes ? family.bytes->value : double(family.measured.value_or(0));
    });
    for (const auto &[hash, big] : m_big)
        figures.biggest.push_back(
            {printableKey(big.key, m_families.names()[big.family]), m_families.names()[big.family], big.bytes});
    std::ranges::sort(figures.biggest, std::greater(), &BigKey::bytes);
    return figures;
}

void FamilyEstimator::clear()
{
    m_draws.clear();
    m_big.clear();
    for (Trend &trend : m_trends)
        trend.clear();
    m_followed.reset();
    m_lastDraw.reset();
    m_cost.reset();
}

} // namespace portolan::monitor
