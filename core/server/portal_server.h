// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/settings.h"
#include "core/console/portal_services.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace portolan {
class Clock;
class Logger;
} // namespace portolan

namespace portolan::server {

/// Whether a portal would start with these, as far as that can be told without touching anything.
Result<void> checkSettings(const Settings &settings);

/// A whole portal in this process: the composition root of `portoland`, and of the console's embedded deployment.
/// start() and stop() are called by one thread and block; the portal itself runs on threads of its own.
class PortalServer final
{
public:
    /// Everything is up when it returns. `clock` and `logger` outlive it. Errors name the thing and the mend: Invalid
    /// for a setting or a file, Conflict for a data directory in use, Unavailable for a port in use, …
    static Result<std::unique_ptr<PortalServer>> start(Settings settings, const Clock &clock, Logger &logger);
    ~PortalServer(); ///< stop()
    PortalServer(const PortalServer &) = delete;
    PortalServer &operator=(const PortalServer &) = delete;

    /// Stops accepting, finishes requests and running tasks within `shutdown.timeout`, puts the other tasks back,
    /// moves what memory holds to Redis and stops it. Answers how many task threads did not return: then the process
    /// must end without destroying what they use. Twice is harmless.
    std::size_t stop();

    std::string url() const;                 ///< "http://127.0.0.1:8080"
    std::string summary() const;             ///< "tier small, redis embedded, database sqlite"
    const std::string &instanceName() const; ///< by which the other instances of the deployment know it

    /// For a console in this process; good until stop().
    console::PortalServices services() const;

private:
    struct Parts;
    explicit PortalServer(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> m_parts;
};

} // namespace portolan::server
