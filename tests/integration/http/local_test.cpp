// SPDX-License-Identifier: GPL-3.0-or-later
#include "http_harness.h"

#include <sys/stat.h>

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr const char *whoami = "GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Whether somebody answers at the socket.
bool answers(const std::string &path)
{
    try {
        return Client(path).ask(whoami).status == 200;
    } catch (const std::exception &) {
        return false;
    }
}

mode_t modeOf(const std::string &path)
{
    struct stat what
    {};
    return ::stat(path.c_str(), &what) == 0 ? what.st_mode & 07777 : 0;
}

} // namespace

/// The same server behind a Unix socket.
class LocalTest final : public QObject
{
    Q_OBJECT

private:
    std::string path() const { return m_folder.filePath("control.sock").toStdString(); }
    http::ServerOptions options() const
    {
        http::ServerOptions options;
        options.socket = path();
        return options;
    }
    QTemporaryDir m_folder;

private slots:
    void serves()
    {
        {
            TestServer server(options());
            server.start();
            QCOMPARE(modeOf(path()), mode_t(0600));
            Client client(path());
            QCOMPARE(client.ask(whoami).body, std::string("local plain"));
            const auto kept = client.ask(
                "POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user\r\nContent-Length: 3\r\n\r\nabc");
            QCOMPARE(kept.body, std::string("abc"));
            QVERIFY(!kept.header("x-request-id").empty());
            QCOMPARE(client.ask("GET /api/me HTTP/1.1\r\nHost: x\r\n\r\n").status, 401u);
            QCOMPARE(client.ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n").status,
                     431u);
            QVERIFY(client.closed());
        }
        QVERIFY(!QFile::exists(QString::fromStdString(path())));
    }

    /// Nobody is locked out by connections that only wait.
    void keepsToItsConnections()
    {
        auto few = options();
        few.maxConnections = few.maxConnectionsPerAddress = 4;
        TestServer server(few);
        server.start();
        std::vector<std::unique_ptr<Client>> waiting;
        for (int i = 0; i < 4; ++i)
            waiting.push_back(std::make_unique<Client>(path()));
        for (const auto &client : waiting)
            QCOMPARE(client->ask(whoami).status, 200u);
        Client another(path());
        QCOMPARE(another.ask(whoami).status, 200u);
        QVERIFY(waiting.front()->closed());
        QCOMPARE(waiting.back()->ask(whoami).status, 200u);
    }

    /// Whoever tidies up takes the file along.
    void makesItsFileAgain()
    {
        TestServer server(options());
        server.start();
        Client before(path());
        QVERIFY(QFile::remove(QString::fromStdString(path())));
        QTRY_VERIFY_WITH_TIMEOUT(answers(path()), 20'000);
        QCOMPARE(before.ask(whoami).status, 200u);
        QVERIFY(QFile::remove(QString::fromStdString(path())));
        QFile other(QString::fromStdString(path()));
        QVERIFY(other.open(QIODevice::WriteOnly));
        QTRY_VERIFY_WITH_TIMEOUT(answers(path()), 20'000);
        QCOMPARE(modeOf(path()), mode_t(0600));
    }

    void leavesAnothersFileAlone()
    {
        auto first = std::make_unique<TestServer>(options());
        first->start();
        QVERIFY(QFile::remove(QString::fromStdString(path())));
        TestServer second(options());
        second.start();
        first.reset();
        QVERIFY(answers(path()));
    }

    void saysWhyItCannotListen()
    {
        auto wrong = options();
        wrong.socket = path() + std::string(120, 'x');
        TestServer longer(wrong);
        QVERIFY_EXCEPTION_THROWN(longer.start(), std::runtime_error);
        wrong.socket = m_folder.filePath("nowhere/control.sock").toStdString();
        TestServer missing(wrong);
        QVERIFY_EXCEPTION_THROWN(missing.start(), std::runtime_error);
    }
};

QTEST_GUILESS_MAIN(LocalTest)
#include "local_test.moc"
