// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/seed.h"

#include "core/base/ids.h"
#include "core/base/settings.h"
#include "core/portal/account_service.h"
#include "core/portal/analysis_task.h"
#include "core/portal/task_service.h"
#include "core/portal/user_admin_service.h"
#include "core/queue/broker.h"
#include "core/redis/client.h"
#include "core/showcase/plan_pace.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <chrono>

namespace portolan::showcase {
namespace {

constexpr std::array firstNames{"ada", "blaise", "carl", "dorothy", "emmy", "frank", "grace", "hedy"};
constexpr std::array lastNames{"archer", "baker", "carter", "dyer", "fisher"};
constexpr std::array symbols{"AAPL", "MSFT", "GOOG", "AMZN", "NVDA", "TSLA"};
constexpr std::array agents{"Firefox 128 on Linux", "Safari 17 on macOS", "Chrome 126 on Android"};
constexpr auto seedActor = "seed data";
constexpr std::size_t signedIn = 8; ///< of the users: hashing their passwords takes a while
constexpr std::chrono::seconds analysesPatience{15};
constexpr std::chrono::seconds analysesPatienceOnPlan{45};
constexpr std::chrono::milliseconds lookAgain{100};
/// Of its commands, as they are sent: Redis counts those within scripts too, about as many again, and the portal has
/// some of its own. Together that stays green.
constexpr double partOfPlan = 0.2;

struct Seeded
{
    std::vector<Id> users; ///< there now, new or not
    std::size_t added = 0;
    std::vector<Seed::Member> members;
    std::size_t analyses = 0;
};

constexpr std::size_t mostUsers = firstNames.size() * lastNames.size();

std::string emailOf(std::size_t index)
{
    return std::string(firstNames[index % firstNames.size()]) + "." + lastNames[index / firstNames.size()] +
           "@example.com";
}

Role roleOf(std::size_t index, bool privileged)
{
    if (!privileged)
        return Role::User;
    return index == 0 ? Role::Admin : index <= 2 ? Role::Operator : Role::User;
}

/// Commands a second that seeding keeps to; 0: no plan bounds them.
double paceOn(const Settings &settings)
{
    return settings.isSet("redis.url") ? settings.tier().redis.commandsPerSecond * partOfPlan : 0;
}

awaitable<void> pause()
{
    const auto executor = co_await asio::this_coro::executor;
    Timer timer(executor, lookAgain);
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
}

awaitable<void> signIn(console::PortalServices services, std::string email, std::string password, std::size_t index,
                       Id id, Seeded &seeded)
{
    portal::AccountService::Credentials credentials{std::move(email), Secret(std::move(password))};
    portal::AccountService::Origin origin{"192.0.2." + std::to_string(10 + index), agents[index % agents.size()]};
    const auto session = co_await services.accounts.signIn(std::move(credentials), std::move(origin));
    if (session)
        seeded.members.push_back({id, Secret(session->token.reveal())});
}

/// One who is there; 0: nobody of this address.
awaitable<Result<Id>> findUser(console::PortalServices services, std::string email)
{
    UserQuery query;
    query.search = std::move(email);
    query.match = TextMatch::Prefix;
    const auto there = co_await services.users.page(std::move(query));
    if (!there)
        co_return there.error();
    co_return there->items.empty() ? Id(0) : there->items.front().id;
}

awaitable<bool> givePassword(console::PortalServices services, Id id, std::string password)
{
    portal::UserAdminService::Change change;
    change.password.emplace(std::move(password));
    Actor actor{{0, Role::Admin}, seedActor};
    const auto changed = co_await services.users.change(std::move(actor), id, std::move(change));
    co_return changed.has_value();
}

awaitable<Result<void>> addUser(console::PortalServices services, std::size_t index, SeedOptions options,
                                Seeded &seeded)
{
    const std::string email = emailOf(index);
    const std::string password = randomToken(16);
    portal::UserAdminService::NewUser wanted;
    wanted.email = email;
    wanted.role = roleOf(index, options.privileged);
    if (index < signedIn)
        wanted.password.emplace(password);
    Actor actor{{0, Role::Admin}, seedActor};
    const auto user = co_await services.users.create(std::move(actor), std::move(wanted));
    if (!user && user.error().kind != ErrorKind::Conflict)
        co_return user.error();
    Id id = user ? user->id : 0;
    if (!user) {
        const auto found = co_await findUser(services, email);
        id = found ? *found : 0;
    }
    if (id == 0)
        co_return Result<void>();
    seeded.added += user ? 1 : 0;
    seeded.users.push_back(id);
    bool signsIn = user && index < signedIn;
    if (!user && index < signedIn && options.signInAgain)
        signsIn = co_await givePassword(services, id, password);
    if (signsIn)
        co_await signIn(services, email, password, index, id, seeded);
    co_return Result<void>();
}

/// Before the next step, so that the plan's light stays green while people look at it for the first time.
awaitable<void> keepPace(PlanPace &pace, const std::function<bool()> &goesOn)
{
    while (pace.left().count() > 0 && goesOn())
        co_await pause();
}

/// While it `goesOn`: a ceiling lets only a few run at once, and they are to be finished when somebody looks.
awaitable<void> analyse(console::PortalServices services, std::function<bool()> goesOn, PlanPace &pace, Seeded &seeded)
{
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < symbols.size() && goesOn();) {
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
        co_await keepPace(pace, goesOn);
    }
    for (const auto &id : ids) {
        for (bool ended = false; !ended && goesOn();) {
            const auto result = co_await services.broker.result(id);
            ended = result && result->ended();
            seeded.analyses += ended ? 1 : 0;
            if (!ended)
                co_await pause();
            co_await keepPace(pace, goesOn);
        }
    }
}

} // namespace

namespace {

/// Whether an entry of the audit log says that seeding made the account.
bool madeBySeeding(const AuditEntry &entry)
{
    return entry.actorId == 0 && entry.reason == seedActor && entry.outcome == "done";
}

awaitable<Result<std::vector<Id>>> seededUsers(console::PortalServices services)
{
    constexpr std::string_view subject = "user:";
    std::vector<Id> found;
    AuditQuery query;
    query.action = "user.create";
    query.limit = 500;
    for (bool more = true; more;) {
        const auto page = co_await services.users.audit(query);
        if (!page)
            co_return page.error();
        for (const auto &entry : page->items) {
            if (!madeBySeeding(entry) || !entry.subject.starts_with(subject))
                continue;
            if (const auto id = parseId(entry.subject.substr(subject.size())); id)
                found.push_back(*id);
        }
        more = page->nextCursor.has_value();
        query.cursor = page->nextCursor.value_or("");
    }
    co_return found;
}

struct NewUsers
{
    std::uint64_t all = 0;
    std::uint64_t admins = 0;
    std::uint64_t operators = 0;
};

/// Those of which there are some.
std::vector<Amount> some(std::vector<Amount> amounts)
{
    std::erase_if(amounts, [](const Amount &amount) { return amount.count == 0; });
    return amounts;
}

std::vector<Fact> factsToAdd(const NewUsers &users, bool analyses)
{
    std::vector<Fact> facts;
    if (users.all == 0) {
        facts.push_back({.kind = FactKind::MadeUpUsersThere, .count = mostUsers});
        facts.push_back({.kind = analyses ? FactKind::AnalysesAdded : FactKind::Added});
        return facts;
    }
    facts.push_back({.kind = FactKind::MadeUpUsersAdded, .count = users.all});
    if (users.all < mostUsers)
        facts.back().before = mostUsers - users.all;
    facts.push_back({.kind = FactKind::SignInsAdded});
    if (analyses)
        facts.push_back({.kind = FactKind::AnalysesAdded});
    facts.push_back({.kind = FactKind::RolesAmongThem,
                     .amounts = some({{Counted::Admins, users.admins}, {Counted::Operators, users.operators}})});
    facts.push_back({.kind = FactKind::TheyCanBeTakenBack});
    return facts;
}

Fact addedOf(const Seeded &seeded)
{
    return {.kind = FactKind::Added,
            .amounts = some({{Counted::Users, seeded.added},
                             {Counted::Sessions, seeded.members.size()},
                             {Counted::Analyses, seeded.analyses}})};
}

Error calledOff(const Seeded &seeded)
{
    return failure(ErrorKind::Cancelled,
                   "Seeding was cancelled. Added before: users " + std::to_string(seeded.added) + ", sessions " +
                       std::to_string(seeded.members.size()) + ", finished analyses " +
                       std::to_string(seeded.analyses) + ".",
                   "Seed again for the rest.");
}

} // namespace

awaitable<Result<std::vector<Fact>>> unseedPortal(console::PortalServices services)
{
    const auto made = co_await seededUsers(services);
    if (!made)
        co_return made.error();
    std::size_t removed = 0;
    bool lastAdmin = false;
    for (const Id id : *made) {
        Actor actor{{0, Role::Admin}, seedActor};
        const auto gone = co_await services.users.remove(std::move(actor), id);
        removed += gone ? 1 : 0;
        if (gone || gone.error().kind == ErrorKind::NotFound)
            continue;
        if (gone.error().kind != ErrorKind::Conflict) {
            Error error = gone.error();
            error.message =
                "Not all made-up users were deleted, but " + std::to_string(removed) + " of them: " + error.message;
            co_return error;
        }
        lastAdmin = true; // the others can go all the same
    }
    std::vector<Fact> facts;
    facts.push_back({.kind = FactKind::MadeUpUsersDeleted, .count = removed});
    if (lastAdmin)
        facts.push_back({.kind = FactKind::LastAdminStays});
    co_return facts;
}

awaitable<Result<ActionPreview>> previewUnseed(console::PortalServices services)
{
    constexpr std::size_t mostSamples = 20;
    const auto made = co_await seededUsers(services);
    if (!made)
        co_return made.error();
    ActionPreview preview;
    preview.count = 0;
    for (const Id id : *made) {
        const auto user = co_await services.users.user(id);
        if (!user && user.error().kind != ErrorKind::NotFound)
            co_return user.error();
        if (user && ++*preview.count <= mostSamples)
            preview.sample.push_back({.name = (*user)->email});
    }
    preview.nothing = *preview.count == 0;
    if (preview.nothing)
        preview.facts.push_back({.kind = FactKind::NoMadeUpUsers});
    else
        preview.facts.push_back({.kind = FactKind::MadeUpUsersDeleted, .count = preview.count});
    co_return preview;
}

awaitable<Result<ActionPreview>> previewSeed(console::PortalServices services, bool privileged)
{
    ActionPreview preview;
    NewUsers users;
    for (std::size_t i = 0; i < mostUsers; ++i) {
        const auto there = co_await findUser(services, emailOf(i));
        if (!there)
            co_return there.error();
        const Role role = roleOf(i, privileged);
        const bool isNew = *there == 0;
        users.all += isNew ? 1 : 0;
        users.admins += isNew && role == Role::Admin ? 1 : 0;
        users.operators += isNew && role == Role::Operator ? 1 : 0;
    }
    preview.count = users.all;
    preview.nothing = users.all == 0 && !services.hasRedis;
    preview.facts = factsToAdd(users, services.hasRedis);
    co_return preview;
}

awaitable<Result<Seed>> seedPortal(console::PortalServices services, SeedOptions options)
{
    Seeded seeded;
    const auto cancelled = [&options] { return options.cancelled && options.cancelled(); };
    const double perSecond = paceOn(services.settings);
    PlanPace pace(
        perSecond, [&services] { return services.redisClient.counters().commands; }, services.clock);
    std::function<bool()> notCancelled = [&] { return !cancelled(); };
    for (std::size_t i = 0; i < mostUsers && !cancelled(); ++i) {
        const auto added = co_await addUser(services, i, options, seeded);
        if (!added)
            co_return added.error();
        co_await keepPace(pace, notCancelled);
    }
    const auto deadline = services.clock.steady() + (perSecond > 0 ? analysesPatienceOnPlan : analysesPatience);
    std::function<bool()> goesOn = [&] { return !cancelled() && services.clock.steady() < deadline; };
    if (services.hasRedis && !seeded.users.empty())
        co_await analyse(services, std::move(goesOn), pace, seeded);
    if (cancelled())
        co_return calledOff(seeded);
    Seed seed;
    seed.facts.push_back(addedOf(seeded));
    seed.members = std::move(seeded.members);
    co_return std::move(seed);
}

} // namespace portolan::showcase
