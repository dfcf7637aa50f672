// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"
#include "core/api/clock.h"
#include "core/api/local_stack.h"

#include <QString>
#include <memory>
#include <vector>

namespace portolan::ui {

/// A portal that pages are tested on: it has users, sessions, ended tasks, and somebody who holds too many connections
/// to its Redis. The pages' tests know nothing else of it, so that they say what holds on every portal. Each program
/// that runs them links one of these: demo_portal.cpp or embedded_portal.cpp.
class PortalUnderTest
{
public:
    virtual ~PortalUnderTest() = default;
    virtual LocalStack &stack() = 0;
    virtual const Clock &clock() const = 0;
    virtual void nextSample() = 0; ///< returns when one more has come; throws std::runtime_error when none does
    virtual std::vector<AuditEntry> audit() = 0; ///< all of it, oldest first
    /// Lets a stranger open several connections to Redis; answers the group that a console shows them in.
    virtual QString strangers() = 0;
    virtual std::string otherDatabase() const = 0; ///< the URL of one that is not the portal's own
};

std::unique_ptr<PortalUnderTest> makePortal();

} // namespace portolan::ui
