// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/link_words.h"

namespace portolan::monitor {

/// The queue and the sessions may be down although Redis answers.
std::string downText(const LinkStatus &link)
{
    return link.name == "queue"                                    ? "tasks cannot be queued or run"
           : link.name == "sessions"                               ? "sessions cannot be kept in Redis"
           : link.name == "data_dir"                               ? "the data directory cannot be used"
           : link.name == "redis"                                  ? "Redis does not answer"
           : link.name != "database"                               ? link.name + " does not answer"
           : link.reason.empty() || link.reason == "database-lost" ? "the database does not answer"
                                                                   : "the database cannot be written";
}

/// Redis, the database and the directory come and go; what rests on the first two works or does not.
std::string turnedText(const LinkStatus &link)
{
    const bool part = link.name == "queue" || link.name == "sessions";
    const char *const turned = *link.up ? (part ? " works again" : " is back") : (part ? " does not work" : " is away");
    const std::string name = link.name == "redis"      ? "Redis"
                             : link.name == "database" ? "The database"
                             : link.name == "queue"    ? "The queue"
                             : link.name == "sessions" ? "The keeping of sessions"
                             : link.name == "data_dir" ? "The data directory"
                                                       : link.name;
    return name + turned;
}

} // namespace portolan::monitor
