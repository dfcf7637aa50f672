// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"

#include <QProcess>
#include <QString>
#include <memory>
#include <string>

namespace portolan::app {

/// A demonstration that the `portoland` beside this program serves, to take pictures of from elsewhere: on a free
/// loopback port, with data of its own in a folder that was just made. Ends with it. GUI thread; blocks while it
/// starts.
class PicturedPortal final
{
public:
    /// Unavailable: it did not come up, and why.
    static Result<std::unique_ptr<PicturedPortal>> start(const QString &folder);
    ~PicturedPortal();

    const std::string &url() const { return m_url; }
    const Secret &token() const { return m_token; } ///< of an administrator's rights

private:
    Result<void> serve(const QString &folder);
    Result<void> makeToken(const QString &folder);

    QProcess m_process;
    std::string m_url;
    Secret m_token;
};

} // namespace portolan::app
