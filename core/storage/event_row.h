// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"

#include <string>

/// What happened, as a row of the history file keeps it: its time in milliseconds, its kind, and all of it as JSON.
namespace portolan::storage {

/// As it comes back from its row: times in milliseconds, texts as fitText() has them and bounded. What is longer than a
/// row may be goes without its detail, if that is not enough without the names of its facts, and at last without these.
/// To fit it twice changes nothing more.
Event fitEvent(Event event);

/// `text`: that JSON, or what an earlier version wrote there, in words: Event::told.
Event readEvent(WallTime time, EventKind kind, const std::string &text);

} // namespace portolan::storage
