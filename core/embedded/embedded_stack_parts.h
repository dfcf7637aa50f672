// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/logging.h"
#include "core/embedded/embedded_stack.h"
#include "core/server/portal_server.h"

#include <atomic>
#include <future>
#include <memory>

/// What EmbeddedStack's sources share.
namespace portolan::embedded {

struct EmbeddedStack::Portal
{
    std::unique_ptr<Logger> logger;
    std::unique_ptr<portolan::server::PortalServer> server;
};

struct EmbeddedStack::Seeding
{
    std::atomic<bool> cancelled{false};
    std::atomic<bool> over{false};
    std::promise<void> ended;
    std::shared_future<void> end = ended.get_future().share();
};

/// What the process was told, with these above it. An empty one is said too: it means the built-in choice, whatever the
/// environment names.
SettingSources sourcesOf(SettingSources sources, const LocalStackSettings &settings);
LogOptions logOptions(const std::shared_ptr<LogCollector> &log, LogLevel level = LogLevel::Info);

inline Error notRunning() { return failure(ErrorKind::Unavailable, "The portal is not running.", "Start it."); }
inline Error busyNow() { return failure(ErrorKind::Conflict, "The portal is busy.", "Wait until that is done."); }

} // namespace portolan::embedded
