// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/snapshot.h"

#include <string>

/// From an Error to what a snapshot tells of it: kinds with what belongs to them, and no sentence. Any thread.
namespace portolan::monitor {

/// LinkStatus::told of it; of an error without a code, which nobody has words for, its message.
std::string whatWasTold(const Error &why);

/// The link is down, for this reason; each text is cut to longestLinkText.
void setDown(LinkStatus &link, const Error &why);

} // namespace portolan::monitor
