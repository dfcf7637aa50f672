// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"
#include "core/api/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// What did the operator paste? Reads what is given and the files that compose files name beside themselves; asks no
/// network and no environment of this process.
namespace portolan::connect {

struct LookOptions
{
    std::filesystem::path home; ///< what "~" stands for; empty: it is not understood
    bool readSecrets = false;   ///< read the files of secrets that a compose file names, which somebody has said yes to
};

/// `pasted` is one of
///   - the URL of a portal, or of a page of it; user and password in it are taken out,
///   - an address of Redis (redis_address.h), or a line of redis-cli, or host:6379,
///   - lines of an `.env`, a compose file, a deployment's file,
///   - the path of a file, or of the folder of a compose project.
/// `files` are such paths too, several of a project together: compose files are merged in their order, and with the
/// `docker-compose.override.yml` and the `.env` beside the first, as docker compose does by itself.
///
/// Of everything that names a Redis the one that fits best is watched (RedisUse, score); the others are told. A host
/// that is a service of the compose file is reached at the port of this machine that it is published on.
///
/// No text of the answer holds a secret. At most 1 MB each, 20 files; a file that `env_file` names is read only within
/// the folder of the compose file, as that may be somebody else's. Invalid `connect-nothing`: nothing in it is known
/// here; NotFound, TooLarge, Unavailable: of a file. Blocks.
Result<Found> look(std::string_view pasted, const std::vector<std::string> &files = {},
                   const LookOptions &options = {});

/// What a text is read as.
enum class PastedKind : std::uint8_t { Nothing, Portal, Redis, RedisCli, HostPort, Env, Compose, Deployment, Path };
PastedKind kindOfPasted(std::string_view text);

} // namespace portolan::connect
