// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/api/result.h"
#include "core/client/remote_deployment.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace portolan {
class Clock;
} // namespace portolan

namespace portolan::app {

/// What this console is attached to, elsewhere: a portal, or somebody else's stack. GUI thread.
class Attached
{
public:
    /// A portal that is reached, trusted and signed in to like this.
    static std::unique_ptr<Attached> portal(client::RemoteDeployment::Spec spec, const Clock &clock);

    /// The stack that a deployment's file names, watched in this process. `folder`: where consoles keep what they
    /// measured of watched stacks, one folder for each; empty: nowhere. Invalid "watch-file": what is wrong with it,
    /// all of it; Unsupported: it names nothing that this version watches.
    static Result<std::unique_ptr<Attached>> watch(const std::filesystem::path &file,
                                                   const std::filesystem::path &folder, const Clock &clock);

    /// Whether what was named is a file, and not an address.
    static bool isFile(std::string_view named);

    virtual ~Attached() = default;
    virtual Deployment &deployment() = 0;
    virtual void start() = 0;
};

} // namespace portolan::app
