// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/zone_series.h"

#include <boost/describe/enum_to_string.hpp>

namespace portolan {

Metric zoneMetric(Resource resource)
{
    std::string key;
    for (const char letter : std::string_view(boost::describe::enum_to_string(resource, ""))) {
        const bool capital = letter >= 'A' && letter <= 'Z';
        if (capital && !key.empty())
            key += enumSeparator(resource);
        key += capital ? char(letter - 'A' + 'a') : letter;
    }
    return {metric::zone, {{"resource", key}}};
}

} // namespace portolan
