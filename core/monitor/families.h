// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/monitor/key_families.h"
#include "core/monitor/trend.h"
#include "core/redis/reply.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portolan::monitor {

struct FamilyOptions
{
    std::size_t perRound = 32;        ///< random keys per second
    std::size_t fewPerRound = 8;      ///< … of few keys, once a minute's worth of these is there
    std::size_t recount = 512;        ///< random keys when it begins anew
    std::size_t nested = 5;           ///< MEMORY USAGE … SAMPLES
    std::chrono::seconds window{60};  ///< what the estimates rest on
    std::uint64_t bigKey = 64 * 1024; ///< bytes from which a key is measured by itself
    std::size_t bigKeys = 16;         ///< … at most so many, the biggest met
    std::size_t least = 100;          ///< samples below which nothing is said
    std::size_t restLeast = 100;      ///< … of what is in no key, which takes the error of all families together

    /// Where draws come rarely they are fewer, count for longer, and are told from the first on with their wide
    /// interval: hundreds of them would take minutes.
    static FamilyOptions rare();
};

/// Memory by key family, from a few random keys a second.
///
/// The method: RANDOMKEY draws keys with (nearly) equal chances, so a family's share of the draws of the last minute is
/// its share of the keys, and DBSIZE times the mean of its bytes per draw is its memory. 32 draws a second make 1,920.
/// The 95 % interval of the number of keys is Wilson's (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927), that of the bytes
/// the normal one of the mean, widened to what Wilson's allows where a family was hit rarely.
/// Means of skewed sizes converge slowly, so single large keys are kept out of the sample: the queues' lists, the
/// unacknowledged hash and each key of 64 KiB or more that was met are measured by themselves every second and added.
///
/// What it does not know: a large key that was never drawn (it shows in `unattributed` until it is met); changes
/// within the window (the shares are those of the last minute, the number of keys is of now); and MEMORY USAGE itself
/// samples the elements of a collection. RANDOMKEY favours keys in sparse parts of a table by a few per cent.
///
/// No I/O here: the sampler asks (measured keys, draws) and tells. One caller at a time.
class FamilyEstimator final
{
public:
    FamilyEstimator(const KeyFamilies &families, FamilyOptions options = {});

    /// Keys to be asked with MEMORY USAGE this second besides those of the queue: large ones that were met.
    std::vector<std::string> bigKeys() const;

    bool empty() const { return m_draws.empty(); } ///< no key was drawn

    /// How many keys to draw now, of so many that there are: few keys hold so little that a coarser share will do.
    std::size_t drawsWanted(std::optional<std::uint64_t> keys) const;

    /// Much was deleted at once: what was drawn before no longer counts, nor the growth until then.
    void recount();

    /// The draws of one second, as the script of redis_round.h answers them: {microseconds it took, key, bytes,
    /// key, bytes, …}. Anything that is not such an answer is passed over.
    void addDraws(const redis::Reply &reply, std::span<const std::string> queues, SteadyTime now);

    /// One drawn key, for those who have it in another way.
    void addDraw(std::string_view key, std::uint64_t bytes, std::span<const std::string> queues, SteadyTime now);

    /// Keys measured by themselves, with their bytes (nullopt: gone); those not named this time are forgotten.
    struct Measured
    {
        std::string key;
        std::optional<std::uint64_t> bytes;
    };
    void setMeasured(const std::vector<Measured> &keys, std::span<const std::string> queues);

    /// `keys`: DBSIZE now. `usedMemory` for what is in no key. `budget`: of the tier.
    FamiliesFigures figures(std::uint64_t keys, std::optional<std::uint64_t> usedMemory,
                            const std::map<std::string, std::uint64_t> &budget, SteadyTime now);

    /// Redis was away, or is another one: begins anew.
    void clear();

    const FamilyOptions &options() const { return m_options; }

private:
    struct Draw
    {
        SteadyTime time;
        std::uint64_t hash;
        std::uint64_t bytes;
        std::uint32_t family;
    };
    struct Big
    {
        std::string key;
        std::uint32_t family = 0;
        std::uint64_t bytes = 0;
        bool queue = false; ///< asked for anyway
    };
    struct Sum
    {
        std::uint64_t count = 0;
        double bytes = 0;
        double squares = 0;
    };
    std::vector<Sum> sums(SteadyTime after, std::size_t &total) const;
    void follow(const std::vector<Sum> &recent, std::size_t total, std::uint64_t keys, SteadyTime now);
    void promote(std::string_view key, std::uint64_t hash, std::uint64_t bytes, std::uint32_t family);

    const KeyFamilies &m_families;
    const FamilyOptions m_options;
    std::deque<Draw> m_draws;
    std::unordered_map<std::uint64_t, Big> m_big; ///< by hash
    std::vector<Trend> m_trends;                  ///< per family
    std::optional<SteadyTime> m_followed;
    std::optional<SteadyTime> m_lastDraw;
    std::optional<double> m_cost;
};

} // namespace portolan::monitor
