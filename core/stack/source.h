// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/api/source.h"
#include "core/base/asio.h"

#include <optional>
#include <string_view>
#include <vector>

namespace portolan::stack {

/// One place that figures of a watched deployment come from: its own coroutine, with its own deadlines and back-off.
/// Whoever composes the snapshot asks once a second for what was last known and never waits for any of them; so what is
/// asked from any thread answers at once, from what is kept under a mutex.
class Source
{
public:
    virtual ~Source() = default;

    /// "redis", "metrics", "probe:https://shop.example/health": stable while it lives, without secrets.
    virtual std::string_view name() const = 0;

    /// Begins to ask. `executor` is of an io_context run by one thread, and is there until stop() has returned.
    virtual void start(Executor executor) = 0;

    /// Blocks until a question under way is given up, and touches nothing afterwards; not on the executor's thread.
    /// Twice is harmless, and so is without start().
    virtual void stop() = 0;

    /// How it stands and what it costs. From any thread.
    virtual SourceFigures figures() const = 0;

    /// Traffic as it knows it: counts and percentiles of the last minute. Nothing: it knows none, or none that is
    /// fresh. Of several sources the first that knows counts. From any thread.
    virtual std::optional<HttpFigures> http() const { return std::nullopt; }

    /// Nothing: it asks no URLs. From any thread.
    virtual std::vector<ProbeFigures> probes() const { return {}; }

    /// What it cannot tell, and why: for Snapshot::notTold. From any thread.
    virtual std::vector<NotTold> notTold() const { return {}; }
};

} // namespace portolan::stack
