// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/attached.h"

#include <utility>

namespace portolan::app {

std::unique_ptr<Attached> Attached::portal(client::RemoteDeployment::Spec spec, const Clock &clock)
{
    return std::make_unique<Attached>(std::move(spec), clock);
}

} // namespace portolan::app
