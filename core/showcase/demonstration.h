// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/console/portal_services.h"

#include <memory>
#include <string>

namespace portolan::showcase {

/// Makes a running portal worth looking at: seeds it (seed.h), and then brings visitors (visitors.h) until it goes.
/// Those who visit often get windows of their own, wide enough for a day; one keeps the tier's, and meets them.
/// On a portal in production it does nothing.
class Demonstration final
{
public:
    /// `url`: of that portal. Answers at once; seeding takes some seconds.
    Demonstration(console::PortalServices services, std::string url);
    /// Before the portal's stop(). What is under way is given up; of what is asked of the portal's services the end is
    /// waited for, at most two seconds: not for the GUI thread.
    ~Demonstration();
    Demonstration(const Demonstration &) = delete;
    Demonstration &operator=(const Demonstration &) = delete;

private:
    struct State;
    const std::shared_ptr<State> m_state;
};

} // namespace portolan::showcase
