// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/connect/compose_file.h"
#include "core/connect/redis_address.h"

#include <optional>
#include <string>
#include <string_view>

/// Which services of a compose file are Redis, how they are signed in to, and how they are reached from outside.
namespace portolan::connect {

/// redis, valkey, redis-stack, bitnami's of both, KeyDB, Dragonfly; not what only looks at one, such as redis_exporter.
bool isRedisImage(std::string_view image);

/// What the service says of itself.
struct RedisService
{
    std::uint16_t port = 6379;
    bool tls = false;
    Secret password;
    std::string passwordFile; ///< its password is the first line of that file, as the container has it
    Place place;              ///< of the password
};
RedisService readRedisService(const ComposeService &service);

/// How a host of a compose network is reached from the machine it is on.
struct Outside
{
    const ComposeService *service = nullptr; ///< null: the host is none of the network's
    enum class Way : std::uint8_t { AsItIs, Published, OnlyInside, AnyPort } way = Way::AsItIs;
    std::string host; ///< Published
    std::uint16_t port = 0;
    Place place;
};
Outside outsideOf(const ComposeReading &compose, std::string_view host, std::uint16_t port);

/// The lines that publish it, as the service's file wants them.
std::string publishingLines(const ComposeService &service, std::uint16_t port);

} // namespace portolan::connect
