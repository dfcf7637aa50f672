// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/tier.h"
#include "core/queue/key_layout.h"
#include "core/stack/watch_file.h"

namespace portolan::stack {

/// How the keys of a file's Celery are named; as kombu has it by itself where the file has no `celery`.
queue::KeyLayout layoutOf(const WatchFile &file);

/// The file's tier with the patterns of all key families: those that the file, or a tier of its own, names, and of the
/// others those of resources/watch/families.toml.
Tier watchedTier(const WatchFile &file);

} // namespace portolan::stack
