// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/system_clock.h"
#include "core/embedded/embedded_stack.h"
#include "tests/gui/portal_under_test.h"

#include <sys/types.h>

#include <QDir>
#include <QTemporaryDir>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace portolan::ui {

/// The portal of this process, with a private redis-server and SQLite in a directory that goes with it, on a free port.
/// Throws std::runtime_error when it does not start, so a test without redis-server fails instead of being skipped.
class EmbeddedPortal final : public PortalUnderTest
{
public:
    /// `more`: settings of the process. `before`: is given the directory before the portal starts there.
    explicit EmbeddedPortal(std::vector<std::pair<std::string, std::string>> more = {},
                            const std::function<void(const QDir &directory)> &before = {});
    ~EmbeddedPortal() override;

    embedded::EmbeddedStack &stack() override { return m_stack; }
    const Clock &clock() const override { return m_clock; }
    void nextSample() override;
    std::vector<AuditEntry> audit() override;
    QString strangers() override;
    std::string otherDatabase() const override;

    /// The private redis-server that runs now; 0: none does.
    pid_t redis() const;
    QString file(const QString &name) const { return m_directory.filePath(name); }

private:
    SettingSources sources(std::vector<std::pair<std::string, std::string>> more) const;
    void seed();
    int connectToRedis() const;

    QTemporaryDir m_directory;
    SystemClock m_clock;
    embedded::EmbeddedStack m_stack;
    std::vector<int> m_strangers; ///< sockets
};

} // namespace portolan::ui
