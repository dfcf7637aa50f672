// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/redis/endpoint.h"
#include "core/stack/watch_file.h"

#include <optional>
#include <string>
#include <string_view>

/// Where a Redis is, in all the ways that programs write it.
namespace portolan::connect {

struct RedisAddress
{
    redis::Endpoint endpoint; ///< without its password
    Secret password;
    std::optional<stack::SentinelPart> sentinel; ///< master is empty where the text does not say it
    bool unseen = false; ///< the program that it was written for does not check the server's certificate
    /// The same server; databases and users may differ.
    bool isSameServer(const RedisAddress &other) const;
    /// A URL with the user and without the password, as a deployment's file has it.
    std::string url() const;
};

/// Whether it begins as an address of Redis does, whatever follows.
bool looksLikeRedis(std::string_view text);

/// What core/redis/endpoint.h reads, of a list the first, with `rediscache://` and `hiredis://` of Django's. Parameters
/// for other programs are left out, and so are `ssl_cert_reqs=none` and its like, which are told as `unseen`. Also
/// `sentinel://h:26379;sentinel://h2` of Celery; `redis+sentinel://h:26379,h2/MASTER/db`;
/// `h:6380,password=…,ssl=True` of Azure. `password` where the text has none. Invalid
/// without a word of the text that may be a secret.
Result<RedisAddress> readRedisAddress(std::string_view text, const Secret &password = {});

/// The arguments of a `redis-cli` line: -u, -h, -p, -a, --pass, --user, -n, -s, --tls, --cacert, --cert, --key, --sni.
Result<RedisAddress> readRedisCli(std::string_view line);

/// `user` and `name` written so that a URL may hold it (RFC 3986, section 2.1).
std::string percentEncoded(std::string_view text);

} // namespace portolan::connect
