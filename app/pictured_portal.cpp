// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/pictured_portal.h"

#include <sys/prctl.h>

#include <QCoreApplication>
#include <QDir>
#include <csignal>

namespace portolan::app {
namespace {

constexpr int patience = 60'000; ///< ms; a demonstration makes its users first

QString program() { return QDir(QCoreApplication::applicationDirPath()).filePath("portoland"); }

Error notUp(const QString &why)
{
    return failure(ErrorKind::Unavailable, "The portal to take pictures of did not come up: " + why.toStdString(),
                   "The program portoland belongs beside portolan.");
}

} // namespace

Result<std::unique_ptr<PicturedPortal>> PicturedPortal::start(const QString &folder)
{
    auto portal = std::make_unique<PicturedPortal>();
    if (const auto served = portal->serve(folder); !served)
        return served.error();
    if (const auto made = portal->makeToken(folder); !made)
        return made.error();
    return portal;
}

PicturedPortal::~PicturedPortal()
{
    m_process.terminate();
    if (!m_process.waitForFinished(patience)) {
        m_process.kill();
        m_process.waitForFinished();
    }
}

Result<void> PicturedPortal::serve(const QString &folder)
{
    m_process.setChildProcessModifier([] { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }); // whatever becomes of this program
    m_process.setStandardErrorFile(QDir(folder).filePath("portal.log"));
    m_process.start(program(),
                    {"serve", "--demo", "--data-dir", QDir(folder).filePath("portal"), "--listen", "127.0.0.1:0"});
    QByteArray line;
    while (!line.contains('\n')) {
        if (!m_process.waitForReadyRead(patience))
            return notUp(m_process.errorString());
        line += m_process.readAllStandardOutput();
    }
    const auto begin = line.indexOf("http://");
    if (begin < 0)
        return notUp(QString::fromUtf8(line));
    m_url = line.mid(begin, line.indexOf(' ', begin) - begin).toStdString();
    return {};
}

Result<void> PicturedPortal::makeToken(const QString &folder)
{
    QProcess maker;
    maker.start(program(),
                {"token", "add", "pictures", "--role", "admin", "--data-dir", QDir(folder).filePath("portal")});
    if (!maker.waitForFinished(patience) || maker.exitCode() != 0)
        return notUp(QString::fromUtf8(maker.readAllStandardError()));
    m_token = Secret(maker.readAllStandardOutput().trimmed().toStdString());
    return {};
}

} // namespace portolan::app
