// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/keys.h"

#include <algorithm>

namespace portolan::redis {

namespace {

struct Named
{
    Family family;
    std::string_view name;
};

constexpr std::array names{
    Named{Family::Sessions, "sessions"}, Named{Family::Limits, "limits"},       Named{Family::Queue, "queue"},
    Named{Family::Results, "results"},   Named{Family::Push, "push"},           Named{Family::Tickers, "tickers"},
    Named{Family::Cache, "cache"},       Named{Family::Instances, "instances"}, Named{Family::Other, "other"}};

struct Prefixed
{
    std::string_view prefix;
    Family family;
};

constexpr std::array prefixes{Prefixed{keys::sessionPrefix, Family::Sessions},
                              Prefixed{keys::limitPrefix, Family::Limits},
                              Prefixed{keys::resultPrefix, Family::Results},
                              Prefixed{keys::groupResultPrefix, Family::Results},
                              Prefixed{keys::chordPrefix, Family::Results},
                              Prefixed{keys::pushPrefix, Family::Push},
                              Prefixed{keys::tickerPrefix, Family::Tickers},
                              Prefixed{keys::cachePrefix, Family::Cache},
                              Prefixed{keys::instancePrefix, Family::Instances},
                              Prefixed{keys::ownQueuePrefix, Family::Queue},
                              Prefixed{keys::unacked, Family::Queue},
                              Prefixed{keys::bindingPrefix, Family::Queue}};

constexpr std::array<std::string_view, 1> sessionPatterns{"s:*"};
constexpr std::array<std::string_view, 1> limitPatterns{"l:*"};
constexpr std::array<std::string_view, 6> queuePatterns{"celery",           "*\x06\x16*", "unacked*",
                                                        "_kombu.binding.*", "q:*",        "*.reply.celery.pidbox"};
constexpr std::array<std::string_view, 3> resultPatterns{"celery-task-meta-*", "celery-taskset-meta-*",
                                                         "chord-unlock-*"};
constexpr std::array<std::string_view, 1> pushPatterns{"p:*"};
constexpr std::array<std::string_view, 1> tickerPatterns{"t:*"};
constexpr std::array<std::string_view, 1> cachePatterns{"c:*"};
constexpr std::array<std::string_view, 1> instancePatterns{"i:*"};

} // namespace

std::string_view nameOf(Family family)
{
    const auto found = std::find_if(names.begin(), names.end(), [&](const Named &n) { return n.family == family; });
    return found == names.end() ? std::string_view("other") : found->name;
}

std::optional<Family> familyNamed(std::string_view name)
{
    const auto found = std::find_if(names.begin(), names.end(), [&](const Named &n) { return n.name == name; });
    return found == names.end() ? std::nullopt : std::optional(found->family);
}

Family familyOf(std::string_view key, std::span<const std::string> queues)
{
    // A key may carry a priority step behind its name, also the pidbox of a client that waits for replies. Before the
    // prefixes, which a queue's name may begin with: tasks are not to be taken for what may be cleaned up.
    const auto separator = key.find(keys::prioritySeparator);
    const auto name = key.substr(0, separator);
    if (separator != std::string_view::npos || std::find(queues.begin(), queues.end(), name) != queues.end())
        return Family::Queue;
    for (const auto &[prefix, family] : prefixes) {
        if (key.starts_with(prefix))
            return family;
    }
    const bool queue = name == keys::defaultQueue || name.ends_with(keys::controlReplySuffix);
    return queue ? Family::Queue : Family::Other;
}

std::span<const std::string_view> patternsOf(Family family)
{
    switch (family) {
    case Family::Sessions:
        return sessionPatterns;
    case Family::Limits:
        return limitPatterns;
    case Family::Queue:
        return queuePatterns;
    case Family::Results:
        return resultPatterns;
    case Family::Push:
        return pushPatterns;
    case Family::Tickers:
        return tickerPatterns;
    case Family::Cache:
        return cachePatterns;
    case Family::Instances:
        return instancePatterns;
    case Family::Other:
        break;
    }
    return {};
}

std::string queueKey(std::string_view queue, int step)
{
    std::string key(queue);
    if (step != 0)
        key.append(keys::prioritySeparator).append(std::to_string(step));
    return key;
}

} // namespace portolan::redis
