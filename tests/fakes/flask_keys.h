// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/redis_server_fixture.h"

#include <stdexcept>
#include <string>

namespace portolan {

/// As Flask-Session, Flask-Limiter and Celery leave it: sessions, limits, a queue with tasks that wait and that are
/// held, results.
inline void fillAsFlask(const RedisServerFixture &redis)
{
    const auto run = [&](const std::string &command) {
        if (const std::string answer = redis.command(command); answer.empty() || answer.front() == '-')
            throw std::runtime_error(command + ": " + answer);
    };
    for (int i = 0; i < 40; ++i)
        run("SET session:" + std::to_string(i) + " " + std::string(200, 'x'));
    for (int i = 0; i < 10; ++i)
        run("SET LIMITER/127.0.0.1/" + std::to_string(i) + " 1");
    for (int i = 0; i < 5; ++i)
        run("SET celery-task-meta-" + std::to_string(i) + " {}");
    run("SADD _kombu.binding.celery \"celery\\x06\\x16\\x06\\x16celery\"");
    for (int i = 0; i < 3; ++i)
        run("LPUSH celery \"{\\\"body\\\": \\\"W10=\\\", \\\"headers\\\": {\\\"task\\\": \\\"shop.mail\\\", "
            "\\\"id\\\": "
            "\\\"" +
            std::to_string(i) + "\\\"}, \\\"properties\\\": {}}\"");
    run("HSET unacked tag-1 x");
    run("ZADD unacked_index 1700000000 tag-1");
}

} // namespace portolan
