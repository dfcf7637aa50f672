// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/stack_finder.h"

#include "core/base/data_directory.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/connect/compose_redis.h"
#include "core/connect/watch_text.h"
#include "core/net/http_url.h"
#include "core/stack/watch_file.h"
#include "core/stack/watch_values.h"
#include "core/storage/database.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace portolan::connect {

namespace fs = std::filesystem;

namespace {

using Transport = redis::Endpoint::Transport;

constexpr std::size_t mostProbes = 20;
constexpr std::size_t mostFindings = 200;
constexpr std::size_t largestSecret = 64 * 1024;
constexpr unsigned ofService = 10; ///< what a service really sees, before what an `.env` may say

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

bool isThisMachine(std::string_view host)
{
    return host == "localhost" || host == "::1" || host.starts_with("127.") || host == "0.0.0.0";
}

/// As Docker Desktop calls the machine that containers run on.
bool isDockerHost(std::string_view host)
{
    return host == "host.docker.internal" || host == "gateway.docker.internal" || host == "host.containers.internal";
}

class StackFinder final
{
public:
    StackFinder(StackEvidence evidence, Found &found) : m_evidence(std::move(evidence)), m_found(found) {}

    void run()
    {
        gather();
        readCelery();
        m_stack.name = nameOfStack();
        choose();
        readProduction();
        readDatabase();
        readPages();
        for (auto &finding : m_evidence.compose.findings)
            tell(std::move(finding));
        std::ranges::move(m_evidence.compose.mistakes, std::back_inserter(m_found.mistakes));
        if (m_stack.redis || !m_stack.metrics.empty() || !m_stack.probes.empty())
            finish();
    }

private:
    void tell(Finding finding)
    {
        const bool known = std::ranges::find(m_found.findings, finding) != m_found.findings.end();
        if (!known && m_found.findings.size() < mostFindings)
            m_found.findings.push_back(std::move(finding));
    }

    void gather()
    {
        const auto take = [&](VariableReading reading, unsigned more) {
            for (auto &candidate : reading.candidates) {
                candidate.score += more;
                m_candidates.push_back(std::move(candidate));
            }
            std::ranges::for_each(reading.findings, [&](auto &finding) { tell(std::move(finding)); });
            std::ranges::move(reading.mistakes, std::back_inserter(m_found.mistakes));
        };
        std::ranges::move(m_evidence.pasted, std::back_inserter(m_candidates));
        for (const auto &service : m_evidence.compose.services) {
            if (isRedisImage(service.image))
                addService(service);
            else
                take(readRedisVariables(service.variables, service.name), ofService);
        }
        take(readRedisVariables(m_evidence.variables), 0);
        std::ranges::stable_sort(m_candidates, std::greater{}, &Candidate::score);
    }

    void addService(const ComposeService &service)
    {
        RedisService redis = readRedisService(service);
        Candidate candidate;
        candidate.score = 20;
        candidate.address.endpoint.host = service.name;
        candidate.address.endpoint.port = redis.port;
        candidate.address.endpoint.transport = redis.tls ? Transport::Tls : Transport::Tcp;
        candidate.address.password = redis.password;
        candidate.passwordFile = redis.passwordFile;
        candidate.place = redis.place.line > 0 ? redis.place : service.place;
        candidate.service = service.name;
        m_candidates.push_back(std::move(candidate));
    }

    void readCelery()
    {
        CeleryHints hints;
        readCeleryHints(m_evidence.variables, hints);
        for (const auto &service : m_evidence.compose.services) {
            readCeleryHints(service.variables, hints);
            const bool runs = std::ranges::any_of(service.command, [](const Secret &word) {
                return word.reveal() == "celery" || word.reveal().ends_with("/celery") ||
                       word.reveal().find("celery -") != std::string_view::npos;
            });
            if (runs && hints.about.empty()) {
                hints.about = service.name;
                hints.place = service.commandPlace;
            }
        }
        const auto broker = std::ranges::find(m_candidates, RedisUse::Broker, &Candidate::use);
        if (hints.about.empty() && broker != m_candidates.end()) {
            hints.about = broker->variable;
            hints.place = broker->place;
        }
        if (hints.about.empty())
            return;
        tell({FindingKind::Celery, hints.place.text(), visible(hints.about)});
        m_stack.celery = std::move(hints);
    }

    std::string nameOfStack() const
    {
        const auto &variables = m_evidence.variables;
        const Variable *app = findVariable(variables, "APP_NAME");
        for (const std::string &name :
             {m_evidence.compose.project, app ? std::string(app->value->reveal()) : "", m_evidence.name})
            if (!name.empty() && quotable(name) == name)
                return deploymentName(name);
        const bool dotted = !m_candidates.empty() && !isThisMachine(m_candidates.front().address.endpoint.host);
        return deploymentName(dotted ? m_candidates.front().address.endpoint.host : "");
    }

    void choose()
    {
        if (m_candidates.empty())
            return;
        const auto main =
            std::ranges::find_if(m_candidates, [](const auto &one) { return one.use != RedisUse::Results; });
        Candidate &redis = main == m_candidates.end() ? m_candidates.front() : *main;
        settle(redis, true);
        m_stack.redis = redis.address;
        m_stack.redisPassword = keep("-redis", redis);
        tell({FindingKind::Redis, redis.place.text(), redis.address.url(), redis.variable});
        if (redis.address.sentinel)
            takeMaster(redis);
        Candidate *results = nullptr;
        for (auto &one : m_candidates)
            if (one.use == RedisUse::Results && m_stack.celery && !results)
                results = &one;
        if (results)
            takeResults(redis, *results);
        std::vector<const RedisAddress *> known{&redis.address};
        if (results)
            known.push_back(&results->address);
        for (auto &one : m_candidates) {
            settle(one, false);
            if (std::ranges::any_of(known, [&](const auto *other) { return one.address.isSameServer(*other); }))
                continue;
            tell({FindingKind::OtherRedis, one.place.text(), one.address.url(), one.variable});
            known.push_back(&one.address);
        }
    }

    void takeResults(const Candidate &redis, Candidate &results)
    {
        settle(results, true);
        tell({FindingKind::Results, results.place.text(), results.address.url(), results.variable});
        const bool same = results.address.isSameServer(redis.address);
        if (same && results.address.endpoint.database == redis.address.endpoint.database)
            return;
        if (results.address.sentinel) // asked for there, they are where the broker is
            return;
        m_stack.results = results.address;
        const bool shared = same && results.address.endpoint.user == redis.address.endpoint.user &&
                            results.address.password == redis.address.password;
        m_stack.resultsPassword = shared ? m_stack.redisPassword : keep("-results", results);
    }

    void takeMaster(const Candidate &redis)
    {
        std::string &master = m_stack.redis->sentinel->master;
        if (master.empty() && m_stack.celery)
            master = m_stack.celery->master;
        if (master.empty()) {
            master = "mymaster"; // as Redis' own example has it
            tell({FindingKind::MasterGuessed, redis.place.text(), master});
        }
        tell({FindingKind::Sentinels, redis.place.text(), master});
    }

    /// Puts in its place how it is reached from outside of the compose network, once; `chosen`: says what there is to
    /// say.
    void settle(Candidate &candidate, bool chosen)
    {
        auto &endpoint = candidate.address.endpoint;
        if (chosen && candidate.address.unseen)
            tell({FindingKind::CertificateUnseen, candidate.place.text(), endpoint.host});
        if (chosen && !endpoint.trust.value.empty() && !m_evidence.folder.empty())
            endpoint.trust.value = (m_evidence.folder / endpoint.trust.value).lexically_normal().string();
        if (candidate.address.sentinel)
            for (auto &[host, port] : candidate.address.sentinel->names)
                settleHost(candidate, host, port, chosen);
        else if (endpoint.transport != Transport::Unix)
            settleHost(candidate, endpoint.host, endpoint.port, chosen);
    }

    void settleHost(Candidate &candidate, std::string &host, std::uint16_t &port, bool chosen)
    {
        if (isDockerHost(host))
            host = "127.0.0.1";
        const Outside outside = outsideOf(m_evidence.compose, host, port);
        if (!outside.service) {
            if (chosen)
                tellOfHost(candidate, host);
            return;
        }
        takePassword(candidate, *outside.service);
        const std::string inside = outside.service->name + ':' + std::to_string(port);
        switch (outside.way) {
        case Outside::Way::Published:
            if (chosen)
                tell({FindingKind::Published, outside.place.text(), visible(outside.service->name)});
            host = outside.host;
            port = outside.port;
            break;
        case Outside::Way::OnlyInside:
            if (chosen)
                tell({FindingKind::OnlyInside,
                      outside.place.text(),
                      visible(inside),
                      {},
                      publishingLines(*outside.service, port)});
            break;
        case Outside::Way::AnyPort:
            if (chosen)
                tell({FindingKind::AnyPort,
                      outside.place.text(),
                      visible(outside.service->name),
                      {},
                      "docker compose port " + visible(outside.service->name) + ' ' + std::to_string(port)});
            break;
        case Outside::Way::AsItIs:
            break;
        }
    }

    /// Of the server, where who connects to it says none.
    static void takePassword(Candidate &candidate, const ComposeService &service)
    {
        if (!candidate.address.password.empty() || !candidate.passwordFile.empty() || !isRedisImage(service.image))
            return;
        RedisService redis = readRedisService(service);
        if (redis.password.empty() && redis.passwordFile.empty())
            return;
        candidate.address.password = redis.password;
        candidate.passwordFile = redis.passwordFile;
        candidate.service = service.name;
    }

    void tellOfHost(const Candidate &candidate, const std::string &host)
    {
        if (candidate.variable.empty())
            return; // who types an address knows where it is
        const bool bare = host.find_first_of(".:") == host.npos;
        if (isThisMachine(host))
            tell({FindingKind::ThisMachine, candidate.place.text(), host, candidate.variable});
        else if (bare)
            tell({FindingKind::MaybeInside, candidate.place.text(), host, candidate.variable});
    }

    /// Where the file says that its password is.
    SecretPlace keep(const char *end, const Candidate &candidate)
    {
        const std::string name = m_stack.name + end;
        if (!candidate.address.password.empty())
            return keepSecret(name, candidate.address.password, candidate.place);
        if (!candidate.passwordFile.empty())
            return keepFile(name, candidate);
        if (candidate.address.endpoint.user.empty())
            return {};
        tell({FindingKind::PasswordNeeded, candidate.place.text(), name});
        return "keychain:" + name;
    }

    SecretPlace keepSecret(const std::string &name, const Secret &secret, const Place &place)
    {
        m_found.secrets.push_back({name, secret});
        tell({FindingKind::PasswordTaken, place.text(), name});
        return "keychain:" + name;
    }

    SecretPlace keepFile(const std::string &name, const Candidate &candidate)
    {
        const fs::path path = besideContainer(candidate);
        const std::string shown = quotable(path.empty() ? candidate.passwordFile : path.string(), 300);
        if (path.is_absolute() && m_evidence.readSecrets) {
            auto text = readFile(path, largestSecret);
            if (text && !withoutLineEnd(text->substr(0, text->find('\n'))).empty()) {
                const Secret secret(withoutLineEnd(std::string_view(*text).substr(0, text->find('\n'))));
                wipe(*text);
                return keepSecret(name, secret, candidate.place);
            }
        }
        if (path.is_absolute() && stack::readPath(path.string(), "/") && shown == path.string()) {
            tell({FindingKind::PasswordAtFile, candidate.place.text(), shown});
            return "file:" + path.string();
        }
        tell({FindingKind::SecretNotRead, candidate.place.text(), shown});
        tell({FindingKind::PasswordNeeded, candidate.place.text(), name});
        return "keychain:" + name;
    }

    /// The file of this machine that a container has under that name; of an `.env` the one beside it. Empty: not known.
    fs::path besideContainer(const Candidate &candidate) const
    {
        constexpr std::string_view mounted = "/run/secrets/";
        if (candidate.service.empty())
            return m_evidence.folder.empty() ? fs::path(candidate.passwordFile)
                                             : (m_evidence.folder / candidate.passwordFile).lexically_normal();
        if (!candidate.passwordFile.starts_with(mounted))
            return {};
        const std::string target = candidate.passwordFile.substr(mounted.size());
        std::string source = target;
        for (const auto &service : m_evidence.compose.services)
            for (const auto &[file, secret] : service.secrets)
                if (service.name == candidate.service && file == target)
                    source = secret;
        const auto found = std::ranges::find(m_evidence.compose.secrets, source, &ComposeSecret::name);
        return found == m_evidence.compose.secrets.end() ? fs::path() : found->file;
    }

    /// All variables there are, of services first.
    template <class Use> void eachVariable(Use use) const
    {
        for (const auto &service : m_evidence.compose.services)
            std::ranges::for_each(service.variables, use);
        std::ranges::for_each(m_evidence.variables, use);
    }

    void readProduction()
    {
        constexpr std::array<std::string_view, 9> names{"APP_ENV",   "FLASK_ENV",          "ENVIRONMENT",
                                                        "ENV",       "DJANGO_ENV",         "NODE_ENV",
                                                        "RAILS_ENV", "SENTRY_ENVIRONMENT", "DEPLOY_ENV"};
        eachVariable([&](const Variable &variable) {
            if (!variable.value)
                return;
            const auto value = variable.value->reveal();
            const bool settings = variable.name == "DJANGO_SETTINGS_MODULE" &&
                                  (value.ends_with(".production") || value.ends_with(".prod"));
            const bool named = std::ranges::find(names, std::string_view(variable.name)) != names.end() &&
                               (value == "production" || value == "prod");
            if ((settings || named) && !m_stack.production) {
                tell({FindingKind::Production, variable.place.text(), variable.name});
                m_stack.production = true;
            }
        });
    }

    void readDatabase()
    {
        eachVariable([&](const Variable &variable) {
            if (m_stack.databaseUrl.empty() && variable.value)
                takeDatabase(variable);
        });
    }

    void takeDatabase(const Variable &variable)
    {
        std::string url(trimmed(variable.value->reveal()));
        const auto end = url.find("://");
        const std::string scheme = url.substr(0, end == url.npos ? 0 : end);
        const bool postgres = scheme == "postgres" || scheme == "postgis" || scheme == "postgresql" ||
                              scheme.starts_with("postgresql+") || scheme.starts_with("postgres+");
        if (!postgres) {
            wipe(url);
            return;
        }
        url.replace(0, end, "postgresql");
        auto database = storage::DatabaseUrl::parse(url);
        wipe(url);
        if (!database) {
            m_found.mistakes.push_back(
                mistake(variable.place, "connect-address",
                        wrong(variable.name + ": " + database.error().message, database.error().hint)));
            return;
        }
        const Secret password(database->password);
        wipe(database->password);
        settleDatabase(*database, variable);
        std::string shown = "postgresql://" + (database->user.empty() ? "" : percentEncoded(database->user) + '@');
        const bool six = database->host.find(':') != std::string::npos;
        shown += (six ? '[' + database->host + ']' : database->host) + ':' + std::to_string(database->port) + '/' +
                 percentEncoded(database->name);
        if (!stack::readPostgresUrl(shown)) // a socket, or something that is not for one server
            return;
        m_stack.databaseUrl = shown;
        tell({FindingKind::Database, variable.place.text(), database->display(), variable.name});
        if (!password.empty())
            m_stack.databasePassword = keepSecret(m_stack.name + "-postgresql", password, variable.place);
    }

    void settleDatabase(storage::DatabaseUrl &database, const Variable &variable)
    {
        if (isDockerHost(database.host))
            database.host = "127.0.0.1";
        const Outside outside = outsideOf(m_evidence.compose, database.host, database.port);
        if (outside.service && outside.way == Outside::Way::Published) {
            tell({FindingKind::Published, outside.place.text(), visible(outside.service->name)});
            database.host = outside.host;
            database.port = outside.port;
        } else if (outside.service) {
            tell({FindingKind::OnlyInside, outside.place.text(),
                  visible(outside.service->name) + ':' + std::to_string(database.port), variable.name,
                  publishingLines(*outside.service, database.port)});
        }
    }

    /// Pages that the machine has: of exporters that are known, and what health checks ask.
    void readPages()
    {
        for (const auto &service : m_evidence.compose.services) {
            const bool exporter = service.image.find("nginx-prometheus-exporter") != std::string::npos;
            if (const auto *port = exporter ? service.published(9113) : nullptr; port && port->host)
                addMetrics(service, *port);
            if (!service.health.empty())
                addProbe(service);
        }
    }

    void addMetrics(const ComposeService &service, const PublishedPort &port)
    {
        const std::string url = "http://127.0.0.1:" + std::to_string(*port.host + (9113 - port.container)) + "/metrics";
        if (!m_stack.metrics.empty())
            return;
        m_stack.metrics.push_back({url, "nginx-exporter"});
        tell({FindingKind::Metrics, port.place.text(), url, visible(service.name)});
    }

    void addProbe(const ComposeService &service)
    {
        const auto url = net::parseHttpUrl(service.health);
        if (!url || !isThisMachine(url->origin.host) || m_stack.probes.size() == mostProbes)
            return;
        const Outside outside = outsideOf(m_evidence.compose, service.name, url->origin.port);
        if (outside.way != Outside::Way::Published)
            return;
        net::Origin origin = url->origin;
        origin.host = outside.host;
        origin.port = outside.port;
        const std::string probe = origin.display() + url->target;
        if (!stack::readHttpUrl(probe) || std::ranges::find(m_stack.probes, probe) != m_stack.probes.end())
            return;
        m_stack.probes.push_back(probe);
        tell({FindingKind::Probe, service.place.text(), probe, visible(service.name)});
    }

    void finish()
    {
        m_found.watchFile = watchText(m_stack);
        const auto reading = stack::parseWatchFile(m_found.watchFile, m_stack.name + ".toml", stack::ReadFor::Console);
        if (!reading.mistakes.empty()) { // what holds for one address by itself may not for all together
            for (const auto &one : reading.mistakes)
                m_found.mistakes.push_back(
                    mistake({one.source, one.line}, "connect-address", wrong(one.key + ": " + one.what, one.mend)));
            m_found.watchFile.clear();
            return;
        }
        EndSpec spec;
        spec.name = m_stack.name;
        spec.kind = EndKind::File;
        spec.production = m_stack.production;
        m_found.ends.push_back(std::move(spec));
    }

    StackEvidence m_evidence;
    Found &m_found;
    WatchedStack m_stack;
    std::vector<Candidate> m_candidates; ///< best first
};

} // namespace

void findStack(StackEvidence evidence, Found &found) { StackFinder(std::move(evidence), found).run(); }

} // namespace portolan::connect
