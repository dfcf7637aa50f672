// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/sentinel.h"

#include "core/base/masking.h"
#include "core/base/resolver.h"
#include "core/base/url_text.h"
#include "core/redis/ask_once.h"
#include "core/redis/errors.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace portolan::redis {

namespace {

constexpr std::size_t mostPlaces = 32;
constexpr std::size_t mostNames = 16; ///< listed for people
constexpr std::size_t longestHost = 255;
constexpr std::size_t mostSaid = 16;

std::string hostAndPort(const std::string &host, std::uint16_t port) { return Target{host, port, {}}.display(); }

bool isAddress(const std::string &host)
{
    error_code failed;
    asio::ip::make_address(host, failed);
    return !failed;
}

std::string sentence(std::string text)
{
    if (!text.ends_with('.'))
        text += '.';
    return text;
}

Error trouble(ErrorKind kind, std::string code, std::string message, std::string hint)
{
    return Error{kind, std::move(code), std::move(message), std::move(hint), {}, std::chrono::seconds{1}};
}

} // namespace

std::string SentinelOptions::Place::display() const { return hostAndPort(host, port); }

/// Why one of them was of no use.
struct Sentinel::Refusal
{
    enum class Kind { Silent, Refused, Unknown } kind = Kind::Silent;
    std::string place;
    Error why;
};

/// What one of them said.
struct Sentinel::Word
{
    std::optional<Endpoint> primary;
    Refusal refusal; ///< where there is none
};

Sentinel::Sentinel(SentinelOptions options, std::shared_ptr<TlsClient> tls)
    : m_options(std::move(options)),
      m_tls(std::move(tls)),
      m_way(m_options.way ? m_options.way : std::make_shared<DirectDialer>(std::make_shared<Resolver>()))
{}

Result<std::shared_ptr<Sentinel>> Sentinel::make(SentinelOptions options)
{
    if (options.places.empty() || options.places.size() > mostPlaces || options.primary.empty())
        return trouble(ErrorKind::Invalid, "redis-sentinel",
                       "Sentinels need a name of the primary, and from 1 to " + std::to_string(mostPlaces) +
                           " addresses.",
                       "Name them as host:port.");
    Endpoint first;
    first.host = options.places.front().host;
    first.port = options.places.front().port;
    if (options.tls) {
        first.transport = Endpoint::Transport::Tls;
        first.trust = *options.tls;
    }
    auto tls = tlsClient(first, options.trust);
    if (!tls)
        return tls.error();
    return std::shared_ptr<Sentinel>(new Sentinel(std::move(options), std::move(*tls)));
}

void Sentinel::use(ClientOptions &options)
{
    options.locate = [self = shared_from_this()] { return self->locate(); };
    options.explain = [self = shared_from_this()](const Endpoint &located, Error why) {
        return self->explain(located, std::move(why));
    };
    options.primaryOnly = true;
}

Endpoint Sentinel::endpointOf(const SentinelOptions::Place &place, const std::optional<Secret> &password) const
{
    Endpoint endpoint;
    endpoint.transport = m_options.tls ? Endpoint::Transport::Tls : Endpoint::Transport::Tcp;
    endpoint.host = place.host;
    endpoint.port = place.port;
    if (password) {
        endpoint.user = m_options.user;
        endpoint.password = std::string(password->reveal());
    }
    return endpoint;
}

Endpoint Sentinel::announced(const std::string &host, std::uint16_t port) const
{
    Endpoint endpoint = m_options.server;
    if (isAddress(host) && !isAddress(endpoint.host) && endpoint.trust.serverName.empty())
        endpoint.otherName = endpoint.host;
    endpoint.host = host;
    endpoint.port = port;
    return endpoint;
}

awaitable<Sentinel::Word> Sentinel::ask(SentinelOptions::Place place)
{
    using Kind = Refusal::Kind;
    const auto refused = [&place](Kind kind, Error why) {
        return Word{std::nullopt, Refusal{kind, place.display(), std::move(why)}};
    };
    std::optional<Secret> password;
    if (m_options.password) {
        auto current = co_await m_options.password->current();
        if (!current)
            co_return refused(Kind::Refused, current.error());
        password = std::move(*current);
    }
    const auto deadline = std::chrono::steady_clock::now() + m_options.timeout;
    const Endpoint endpoint = endpointOf(place, password);
    Command question("SENTINEL", "get-master-addr-by-name", m_options.primary);
    const auto answers = co_await askOnce(endpoint, m_way, m_tls, std::move(question), deadline);
    if (!answers)
        co_return refused(Kind::Silent, answers.error());
    const Reply &reply = answers->replies.front();
    const bool signIn = answers->signIn && answers->signIn->isError();
    if (reply.isError()) {
        // A password where none is wanted does no harm, so AUTH counts only where the rest is refused too.
        const Reply &said = signIn && reply.errorCode() == "NOAUTH" ? *answers->signIn : reply;
        const Error why = aboutThat(errorOf(said), place.display(), plainText(said));
        const bool rights = why.code == "redis-auth" || (why.code == "redis-rights" && said.errorCode() == "NOPERM");
        if (why.code == "redis-auth" && password)
            m_options.password->refused(*password);
        co_return refused(rights ? Kind::Refused : Kind::Silent, why);
    }
    if (reply.isNil())
        co_return refused(Kind::Unknown, failure(ErrorKind::NotFound, "It knows none of that name."));
    const auto port = reply.elements.size() == 2 ? portNumber(reply.elements[1].text) : std::nullopt;
    if (!port || reply.elements[0].text.empty() || reply.elements[0].text.size() > longestHost)
        co_return refused(Kind::Silent, failure(ErrorKind::Protocol, "It answers what is no address."));
    co_return Word{announced(reply.elements[0].text, *port), {}};
}

awaitable<Result<Endpoint>> Sentinel::locate()
{
    const auto self = shared_from_this(); // whoever asked may be gone before the last has answered
    const std::size_t first = m_next.fetch_add(1, std::memory_order_relaxed);
    std::optional<Refusal> worst;
    std::string told;
    for (std::size_t i = 0; i < m_options.places.size(); ++i) {
        const auto &place = m_options.places[(first + i) % m_options.places.size()];
        const Word word = co_await ask(place);
        if (word.primary) {
            const std::lock_guard lock(m_mutex);
            if (m_said.size() >= mostSaid)
                m_said.clear();
            m_said[hostAndPort(word.primary->host, word.primary->port)] = place.display();
            co_return *word.primary;
        }
        told += (told.empty() ? "" : " ") + word.refusal.place + ": " + sentence(word.refusal.why.message);
        if (!worst || word.refusal.kind > worst->kind)
            worst = word.refusal;
    }
    if (worst->kind == Refusal::Kind::Silent)
        co_return silent(*worst, std::move(told));
    if (worst->kind == Refusal::Kind::Refused)
        co_return refusedAll(*worst, std::move(told));
    const auto knows =
        std::ranges::find_if(m_options.places, [&](const auto &place) { return place.display() == worst->place; });
    const std::vector<std::string> others = co_await namesAt(*knows);
    co_return unknownName(others, std::move(told));
}

/// Nothing where it may not be asked.
awaitable<std::vector<std::string>> Sentinel::namesAt(SentinelOptions::Place place)
{
    std::vector<std::string> names;
    const auto deadline = std::chrono::steady_clock::now() + m_options.timeout;
    const Endpoint endpoint = endpointOf(place, m_options.password ? m_options.password->kept() : std::nullopt);
    Command question("SENTINEL", "MASTERS");
    const auto answers = co_await askOnce(endpoint, m_way, m_tls, std::move(question), deadline);
    if (!answers)
        co_return names;
    for (const Reply &primary : answers->replies.front().elements)
        for (std::size_t i = 0; i + 1 < primary.elements.size() && names.size() < mostNames; i += 2)
            if (primary.elements[i].text == "name")
                names.push_back(quotable(primary.elements[i + 1].text, 64));
    co_return names;
}

Error Sentinel::unknownName(const std::vector<std::string> &others, std::string told) const
{
    std::string known;
    for (const auto &name : others)
        known += (known.empty() ? "'" : ", '") + name + "'";
    Error error = trouble(ErrorKind::NotFound, "redis-sentinel-name",
                          "The Sentinels know no primary '" + quotable(m_options.primary, 64) + "'" +
                              (known.empty() ? "." : "; they know " + known + "."),
                          "Name it as `sentinel monitor` does in their configuration.");
    error.about = quotable(m_options.primary, 64);
    error.told = std::move(told);
    if (others.size() == 1)
        error.mend = "master = \"" + others.front() + "\"";
    return error;
}

Error Sentinel::refusedAll(const Refusal &first, std::string told) const
{
    Error error = trouble(ErrorKind::Unavailable, "redis-sentinel-auth",
                          "The Sentinel at " + first.place + " refuses us. " + sentence(first.why.message),
                          "Check the user and the password of the Sentinels: they are not those of Redis.");
    if (!first.why.code.starts_with("redis-")) // it could not be read
        error.hint = first.why.hint;
    if (first.why.code == "redis-rights") {
        error.mend = "ACL SETUSER " + (m_options.user.empty() ? "default" : m_options.user) +
                     " +auth +sentinel|get-master-addr-by-name +sentinel|masters";
        error.hint = "Run `" + error.mend + "` in each Sentinel.";
    }
    error.about = first.place;
    error.told = std::move(told);
    return error;
}

Error Sentinel::silent(const Refusal &first, std::string told) const
{
    Error error = trouble(ErrorKind::Unavailable, "redis-sentinel-away", "No Sentinel answers. " + told,
                          first.why.hint.empty() ? "Check that they run, and their addresses." : first.why.hint);
    if (first.why.code == "redis-rights") // "unknown command"
        error.hint = "Name the Sentinels, whose port is 26379 unless it is set, and not the servers.";
    for (const auto &place : m_options.places)
        error.about += (error.about.empty() ? "" : " ") + place.display();
    error.told = std::move(told);
    return error;
}

Error Sentinel::explain(const Endpoint &located, Error why) const
{
    const std::string address = hostAndPort(located.host, located.port);
    std::string by;
    {
        const std::lock_guard lock(m_mutex);
        if (const auto said = m_said.find(address); said != m_said.end())
            by = said->second;
    }
    if (by.empty() || (!isAway(why) && why.code != "redis-read-only"))
        return why;
    why.message = "The Sentinel at " + by + " names " + address + " as the primary '" +
                  quotable(m_options.primary, 64) + "'. " + why.message;
    why.about = address + " (" + by + ")";
    if (why.code == "redis-away") {
        why.code = "redis-sentinel-address";
        why.hint = "Where it is down, wait for the failover. Where it runs, have it announce an address that can be "
                   "reached from here (replica-announce-ip), or go the way it is reached by (through = \"ssh:HOST\").";
    }
    if (why.code == "redis-read-only")
        why.hint = "Wait for the failover to end.";
    return why;
}

} // namespace portolan::redis
