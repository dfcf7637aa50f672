// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/redis_variables.h"

#include "core/base/given_text.h"
#include "core/base/url_text.h"
#include "core/stack/watch_values.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>

namespace portolan::connect {

namespace {

using Transport = redis::Endpoint::Transport;

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

std::string upper(std::string_view text)
{
    std::string made(text);
    std::ranges::transform(made, made.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    return made;
}

bool has(std::string_view text, std::initializer_list<std::string_view> words)
{
    return std::ranges::any_of(words, [&](auto word) { return text.find(word) != text.npos; });
}

struct Meaning
{
    RedisUse use;
    unsigned score;
};

/// By the name of a variable that holds an address.
Meaning meaningOf(std::string_view name)
{
    if (has(name, {"BROKER"}))
        return {RedisUse::Broker, has(name, {"CELERY"}) ? 105U : 100U};
    if (has(name, {"RESULT"}))
        return {RedisUse::Results, 90};
    if (has(name, {"CACHE"}))
        return {RedisUse::Any, 50};
    if (has(name, {"SESSION", "CHANNEL", "SOCKET", "MESSAGE_QUEUE", "RATELIMIT", "RATE_LIMIT", "LIMITER", "THROTTLE",
                   "STORAGE"}))
        return {RedisUse::Any, 45};
    if (name == "REDIS_URL" || name == "VALKEY_URL")
        return {RedisUse::Any, 80};
    if (name == "REDIS_TLS_URL" || name == "VALKEY_TLS_URL") // Heroku's; REDIS_URL beside it is the same without TLS
        return {RedisUse::Any, 85};
    if (has(name, {"CELERY"}))
        return {RedisUse::Any, 82};
    return {RedisUse::Any, has(name, {"REDIS", "VALKEY"}) ? 70U : 30U};
}

bool isHeroku(std::string_view scheme) { return scheme == "REDIS_TLS_URL"; }

/// By the name of a variable that holds a host, without its end.
Meaning meaningOfPrefix(std::string_view prefix)
{
    Meaning meaning = meaningOf(prefix);
    if (meaning.use == RedisUse::Any && meaning.score >= 70)
        meaning.score = 60;
    return meaning;
}

/// A URL of a broker that is none of Redis.
bool isOtherBroker(std::string_view value)
{
    constexpr std::array<std::string_view, 10> schemes{
        "amqp", "amqps", "pyamqp", "sqs", "kafka", "confluentkafka", "mongodb", "zookeeper", "gcpubsub", "filesystem"};
    const auto end = value.find("://");
    return end != value.npos && std::ranges::find(schemes, value.substr(0, end)) != schemes.end();
}

class VariableReader final
{
public:
    VariableReader(const Variables &variables, const std::string &service) : m_variables(variables), m_service(service)
    {}

    VariableReading run()
    {
        std::set<std::string_view> seen;
        for (auto at = m_variables.rbegin(); at != m_variables.rend(); ++at)
            if (at->value && seen.insert(at->name).second && isSaid(*at->value))
                one(*at);
        std::ranges::reverse(m_reading.candidates);
        std::ranges::reverse(m_reading.mistakes);
        dropPlain();
        return std::move(m_reading);
    }

private:
    void one(const Variable &variable)
    {
        const std::string name = upper(variable.name);
        const auto value = trimmed(variable.value->reveal());
        const bool ofRedis = has(name, {"REDIS", "VALKEY"});
        if (has(name, {"EXPORTER", "COMMANDER", "INSIGHT"}))
            return;
        if (looksLikeRedis(value))
            return address(variable, meaningOf(name), value);
        if (has(name, {"BROKER"}) && isOtherBroker(value))
            m_reading.findings.push_back({FindingKind::OtherBroker, variable.place.text(),
                                          std::string(value.substr(0, value.find("://"))), variable.name});
        if (!ofRedis)
            return;
        if (has(name, {"CONNECTION", "CONN_STR"}) && has(value, {","}))
            return address(variable, {RedisUse::Any, 75}, value);
        if (has(name, {"SENTINEL"}))
            return sentinels(variable, name, value);
        for (const std::string_view end : {"_UNIX_SOCKET_PATH", "_UNIX_SOCKET", "_SOCKET_PATH", "_SOCKET", "_HOST",
                                           "HOST", "_HOSTNAME", "_SERVER", "_ADDR", "_ADDRESS", "_ENDPOINT", "_NODE"})
            if (name.ends_with(end) && has(name.substr(0, name.size() - end.size()), {"REDIS", "VALKEY"}))
                return parts(variable, variable.name.substr(0, name.size() - end.size()), value);
    }

    Candidate candidate(const Variable &variable, Meaning meaning) const
    {
        Candidate made;
        made.use = meaning.use;
        made.score = meaning.score;
        made.place = variable.place;
        made.variable = variable.name;
        made.service = m_service;
        return made;
    }

    void note(const Variable &variable, const Error &why)
    {
        m_reading.mistakes.push_back(
            mistake(variable.place, "connect-address", wrong(variable.name + ": " + why.message, why.hint)));
    }

    /// The value that is said under the first of these names that is there.
    const Variable *said(std::string_view prefix, std::initializer_list<std::string_view> ends) const
    {
        for (const auto end : ends)
            for (auto at = m_variables.rbegin(); at != m_variables.rend(); ++at)
                if (at->value && isSaid(*at->value) && at->name.size() == prefix.size() + end.size() &&
                    at->name.starts_with(prefix) && upper(at->name.substr(prefix.size())) == end)
                    return &*at;
        return nullptr;
    }
    std::string text(std::string_view prefix, std::initializer_list<std::string_view> ends) const
    {
        const Variable *variable = said(prefix, ends);
        return variable ? std::string(trimmed(variable->value->reveal())) : std::string();
    }
    Secret passwordOf(std::string_view prefix) const
    {
        const Variable *variable =
            said(prefix, {"_PASSWORD", "PASSWORD", "_PASS", "_PASSWD", "_PWD", "_AUTH", "_AUTH_TOKEN", "_AUTHTOKEN",
                          "_PRIMARY_KEY", "_PRIMARY_ACCESS_KEY", "_ACCESS_KEY", "_KEY", "_REQUIREPASS"});
        return variable ? *variable->value : Secret();
    }

    /// What stands before the end of its name: "REDIS" of REDIS_URL.
    static std::string prefixOf(const std::string &name)
    {
        const std::string big = upper(name);
        const auto at = std::min(big.find("REDIS"), big.find("VALKEY"));
        const auto end = at == big.npos ? at : big.find('_', at);
        return at == big.npos ? std::string() : name.substr(0, end);
    }

    void address(const Variable &variable, Meaning meaning, std::string_view value)
    {
        const std::string prefix = prefixOf(variable.name);
        auto read = readRedisAddress(value, prefix.empty() ? Secret() : passwordOf(prefix));
        if (!read)
            return note(variable, read.error());
        Candidate made = candidate(variable, meaning);
        made.address = std::move(*read);
        const bool shares = prefix.empty() && isRedisHost(made.address.endpoint.host);
        if (made.address.password.empty() && shares)
            made.address.password = passwordOf("REDIS");
        if (made.address.password.empty() && (shares || !prefix.empty()))
            made.passwordFile = text(shares ? "REDIS" : prefix, {"_PASSWORD_FILE", "_PASS_FILE"});
        m_reading.candidates.push_back(std::move(made));
    }

    /// Whether REDIS_PASSWORD is for that host: no other server is shown it.
    bool isRedisHost(std::string_view host) const
    {
        const std::string named = text("REDIS", {"_HOST", "HOST"});
        return named.empty() ? !said("REDIS", {"_URL"}) : named == host;
    }

    /// REDIS_SENTINELS=h1:26379,h2:26379 and what stands beside it.
    void sentinels(const Variable &variable, const std::string &name, std::string_view value)
    {
        constexpr std::array<std::string_view, 7> ends{"SENTINELS",     "SENTINEL_HOSTS", "SENTINEL_NODES",
                                                       "SENTINEL_URLS", "SENTINEL_ADDRS", "SENTINEL_HOST",
                                                       "SENTINEL"};
        if (std::ranges::none_of(ends, [&](auto end) { return name.ends_with(end); }) ||
            !has(value, {".", ":", ",", "-"}))
            return;
        const std::string prefix = variable.name.substr(0, name.find("SENTINEL"));
        const std::string base = prefix.substr(0, prefix.find_last_not_of('_') + 1);
        const std::string own = prefix + variable.name.substr(prefix.size(), 8);
        std::string hosts(value);
        std::ranges::replace(hosts, ' ', ',');
        if (name.ends_with("SENTINEL_HOST") && hosts.find(':') == hosts.npos)
            if (const std::string port = text(own, {"_PORT"}); !port.empty())
                hosts.append(1, ':').append(port);
        auto read = readRedisAddress("sentinel://" + hosts, passwordOf(base));
        if (!read || !read->sentinel)
            return note(variable, read ? wrong("it names no sentinels") : read.error());
        std::string master =
            text(own, {"_MASTER", "_MASTER_NAME", "_SERVICE", "_SERVICE_NAME", "_MASTER_SET", "_NAME"});
        if (master.empty())
            master = text(base, {"_MASTER_NAME", "_MASTER_SET", "_MASTER", "_SERVICE_NAME"});
        read->sentinel->master = stack::readText(master, 200) ? master : "";
        read->endpoint.user = text(base, {"_USERNAME", "_USER"});
        read->endpoint.database = database(base);
        Candidate made = candidate(variable, {RedisUse::Any, 78});
        made.address = std::move(*read);
        m_reading.candidates.push_back(std::move(made));
    }

    unsigned database(std::string_view prefix) const
    {
        const auto number = stack::readCount(
            text(prefix, {"_DB", "_DATABASE", "_DB_INDEX", "_DBNUM", "_DB_NUMBER", "_INDEX"}), 0, 1'000'000);
        return number ? *number : 0;
    }

    bool asksForTls(std::string_view prefix) const
    {
        const std::string scheme = upper(text(prefix, {"_SCHEME", "_PROTOCOL"}));
        const std::string flag = upper(text(prefix, {"_SSL", "_TLS", "_USE_SSL", "_USE_TLS", "_TLS_ENABLED",
                                                     "_SSL_ENABLED", "_ENABLE_TLS", "_ENABLE_SSL"}));
        return scheme == "TLS" || scheme == "REDISS" || scheme == "SSL" || flag == "TRUE" || flag == "1" ||
               flag == "YES" || flag == "ON" || flag == "REQUIRED";
    }

    /// REDIS_HOST, and what stands beside it.
    void parts(const Variable &variable, const std::string &prefix, std::string_view value)
    {
        if (value.find("://") != value.npos) { // tls://host, as Laravel writes it
            std::string url(value);
            const auto port = text(prefix, {"_PORT", "PORT"});
            if (hostAndPort(value).find(':') == value.npos && portNumber(port))
                url.insert(url.find("://") + 3 + hostAndPort(value).size(), ':' + port);
            return address(variable, meaningOfPrefix(upper(prefix)), url);
        }
        Candidate made = candidate(variable, meaningOfPrefix(upper(prefix)));
        auto &endpoint = made.address.endpoint;
        if (value.starts_with('/')) {
            endpoint.transport = Transport::Unix;
            endpoint.path = std::string(value);
        } else {
            std::string port = text(prefix, {"_PORT", "PORT", "_SERVICE_PORT"});
            if (const auto colon = port.rfind(':'); colon != port.npos) // tcp://10.0.0.11:6379, as links set it
                port = port.substr(colon + 1);
            const auto place = stack::readHostPort(value, portNumber(port).value_or(6379));
            if (!place)
                return note(variable, place.error());
            endpoint.host = place->host;
            endpoint.port = place->port;
            endpoint.transport = asksForTls(prefix) ? Transport::Tls : Transport::Tcp;
        }
        endpoint.user = text(prefix, {"_USERNAME", "_USER", "USER", "_ACL_USER"});
        endpoint.database = database(prefix);
        made.address.password = passwordOf(prefix);
        if (made.address.password.empty())
            made.passwordFile = text(prefix, {"_PASSWORD_FILE", "_PASS_FILE"});
        if (made.address.password.empty() && made.passwordFile.empty())
            endpoint.user.clear(); // a name alone signs nobody in
        m_reading.candidates.push_back(std::move(made));
    }

    /// Heroku sets REDIS_URL without TLS beside REDIS_TLS_URL, at another port of the same server.
    void dropPlain()
    {
        const auto &all = m_reading.candidates;
        const auto tls = std::ranges::find_if(all, [](const auto &one) { return isHeroku(upper(one.variable)); });
        if (tls == all.end() || tls->address.endpoint.transport != Transport::Tls)
            return;
        const std::string host = tls->address.endpoint.host;
        std::erase_if(m_reading.candidates, [&](const auto &one) {
            return one.variable == "REDIS_URL" && one.address.endpoint.host == host &&
                   one.address.endpoint.transport == Transport::Tcp;
        });
    }

    const Variables &m_variables;
    const std::string &m_service;
    VariableReading m_reading;
};

/// What is not of the form that it should have is left out: Celery finds the rest out from its workers.
void takeOptions(const boost::json::object &options, CeleryHints &hints, bool ofResults)
{
    const auto text = [&](const char *key) {
        const auto *value = options.if_contains(key);
        const bool fits = value && value->is_string() && stack::readText(std::string(value->get_string()), 200);
        return fits ? std::string(value->get_string()) : std::string();
    };
    const std::string prefix = text("global_keyprefix");
    if (!prefix.empty())
        (ofResults ? hints.resultPrefix : hints.prefix) = prefix;
    if (const std::string master = text("master_name"); !master.empty())
        hints.master = master;
    if (ofResults)
        return;
    if (const std::string separator = text("sep"); !separator.empty() && separator.size() <= 16)
        hints.separator = separator;
    if (const auto *timeout = options.if_contains("visibility_timeout"); timeout && timeout->is_number()) {
        const double seconds = timeout->is_double() ? timeout->get_double() : timeout->to_number<double>();
        if (seconds >= 1 && seconds < 31'536'000)
            hints.visibilitySeconds = std::uint64_t(seconds);
    }
    const auto *steps = options.if_contains("priority_steps");
    std::vector<std::string> items;
    for (const auto &step : steps && steps->is_array() ? steps->get_array() : boost::json::array())
        items.push_back(step.is_int64() ? std::to_string(step.get_int64()) : std::string());
    if (const auto read = stack::readSteps(items))
        hints.steps = *read;
}

} // namespace

bool isSaid(const Secret &value)
{
    const std::string text = upper(trimmed(value.reveal()));
    return !text.empty() && text != "NULL" && text != "NONE" && text != "(NULL)";
}

VariableReading readRedisVariables(const Variables &variables, const std::string &service)
{
    return VariableReader(variables, service).run();
}

void readCeleryHints(const Variables &variables, CeleryHints &hints)
{
    for (const auto &variable : variables) {
        const std::string name = upper(variable.name);
        if (!has(name, {"CELERY", "BROKER_TRANSPORT_OPTIONS", "BROKER_URL"}) || !variable.value ||
            !isSaid(*variable.value))
            continue;
        if (hints.about.empty()) {
            hints.about = variable.name;
            hints.place = variable.place;
        }
        if (!name.ends_with("TRANSPORT_OPTIONS"))
            continue;
        boost::system::error_code failed;
        const auto parsed = boost::json::parse(std::string(variable.value->reveal()), failed);
        if (!failed && parsed.is_object())
            takeOptions(parsed.get_object(), hints, has(name, {"RESULT"}));
    }
}

} // namespace portolan::connect
