// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/demonstration.h"

#include "core/showcase/seed.h"
#include "core/showcase/visitors.h"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <mutex>

namespace portolan::showcase {

struct Demonstration::State
{
    std::mutex mutex;
    bool over = false;
    std::unique_ptr<Visitors> visitors;
};

Demonstration::Demonstration(console::PortalServices services, std::string url) : m_state(std::make_shared<State>())
{
    const auto executor = services.executor;
    asio::co_spawn(executor, seedPortal(services, {.signInAgain = true, .privileged = true}),
                   [state = m_state, url = std::move(url)](const std::exception_ptr &failed, Result<Seed> seed) {
                       const std::lock_guard lock(state->mutex);
                       if (!failed && seed && !state->over)
                           state->visitors = std::make_unique<Visitors>(url, std::move(seed->sessions));
                   });
}

Demonstration::~Demonstration()
{
    std::unique_ptr<Visitors> visitors; // destroyed after the lock: they may take a moment
    const std::lock_guard lock(m_state->mutex);
    m_state->over = true;
    visitors.swap(m_state->visitors);
}

} // namespace portolan::showcase
