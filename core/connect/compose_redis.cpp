// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/compose_redis.h"

#include "core/base/masking.h"
#include "core/base/url_text.h"

#include <algorithm>
#include <array>

namespace portolan::connect {

namespace {

constexpr std::string_view anyAddress4 = "0.0.0.0";

/// "registry:5000/bitnami/redis:7.2@sha256:…" → "redis".
std::string_view nameOfImage(std::string_view image)
{
    image = image.substr(0, image.find('@'));
    if (const auto slash = image.rfind('/'); slash != image.npos)
        image.remove_prefix(slash + 1);
    return image.substr(0, image.find(':'));
}

bool isBitnami(std::string_view image) { return image.find("bitnami") != image.npos; }

/// What a program that a shell starts sees: variables of the container put in.
Secret asShell(const Secret &word, const ComposeService &service)
{
    const auto find = [&](std::string_view name) -> const Secret * {
        const Variable *variable = findVariable(service.variables, name);
        return variable ? &*variable->value : nullptr;
    };
    std::size_t room = 64 * 1024;
    auto expanded = expand(word.reveal(), find, Dialect::EnvFile, room);
    return expanded ? std::move(expanded->text) : Secret();
}

/// Its command, with the line of a shell taken apart where it is one.
std::vector<Secret> programOf(const ComposeService &service)
{
    std::vector<Secret> words;
    for (const auto &word : service.command) {
        const std::string_view text = word.reveal();
        if (text.find("redis-server ") == text.npos && text.find("valkey-server ") == text.npos) {
            words.push_back(word);
            continue;
        }
        for (const auto &inner : wordsOf(text))
            words.push_back(asShell(inner, service));
    }
    return words;
}

void takeOptions(const std::vector<Secret> &words, RedisService &redis, const Place &place)
{
    for (std::size_t at = 0; at + 1 < words.size(); ++at) {
        const std::string_view option = words[at].reveal();
        if (option == "--requirepass") {
            redis.password = words[at + 1];
            redis.place = place;
        } else if (option == "--port") {
            redis.port = portNumber(words[at + 1].reveal()).value_or(redis.port);
        } else if (option == "--tls-port") {
            redis.port = portNumber(words[at + 1].reveal()).value_or(redis.port);
            redis.tls = true;
            return; // --port 0 beside it
        }
    }
}

} // namespace

bool isRedisImage(std::string_view image)
{
    constexpr std::array<std::string_view, 8> names{"redis", "valkey",    "redis-stack",   "redis-stack-server",
                                                    "keydb", "dragonfly", "valkey-bundle", "redis-alpine"};
    return std::ranges::find(names, nameOfImage(image)) != names.end();
}

RedisService readRedisService(const ComposeService &service)
{
    RedisService redis;
    const auto take = [&](const char *name, auto &&use) {
        if (const Variable *variable = findVariable(service.variables, name); variable && !variable->value->empty())
            use(*variable);
    };
    const auto password = [&](const Variable &variable) {
        redis.password = *variable.value;
        redis.place = variable.place;
    };
    const auto file = [&](const Variable &variable) { redis.passwordFile = std::string(variable.value->reveal()); };
    const auto port = [&](const Variable &variable) {
        redis.port = portNumber(variable.value->reveal()).value_or(redis.port);
    };
    if (isBitnami(service.image)) {
        for (const std::string prefix : {"REDIS", "VALKEY"}) {
            take((prefix + "_PASSWORD").c_str(), password);
            take((prefix + "_PASSWORD_FILE").c_str(), file);
            take((prefix + "_PORT_NUMBER").c_str(), port);
            take((prefix + "_TLS_ENABLED").c_str(),
                 [&](const Variable &variable) { redis.tls = variable.value->reveal() == "yes"; });
        }
    }
    take("REDIS_ARGS", [&](const Variable &variable) { // of redis-stack
        takeOptions(wordsOf(variable.value->reveal()), redis, variable.place);
    });
    takeOptions(programOf(service), redis, service.commandPlace);
    return redis;
}

Outside outsideOf(const ComposeReading &compose, std::string_view host, std::uint16_t port)
{
    Outside outside;
    for (const auto &service : compose.services)
        if (std::ranges::find(service.names, host) != service.names.end())
            outside.service = &service;
    if (!outside.service)
        return outside;
    outside.host = "127.0.0.1";
    outside.port = port;
    outside.place = outside.service->place;
    outside.way = Outside::Way::Published;
    if (outside.service->hostNetwork)
        return outside;
    const PublishedPort *published = outside.service->published(port);
    if (!published) {
        outside.way = Outside::Way::OnlyInside;
        return outside;
    }
    outside.place = published->place;
    if (!published->host) {
        outside.way = Outside::Way::AnyPort;
        return outside;
    }
    outside.port = std::uint16_t(*published->host + (port - published->container));
    const std::string &address = published->address;
    if (!address.empty() && address != anyAddress4 && address != "::" && address != "127.0.0.1")
        outside.host = address;
    return outside;
}

std::string publishingLines(const ComposeService &service, std::uint16_t port)
{
    const std::string number = std::to_string(port);
    return "  " + quotable(service.name) + ":\n    ports:\n      - \"127.0.0.1:" + number + ':' + number + '"';
}

} // namespace portolan::connect
