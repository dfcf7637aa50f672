// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/tier_effects.h"

#include "core/base/tier_file.h"

#include <algorithm>
#include <array>
#include <utility>

namespace portolan {

namespace {

constexpr std::string_view noPlanner = "for the planner, which this version lacks";
constexpr std::string_view noLoadTest = "for the load test, which this version lacks";
constexpr std::string_view noAlerts = "alerts are not in this version";

/// Keys that are read and kept, but that nothing acts on yet. What comes to act on one takes its line out.
constexpr std::array idleKeys{
    std::pair<std::string_view, std::string_view>{"redis.databases", noPlanner},
    std::pair<std::string_view, std::string_view>{"redis.cache_policy",
                                                  "a second Redis for caches is not in this version"},
    std::pair<std::string_view, std::string_view>{"ceilings.upload", "uploads are not in this version"},
    std::pair<std::string_view, std::string_view>{"ceilings.automation", "automation is not in this version"},
    std::pair<std::string_view, std::string_view>{"limits.upload", "uploads are not in this version"},
    std::pair<std::string_view, std::string_view>{"limits.automation", "automation is not in this version"},
    std::pair<std::string_view, std::string_view>{"limits_address.upload", "uploads are not in this version"},
    std::pair<std::string_view, std::string_view>{"limits_address.automation", "automation is not in this version"},
    std::pair<std::string_view, std::string_view>{"load_test.duration", noLoadTest},
    std::pair<std::string_view, std::string_view>{"load_test.users", noLoadTest},
    std::pair<std::string_view, std::string_view>{"load_test.new_users_per_second", noLoadTest},
    std::pair<std::string_view, std::string_view>{"load_test.requests_per_second", noLoadTest},
    std::pair<std::string_view, std::string_view>{"budget_least.*", noPlanner},
    std::pair<std::string_view, std::string_view>{"connection_budget.*", noPlanner},
    std::pair<std::string_view, std::string_view>{"caches.*", "what these caches hold is not in this version"},
    std::pair<std::string_view, std::string_view>{"schedules.*", "what these jobs do is not in this version"},
    std::pair<std::string_view, std::string_view>{"capacity.*", noPlanner},
    std::pair<std::string_view, std::string_view>{"targets.*", noLoadTest},
};

} // namespace

std::string_view whyWithoutEffect(std::string_view key)
{
    const auto found = std::ranges::find(idleKeys, key, &std::pair<std::string_view, std::string_view>::first);
    return found == idleKeys.end() ? std::string_view{} : found->second;
}

std::vector<std::string> withoutEffect(const Tier &tier, const Tier &base)
{
    std::vector<std::string> found;
    const auto differ = [](const std::vector<TierKey::Value> &a, const std::vector<TierKey::Value> &b) {
        return !std::ranges::equal(a, b,
                                   [](const auto &x, const auto &y) { return x.name == y.name && x.text == y.text; });
    };
    for (const auto &key : tierKeys())
        if (!key.noEffect.empty() && differ(key.get(tier), key.get(base)))
            found.push_back(key.key + ": " + std::string(key.noEffect));
    const auto add = [&found](bool differs, const char *name, std::string_view why) {
        if (differs)
            found.push_back(name + std::string(": ").append(why));
    };
    add(tier.alerts != base.alerts, "alerts", noAlerts);
    add(tier.upgradeWhen != base.upgradeWhen, "upgrade_when", noPlanner);
    add(tier.upgradePath != base.upgradePath, "upgrade_path", noPlanner);
    add(tier.costs != base.costs, "costs", noPlanner);
    add(tier.phases != base.phases, "phases", noPlanner);
    add(tier.loadMix != base.loadMix, "load_mix", noLoadTest);
    return found;
}

} // namespace portolan
