// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/system_clock.h"
#include "core/embedded/embedded_stack.h"
#include "tests/contract/deployment/http_deployment.h"
#include "tests/fakes/add_token.h"
#include "tests/fakes/await.h"
#include "tests/fakes/permits.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QProcess>
#include <QTemporaryDir>
#include <stdexcept>
#include <string>

namespace portolan {

/// `portoland serve` in a process of its own, on a data directory that was seeded before, asked over HTTP by an
/// administrator.
class ServedPortal final
{
public:
    ~ServedPortal() { end(); }

    HttpDeployment &deployment() { return m_deployment; }
    void bringUp()
    {
        const std::string password = seed();
        serve();
        m_deployment.attach(m_url, signIn(password));
        QEventLoop loop;
        QObject::connect(&m_deployment, &Deployment::changed, &loop, &QEventLoop::quit);
        QTimer::singleShot(30'000, &loop, [&loop] { loop.exit(1); });
        while (m_deployment.info().tier.empty())
            if (loop.exec() != 0)
                throw std::runtime_error("the portal did not say what it is");
    }
    void takeAway()
    {
        m_deployment.detach();
        m_portal.terminate();
    }

private:
    static constexpr const char *address = "contract@example.org";

    /// Made-up users, sessions and tasks, and an administrator, whose password is answered.
    std::string seed()
    {
        SettingSources told;
        told.commandLine = {{"data_dir", m_directory.path().toStdString()}, {"listen", "127.0.0.1:0"}};
        embedded::EmbeddedStack stack(told, m_clock);
        if (const auto started = await(stack.start(stack.settings())); !started)
            throw std::runtime_error(started.error().message);
        if (const auto seeded = await(stack.perform(SeedStack{.privileged = true}, permitted("for the test"))); !seeded)
            throw std::runtime_error(seeded.error().message);
        const auto made =
            await(stack.deployment().perform(CreateUser{address, Role::Admin}, permitted("for the test")));
        if (!made)
            throw std::runtime_error(made.error().message);
        if (const auto stopped = await(stack.perform(StopStack{}, permitted("for the test"))); !stopped)
            throw std::runtime_error(stopped.error().message);
        addToken(m_directory.path());
        return made->secret;
    }

    void serve()
    {
        m_portal.setStandardErrorFile(m_directory.filePath("portal.log"));
        m_portal.start("setpriv", {"--pdeathsig", "KILL", PORTOLAND, "serve", "--data-dir", m_directory.path(),
                                   "--listen", "127.0.0.1:0"});
        QByteArray line;
        while (!line.contains('\n')) {
            if (!m_portal.waitForReadyRead(30'000))
                throw std::runtime_error("portoland did not come up");
            line += m_portal.readAllStandardOutput();
        }
        const auto begin = line.indexOf("http://");
        m_url = line.mid(begin, line.indexOf(' ', begin) - begin).toStdString();
    }

    std::string signIn(const std::string &password)
    {
        QNetworkRequest request(QUrl(QString::fromStdString(m_url + "/auth/login")));
        request.setHeader(QNetworkRequest::ContentTypeHeader, "application/json");
        const boost::json::object who{{"email", address}, {"password", password}};
        QNetworkAccessManager network;
        auto *reply = network.post(request, QByteArray::fromStdString(boost::json::serialize(who)));
        QEventLoop loop;
        QObject::connect(reply, &QNetworkReply::finished, &loop, &QEventLoop::quit);
        QTimer::singleShot(30'000, &loop, &QEventLoop::quit);
        loop.exec();
        if (reply->error() != QNetworkReply::NoError)
            throw std::runtime_error("nobody is signed in: " + reply->errorString().toStdString());
        return std::string(boost::json::parse(reply->readAll().toStdString()).at("access_token").as_string());
    }

    void end()
    {
        m_deployment.detach();
        m_portal.terminate();
        if (!m_portal.waitForFinished(20'000)) {
            m_portal.kill();
            m_portal.waitForFinished();
        }
    }

    QTemporaryDir m_directory;
    SystemClock m_clock;
    QProcess m_portal;
    std::string m_url;
    HttpDeployment m_deployment;
};

} // namespace portolan
