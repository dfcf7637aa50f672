// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/service_actions.h"

#include "core/base/ids.h"
#include "core/monitor/redis_admin.h"
#include "core/portal/api_token_service.h"
#include "core/portal/user_admin_service.h"

namespace portolan::console {
namespace {

constexpr std::size_t madeUpBytes = 12; ///< of randomness in a password: 16 letters

} // namespace

ActionOutcome outcomeOf(Fact fact, std::string subject)
{
    ActionOutcome done;
    done.facts.push_back(std::move(fact));
    done.subject = std::move(subject);
    return done;
}

awaitable<Result<ActionOutcome>> carryOut(monitor::RedisAdmin &redis, CloseClients action, Actor actor)
{
    const auto closed = co_await redis.closeClients(std::move(actor), std::move(action.ids));
    if (!closed)
        co_return closed.error();
    co_return outcomeOf({.kind = FactKind::ConnectionsClosed, .count = *closed});
}

awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, CreateUser action, Actor actor)
{
    std::string password = randomToken(madeUpBytes);
    portal::UserAdminService::NewUser wanted;
    wanted.email = std::move(action.email);
    wanted.password.emplace(password);
    wanted.role = action.role;
    const auto user = co_await users.create(std::move(actor), std::move(wanted));
    if (!user)
        co_return user.error();
    auto done = outcomeOf({.kind = FactKind::AccountMade, .name = user->email, .role = user->role}, formatId(user->id));
    done.secret = std::move(password);
    co_return done;
}

awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, ResetPassword action, Actor actor)
{
    std::string password = randomToken(madeUpBytes);
    portal::UserAdminService::Change change;
    change.password.emplace(password);
    const auto user = co_await users.change(std::move(actor), action.id, std::move(change));
    if (!user)
        co_return user.error();
    auto done = outcomeOf({.kind = FactKind::PasswordMade, .name = user->email}, formatId(user->id));
    done.secret = std::move(password);
    co_return done;
}

awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, DeleteUser action, Actor actor)
{
    const auto user = co_await users.remove(std::move(actor), action.id);
    if (!user)
        co_return user.error();
    co_return outcomeOf({.kind = FactKind::AccountDeleted, .name = user->email}, formatId(action.id));
}

awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, ChangeUser action, Actor actor)
{
    portal::UserAdminService::Change change;
    change.role = action.role;
    change.disabled = action.disabled;
    const auto user = co_await users.change(std::move(actor), action.id, std::move(change));
    if (!user)
        co_return user.error();
    ActionOutcome done;
    done.subject = formatId(user->id);
    if (action.role)
        done.facts.push_back({.kind = FactKind::RoleGiven, .name = user->email, .role = user->role});
    if (action.disabled)
        done.facts.push_back(
            {.kind = user->disabled ? FactKind::AccountDisabled : FactKind::AccountEnabled, .name = user->email});
    co_return done;
}

awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, SignOutUser action, Actor actor)
{
    const auto user = co_await users.user(action.id);
    const auto done = co_await users.signOut(std::move(actor), action.id);
    if (!done)
        co_return done.error();
    std::string who = user ? (*user)->email : "user:" + formatId(action.id);
    co_return outcomeOf({.kind = FactKind::SignedOut, .name = std::move(who)}, formatId(action.id));
}

awaitable<Result<ActionOutcome>> carryOut(portal::ApiTokenService &tokens, RevokeToken action, Actor actor)
{
    const auto token = co_await tokens.revoke(std::move(actor), std::move(action.name));
    if (!token)
        co_return token.error();
    co_return outcomeOf({.kind = FactKind::TokenRevoked, .name = token->name, .role = token->role}, token->name);
}

} // namespace portolan::console
