// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/connect/redis_address.h"
#include "core/connect/redis_variables.h"

#include <optional>
#include <string>
#include <vector>

/// A deployment's file (core/stack/watch_file.h) of what was found.
namespace portolan::connect {

/// Where the text says that a secret is: "keychain:shop-redis", "file:/srv/shop/secrets/redis"; empty: there is none.
using SecretPlace = std::string;

struct WatchedStack
{
    std::string name;
    bool production = false;
    std::optional<RedisAddress> redis;
    SecretPlace redisPassword;
    std::optional<RedisAddress> results; ///< where they are not at the broker
    SecretPlace resultsPassword;
    std::optional<CeleryHints> celery;
    std::string databaseUrl; ///< without its password; empty: none
    SecretPlace databasePassword;
    struct Metrics
    {
        std::string url;
        std::string map; ///< a ready one
    };
    std::vector<Metrics> metrics;
    std::vector<std::string> probes;
};

/// TOML, whose texts are quoted whatever is in them.
std::string watchText(const WatchedStack &stack);

/// "shop" of "Shop & Söhne /": what may be a deployment's name and a part of a keychain's. "stack" where nothing is
/// left.
std::string deploymentName(std::string_view text);

} // namespace portolan::connect
