// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/credentials.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/settings.h"
#include "core/base/tier_file.h"
#include "core/base/units.h"
#include "core/commands/commands.h"
#include "core/commands/report.h"
#include "core/stack/watch_file.h"
#include "core/stack/watch_keys.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <vector>

/// `check-config --watch`: what a deployment's file says, means, and would have watched.
namespace portolan::commands {

namespace {

using namespace stack;

struct Row
{
    std::string key;
    std::string value;
    std::string origin;
    std::string meaning;
};

std::string placeOf(const WatchFile &file, unsigned line) { return visible(file.path) + ':' + std::to_string(line); }

std::string_view meaningOf(const GivenKey &given)
{
    for (const auto &known : watchKeys())
        if (known.key == given.known)
            return known.meaning;
    for (const auto &known : tierKeys())
        if (known.key == given.known)
            return known.description;
    return {};
}

bool hasPart(const WatchFile &file, std::string_view part)
{
    return (part == "redis" && file.redis) || (part == "celery" && file.celery) ||
           (part == "metrics" && file.metrics.size() == 1) || (part == "probe" && file.probes.size() == 1) ||
           (part == "portal" && file.portal);
}

/// What the file says, in its order, and then what holds without being said.
std::vector<Row> rowsOf(const WatchFile &file)
{
    std::vector<Row> rows;
    for (const auto &given : file.given)
        rows.push_back({given.key, given.text, placeOf(file, given.line), std::string(meaningOf(given))});
    for (const auto &known : watchKeys()) {
        const std::string part = known.key.substr(0, known.key.find('.'));
        const bool there = part == known.key || hasPart(file, part);
        const bool said = std::ranges::find(file.given, known.key, &GivenKey::key) != file.given.end();
        if (there && !said && !known.fallback.empty() && known.key.find('*') == std::string::npos)
            rows.push_back({known.key, std::string(known.fallback), "built-in", std::string(known.meaning)});
    }
    return rows;
}

void print(const std::vector<Row> &rows)
{
    std::size_t key = 0, value = 0, origin = 0;
    for (const auto &row : rows) {
        key = std::max(key, row.key.size());
        value = std::max(value, std::min<std::size_t>(row.value.size(), 48));
        origin = std::max(origin, row.origin.size());
    }
    const auto column = [](const std::string &text, std::size_t width) {
        return text + std::string(std::max(width, text.size()) - text.size() + 2, ' ');
    };
    for (const auto &row : rows)
        std::cout << column(row.key, key) << column(row.value, value) << column(row.origin, origin) << row.meaning
                  << '\n';
}

/// Every key there is, for who writes a file.
void printKeys()
{
    std::vector<Row> rows;
    for (const auto &known : watchKeys()) {
        const bool inner = std::ranges::count(known.key, '.') > 1; // of a table that may be left out
        const char *need = !known.required ? "" : inner ? "required there" : "required";
        rows.push_back({known.key, std::string(known.fallback), need, std::string(known.meaning)});
    }
    for (const auto &known : tierKeys())
        if (known.key.starts_with("zones.") || known.key.starts_with("budget.") || known.key.starts_with("families."))
            rows.push_back({known.key, "as the tier", "", known.description});
    print(rows);
}

std::string through(const Reach &reach)
{
    const std::string port = reach.port > 0 ? ':' + std::to_string(reach.port) : std::string();
    switch (reach.way) {
    case Way::Direct:
        break;
    case Way::Ssh:
        return ", through ssh to " + reach.host;
    case Way::Socks5:
        return ", through the SOCKS proxy " + reach.host + port;
    case Way::HttpProxy:
        return ", through the HTTP proxy " + reach.host + port;
    }
    return {};
}

std::string trusting(const TrustSpec &trust)
{
    if (trust.roots == Roots::File)
        return ", trusting the authority in " + visible(trust.value);
    return trust.roots == Roots::Pin ? ", trusting one certificate" : "";
}

std::string joined(const std::vector<std::string> &items)
{
    std::string text;
    for (const auto &item : items)
        text.append(text.empty() ? "" : ", ").append(visible(item));
    return text;
}

void printRedis(const RedisPart &redis)
{
    std::cout << "redis: ";
    if (redis.sentinel)
        std::cout << "the primary of " << visible(redis.sentinel->master) << ", which " << redis.sentinel->names.size()
                  << " sentinels are asked for";
    else
        std::cout << visible(redis.endpoint.display());
    std::cout << through(redis.through) << trusting(redis.trust) << "; sampled every second over "
              << (redis.connections == 1 ? "1 connection" : "at most 2 connections") << '\n';
}

void printCelery(const CeleryPart &celery)
{
    std::cout << "celery: "
              << (celery.queues.empty() ? "the queues of its bindings" : "queues " + joined(celery.queues))
              << "; results "
              << (celery.results ? "at " + visible(celery.results->endpoint.display()) : "at the broker") << "; "
              << (celery.control ? "asks workers by remote control" : "does not ask workers") << ", "
              << (celery.events ? "has them send events" : "takes events where they are sent anyway") << '\n';
}

/// What would be connected to, and how often.
void printWork(const WatchFile &file)
{
    if (file.redis)
        printRedis(*file.redis);
    if (file.celery)
        printCelery(*file.celery);
    for (const auto &part : file.metrics)
        std::cout << "metrics: " << maskAddress(part.url) << through(part.through) << trusting(part.trust) << "; "
                  << (part.server ? "a Prometheus server, asked" : "read") << " every " << formatDuration(part.every)
                  << ", map " << visible(part.map) << '\n';
    for (const auto &part : file.probes)
        std::cout << "probe: " << maskAddress(part.url) << through(part.through) << trusting(part.trust) << "; every "
                  << formatDuration(part.every) << ", a good answer is " << part.expect << " within "
                  << formatDuration(part.timeout) << '\n';
    if (file.portal)
        std::cout << "portal: " << maskAddress(file.portal->url) << through(file.portal->through)
                  << trusting(file.portal->trust) << "; of the console alone\n";
    if (file.readOnly)
        std::cout << "Nothing is written: read_only.\n";
}

/// What a console will say of it: not available.
void printMissing(const WatchFile &file)
{
    const auto say = [](bool there, const char *words) {
        if (!there)
            std::cout << words << '\n';
    };
    const bool portal = file.portal && !file.watchesAnything();
    say(portal || file.redis.has_value(), "Without [redis]: memory, connections and key families are not available.");
    say(portal || file.celery.has_value(), "Without [celery]: queues, workers and tasks are not available.");
    say(portal || !file.metrics.empty(),
        "Without [metrics]: request rate, response times and errors are not available.");
    say(portal || !file.probes.empty(), "Without [[probe]]: nothing tells whether the site answers.");
    for (const auto &later : file.later)
        std::cout << later.key << ": not watched by this version (" << placeOf(file, later.line) << ")\n";
}

/// As a shell would have it, so that one sees where an argument ends.
std::string quoted(const std::string &argument)
{
    const std::string text = visible(maskSecrets(argument));
    if (!text.empty() && text.find_first_of(" ,'\"") == text.npos)
        return text;
    return text.find('\'') == text.npos ? '\'' + text + '\'' : '"' + text + '"';
}

void printPrograms(const WatchFile &file)
{
    for (const auto &program : file.programs) {
        std::string text;
        for (const auto &argument : program.arguments)
            text.append(text.empty() ? "" : " ").append(quoted(argument));
        std::cout << program.key << ": runs " << maskSecrets(text) << " (" << placeOf(file, program.line) << ")\n";
    }
}

/// Of a part that this version does not act on, so that no secret of it is read.
bool isLater(std::string_view key)
{
    const auto part = key.substr(0, key.find_first_of(".["));
    return std::ranges::any_of(watchParts(), [&](const auto &known) { return known.later && known.name == part; });
}

/// Where secrets come from, and whether they could be read here. Answers why some could not.
std::vector<std::string> printSecrets(const WatchFile &file)
{
    std::vector<std::string> unreadable;
    const SecretSources sources{processEnvironment, {}};
    const auto say = [&](const std::string &key, unsigned line, const std::string &what, const Result<void> &fit) {
        std::cout << key << ": " << what << (fit ? ", there" : ", cannot be read here") << '\n';
        if (!fit)
            unreadable.push_back(placeOf(file, line) + ": " + key + ": " + inWords(fit.error()));
    };
    for (const auto &secret : file.secrets)
        if (isLater(secret.key))
            std::cout << secret.key << ": " << shown(secret.reference) << ", not read by this version\n";
        else
            say(secret.key, secret.line, shown(secret.reference), checkSecret(secret.reference, sources));
    for (const auto &named : file.files) {
        Result<void> fit{};
        if (::access(named.path.c_str(), R_OK) != 0)
            fit = failure(ErrorKind::NotFound, visible(named.path) + " cannot be read", "Put the file there");
        say(named.key, named.line, visible(named.path), fit);
    }
    return unreadable;
}

} // namespace

int checkWatchFile(const WatchCheckRequest &request)
{
    if (request.keys) {
        printKeys();
        return outputWritten();
    }
    const auto reading = readWatchFile(request.file, ReadFor::Daemon);
    for (const auto &mistake : reading.mistakes)
        std::cerr << mistake.text() << '\n';
    if (!reading.mistakes.empty())
        return 2;
    const WatchFile &file = reading.file;
    print(rowsOf(file));
    std::cout << '\n';
    printWork(file);
    printMissing(file);
    printPrograms(file);
    const auto unreadable = printSecrets(file);
    const int written = outputWritten();
    for (const auto &why : unreadable)
        std::cerr << why << '\n';
    return unreadable.empty() ? written : 1;
}

} // namespace portolan::commands
