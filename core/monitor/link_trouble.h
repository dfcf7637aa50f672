// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/snapshot.h"

#include <cstddef>
#include <string>

/// From an Error to what a snapshot tells of it: kinds with what belongs to them, and no sentence. Any thread.
namespace portolan::monitor {

/// LinkStatus::told of it; of an error without a code, which nobody has words for, its message.
std::string whatWasTold(const Error &why);

/// Of a LinkStatus::mend: a user of Redis without any right needs about 1 KiB, and some more for each queue.
inline constexpr std::size_t longestLinkCommand = 16 * 1024;

/// The link is down, for this reason. Each text is cut to longestLinkText; a command is whole, or there is none.
void setDown(LinkStatus &link, const Error &why);

} // namespace portolan::monitor
