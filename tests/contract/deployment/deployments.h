// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/base/system_clock.h"
#include "core/demo/demo_deployment.h"
#include "core/embedded/embedded_stack.h"
#include "tests/fakes/add_token.h"
#include "tests/fakes/await.h"
#include "tests/fakes/permits.h"
#include "tests/fakes/served_portal.h"

#include <QTemporaryDir>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// Every implementation of Deployment that the contract holds for; adding one is one entry in deployments().
namespace portolan {

/// A deployment that can be brought up and taken away.
class DeploymentUnderTest
{
public:
    virtual ~DeploymentUnderTest() = default;
    virtual Deployment &deployment() = 0;
    virtual void bringUp() = 0;  ///< with some users, sessions and ended tasks
    virtual void takeAway() = 0; ///< begins; calls under way are to be given up
};

/// The portal of this process, with a real redis-server and SQLite in a directory of its own.
class EmbeddedUnderTest final : public DeploymentUnderTest
{
public:
    Deployment &deployment() override { return m_stack.deployment(); }
    void bringUp() override
    {
        if (const auto started = await(m_stack.start(m_stack.settings())); !started)
            throw std::runtime_error(started.error().message);
        if (const auto seeded = await(m_stack.perform(SeedStack{.privileged = true}, permitted("for the test")));
            !seeded)
            throw std::runtime_error(seeded.error().message);
        addToken(m_directory.path());
    }
    void takeAway() override { (void)m_stack.perform(StopStack{}, permitted("for the test")); }

private:
    SettingSources sources() const
    {
        SettingSources told;
        told.commandLine = {{"data_dir", m_directory.path().toStdString()}, {"listen", "127.0.0.1:0"}};
        return told;
    }
    QTemporaryDir m_directory;
    SystemClock m_clock;
    embedded::EmbeddedStack m_stack{sources(), m_clock};
};

/// A script: what the pages are tried on must behave as the real one does.
class ScriptedUnderTest final : public DeploymentUnderTest
{
public:
    ScriptedUnderTest() { m_deployment.setOn(false); }
    Deployment &deployment() override { return m_deployment; }
    void bringUp() override
    {
        m_deployment.setOn(true);
        m_deployment.play();
    }
    void takeAway() override { m_deployment.setOn(false); }

private:
    SystemClock m_clock;
    demo::DemoDeployment m_deployment{{}, m_clock};
};

/// A portal of another process, over HTTP.
class HttpUnderTest final : public DeploymentUnderTest
{
public:
    Deployment &deployment() override { return m_portal.deployment(); }
    void bringUp() override { m_portal.bringUp(); }
    void takeAway() override { m_portal.takeAway(); }

private:
    ServedPortal m_portal;
};

struct DeploymentKind
{
    const char *name;
    std::function<std::unique_ptr<DeploymentUnderTest>()> make;
};

inline std::vector<DeploymentKind> deployments()
{
    return {
        {"embedded", [] { return std::make_unique<EmbeddedUnderTest>(); }},
        {"scripted", [] { return std::make_unique<ScriptedUnderTest>(); }},
        {"over HTTP", [] { return std::make_unique<HttpUnderTest>(); }},
    };
}

} // namespace portolan
