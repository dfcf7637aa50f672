// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/system_clock.h"
#include "core/client/network.h"
#include "core/client/remote_deployment.h"
#include "core/embedded/embedded_stack.h"
#include "tests/fakes/add_token.h"
#include "tests/fakes/await.h"
#include "tests/fakes/permits.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QEventLoop>
#include <QProcess>
#include <QTemporaryDir>
#include <QTimer>
#include <memory>
#include <stdexcept>
#include <string>

namespace portolan {

/// `portoland serve` in a process of its own, on a data directory that was seeded before, watched from afar by an
/// administrator. Its users define PORTOLAND, the program.
class ServedPortal final
{
public:
    /// `options`: of the command line. `scheme`: as they have it served.
    explicit ServedPortal(QStringList options = {}, TrustSpec trust = {}, const std::string &scheme = "http")
        : m_options(std::move(options)), m_scheme(scheme)
    {
        const std::string password = seed();
        serve(0);
        client::RemoteDeployment::Spec spec;
        spec.address = address();
        spec.trust = std::move(trust);
        spec.token = Secret(signIn(spec.address.origin, spec.trust, password));
        m_deployment = std::make_unique<client::RemoteDeployment>(std::move(spec), m_network.parts());
    }
    ~ServedPortal() { end(); }

    client::RemoteDeployment &deployment() { return *m_deployment; }
    client::Network &network() { return m_network; }
    client::PortalAddress address() const { return client::parsePortalAddress(m_url).value(); }
    QString directory() const { return m_directory.path(); } ///< of its data
    qint64 pid() const { return m_portal.processId(); }      ///< that of the portal itself
    void bringUp()
    {
        m_deployment->attach();
        QEventLoop loop;
        QObject::connect(m_deployment.get(), &Deployment::changed, &loop, &QEventLoop::quit);
        QTimer::singleShot(30'000, &loop, [&loop] { loop.exit(1); });
        while (m_deployment->info().tier.empty())
            if (loop.exec() != 0)
                throw std::runtime_error("the portal did not say what it is");
    }
    void takeAway()
    {
        m_deployment->detach();
        m_portal.terminate();
    }
    /// Ends it, and waits until it has.
    void stop()
    {
        m_portal.terminate();
        if (!m_portal.waitForFinished(20'000))
            throw std::runtime_error("portoland did not end");
    }
    /// Once it was stopped: on the same port, with the same data.
    void serveAgain() { serve(address().origin.port); }

private:
    static constexpr const char *email = "contract@example.org";

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
        const auto made = await(stack.deployment().perform(CreateUser{email, Role::Admin}, permitted("for the test")));
        if (!made)
            throw std::runtime_error(made.error().message);
        if (const auto stopped = await(stack.perform(StopStack{}, permitted("for the test"))); !stopped)
            throw std::runtime_error(stopped.error().message);
        addToken(m_directory.path());
        return made->secret;
    }

    void serve(unsigned port)
    {
        m_portal.setStandardErrorFile(m_directory.filePath("portal.log"), QIODevice::Append);
        m_portal.start("setpriv", QStringList{"--pdeathsig", "KILL", PORTOLAND, "serve", "--data-dir",
                                              m_directory.path(), "--listen", "127.0.0.1:" + QString::number(port)} +
                                      m_options);
        QByteArray line;
        while (!line.contains('\n')) {
            if (!m_portal.waitForReadyRead(30'000))
                throw std::runtime_error("portoland did not come up");
            line += m_portal.readAllStandardOutput();
        }
        const auto begin = line.indexOf(QByteArray::fromStdString(m_scheme + "://"));
        m_url = line.mid(begin, line.indexOf(' ', begin) - begin).toStdString();
    }

    static awaitable<Result<net::HttpAnswer>> sendOnce(client::FarEnd::Parts parts, net::Origin origin, TrustSpec trust,
                                                       net::HttpRequest request)
    {
        auto tls = co_await parts.trust.client(parts.files, std::move(trust));
        if (!tls)
            co_return tls.error();
        net::HttpClient http(parts.executor, parts.dialer, std::move(*tls), std::move(origin));
        co_return co_await http.send(std::move(request));
    }

    std::string signIn(const net::Origin &origin, const TrustSpec &trust, const std::string &password)
    {
        net::HttpRequest request;
        request.verb = net::Verb::Post;
        request.target = "/auth/login";
        request.headers = {{"Content-Type", "application/json"}};
        const boost::json::object who{{"email", email}, {"password", password}};
        request.body = boost::json::serialize(who);
        request.deadline = std::chrono::seconds(30);
        const auto parts = m_network.parts();
        const auto answer =
            runSync<Result<net::HttpAnswer>>(parts.executor, [&] { return sendOnce(parts, origin, trust, request); });
        if (!answer || answer->status != 200)
            throw std::runtime_error("nobody is signed in: " + (answer ? answer->body : answer.error().message));
        return std::string(boost::json::parse(answer->body).at("access_token").as_string());
    }

    void end()
    {
        if (m_deployment)
            m_deployment->detach();
        m_portal.terminate();
        if (!m_portal.waitForFinished(20'000)) {
            m_portal.kill();
            m_portal.waitForFinished();
        }
    }

    const QStringList m_options;
    const std::string m_scheme;
    QTemporaryDir m_directory;
    SystemClock m_clock;
    QProcess m_portal;
    std::string m_url;
    client::Network m_network{m_clock};
    std::unique_ptr<client::RemoteDeployment> m_deployment;
};

} // namespace portolan
