// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/redis/redis_source.h"

#include "core/api/clock.h"
#include "core/base/log_error.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace portolan::stack {

namespace {

using Endpoint = redis::Endpoint;

constexpr std::chrono::milliseconds lookAgain{1000};
/// Straight, and through a proxy or a tunnel, which has to be there first.
constexpr std::chrono::milliseconds straightDeadline{2000};
constexpr std::chrono::milliseconds throughDeadline{5000};

Endpoint endpointOf(const RedisPart &part)
{
    Endpoint endpoint = part.endpoint;
    endpoint.trust = part.trust;
    return endpoint;
}

/// Reads the password, and says where to connect to with it.
awaitable<Result<Endpoint>> located(RedisPart part, SecretReader secret)
{
    Endpoint endpoint = endpointOf(part);
    if (part.password.kind == SecretRef::Kind::None || !secret)
        co_return endpoint;
    const Result<Secret> password = co_await secret(part.password);
    if (!password)
        co_return password.error();
    endpoint.password = std::string(password->reveal());
    co_return endpoint;
}

redis::ClientOptions optionsFor(const RedisPart &part, const RedisSource::Parts &parts)
{
    redis::ClientOptions options;
    options.name = std::string(redis::watchCommandsName);
    options.connectTimeout = part.through.way == Way::Direct ? straightDeadline : throughDeadline;
    options.way = parts.way;
    options.trust = parts.trust;
    options.locate = [part, secret = parts.secret] { return located(part, secret); };
    return options;
}

/// What trying again does not mend: somebody has to do something first.
bool isRefusal(const Error &problem)
{
    constexpr std::array codes{"redis-auth",     "redis-rights", "redis-renamed",  "redis-database", "redis-cluster",
                               "secret-missing", "secret-open",  "secret-rubbish", "secret-keychain"};
    return std::ranges::find(codes, problem.code) != codes.end() || problem.code.starts_with("redis-tls-");
}

} // namespace

RedisSource::RedisSource(std::string name, Executor executor, RedisPart part, bool acting, Parts parts)
    : m_name(std::move(name)),
      m_part(std::move(part)),
      m_acting(acting),
      m_parts(std::move(parts)),
      m_client(executor, endpointOf(m_part), optionsFor(m_part, m_parts)),
      m_timer(executor)
{}

RedisSource::~RedisSource() { stop(); }

void RedisSource::start(Executor executor)
{
    m_life.start([this, executor] {
        m_client.start();
        spawn(executor, [this] { return run(); });
    });
}

void RedisSource::stop()
{
    m_client.stop(); // so that nothing is waited for any more
    m_life.stop(m_timer.get_executor(), [this] {
        m_stopping = true;
        m_timer.cancel();
    });
}

awaitable<void> RedisSource::run()
{
    std::optional<std::uint64_t> asked; // on which connection
    while (!m_stopping) {
        note();
        const std::uint64_t connection = m_client.counters().reconnects;
        if (m_client.state() == redis::Client::State::Ready && asked != connection) {
            auto rights = co_await watchRights(m_client, m_part.endpoint.user, m_part.endpoint.database, m_acting);
            if (rights) {
                asked = connection;
                const std::lock_guard lock(m_mutex);
                m_rights = std::make_shared<const WatchRights>(std::move(*rights));
            } else {
                logError(m_parts.logger, LogLevel::Warning, "what this Redis lets us do could not be tried",
                         rights.error());
            }
        }
        const std::chrono::milliseconds rest = asked ? lookAgain : lookAgain / 10;
        if (!m_stopping)
            co_await pause(rest);
    }
    m_life.ended();
}

awaitable<void> RedisSource::pause(std::chrono::milliseconds time)
{
    error_code cancelled;
    m_timer.expires_after(time);
    co_await m_timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
}

SourceState RedisSource::stateNow(const std::optional<Error> &problem) const
{
    switch (m_client.state()) {
    case redis::Client::State::Ready:
        return SourceState::Live;
    case redis::Client::State::Stopped:
        return SourceState::Off;
    case redis::Client::State::Connecting:
        break;
    }
    return !problem ? SourceState::Connecting : isRefusal(*problem) ? SourceState::Refused : SourceState::Failing;
}

void RedisSource::note()
{
    const SourceState now = stateNow(m_client.problem());
    const std::lock_guard lock(m_mutex);
    if (now == m_state)
        return;
    m_state = now;
    m_since = m_parts.clock.steady();
}

std::shared_ptr<const WatchRights> RedisSource::rights() const
{
    const std::lock_guard lock(m_mutex);
    return m_rights;
}

SourceFigures RedisSource::figures() const
{
    SourceFigures figures;
    figures.name = m_name;
    figures.display = m_part.endpoint.display();
    const std::optional<Error> problem = m_client.problem();
    const std::lock_guard lock(m_mutex);
    figures.state = m_state;
    if (m_state == SourceState::Off)
        return figures;
    figures.since = std::chrono::duration_cast<std::chrono::seconds>(m_parts.clock.steady() - m_since);
    figures.connections = m_state == SourceState::Live ? 1 : 0;
    if (m_state == SourceState::Live || !problem)
        return figures;
    figures.code = problem->code;
    figures.about = problem->about.empty() ? figures.display : problem->about;
    figures.told = problem->told.empty() ? problem->message : problem->told;
    figures.mend = problem->mend;
    return figures;
}

} // namespace portolan::stack
