// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/logging.h"

#include <string>
#include <string_view>

namespace portolan {

/// Logs an Error: what failed (`why`), the way out (`mend`), and the keys of the settings that are at fault or mend it
/// (`settings`), where there are any; neither of the others names one. Any thread.
inline void logError(Logger &logger, LogLevel level, std::string_view message, const Error &error)
{
    if (error.settings.empty())
        return logger.log(level, message, {{"why", error.message}, {"mend", error.hint}});
    std::string keys;
    for (const std::string &key : error.settings)
        keys.append(keys.empty() ? "" : ", ").append(key);
    logger.log(level, message, {{"why", error.message}, {"mend", error.hint}, {"settings", keys}});
}

} // namespace portolan
