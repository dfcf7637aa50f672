// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/integration/portal/admission_harness.h"

#include <ctime>
#include <future>

/// Fills a real Redis the way a busy portal does, for the test and the bench of the small tier's memory budget.
namespace portolan::memory_layout {

inline constexpr int sessionCount = 100'000;
inline constexpr int userCount = 15'000;
inline constexpr std::int64_t budget = 20ll * 1024 * 1024;

inline std::int64_t usedMemory(const RedisServerFixture &server)
{
    const auto text = server.command("INFO memory");
    const auto at = text.find("used_memory:");
    return at == std::string::npos ? -1 : std::stoll(text.substr(at + 12));
}

/// One session for each user 1, 2, 3, …: written as sessions are, a thousand in a round trip.
inline awaitable<int> fill(redis::Client &client, std::vector<auth::SessionToken> &tokens)
{
    int errors = 0;
    const auto now = std::uint32_t(std::time(nullptr)) - auth::sessionEpoch;
    for (int first = 0; first < sessionCount; first += 1000) {
        redis::Command batch;
        for (int i = first; i < first + 1000; ++i) {
            const auto token = auth::SessionToken::random();
            if (i < userCount)
                tokens.push_back(token);
            const auth::Session session{Id(0x0100'0000'0000'0000) + Id(i), Role::User, now};
            batch.add("SET", auth::sessionKey(token.id()), auth::encodeSession(session), "EX", 86400);
        }
        const auto replies = co_await client.pipeline(std::move(batch), std::chrono::seconds(20));
        errors += !replies || replies->size() != 1000;
    }
    co_return errors;
}

/// The users whose number is `start` modulo 64 ask once in each category.
inline awaitable<int> visit(Instance &portal, const std::vector<auth::SessionToken> &tokens, std::size_t start)
{
    int admitted = 0;
    for (std::size_t i = start; i < tokens.size(); i += 64) {
        for (const auto &[method, path] :
             {std::pair{http::verb::get, "/api/me"}, std::pair{http::verb::post, "/start-analysis"}}) {
            http::Request request;
            request.method = method;
            request.target = path;
            request.path = request.target;
            request.address = "192.0.2.1";
            request.headers.set(http::field::cookie, "sid=" + std::string(tokens[i].reveal()));
            request.headers.set("X-CSRF-Token", portal.csrf.of(tokens[i].id()));
            const auto match = portal.router.match(request);
            const auto answer = co_await portal.admission.admit(request, *match.route);
            admitted += !answer.refusal;
        }
    }
    co_return admitted;
}

struct Use
{
    std::int64_t empty = 0; ///< used_memory in bytes
    std::int64_t sessions = 0;
    std::int64_t all = 0;
    int failed = 0;   ///< batches and requests that did not get through
    std::string keys; ///< DBSIZE
};

inline Use measure()
{
    RedisServerFixture server({"--appendonly", "yes"});
    Runtime runtime(2);
    Instance portal(runtime.at(0), server.endpoint(),
                    {{Category::Api, "200 per day; 30 per hour; 8 per minute"},
                     {Category::Analysis, "30 per day; 8 per hour; 2 per minute"}});
    portal.answerWith200(http::verb::get, "/api/me", {Role::User, Category::Api});
    portal.answerWith200(http::verb::post, "/start-analysis", {Role::User, Category::Analysis});
    Use use;
    use.empty = usedMemory(server);
    std::vector<auth::SessionToken> tokens;
    use.failed = portal.await([&] { return fill(portal.client, tokens); });
    use.sessions = usedMemory(server);
    std::vector<std::future<int>> running;
    for (std::size_t i = 0; i < 64; ++i)
        running.push_back(asio::co_spawn(portal.executor, visit(portal, tokens, i), asio::use_future));
    use.failed += 2 * userCount;
    for (auto &one : running)
        use.failed -= one.get();
    use.all = usedMemory(server);
    use.keys = server.command("DBSIZE");
    return use;
}

} // namespace portolan::memory_layout
