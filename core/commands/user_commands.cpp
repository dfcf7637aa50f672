// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/passwords.h"
#include "core/auth/sessions.h"
#include "core/base/data_directory.h"
#include "core/base/given_text.h"
#include "core/base/ids.h"
#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/base/runtime.h"
#include "core/base/time_format.h"
#include "core/commands/accounts.h"
#include "core/commands/commands.h"
#include "core/commands/hidden_typing.h"
#include "core/commands/report.h"
#include "core/redis/client.h"
#include "core/redis/server_process.h"
#include "core/server/environment.h"
#include "core/server/mending.h"
#include "core/storage/email.h"

#include <iomanip>
#include <iostream>
#include <optional>

namespace portolan::commands {
namespace {

constexpr std::chrono::seconds redisDeadline{5};

std::string subjectOf(Id user) { return "user:" + formatId(user); }

/// One line of standard input, without the byte order mark that tools of Windows put before it.
Result<Secret> readPassword()
{
    std::string line;
    if (!std::getline(std::cin, line)) // nothing came, not even the end of a line
        return failure(ErrorKind::Invalid, "No password came on standard input.",
                       "Pipe it in as the first line, or run the command on a terminal, which asks for it.");
    constexpr std::string_view mark = "\xef\xbb\xbf";
    std::string_view typed = withoutLineEnd(line); // of a file from Windows it ends in a carriage return
    if (typed.starts_with(mark))
        typed.remove_prefix(mark.size());
    Secret password(typed);
    wipe(line);
    return password;
}

Result<void> checkPassword(const Secret &password, std::string_view email, const char *hint)
{
    auto fit = auth::checkPassword(password.reveal(), email);
    if (!fit) {
        auto error = fit.error();
        error.hint = hint;
        return error;
    }
    return fit;
}

/// Asked for on a terminal, twice, since nobody sees what is typed.
Result<Secret> typedPassword(std::string_view email)
{
    HiddenTyping typing;
    auto password = typing.ask("Password for " + visible(email) + " (it is not shown): ");
    if (!password)
        return password;
    if (const auto fit = checkPassword(*password, email, ""); !fit)
        return fit.error();
    const auto again = typing.ask("The same again: ");
    if (!again)
        return again.error();
    if (*again != *password)
        return failure(ErrorKind::Invalid, "The two passwords are not the same; nothing was changed.");
    return password;
}

Result<Secret> pipedPassword(std::string_view email)
{
    auto password = readPassword();
    if (!password)
        return password;
    if (const auto fit = checkPassword(*password, email, "The password is the first line of standard input."); !fit)
        return fit.error();
    return password;
}

Result<std::string> hashedPassword(std::string_view email)
{
    const auto password = HiddenTyping::isPossible() ? typedPassword(email) : pipedPassword(email);
    if (!password)
        return password.error();
    return auth::Passwords().hashBlocking(*password);
}

Result<Role> parseRole(const std::string &text)
{
    const auto role = enumFromName<Role>(text);
    if (!role || *role == Role::Anonymous)
        return failure(ErrorKind::Invalid, "There is no role '" + quotable(text) + "'.",
                       "Say user, operator or admin.");
    return *role;
}

/// Ends all sessions of a user in the Redis the portal uses. Where that is the private one and no portal runs, it is
/// started for this moment: sessions outlive the portal in its file.
Result<void> signOut(const Accounts &accounts, Id user)
{
    std::optional<DataDirectory> directory;
    std::unique_ptr<redis::ServerProcess> process;
    auto endpoint = server::runningRedis(accounts.settings);
    if (!endpoint) {
        if (endpoint.error().kind != ErrorKind::NotFound)
            return endpoint.error();
        auto opened = DataDirectory::open(server::dataDirectoryPath(accounts.settings));
        if (!opened)
            return opened.error();
        directory = std::move(*opened);
        if (!std::filesystem::exists(directory->file("redis")))
            return {}; // no portal has run here: there are no sessions
        redis::ServerProcessOptions options;
        options.dataDirectory = directory->file("redis");
        options.noteFile = server::redisNote(directory->path());
        options.maxmemory = accounts.settings.tier().redis.maxmemory;
        options.program = accounts.settings.text("redis.program");
        process = std::make_unique<redis::ServerProcess>(std::move(options));
        if (const auto started = process->start(); !started)
            return started.error();
        endpoint = process->endpoint();
    }
    Runtime runtime(1);
    redis::Client client(runtime.at(0), *endpoint);
    auth::SessionOptions options;
    options.lifetime = accounts.settings.tier().sessionLifetime;
    auth::Sessions sessions(client, accounts.clock, options);
    for (const auto *script : sessions.scripts())
        client.preload(*script);
    client.start();
    const auto done = runSync<Result<void>>(runtime.at(0), [&]() -> awaitable<Result<void>> {
        auto ready = co_await client.waitReady(redisDeadline);
        if (!ready) {
            auto error = ready.error();
            error.message += " Open sessions were not ended.";
            co_return error;
        }
        auto ended = co_await sessions.destroyAll(user);
        // What it could not tell Redis would be forgotten with this process.
        if (!ended || !sessions.memory().hasPending())
            co_return ended;
        const bool told = co_await sessions.moveBack();
        if (!told)
            ended = failure(ErrorKind::Unavailable, "Redis takes no word of it: open sessions were not ended.",
                            "Run the command again when Redis is well.");
        co_return ended;
    });
    client.stop();
    runtime.stop();
    return done;
}

Result<storage::UserRecord> findUser(const Accounts &accounts, const std::string &email)
{
    auto user = accounts.users.findByEmailBlocking(email);
    if (!user && user.error().kind == ErrorKind::NotFound)
        return failure(ErrorKind::NotFound,
                       "There is no account with the address '" +
                           (storage::newEmail(email) ? visible(email) : quotable(email)) + "'.",
                       "`portoland user list` shows all.");
    return user;
}

/// What the store refuses, with the command that helps.
Error refusal(Error error)
{
    if (error.code == "last-admin")
        error.hint = "Make somebody else an admin first: `portoland user role EMAIL admin`.";
    return error;
}

/// The user as it was before.
Result<User> setDisabled(const Accounts &accounts, const std::string &email, bool disabled)
{
    const auto user = findUser(accounts, email);
    if (!user)
        return user.error();
    auto before = accounts.users.setDisabledBlocking(user->id, disabled);
    if (!before)
        return refusal(before.error());
    accounts.record(disabled ? "user.disable" : "user.enable", subjectOf(user->id),
                    std::string("disabled: ") + (before->disabled ? "yes" : "no") + " → " + (disabled ? "yes" : "no"));
    return before;
}

} // namespace

int addUser(const SettingSources &sources, const UserRequest &request)
{
    return withAccounts(sources, true, [&](const Accounts &accounts) -> Result<void> {
        const auto role = parseRole(request.role);
        if (!role)
            return role.error();
        const auto email = storage::newEmail(request.email);
        if (!email)
            return email.error();
        if (accounts.users.findByEmailBlocking(*email)) // before anybody is asked for a password
            return failure(ErrorKind::Conflict, "There is an account with the address " + visible(*email) + " already.",
                           "`portoland user passwd` sets its password.");
        auto hash = hashedPassword(*email);
        if (!hash)
            return hash.error();
        storage::UserRecord user;
        user.id = accounts.ids.next();
        user.email = *email;
        user.role = *role;
        user.created = accounts.clock.wall();
        user.passwordHash = std::move(*hash);
        user.passwordChanged = user.created;
        const auto added = accounts.users.addBlocking(std::move(user));
        if (!added)
            return added.error();
        accounts.record("user.add", subjectOf(added->id), "role: " + std::string(enumName(added->role)));
        std::cout << "portoland: added " << added->email << " (" << enumName(added->role) << ")" << std::endl;
        return {};
    });
}

int disableUser(const SettingSources &sources, const UserRequest &request)
{
    return withAccounts(sources, false, [&](const Accounts &accounts) -> Result<void> {
        const auto user = setDisabled(accounts, request.email, true);
        if (!user)
            return user.error();
        if (const auto out = signOut(accounts, user->id); !out)
            return out.error();
        std::cout << "portoland: disabled " << user->email << " and ended its sessions" << std::endl;
        return {};
    });
}

int enableUser(const SettingSources &sources, const UserRequest &request)
{
    return withAccounts(sources, false, [&](const Accounts &accounts) -> Result<void> {
        const auto user = setDisabled(accounts, request.email, false);
        if (!user)
            return user.error();
        std::cout << "portoland: enabled " << user->email << "; it may sign in" << std::endl;
        return {};
    });
}

int setRole(const SettingSources &sources, const UserRequest &request)
{
    return withAccounts(sources, false, [&](const Accounts &accounts) -> Result<void> {
        const auto role = parseRole(request.role);
        if (!role)
            return role.error();
        const auto user = findUser(accounts, request.email);
        if (!user)
            return user.error();
        const auto before = accounts.users.setRoleBlocking(user->id, *role);
        if (!before)
            return refusal(before.error());
        const std::string name(enumName(*role));
        accounts.record("user.role", subjectOf(user->id),
                        "role: " + std::string(enumName(before->role)) + " → " + name);
        // A session keeps the role it began with. Also where nothing changed: a call before this may have failed here.
        if (const auto out = signOut(accounts, user->id); !out)
            return out.error();
        std::cout << "portoland: " << before->email << " is now " << name << ", and its sessions are ended"
                  << std::endl;
        return {};
    });
}

int setPassword(const SettingSources &sources, const UserRequest &request)
{
    return withAccounts(sources, false, [&](const Accounts &accounts) -> Result<void> {
        const auto user = findUser(accounts, request.email);
        if (!user)
            return user.error();
        auto hash = hashedPassword(user->email);
        if (!hash)
            return hash.error();
        const auto before = accounts.users.setPasswordBlocking(user->id, std::move(*hash), accounts.clock.wall());
        if (!before)
            return before.error();
        accounts.record("user.password", subjectOf(user->id), "");
        if (const auto out = signOut(accounts, user->id); !out)
            return out.error();
        std::cout << "portoland: set the password of " << user->email << " and ended its sessions" << std::endl;
        return {};
    });
}

int listUsers(const SettingSources &sources)
{
    const int done = withAccounts(sources, false, [&](const Accounts &accounts) -> Result<void> {
        UserQuery query;
        query.match = TextMatch::Prefix;
        query.limit = storage::UsersStore::maxPage;
        std::cout << std::left << std::setw(20) << "ID" << std::setw(10) << "ROLE" << std::setw(10) << "STATE"
                  << std::setw(26) << "CREATED"
                  << "EMAIL\n";
        for (;;) {
            const auto page = accounts.users.pageBlocking(query);
            if (!page)
                return page.error();
            for (const auto &user : page->items)
                std::cout << std::setw(20) << formatId(user.id) << std::setw(10) << enumName(user.role) << std::setw(10)
                          << (user.disabled ? "disabled" : "active") << std::setw(26) << formatTime(user.created)
                          << visible(user.email) << (user.deceptive ? "  (look-alike)" : "") << '\n';
            if (!page->nextCursor)
                break;
            query.cursor = *page->nextCursor;
        }
        return {};
    });
    return done != 0 ? done : outputWritten();
}

} // namespace portolan::commands
