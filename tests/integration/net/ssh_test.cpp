// SPDX-License-Identifier: GPL-3.0-or-later
// Tunnels through real sshds.

#include "core/net/proxy_dialer.h"
#include "core/redis/client.h"
#include "net_harness.h"
#include "ssh_harness.h"
#include "tests/fakes/redis_server_fixture.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

namespace {

bool isThere(pid_t process) { return process > 0 && ::kill(process, 0) == 0; }

/// A server on a Unix socket that says hello, for whoever may open it.
class UnixHello final
{
public:
    explicit UnixHello(const std::string &path) : m_socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        if (::bind(m_socket, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
            ::listen(m_socket, 8) != 0 || ::chmod(path.c_str(), 0777) != 0)
            throw std::runtime_error("no Unix socket at " + path);
        m_thread = std::thread([this] {
            for (int one = ::accept(m_socket, nullptr, nullptr); one >= 0; one = ::accept(m_socket, nullptr, nullptr)) {
                (void)!::write(one, "hello", 5);
                ::close(one);
            }
        });
    }
    ~UnixHello()
    {
        ::shutdown(m_socket, SHUT_RDWR);
        m_thread.join();
        ::close(m_socket);
    }
    UnixHello(const UnixHello &) = delete;
    UnixHello &operator=(const UnixHello &) = delete;

private:
    const int m_socket;
    std::thread m_thread;
};

} // namespace

class SshTest final : public QObject
{
    Q_OBJECT
private slots:
    void leadsToTheTarget();
    void leadsToRedis();
    void overrulesTheConfiguration();
    void keepsOursFromSsh();
    void tellsManyApart();
    void isSharedByHost();
    void keepsFewForwards();
    void takesUnusedForwardsBack();
    void comesBackWhenSshIsKilled();
    void comesBackWhenTheServerIs();
    void pausesBetweenStarts();
    void endsByTheDeadline();
    void endsAnSshThatHangs();
    void noticesASilentServer();
    void leavesNothingBehind();
    void isGivenUpWhileDialing();
};

void SshTest::leadsToTheTarget()
{
    SshNet net;
    const auto server = echoServer();
    const UnixHello hello(net.place.at("far.sock"));
    for (const std::string host : {"bastion", "inner"}) { // the second through the first
        net.open(host);
        QCOMPARE(net.tunnel->figures().starts, std::uint64_t{0}); // nothing before it is asked for
        const std::string text(100'000, 'x');
        const auto first = net.dial(server->port());
        QVERIFY2(first.ok(), inWords(first.error()).c_str());
        QVERIFY(first.echo(text) == text);
        const auto second = net.dial(server->port());
        QCOMPARE(second.echo("again"), std::string("again"));
        const auto name = net.dial(Target{"localhost", server->port(), {}});
        QCOMPARE(name.echo("by name"), std::string("by name"));
        const auto file = net.dial(Target{"shop.example", 0, net.place.at("far.sock")});
        QVERIFY2(file.ok(), inWords(file.error()).c_str());
        QCOMPARE(file.read(), std::string("hello"));
        QCOMPARE(file.read(), std::string());
        QCOMPARE(net.tunnel->figures().forwards, std::size_t{3});
        QCOMPARE(net.tunnel->figures().starts, std::uint64_t{1});
        QVERIFY(!net.tunnel->trouble());
        QCOMPARE(SshDialer(net.tunnel).display(), "through " + host);
    }
    QVERIFY(net.inner.log().find("Accepted publickey") != std::string::npos);
}

void SshTest::leadsToRedis()
{
    SshNet net;
    net.open();
    const RedisServerFixture server({}, RedisServerFixture::Listen::Tcp);
    redis::ClientOptions options;
    options.way = std::make_shared<SshDialer>(net.tunnel);
    redis::Client client(net.runtime.at(1), server.endpoint(), options);
    client.start();
    const auto ready = runSync<Result<void>>(net.runtime.at(1), [&] { return client.waitReady(20s); });
    QVERIFY2(ready.has_value(), ready ? "" : ready.error().message.c_str());
    const auto pong =
        runSync<Result<redis::Reply>>(net.runtime.at(1), [&] { return client.run(redis::Command("PING"), 20s); });
    QCOMPARE(pong.value().text, std::string("PONG"));
}

void SshTest::overrulesTheConfiguration()
{
    SshNet net;
    const auto server = echoServer();
    net.open();
    QVERIFY(net.dial(server->port()).ok());
    // Of the user's: LocalForward, ControlMaster.
    QVERIFY(!std::filesystem::exists(net.place.at("leaked")));
    QVERIFY(!std::filesystem::exists(net.place.at("theirs")));
    QCOMPARE(net.folders().size(), std::size_t{1});
    struct stat status
    {};
    QCOMPARE(::stat(net.folders().front().c_str(), &status), 0);
    QCOMPARE(unsigned(status.st_mode & 0777), 0700U);
    int sockets = 0;
    for (const auto &entry : std::filesystem::directory_iterator(net.folders().front())) {
        QCOMPARE(::lstat(entry.path().c_str(), &status), 0);
        QCOMPARE(unsigned(status.st_mode & 0077), 0U);
        sockets += S_ISSOCK(status.st_mode) ? 1 : 0;
    }
    QCOMPARE(sockets, 2); // control and one forward
}

void SshTest::keepsOursFromSsh()
{
    SshNet net;
    net.open("bastion");
    QVERIFY(net.dial(echoServer()->port()).ok() || true);
    const auto environment = unprivileged::read("/proc/" + std::to_string(net.tunnel->figures().process) + "/environ");
    QVERIFY(environment.find("PATH=") != std::string::npos);
    QVERIFY(environment.find("planted") == std::string::npos);
}

/// Many at once, of which each gets its own outcome.
void SshTest::tellsManyApart()
{
    SshNet net;
    net.open();
    const auto server = echoServer();
    const auto closed = SshdFixture::freePort();
    constexpr int each = 30;
    std::atomic<int> good{0};
    std::atomic<int> refused{0};
    std::atomic<int> missing{0};
    std::atomic<int> other{0};
    std::mutex mutex;
    std::vector<FileDescriptor> files;
    for (int i = 0; i < each; ++i)
        for (const Target &target : {Target{"127.0.0.1", server->port(), {}}, Target{"127.0.0.1", closed, {}},
                                     Target{{}, 0, "/nonexistent/s.sock"}})
            spawn(net.runtime.at(1), [&, target]() -> awaitable<void> {
                auto dialed = co_await net.dialing(net.tunnel, target, 20s);
                const auto about = dialed ? std::string() : dialed.error().about;
                const bool right = target.port == server->port() ? dialed.has_value() : about == target.display();
                if (dialed) {
                    const std::lock_guard lock(mutex);
                    files.push_back(std::move(*dialed));
                } else if (dialed.error().code != "tunnel-ssh-refused") {
                    ++other;
                }
                if (!right)
                    qWarning("%s: %s", target.display().c_str(), dialed ? "" : inWords(dialed.error()).c_str());
                auto &count = !right ? other : target.port == closed ? refused : target.port == 0 ? missing : good;
                ++count;
            });
    QTRY_COMPARE_WITH_TIMEOUT(good + refused + missing + other, 3 * each, 30'000);
    QCOMPARE(other.load(), 0);
    QCOMPARE(good.load(), each);
    QCOMPARE(net.tunnel->figures().starts, std::uint64_t{1});
    QCOMPARE(net.tunnel->figures().forwards, std::size_t{3});
}

void SshTest::isSharedByHost()
{
    SshNet net;
    SshTunnels tunnels(net.runtime.at(0), net.options());
    {
        const auto one = tunnels.to("inner").value();
        QCOMPARE(tunnels.to("inner").value(), one);
        QVERIFY(tunnels.to("bastion").value() != one);
        QCOMPARE(tunnels.through("inner").value()->display(), std::string("through inner"));
        QCOMPARE(dialerFor({Way::Ssh, "inner", 0}, nullptr, {}, &tunnels).value()->display(),
                 std::string("through inner"));
        QCOMPARE(tunnels.through("-oProxyCommand=x").error().code, std::string("tunnel-ssh-name"));
    }
    net.settle();
    QCOMPARE(tunnels.to("inner").value()->figures().starts, std::uint64_t{0}); // it went with who used it
    net.settle();
}

void SshTest::keepsFewForwards()
{
    SshNet net;
    auto options = net.options();
    options.forwards = 3;
    net.open("inner", options);
    std::vector<std::unique_ptr<RawServer>> servers;
    std::vector<Dialed> dialed;
    for (int i = 0; i < 6; ++i) {
        servers.push_back(echoServer());
        dialed.push_back(net.dial(servers.back()->port()));
        QVERIFY2(dialed.back().ok(), inWords(dialed.back().error()).c_str());
        QVERIFY(net.tunnel->figures().forwards <= 3);
    }
    // What goes through a forward that was taken back goes on.
    for (const auto &one : dialed)
        QCOMPARE(one.echo("still here"), std::string("still here"));
    const auto sockets = [&] {
        int count = 0;
        for (const auto &entry : std::filesystem::directory_iterator(net.folders().front()))
            count += entry.is_socket() ? 1 : 0;
        return count;
    };
    QTRY_COMPARE_WITH_TIMEOUT(sockets(), 4, 20'000); // three and that of control
    QCOMPARE(net.dial(servers.front()->port()).echo("again"), std::string("again"));
}

void SshTest::takesUnusedForwardsBack()
{
    SshNet net;
    auto options = net.options();
    options.unused = 200ms;
    net.open("inner", options);
    const auto server = echoServer();
    const auto first = net.dial(server->port());
    QVERIFY(first.ok());
    const auto sockets = [&] {
        int count = 0;
        for (const auto &entry : std::filesystem::directory_iterator(net.folders().front()))
            count += entry.is_socket() ? 1 : 0;
        return count;
    };
    QTRY_COMPARE_WITH_TIMEOUT(sockets(), 1, 20'000);
    QCOMPARE(first.echo("still here"), std::string("still here"));
    QCOMPARE(net.dial(server->port()).echo("again"), std::string("again"));
    QCOMPARE(net.tunnel->figures().starts, std::uint64_t{1});
}

void SshTest::comesBackWhenSshIsKilled()
{
    SshNet net;
    net.open();
    const auto server = echoServer();
    const auto first = net.dial(server->port());
    QVERIFY(first.ok());
    const pid_t ssh = net.tunnel->figures().process;
    const auto jump = SshdFixture::childrenOf(ssh);
    QVERIFY(!jump.empty()); // the ssh to the bastion
    const auto folder = net.folders().front();
    ::kill(ssh, SIGKILL);
    QCOMPARE(first.read(), std::string());
    QTRY_VERIFY_WITH_TIMEOUT(net.tunnel->trouble().has_value(), 20'000);
    QCOMPARE(net.tunnel->trouble()->code, std::string("tunnel-ssh-gone"));
    QTRY_VERIFY_WITH_TIMEOUT(net.dial(server->port()).ok(), 20'000);
    QCOMPARE(net.tunnel->figures().starts, std::uint64_t{2});
    QVERIFY(!net.tunnel->trouble());
    QCOMPARE(net.folders().size(), std::size_t{1});
    QVERIFY(net.folders().front() != folder);
    for (const pid_t process : jump)
        QVERIFY(!isThere(process) ||
                unprivileged::read("/proc/" + std::to_string(process) + "/stat").find(") Z") != std::string::npos);
}

void SshTest::comesBackWhenTheServerIs()
{
    SshNet net;
    net.open();
    const auto server = echoServer();
    const auto first = net.dial(server->port());
    QVERIFY(first.ok());
    net.inner.kill();
    QCOMPARE(first.read(), std::string());
    QTRY_VERIFY_WITH_TIMEOUT(net.tunnel->trouble().has_value(), 20'000);
    QCOMPARE(net.tunnel->trouble()->code, std::string("tunnel-ssh-gone"));
    QVERIFY(inWords(*net.tunnel->trouble()).find("inner") != std::string::npos);
    QTRY_COMPARE_WITH_TIMEOUT(net.dial(server->port()).code(), std::string("tunnel-ssh-unreachable"), 20'000);
    net.inner.start();
    QTRY_VERIFY_WITH_TIMEOUT(net.dial(server->port()).ok(), 20'000);
}

void SshTest::pausesBetweenStarts()
{
    SshNet net;
    auto options = net.options();
    options.firstPause = 60s;
    options.longestPause = 60s;
    net.open("inner", options);
    net.outer.kill();
    QCOMPARE(net.dial(1).code(), std::string("tunnel-ssh-unreachable"));
    QCOMPARE(net.dial(1).code(), std::string("tunnel-ssh-unreachable"));
    QVERIFY(net.dial(1).error().retryAfter > 50s);
    QCOMPARE(net.tunnel->figures().starts, std::uint64_t{1});
    net.outer.start();
    net.tunnel->retry();
    net.settle();
    const auto server = echoServer();
    const auto dialed = net.dial(server->port());
    QVERIFY2(dialed.ok(), inWords(dialed.error()).c_str());
}

void SshTest::endsByTheDeadline()
{
    SshNet net;
    net.open();
    // While it connects: a server that takes the connection and says nothing.
    net.inner.pause();
    const auto begun = std::chrono::steady_clock::now();
    const auto waiting = net.dial(1, 300ms);
    QCOMPARE(waiting.error().kind, ErrorKind::Timeout);
    QCOMPARE(waiting.code(), std::string("tunnel-ssh-unreachable"));
    QVERIFY(std::chrono::steady_clock::now() - begun < 10s);
    net.inner.resume();
    // What it has begun goes on.
    const auto server = echoServer();
    QVERIFY(net.dial(server->port()).ok());
    QCOMPARE(net.tunnel->figures().starts, std::uint64_t{1});
    // Once it stands.
    net.inner.pause();
    const auto late = net.dial(server->port(), 300ms);
    QCOMPARE(late.error().kind, ErrorKind::Timeout);
    QCOMPARE(late.code(), std::string("tunnel-ssh-unreachable"));
    net.inner.resume();
    // The one that was given up takes nothing from the next.
    QCOMPARE(net.dial(SshdFixture::freePort()).code(), std::string("tunnel-ssh-refused"));
    const auto next = net.dial(server->port());
    QCOMPARE(next.echo("in time"), std::string("in time"));
    // By the tunnel's own.
    auto options = net.options();
    options.firstDial = 300ms;
    net.inner.pause();
    net.open("inner", options);
    const auto own = net.dial(1);
    QCOMPARE(own.error().kind, ErrorKind::Timeout);
    QTRY_COMPARE_WITH_TIMEOUT(net.tunnel->figures().process, 0, 20'000);
    net.inner.resume();
}

void SshTest::endsAnSshThatHangs()
{
    SshNet net;
    net.open();
    const auto server = echoServer();
    QVERIFY(net.dial(server->port()).ok());
    const pid_t ssh = net.tunnel->figures().process;
    ::kill(ssh, SIGSTOP);
    QCOMPARE(net.dial(server->port(), 300ms).error().kind, ErrorKind::Timeout);
    QTRY_VERIFY_WITH_TIMEOUT(net.tunnel->trouble().has_value(), 30'000);
    QCOMPARE(net.tunnel->trouble()->code, std::string("tunnel-ssh-gone"));
    QVERIFY(!isThere(ssh));
    QTRY_VERIFY_WITH_TIMEOUT(net.dial(server->port()).ok(), 20'000);
}

void SshTest::noticesASilentServer()
{
    SshNet net;
    auto options = net.options();
    options.alive = 1s;
    net.open("inner", options);
    const auto server = echoServer();
    const auto dialed = net.dial(server->port());
    QVERIFY(dialed.ok());
    net.inner.pause();
    QCOMPARE(dialed.read(), std::string()); // without a dial
    QTRY_VERIFY_WITH_TIMEOUT(net.tunnel->trouble().has_value(), 30'000);
    QCOMPARE(net.tunnel->trouble()->code, std::string("tunnel-ssh-gone"));
    QVERIFY2(net.tunnel->trouble()->message.find("not responding") != std::string::npos,
             net.tunnel->trouble()->message.c_str());
    net.inner.resume();
    QTRY_VERIFY_WITH_TIMEOUT(net.dial(server->port()).ok(), 20'000);
}

void SshTest::leavesNothingBehind()
{
    SshNet net;
    const auto server = echoServer();
    net.open();
    QVERIFY(net.dial(server->port()).ok());
    const pid_t ssh = net.tunnel->figures().process;
    const auto jump = SshdFixture::childrenOf(ssh);
    net.close();
    QVERIFY(!isThere(ssh));
    QVERIFY(net.folders().empty());
    for (const pid_t process : jump)
        QTRY_VERIFY_WITH_TIMEOUT(!isThere(process) ||
                                     unprivileged::read("/proc/" + std::to_string(process) + "/stat").find(") Z") !=
                                         std::string::npos,
                                 20'000);
    auto missing = net.options();
    missing.program = "/nonexistent/ssh";
    net.open("inner", missing);
    const auto dialed = net.dial(1);
    QCOMPARE(dialed.code(), std::string("tunnel-ssh-missing"));
    QVERIFY(dialed.error().mend.find("openssh-client") != std::string::npos);
    QVERIFY(net.folders().empty());
}

void SshTest::isGivenUpWhileDialing()
{
    SshNet net;
    const auto server = echoServer();
    for (const auto after : {0ms, 20ms, 100ms, 300ms, 600ms}) { // in each of its steps
        net.open();
        std::atomic<bool> over{false};
        spawn(net.runtime.at(1), [&]() -> awaitable<void> {
            const Target target{"127.0.0.1", server->port(), {}};
            const auto dialed = co_await net.dialing(net.tunnel, target, 20s);
            over = dialed.has_value() || dialed.error().kind == ErrorKind::Cancelled;
        });
        QTest::qWait(int(after.count()));
        runSync<int>(net.runtime.at(1), []() -> awaitable<int> { co_return 0; }); // it has begun
        runSync<int>(net.runtime.at(0), [&]() -> awaitable<int> {
            net.tunnel.reset();
            co_return 0;
        });
        QTRY_VERIFY_WITH_TIMEOUT(over.load(), 10'000);
        QTRY_VERIFY_WITH_TIMEOUT(net.folders().empty(), 10'000);
    }
}

QTEST_GUILESS_MAIN(SshTest)
#include "ssh_test.moc"
