// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/queue/outbox.h"

#include <deque>
#include <map>
#include <string_view>

namespace portolan::queue {

/// Stores the sizes of the chords that begin in `batch`, counts the ends of parts of chords, and adds to each outcome
/// that was the last one what calls the body: it is sent in the step that ends the task, so that a worker that dies in
/// between has called nothing and the part is run and counted again. `owned` is keys::owned() of those that run here:
/// of what has been put back meanwhile only a success counts. A chord of which Redis will not take the one or
/// the other ends with its reason. False: Redis did not answer, and all of it may be done again.
awaitable<bool> countParts(redis::Client &client, const Scripts &scripts, std::string_view owned,
                           std::deque<Outcome> &batch, Logger *logger);

/// Ends what was to follow `outcome` and cannot be put into its queue (id, why), with what waits for it: the rest of
/// its chain, its errbacks, and its chord, at once.
void endRefused(Outcome &outcome, const std::map<std::string_view, std::string_view> &refused);

} // namespace portolan::queue
