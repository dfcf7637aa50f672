#include "core/server/seed.h"

#include "core/base/ids.h"
#include "core/portal/account_service.h"
#include "core/portal/analysis_task.h"
#include "core/portal/task_service.h"
#include "core/portal/user_admin_service.h"
#include "core/queue/broker.h"
#include "core/server/words.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <chrono>

namespace portolan::server {
namespace {

constexpr std::array firstNames{"ada", "blaise", "carl", "dorothy", "emmy", "frank", "grace", "hedy"};
constexpr std::array lastNames{"archer", "baker", "carter", "dyer", "fisher"};
constexpr std::array symbols{"AAPL", "MSFT", "GOOG", "AMZN", "NVDA", "TSLA"};
constexpr std::array agents{"Firefox 128 on Linux", "Safari 17 on macOS", "Chrome 126 on Android"};
constexpr std::size_t signedIn = 8; ///< of the users: hashing their passwords takes a while
constexpr std::chrono::seconds analysesPatience{15};
constexpr std::chrono::milliseconds lookAgain{100};

struct Seeded
{
    std::vector<Id> users; ///< there now, new or not
    std::size_t added = 0;
    std::size_t sessions = 0;
    std::size_t analyses = 0;
};

Role roleOf(std::size_t index) { return index == 0 ? Role::Admin : index <= 2 ? Role::Operator : Role::User; }

awaitable<void> pause()
{
    const auto executor = co_await asio::this_coro::executor;
    Timer timer(executor, lookAgain);
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
}

awaitable<void> signIn(PortalServices services, std::string email, std::string password, std::size_t index,
                       Seeded &seeded)
{
    portal::AccountService::Credentials credentials{std::move(email), Secret(std::move(password))};
    portal::AccountService::Origin origin{"192.0.2." + std::to_string(10 + index), agents[index % agents.size()]};
    const auto session = co_await services.accounts.signIn(std::move(credentials), std::move(origin));
    seeded.sessions += session.has_value() ? 1 : 0;
}

awaitable<Result<void>> addUser(PortalServices services, std::size_t index, Seeded &seeded)
{
    const std::string email = std::string(firstNames[index % firstNames.size()]) + "." +
                              lastNames[index / firstNames.size()] + "@example.com";
    const std::string password = randomToken(16);
    portal::UserAdminService::NewUser wanted;
    wanted.email = email;
    wanted.role = roleOf(index);
    if (index < signedIn)
        wanted.password.emplace(password);
    portal::Actor actor{{0, Role::Admin}, "seed data"};
    const auto user = co_await services.users.create(std::move(actor), std::move(wanted));
    if (user) {
        ++seeded.added;
        seeded.users.push_back(user->id);
        if (index < signedIn)
            co_await signIn(services, email, password, index, seeded);
        co_return Result<void>();
    }
    if (user.error().kind != ErrorKind::Conflict)
        co_return user.error();
    UserQuery query;
    query.search = email;
    query.match = TextMatch::Prefix;
    const auto there = co_await services.users.page(std::move(query));
    if (there && !there->items.empty())
        seeded.users.push_back(there->items.front().id);
    co_return Result<void>();
}

/// Until the deadline: a ceiling lets only a few run at once, and they are to be finished when somebody looks.
awaitable<void> analyse(PortalServices services, SteadyTime deadline, Seeded &seeded)
{
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < symbols.size() && services.clock.steady() < deadline;) {
        const Id owner = seeded.users[i % seeded.users.size()];
        boost::json::object arguments{{"symbol", symbols[i]}, {"user_id", formatId(owner)}};
        auto started = co_await services.tasks.start(owner, std::string(portal::analysisTask), std::move(arguments));
        if (started)
            ids.push_back(std::move(*started));
        else if (started.error().kind != ErrorKind::RateLimited)
            break;
        if (started)
            ++i;
        else
            co_await pause();
    }
    for (const auto &id : ids) {
        for (bool ended = false; !ended && services.clock.steady() < deadline;) {
            const auto result = co_await services.broker.result(id);
            ended = result && result->ended();
            seeded.analyses += ended ? 1 : 0;
            if (!ended)
                co_await pause();
        }
    }
}

} // namespace

awaitable<Result<std::string>> seedPortal(PortalServices services)
{
    Seeded seeded;
    for (std::size_t i = 0; i < firstNames.size() * lastNames.size(); ++i) {
        const auto added = co_await addUser(services, i, seeded);
        if (!added)
            co_return added.error();
    }
    if (services.hasRedis && !seeded.users.empty())
        co_await analyse(services, services.clock.steady() + analysesPatience, seeded);
    co_return "Added " + counted(seeded.added, "user", "users") + ", " +
        counted(seeded.sessions, "session", "sessions") + " and " +
        counted(seeded.analyses, "finished analysis", "finished analyses") + ".";
}

} // namespace portolan::server
