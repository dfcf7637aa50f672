// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/system_clock.h"
#include "core/embedded/watched_deployment.h"
#include "core/stack/watch_file.h"
#include "tests/contract/deployment/deployments.h"
#include "tests/fakes/flask_keys.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTemporaryDir>
#include <stdexcept>
#include <string>

namespace portolan {

/// Somebody else's stack, watched in this process: a real redis-server with what a Flask application leaves there.
class WatchedUnderTest final : public DeploymentUnderTest
{
public:
    WatchedUnderTest() { fillAsFlask(m_redis); }
    Deployment &deployment() override { return m_deployment; }
    void bringUp() override { m_deployment.start(); }
    void takeAway() override { m_deployment.stop(); }

private:
    stack::WatchFile file() const
    {
        const std::string text = "name = \"shop\"\n[redis]\nurl = \"" + m_redis.url() + "\"\n";
        auto reading =
            stack::parseWatchFile(text, m_folder.filePath("shop.toml").toStdString(), stack::ReadFor::Console);
        if (!reading.mistakes.empty())
            throw std::runtime_error(stack::errorOf(reading.mistakes).message);
        return std::move(reading.file);
    }

    const RedisServerFixture m_redis;
    QTemporaryDir m_folder;
    SystemClock m_clock;
    embedded::Watching m_watching{m_clock};
    embedded::WatchedDeployment m_deployment{file(), m_watching, m_folder.filePath("data").toStdString()};
};

/// Also those that are no portal, and so lack what only portals have.
inline std::vector<DeploymentKind> everyDeployment()
{
    std::vector<DeploymentKind> all = deployments();
    all.push_back({"watched", [] { return std::make_unique<WatchedUnderTest>(); }});
    return all;
}

} // namespace portolan
