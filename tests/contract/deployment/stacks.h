// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/system_clock.h"
#include "core/demo/demo_stack.h"
#include "core/embedded/embedded_stack.h"
#include "tests/fakes/audit_file.h"
#include "tests/fakes/await.h"

#include <QTcpServer>
#include <QTemporaryDir>
#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// Every implementation of LocalStack that the contract holds for; adding one is one entry in stacks().
namespace portolan {

/// A stack that does not run yet.
class StackUnderTest
{
public:
    virtual ~StackUnderTest() = default;
    virtual LocalStack &stack() = 0;
    /// What was done to the portal as a whole, oldest first, as its own audit log has it.
    std::vector<AuditEntry> audit()
    {
        auto all = log();
        std::erase_if(all, [](const AuditEntry &entry) { return !entry.action.starts_with("stack."); });
        return all;
    }
    /// Settings it cannot start with, though its database is there.
    virtual LocalStackSettings impossible() = 0;

private:
    virtual std::vector<AuditEntry> log() = 0;
};

/// The portal of this process, with a real redis-server and SQLite in a directory of its own.
class EmbeddedStackUnderTest final : public StackUnderTest
{
public:
    LocalStack &stack() override { return m_stack; }
    LocalStackSettings impossible() override
    {
        if (!m_squatter.isListening() && !m_squatter.listen(QHostAddress::LocalHost))
            throw std::runtime_error("no loopback port to be had");
        auto settings = m_stack.settings();
        settings.listen = "127.0.0.1:" + std::to_string(m_squatter.serverPort());
        return settings;
    }

private:
    std::vector<AuditEntry> log() override { return auditOf(m_directory.filePath("portal.db")); }
    SettingSources sources() const
    {
        SettingSources told;
        told.commandLine = {{"data_dir", m_directory.path().toStdString()}, {"listen", "127.0.0.1:0"}};
        return told;
    }
    QTemporaryDir m_directory;
    QTcpServer m_squatter;
    SystemClock m_clock;
    embedded::EmbeddedStack m_stack{sources(), m_clock};
};

/// A script: what the pages are tried on must behave as the real one does.
class ScriptedStackUnderTest final : public StackUnderTest
{
public:
    ScriptedStackUnderTest() { m_stack.switchOff(); }
    LocalStack &stack() override { return m_stack; }
    LocalStackSettings impossible() override
    {
        m_stack.failNext(failure(ErrorKind::Unavailable, "Port 8080 is in use.", "Choose another."));
        return m_stack.settings();
    }

private:
    std::vector<AuditEntry> log() override { return m_stack.deployment().audited(); }

    SystemClock m_clock;
    demo::DemoStack m_stack{{.users = 60}, m_clock};
};

struct StackKind
{
    const char *name;
    std::function<std::unique_ptr<StackUnderTest>()> make;
};

inline std::vector<StackKind> stacks()
{
    return {
        {"embedded", [] { return std::make_unique<EmbeddedStackUnderTest>(); }},
        {"scripted", [] { return std::make_unique<ScriptedStackUnderTest>(); }},
    };
}

} // namespace portolan
