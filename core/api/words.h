// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/catalogue.h"
#include "core/api/snapshot.h"

#include <string_view>

/// What things are called, wherever a person reads of them: in the console and in a terminal. All are literals, so
/// data() ends with a zero.
namespace portolan {

constexpr std::string_view titleOf(Resource resource) { return kindOf(resource).title; }

constexpr std::string_view wordOf(Zone zone)
{
    switch (zone) {
    case Zone::Green:
        return "green";
    case Zone::Yellow:
        return "yellow";
    case Zone::Red:
        return "red";
    case Zone::Unknown:
        break;
    }
    return "unknown";
}

/// Why a resource's value, or its zone, is not known.
constexpr std::string_view reasonOf(Unknown unknown, Resource resource)
{
    switch (unknown) {
    case Unknown::NotYet:
        return "not measured yet";
    case Unknown::TooFew:
        return resource == Resource::FailedTasks    ? "too few tasks"
               : resource == Resource::RedisTraffic ? "measured for less than 10 min"
                                                    : "too few requests";
    case Unknown::Away:
        return "not answering";
    case Unknown::NotAvailable:
        return "not available here";
    case Unknown::NoLimit:
        return resource == Resource::RedisCommands || resource == Resource::RedisTraffic ? "no plan limits it"
                                                                                         : "no limit in this tier";
    case Unknown::NotTold:
        return "this Redis does not tell";
    case Unknown::No:
        break;
    }
    return "";
}

} // namespace portolan
