// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/metrics.h"

#include <boost/describe/enum_to_string.hpp>

namespace portolan::ui {

QByteArray metricName(Metric metric)
{
    QByteArray name;
    for (const char letter : QByteArray(boost::describe::enum_to_string(metric, ""))) {
        const bool capital = letter >= 'A' && letter <= 'Z';
        if (capital && !name.isEmpty())
            name += '_';
        name += capital ? char(letter - 'A' + 'a') : letter;
    }
    return name;
}

QByteArray metricUnit(Metric metric)
{
    switch (metric) {
    case Metric::RedisMemory:
    case Metric::RedisOverhead:
    case Metric::RedisTraffic:
        return "bytes";
    case Metric::RedisFragmentation:
    case Metric::RedisHitRatio:
    case Metric::ErrorRate:
    case Metric::DbPool:
    case Metric::FailedTasks:
    case Metric::Refused:
    case Metric::Disk:
        return "ratio";
    case Metric::RedisEvicted:
        return "keys/s";
    case Metric::RedisCommands:
        return "commands/s";
    case Metric::RequestRate:
        return "requests/s";
    case Metric::QueueTaken:
    case Metric::QueueEnded:
        return "tasks/s";
    case Metric::ResponseP50:
    case Metric::ResponseP95:
    case Metric::ResponseP99:
    case Metric::OldestTask:
        return "seconds";
    case Metric::RedisConnections:
    case Metric::HttpConnections:
        return "connections";
    case Metric::QueueWaiting:
    case Metric::QueueUnacked:
    case Metric::UntakenTasks:
        return "tasks";
    case Metric::ConcurrentUsers:
        return "users";
    case Metric::Sessions:
        return "sessions";
    }
    return {};
}

} // namespace portolan::ui
