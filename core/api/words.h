// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/catalogue.h"
#include "core/api/zone.h"

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

} // namespace portolan
