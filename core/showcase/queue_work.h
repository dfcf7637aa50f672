// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/console/portal_services.h"
#include "core/showcase/rota.h"

#include <cstdint>

namespace portolan::showcase {

/// More than so many tasks wait: nothing is added to them, so that a portal without workers does not fill up.
inline constexpr std::uint64_t mostWaiting = 40;

/// Does what an errand asks of the queue, as another program that shares it would: puts an analysis in (StepKind::Task)
/// or lets results live on (Keep). `owner`: whose task it is; 0: nobody's. Status 202 when done, 429 while too much
/// waits, 503 when Redis or the database cannot. A coroutine on the services' executor.
awaitable<Outcome> workOnQueue(console::PortalServices services, Errand errand, Id owner);

} // namespace portolan::showcase
