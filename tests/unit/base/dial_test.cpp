// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/byte_stream.h"
#include "core/base/dial.h"
#include "core/base/resolver.h"
#include "core/base/runtime.h"

#include <unistd.h>

#include <QTemporaryDir>
#include <QTest>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

/// A listener on a loopback address. `full`: its backlog is taken up, so that who connects is not answered.
class Listener final
{
public:
    explicit Listener(const char *address, std::uint16_t port = 0, bool full = false)
        : m_acceptor(m_context, asio::ip::tcp::v4())
    {
        m_acceptor.set_option(asio::socket_base::reuse_address(true));
        m_acceptor.bind({asio::ip::make_address(address), port});
        m_acceptor.listen(full ? 0 : 16);
        if (!full)
            return;
        // Linux takes one more than the backlog; further handshakes are dropped without a word.
        for (int i = 0; i < 3; ++i) {
            m_fill.emplace_back(m_context, asio::ip::tcp::v4());
            m_fill.back().native_non_blocking(true);
            const auto to = m_acceptor.local_endpoint();
            if (::connect(m_fill.back().native_handle(), to.data(), socklen_t(to.size())) != 0 && errno != EINPROGRESS)
                throw std::runtime_error("cannot fill the backlog");
        }
    }
    std::uint16_t port() const { return m_acceptor.local_endpoint().port(); }

private:
    asio::io_context m_context;
    asio::ip::tcp::acceptor m_acceptor;
    std::vector<asio::ip::tcp::socket> m_fill;
};

std::uint16_t freePort() { return Listener("127.0.0.1").port(); }

std::shared_ptr<Resolver> names(std::vector<const char *> addresses)
{
    Resolver::Options options;
    options.lookUp = [addresses](const std::string &) -> Result<Resolver::Addresses> {
        Resolver::Addresses all;
        for (const char *address : addresses)
            all.push_back(asio::ip::make_address(address));
        return all;
    };
    return std::make_shared<Resolver>(options);
}

} // namespace

class DialTest final : public QObject
{
    Q_OBJECT
private slots:
    void connectsToTheFirstThatAnswers_data();
    void connectsToTheFirstThatAnswers();
    void saysWhatStandsInTheWay_data();
    void saysWhatStandsInTheWay();
    void endsByTheDeadline();
    void connectsToAUnixSocket();
    void opensPlainStreams();
    void givesUpAMuteHandshake();

private:
    Result<std::string> dial(Dialer &dialer, const Target &target, std::chrono::milliseconds deadline = 10s)
    {
        return runSync<Result<std::string>>(m_runtime.at(0), [&]() -> awaitable<Result<std::string>> {
            const auto by = std::chrono::steady_clock::now() + deadline;
            auto socket = co_await dialer.dial(m_runtime.at(0), target, by);
            if (!socket)
                co_return socket.error();
            if (auto *tcp = std::get_if<TcpSocket>(&*socket))
                co_return tcp->remote_endpoint().address().to_string();
            co_return std::string("unix");
        });
    }

    Runtime m_runtime{1};
};

void DialTest::connectsToTheFirstThatAnswers_data()
{
    QTest::addColumn<QByteArray>("silent"); // an address that does not answer
    QTest::addColumn<QByteArray>("addresses");
    QTest::addColumn<QByteArray>("reached");
    QTest::newRow("one") << QByteArray() << QByteArray("127.0.0.1") << QByteArray("127.0.0.1");
    QTest::newRow("behind one that refuses")
        << QByteArray() << QByteArray("127.0.0.3 127.0.0.1") << QByteArray("127.0.0.1");
    QTest::newRow("behind two of another kind")
        << QByteArray() << QByteArray("::1 127.0.0.3 127.0.0.1") << QByteArray("127.0.0.1");
    QTest::newRow("behind one that is silent")
        << QByteArray("127.0.0.4") << QByteArray("127.0.0.4 127.0.0.1") << QByteArray("127.0.0.1");
}

void DialTest::connectsToTheFirstThatAnswers()
{
    QFETCH(QByteArray, silent);
    QFETCH(QByteArray, addresses);
    QFETCH(QByteArray, reached);
    const Listener good("127.0.0.1");
    std::optional<Listener> mute;
    if (!silent.isEmpty())
        mute.emplace(silent.constData(), good.port(), true);
    std::vector<const char *> list;
    const auto parts = addresses.split(' ');
    for (const auto &part : parts)
        list.push_back(part.constData());
    DirectDialer dialer(names(list), 20ms);
    const auto connected = dial(dialer, {"shop.example", good.port(), {}});
    QVERIFY2(connected.has_value(), connected ? "" : connected.error().message.c_str());
    QCOMPARE(*connected, reached.toStdString());
}

void DialTest::saysWhatStandsInTheWay_data()
{
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<QByteArray>("path");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("told"); // by the system
    QTest::newRow("nobody listens") << QByteArray("127.0.0.1") << QByteArray() << QByteArray("tcp-refused")
                                    << QByteArray("Connection refused");
    QTest::newRow("no host") << QByteArray() << QByteArray() << QByteArray("name-invalid") << QByteArray();
    QTest::newRow("no Unix socket") << QByteArray() << QByteArray("/nonexistent/s.sock") << QByteArray("tcp-missing")
                                    << QByteArray("No such file or directory");
    QTest::newRow("long path") << QByteArray() << QByteArray("/" + QByteArray(200, 'x')) << QByteArray("tcp-failed")
                               << QByteArray();
}

void DialTest::saysWhatStandsInTheWay()
{
    QFETCH(QByteArray, host);
    QFETCH(QByteArray, path);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, told);
    DirectDialer dialer(names({"127.0.0.1"}));
    const Target target{host.toStdString(), freePort(), path.toStdString()};
    const auto connected = dial(dialer, target);
    QVERIFY(connected.has_error());
    QCOMPARE(connected.error().code, code.toStdString());
    QVERIFY(!connected.error().hint.empty());
    QCOMPARE(connected.error().told, told.toStdString());
    if (code.startsWith("tcp"))
        QVERIFY2(connected.error().message.find(target.display()) != std::string::npos,
                 connected.error().message.c_str());
}

void DialTest::endsByTheDeadline()
{
    const Listener mute("127.0.0.4", 0, true);
    DirectDialer dialer(names({"127.0.0.4"}));
    const auto from = std::chrono::steady_clock::now();
    const auto connected = dial(dialer, {"shop.example", mute.port(), {}}, 100ms);
    QCOMPARE(connected.error().kind, ErrorKind::Timeout);
    QCOMPARE(connected.error().code, std::string("tcp-timeout"));
    QVERIFY(std::chrono::steady_clock::now() - from >= 100ms);
}

void DialTest::connectsToAUnixSocket()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("s.sock").toStdString();
    asio::io_context context;
    const asio::local::stream_protocol::acceptor acceptor(context, asio::local::stream_protocol::endpoint(path));
    DirectDialer dialer(names({}));
    QCOMPARE(dial(dialer, {"", 0, path}).value(), std::string("unix"));
}

void DialTest::opensPlainStreams()
{
    const Listener good("127.0.0.1");
    const std::shared_ptr<Dialer> dialer = std::make_shared<DirectDialer>(names({"127.0.0.1"}));
    runSync<int>(m_runtime.at(0), [&]() -> awaitable<int> {
        const auto by = std::chrono::steady_clock::now() + 10s;
        const Target target{"shop.example", good.port(), {}};
        const std::shared_ptr<TlsClient> plain;
        auto stream = co_await ByteStream::open(m_runtime.at(0), dialer, plain, target, by);
        if (!stream || (*stream)->secure() || !(*stream)->quiet() || (*stream)->certificate())
            throw std::runtime_error("no plain stream");
        (*stream)->close();
        (*stream)->close();
        co_return 0;
    });
}

void DialTest::givesUpAMuteHandshake()
{
    const Listener mute("127.0.0.1"); // takes the connection and says nothing
    const std::shared_ptr<Dialer> dialer = std::make_shared<DirectDialer>(names({"127.0.0.1"}));
    TlsClients clients;
    const auto tls = clients.client({}).value();
    const auto opened = runSync<Result<bool>>(m_runtime.at(0), [&]() -> awaitable<Result<bool>> {
        const auto by = std::chrono::steady_clock::now() + 100ms;
        const Target target{"shop.example", mute.port(), {}};
        auto stream = co_await ByteStream::open(m_runtime.at(0), dialer, tls, target, by);
        if (!stream)
            co_return stream.error();
        co_return true;
    });
    QVERIFY(opened.has_error());
    QCOMPARE(opened.error().kind, ErrorKind::Timeout);
    QCOMPARE(opened.error().code, std::string("tls-timeout"));
    QVERIFY(opened.error().message.find("shop.example:") != std::string::npos);
}

QTEST_GUILESS_MAIN(DialTest)
#include "dial_test.moc"
