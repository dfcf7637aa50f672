// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/auth/api_tokens.h"
#include "core/auth/csrf.h"
#include "core/auth/sessions.h"
#include "core/auth/tokens.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/http/router.h"
#include "core/limits/limits_table.h"
#include "core/portal/admission.h"
#include "core/redis/client.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// One answer as a client would see it.
struct Answer
{
    unsigned status = 0;
    std::string problem; ///< the last part of the type, or empty
    std::string body;
    std::map<std::string, std::string, std::less<>> headers; ///< of the response; X-RateLimit-* too
    std::string header(std::string_view name) const
    {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
    int remaining() const
    {
        return header("X-RateLimit-Remaining").empty() ? -1 : std::stoi(header("X-RateLimit-Remaining"));
    }
};

/// One instance of the portal without sockets: requests go through routing, admission and handler as the server sends
/// them there.
class Instance
{
public:
    Instance(Executor where, const redis::Endpoint &endpoint, const std::map<Category, std::string> &limits,
             const std::map<Category, std::string> &perAddress = {}, const Clock *testTime = nullptr)
        : executor(where),
          client(where, endpoint,
                 {.name = "test",
                  .connectTimeout = std::chrono::milliseconds(500),
                  .backoffMax = std::chrono::milliseconds(100),
                  .way = nullptr,
                  .trust = nullptr}),
          sessions(client, clock,
                   {std::chrono::hours(24), 10'000, std::chrono::milliseconds(300), auth::SessionMark(key)}),
          tokens(key, clock),
          apiTokens(clock,
                    {[this](std::string hash) { return findToken(std::move(hash)); },
                     [](std::vector<auth::ApiTokens::Use>) -> awaitable<Result<void>> { co_return Result<void>(); }}),
          csrf(key),
          table(clock, *limits::LimitsPlan::make(limits, perAddress)),
          admission(client, sessions, tokens, apiTokens, csrf, table, clock, options, testTime)
    {
        client.preload(admission.script());
        for (const auto *script : sessions.scripts())
            client.preload(*script);
        sessions.connect(where, nullptr);
        client.start();
        ready();
    }
    ~Instance() { client.stop(); }

    void ready() { QTRY_VERIFY_WITH_TIMEOUT(client.state() == redis::Client::State::Ready, 10'000); }

    template <class F> auto await(F work)
    {
        using T = typename std::invoke_result_t<F>::value_type;
        std::optional<T> result; // not every T can be made from nothing, as co_spawn() would
        runSync<void>(executor, [&]() -> awaitable<void> {
            auto value = co_await work();
            result.emplace(std::move(value));
        });
        return std::move(*result);
    }

    /// Answers with the status its body says; 200 without.
    void answerAsTold(const std::string &path, http::Access access)
    {
        router.post(path, access, [](http::Request &request) -> awaitable<http::Response> {
            const int code = request.body.empty() ? 200 : std::stoi(request.body);
            co_return http::json(std::string("{}"), static_cast<http::status>(code));
        });
    }

    void answerWith200(http::verb method, const std::string &path, http::Access access)
    {
        router.add(method, path, access,
                   [](http::Request &) -> awaitable<http::Response> { co_return http::json(std::string("{}")); });
    }

    Answer ask(http::verb method, std::string target, const Headers &headers = {}, std::string body = {},
               std::string_view address = "192.0.2.1")
    {
        return await([&]() -> awaitable<Answer> {
            http::Request request;
            request.method = method;
            request.target = target;
            const std::string_view whole = request.target;
            request.path = whole.substr(0, whole.find('?'));
            request.address = address;
            request.id = "test";
            for (const auto &[name, value] : headers)
                request.headers.insert(name, value);
            const auto match = router.match(request);
            if (!match.route)
                co_return Answer{404, {}, {}, {}};
            auto admitted = co_await admission.admit(request, *match.route);
            http::Response response;
            if (admitted.refusal) {
                response = *admitted.refusal;
            } else {
                request.body = std::move(body);
                response = co_await match.route->handler(request);
                if (admitted.charge && !http::countsFor(match.route->access, response.code) &&
                    co_await admission.giveBack(request, *match.route, *admitted.charge, response.code))
                    ++admitted.limits->remaining;
            }
            co_return answerOf(response, admitted);
        });
    }

    /// What a HEAD of a path without GET is told of the limits of its POST.
    Answer look(const std::string &target, const Headers &headers = {}, std::string_view address = "192.0.2.1")
    {
        return await([&]() -> awaitable<Answer> {
            http::Request request;
            request.method = http::verb::post;
            request.target = target;
            request.path = request.target;
            request.address = address;
            for (const auto &[name, value] : headers)
                request.headers.insert(name, value);
            const auto match = router.match(request);
            const auto seen = co_await admission.look(request, *match.route);
            co_return answerOf(seen.refusal ? *seen.refusal : http::noContent(), seen);
        });
    }

    Answer get(const std::string &target, const Headers &headers = {}, std::string_view address = "192.0.2.1")
    {
        return ask(http::verb::get, target, headers, {}, address);
    }

    /// A session of a new user, as a Cookie header.
    Headers signIn(Id user, Role role = Role::User)
    {
        const auto created = await([&] { return sessions.create(user, role); });
        if (!created)
            return {};
        last = created->id;
        return {{"Cookie", "theme=dark; sid=" + std::string(created->token.reveal())}};
    }

    /// An API token of this role, as an Authorization header.
    Headers makeToken(const std::string &name, Role role)
    {
        const Secret text = auth::newApiToken();
        tokenRows[auth::apiTokenHash(text.reveal()).value()] = {name, role, clock.wall(), "system", {}, {}};
        return {{"Authorization", "Bearer " + std::string(text.reveal())}};
    }

    SystemClock clock;
    Executor executor;
    auth::SecretKey key{Secret("0123456789abcdef0123456789abcdef")};
    portal::AdmissionOptions options;
    redis::Client client;
    auth::Sessions sessions;
    auth::AccessTokens tokens;
    std::map<std::string, ApiToken> tokenRows; ///< by hash: what is in the database
    std::atomic<int> tokenReads = 0;           ///< how often it was asked
    std::optional<Error> tokenTrouble;         ///< what it says instead
    auth::ApiTokens apiTokens;
    auth::CsrfTokens csrf;
    limits::LimitsTable table;
    portal::RequestAdmission admission;
    http::Router router;
    std::optional<auth::SessionId> last; ///< of signIn()

private:
    awaitable<Result<std::optional<ApiToken>>> findToken(std::string hash)
    {
        ++tokenReads;
        if (tokenTrouble)
            co_return *tokenTrouble;
        const auto row = tokenRows.find(hash);
        co_return row == tokenRows.end() ? std::optional<ApiToken>() : std::optional(row->second);
    }
    static Answer answerOf(const http::Response &response, const http::Admitted &admitted)
    {
        Answer answer;
        answer.status = static_cast<unsigned>(response.code);
        answer.body = response.body;
        for (const auto &[name, value] : response.headers)
            answer.headers[std::string(name)] = value;
        if (admitted.limits) {
            answer.headers["X-RateLimit-Limit"] = std::to_string(admitted.limits->limit);
            answer.headers["X-RateLimit-Remaining"] = std::to_string(admitted.limits->remaining);
            answer.headers["X-RateLimit-Reset"] = std::to_string(admitted.limits->reset);
        }
        constexpr std::string_view start = "https://portolan.invalid/problems/";
        if (const auto at = answer.body.find(start); at != std::string::npos) {
            const auto from = at + start.size();
            answer.problem = answer.body.substr(from, answer.body.find('"', from) - from);
        }
        return answer;
    }
};

inline constexpr http::Access everybody{Role::Anonymous, Category::Unlimited};

/// A route of each kind.
inline void mountRoutes(Instance &portal)
{
    portal.answerWith200(http::verb::get, "/", {Role::Anonymous, Category::Default});
    portal.answerWith200(http::verb::get, "/health", everybody);
    portal.answerWith200(http::verb::get, "/api/thing", {Role::User, Category::Api});
    portal.answerWith200(http::verb::post, "/api/thing", {Role::User, Category::Api});
    portal.answerWith200(http::verb::get, "/api/free", {Role::User, Category::Upload}); // no windows in any test
    portal.answerWith200(http::verb::get, "/api/admin/thing", {Role::Operator, Category::Admin});
    portal.answerWith200(http::verb::get, "/api/admin/users", {Role::Admin, Category::Admin});
    portal.answerWith200(http::verb::post, "/auth/logout", {Role::User, Category::Unlimited});
    http::Access login{Role::Anonymous, Category::Auth};
    login.csrf = false;
    login.identifies = true;
    portal.answerAsTold("/auth/login", login);
    portal.answerAsTold("/api/form", {Role::User, Category::Api});
    portal.answerAsTold("/form", {Role::Anonymous, Category::Default});
}

} // namespace portolan
