// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/queue_name.h"

#include "core/base/given_text.h"
#include "core/base/masking.h"

#include <algorithm>
#include <string>

namespace portolan {

Result<void> checkQueueName(std::string_view name)
{
    const auto refuse = [&](const std::string &why) {
        return failure(ErrorKind::Invalid, '"' + quotable(name, 64) + "\" is not a queue's name: " + why,
                       "Name it for example portal.");
    };
    const bool printable = std::ranges::all_of(name, [](unsigned char c) { return c > 0x20 && c != 0x7F; });
    if (name.empty() || name.size() > 255 || !printable)
        return refuse("it has 1 to 255 characters without blanks");
    if (visible(name) != name)
        return refuse("it has a character that cannot be seen");
    for (const std::string_view prefix : {"s:", "l:", "p:", "t:", "c:", "q:", "i:", "unacked", "_kombu.",
                                          "celery-task-meta-", "celery-taskset-meta-", "chord-unlock-"})
        if (name.starts_with(prefix))
            return refuse("keys that begin with \"" + std::string(prefix) + "\" have another use");
    return {};
}

} // namespace portolan
