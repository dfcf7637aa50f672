// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/wire.h"

#include "core/redis/errors.h"
#include "core/redis/info.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace portolan::redis {

namespace {

/// The hello: what to send, and for each reply what its error means. A null `refused` lets an error pass.
struct Hello
{
    struct Step
    {
        enum class Kind { SignIn, Database, Name, Cluster, Mode, Ping, Role, Script } kind;
        const Script *script = nullptr;
        unsigned way = 0; ///< to the role
    };
    Command commands;
    std::vector<Step> steps;
};

/// What HELLO answers behind `name`; empty: nothing.
std::string_view greeted(const Reply &reply, std::string_view name)
{
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2)
        if (reply.elements[i].text == name)
            return reply.elements[i + 1].text;
    return {};
}

/// CLIENT SETNAME takes neither spaces nor control characters.
std::string clientName(std::string name)
{
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~'; }, '-');
    return name;
}

Hello helloFor(const Endpoint &endpoint, const Wanted &wanted)
{
    Hello hello;
    using Kind = Hello::Step::Kind;
    if (!endpoint.user.empty())
        hello.commands.add("AUTH", endpoint.user, endpoint.password);
    else if (!endpoint.password.empty())
        hello.commands.add("AUTH", endpoint.password);
    if (hello.commands.count() == 1)
        hello.steps.push_back({Kind::SignIn});
    if (endpoint.database != 0) {
        hello.commands.add("SELECT", endpoint.database);
        hello.steps.push_back({Kind::Database});
    }
    hello.commands.add("PING").add("INFO", "cluster").add("CLIENT", "SETNAME", clientName(wanted.name));
    hello.steps.insert(hello.steps.end(), {{Kind::Ping}, {Kind::Cluster}, {Kind::Name}});
    if (wanted.allowCluster) {
        hello.commands.add("HELLO");
        hello.steps.push_back({Kind::Mode});
    }
    for (unsigned way = 0; wanted.primaryOnly && way < waysToRole; ++way) {
        hello.commands.append(roleQuestion(way));
        hello.steps.push_back({Kind::Role, nullptr, way});
    }
    for (const Script *script : wanted.scripts) {
        hello.commands.add("SCRIPT", "LOAD", script->source());
        hello.steps.push_back({Kind::Script, script});
    }
    return hello;
}

Error scriptRefused(const Script &script, const Reply &reply)
{
    Error error = errorOf(reply);
    error.message = "The Redis script '" + script.name() + "' was refused: " + plainText(reply);
    return error;
}

Error notPrimary(const Endpoint &endpoint, const std::string &role)
{
    const bool sentinel = role == "sentinel";
    return Error{ErrorKind::Unavailable,
                 "redis-read-only",
                 "Redis at " + endpoint.display() + " is " + (sentinel ? "a Sentinel" : "a read-only replica") + ".",
                 sentinel ? "Name it as a Sentinel, and not as the server." : "Name the primary.",
                 {},
                 std::chrono::seconds{1},
                 {},
                 endpoint.display(),
                 role};
}

bool isClusterNode(Hello::Step::Kind kind, const Reply &reply)
{
    if (kind == Hello::Step::Kind::Cluster)
        return reply.text.find("cluster_enabled:1") != std::string::npos;
    return kind == Hello::Step::Kind::Mode && greeted(reply, "mode") == "cluster";
}

/// What a reply to the hello stands in the way of, if anything.
std::optional<Error> objection(const Hello::Step &step, const Reply &reply, const Endpoint &endpoint)
{
    using Kind = Hello::Step::Kind;
    if (step.kind == Kind::Role) {
        const std::string role = roleOf(step.way, reply);
        return role.empty() || role == "master" ? std::nullopt : std::optional(notPrimary(endpoint, role));
    }
    if (!reply.isError() || step.kind == Kind::Mode)
        return std::nullopt;
    // A Redis that blocks these, or a user without the right to them, can still serve: without a name, and with
    // scripts that were loaded by somebody else. Whether it may run its commands is theirs to say (rights.h).
    const bool optional = step.kind != Kind::SignIn && step.kind != Kind::Database;
    if (optional && refusesRight(reply))
        return std::nullopt;
    if (step.kind == Kind::Script)
        return scriptRefused(*step.script, reply);
    Error error = aboutThat(errorOf(reply), endpoint.display(), plainText(reply));
    error.message = "Redis at " + endpoint.display() + " refuses the connection: " + plainText(reply);
    if (!error.message.ends_with('.'))
        error.message += '.';
    if (step.kind == Kind::SignIn && error.kind == ErrorKind::Internal) { // "ERR AUTH … called without any password"
        error.code = "redis-auth";
        error.hint = "Check user and password in the Redis URL.";
    }
    if (step.kind == Kind::Database) {
        error.code = "redis-database";
        const std::string user = endpoint.user.empty() ? "default" : endpoint.user;
        if (reply.errorCode() == "NOPERM")
            error.mend = "ACL SETUSER " + user + " +select";
        error.hint = !refusesRight(reply) ? "Check the database number in the Redis URL."
                     : !error.mend.empty()
                         ? "Run `" + error.mend + "` in Redis, or name database 0 in the Redis URL."
                         : "Take back the rename-command of SELECT, or name database 0 in the Redis URL.";
    }
    if (error.kind == ErrorKind::Internal)
        error.kind = ErrorKind::Unavailable;
    return error;
}

} // namespace

Command roleQuestion(unsigned way)
{
    return way == 0 ? Command("ROLE") : way == 1 ? Command("INFO", "replication") : Command("HELLO");
}

std::string roleOf(unsigned way, const Reply &reply)
{
    if (reply.isError())
        return {};
    std::string role;
    if (way == 0)
        role = reply.elements.empty() ? std::string() : reply.elements[0].text;
    else if (way == 1)
        role = parseInfo(reply.text).replication.role.value_or("");
    else
        role = greeted(reply, "role");
    return role == "replica" ? "slave" : role;
}

awaitable<std::optional<Error>> Wire::open(Endpoint endpoint, Wanted wanted, SteadyTime deadline)
{
    const auto connected = co_await m_stream.connect(endpoint, deadline);
    if (!connected)
        co_return away(endpoint, connected.error());
    const Hello hello = helloFor(endpoint, wanted);
    error_code failed;
    co_await m_stream.send(asio::buffer(hello.commands.bytes()), failed);
    // Read even after a failed write: Redis says why before it closes ("max number of clients reached").
    std::size_t answered = 0;
    std::string problem;
    Reply reply;
    while (answered < hello.steps.size()) {
        const auto next = m_reader.next(reply);
        if (next == ReplyReader::Next::Malformed)
            co_return failure(ErrorKind::Protocol,
                              "What listens at " + endpoint.display() + " is no Redis: " + m_reader.problem() + ".",
                              "Check host and port in the Redis URL.");
        if (next == ReplyReader::Next::Reply) {
            const Hello::Step &step = hello.steps[answered++];
            if (auto error = objection(step, reply, endpoint))
                co_return error;
            m_cluster = m_cluster || isClusterNode(step.kind, reply);
            if (m_cluster && !wanted.allowCluster)
                co_return clusterRefused();
            if (step.kind == Hello::Step::Kind::Role && !m_wayToRole && !roleOf(step.way, reply).empty())
                m_wayToRole = step.way;
            continue;
        }
        const bool more = co_await receive(problem);
        if (!more && m_tlsProblem) // it has refused our certificate
            co_return away(endpoint, *m_tlsProblem);
        if (!more)
            co_return away(endpoint, problem);
    }
    co_return std::nullopt;
}

awaitable<bool> Wire::receive(std::string &problem)
{
    error_code failed;
    const std::size_t size = co_await m_stream.readSome(asio::buffer(m_input), failed);
    if (size == 0 || failed) {
        m_tlsProblem = m_stream.tlsProblem(failed);
        problem = isEnd(failed) || !failed ? "it closed the connection" : failed.message();
        co_return false;
    }
    m_reader.feed(m_input.data(), size);
    co_return true;
}

std::chrono::milliseconds Backoff::next()
{
    const auto now = m_last;
    m_last = std::clamp(m_last * 2, m_min, m_max);
    if (now.count() == 0)
        return now;
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(now.count() / 2, now.count())(m_random));
}

} // namespace portolan::redis
