// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/demonstration.h"

#include "core/base/settings.h"
#include "core/portal/user_admin_service.h"
#include "core/showcase/queue_work.h"
#include "core/showcase/seed.h"
#include "core/showcase/visitors.h"

#include <boost/asio/co_spawn.hpp>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <random>

namespace portolan::showcase {
namespace {

constexpr std::chrono::seconds patience{2};

/// Of those who visit often. A day of the table (cast.h) needs a tenth of it.
portal::UserAdminService::Limits wideWindows()
{
    return {{Category::Api, "5000 per day; 500 per hour; 30 per minute"},
            {Category::Analysis, "500 per day; 60 per hour; 5 per minute"}};
}

std::uint64_t randomSeed()
{
    std::random_device device;
    return std::uint64_t(device()) << 32 | device();
}

/// For all but the last, the hasty one. Where it fails they are refused more often, which is no worse a demonstration.
awaitable<void> widenWindows(console::PortalServices services, std::vector<Id> users)
{
    for (std::size_t i = 0; i + 1 < users.size(); ++i) {
        const auto there = co_await services.users.limits(users[i]);
        auto wanted = wideWindows();
        if (!there || *there == wanted)
            continue; // no entry in the audit log for each start
        Actor actor{{0, Role::Admin}, "seed data"};
        (void)co_await services.users.setLimits(std::move(actor), users[i], std::move(wanted));
    }
}

} // namespace

struct Demonstration::State : std::enable_shared_from_this<State>
{
    explicit State(const console::PortalServices &theServices, std::string theUrl)
        : services(theServices), url(std::move(theUrl))
    {}

    bool isOver()
    {
        const std::lock_guard lock(mutex);
        return over;
    }
    /// False: it is over, and the services may be gone soon. Otherwise ended() must follow.
    bool beginCall()
    {
        const std::lock_guard lock(mutex);
        calls += over ? 0 : 1;
        return !over;
    }
    void endCall()
    {
        const std::lock_guard lock(mutex);
        --calls;
        idle.notify_all();
    }
    awaitable<void> begin();
    void invite(Seed seed);
    void workOnQueue(Errand errand, Visitors::Told told);

    const console::PortalServices services;
    const std::string url;
    std::vector<Id> users; ///< as the visitors' sessions
    std::mutex mutex;
    std::condition_variable idle;
    bool over = false;
    unsigned calls = 0; ///< coroutines that use the services
    std::unique_ptr<Visitors> visitors;
};

awaitable<void> Demonstration::State::begin()
{
    SeedOptions options{.signInAgain = true, .privileged = true};
    options.cancelled = [this] { return isOver(); };
    auto seed = co_await seedPortal(services, std::move(options));
    if (!seed || isOver())
        co_return;
    std::vector<Id> members;
    for (const auto &member : seed->members)
        members.push_back(member.user);
    co_await widenWindows(services, members);
    invite(std::move(*seed));
}

void Demonstration::State::invite(Seed seed)
{
    Visitors::Options options;
    options.url = url;
    for (auto &member : seed.members) {
        users.push_back(member.user);
        options.sessions.push_back(std::move(member.session));
    }
    if (services.hasRedis)
        options.queue = [this](Errand errand, Visitors::Told told) { workOnQueue(std::move(errand), std::move(told)); };
    options.seed = randomSeed();
    const std::lock_guard lock(mutex);
    if (!over)
        visitors = std::make_unique<Visitors>(std::move(options), services.clock);
}

void Demonstration::State::workOnQueue(Errand errand, Visitors::Told told)
{
    if (!beginCall())
        return;
    const Id owner = errand.member ? users.at(*errand.member) : 0;
    asio::co_spawn(services.executor, showcase::workOnQueue(services, std::move(errand), owner),
                   [self = shared_from_this(), told = std::move(told)](const std::exception_ptr &failed, Outcome done) {
                       told(failed ? Outcome{} : std::move(done));
                       self->endCall();
                   });
}

Demonstration::Demonstration(console::PortalServices services, std::string url)
    : m_state(std::make_shared<State>(services, std::move(url)))
{
    if (services.settings.production())
        return;
    m_state->beginCall();
    asio::co_spawn(services.executor, m_state->begin(),
                   [state = m_state](const std::exception_ptr &) { state->endCall(); });
}

Demonstration::~Demonstration()
{
    std::unique_ptr<Visitors> visitors; // destroyed without the lock: their thread may wait for it
    {
        const std::lock_guard lock(m_state->mutex);
        m_state->over = true;
        visitors.swap(m_state->visitors);
    }
    visitors.reset();
    std::unique_lock lock(m_state->mutex);
    m_state->idle.wait_for(lock, patience, [this] { return m_state->calls == 0; });
}

} // namespace portolan::showcase
