// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/console/portal_services.h"
#include "core/http/router.h"

#include <functional>

namespace portolan::console {

/// What consoles elsewhere ask and do: a route for each of Questions (question_routes.h), and for each of Action, by
/// its name in ActionTraits,
///
///     POST /api/admin/preview/{action}   its members → ActionPreview; touches nothing
///     POST /api/admin/actions/{action}   its members and `reason` → ActionOutcome
///
/// Each asks for its least role; where arguments raise it, the service that executes says Forbidden. The actor is
/// whoever asks.
class ConsoleRoutes final
{
public:
    /// `services`: asked for with each request, none of which comes before they are there.
    /// `looked`: called whenever somebody asks for what the sampler brings, which it then does more often. Any thread.
    ConsoleRoutes(std::function<PortalServices()> services, std::function<void()> looked)
        : m_services(std::move(services)), m_looked(std::move(looked))
    {}

    /// This outlives the router.
    void mount(http::Router &router);

private:
    template <class Q> void mountOne(http::Router &router);
    template <class A> void mountAction(http::Router &router);

    const std::function<PortalServices()> m_services;
    const std::function<void()> m_looked;
};

} // namespace portolan::console
