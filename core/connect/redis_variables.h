// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"
#include "core/connect/compose_file.h"
#include "core/connect/redis_address.h"
#include "core/connect/variables.h"

#include <optional>
#include <string>
#include <vector>

/// What variables say of Redis: as URLs (REDIS_URL, CELERY_BROKER_URL, CACHE_URL, whatever holds one) and in parts
/// (REDIS_HOST with REDIS_PORT, REDIS_PASSWORD, …, under any such prefix).
namespace portolan::connect {

enum class RedisUse : std::uint8_t { Broker, Results, Any };

/// A Redis that something names.
struct Candidate
{
    RedisUse use = RedisUse::Any;
    unsigned score = 0; ///< what is named for tasks comes before what is named for a cache
    RedisAddress address;
    std::string passwordFile; ///< its password is the first line of that file, where it is named so
    Place place;
    std::string variable; ///< empty: a service of a compose file
    std::string service;  ///< in whose environment it is; empty: in none
};

/// What is said of Celery beside addresses.
struct CeleryHints
{
    std::string about; ///< the variable or the service that tells of Celery; empty: nothing does
    Place place;
    std::string prefix, resultPrefix, separator, master;
    std::vector<std::uint32_t> steps;
    std::uint64_t visibilitySeconds = 0; ///< 0: not said
};

struct VariableReading
{
    std::vector<Candidate> candidates;
    std::vector<Finding> findings; ///< OtherBroker
    std::vector<Error> mistakes;   ///< Invalid `connect-address`
};

VariableReading readRedisVariables(const Variables &variables, const std::string &service = {});

/// CELERY_BROKER_TRANSPORT_OPTIONS and the like: JSON, as Celery's own variables and Django's settings have them.
void readCeleryHints(const Variables &variables, CeleryHints &hints);

/// Whether a variable is set: not empty, and not the "null" of Laravel or the "None" of Python.
bool isSaid(const Secret &value);

} // namespace portolan::connect
