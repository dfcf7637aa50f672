// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/link_words.h"

namespace portolan::commands {

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

} // namespace portolan::commands
