// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/dial.h"
#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "tests/fakes/manual_clock.h"

#include <boost/asio/ip/address.hpp>

#include <QTest>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

using Addresses = Resolver::Addresses;

Addresses addresses(std::initializer_list<const char *> texts)
{
    Addresses all;
    for (const char *text : texts)
        all.push_back(asio::ip::make_address(text));
    return all;
}

/// A name server under the test's control: names that begin with "dead" hang until it goes, "unknown" is none, all else
/// is 127.0.0.2. Shared with the look-ups, which outlive the Resolver.
class NameServer final : public std::enable_shared_from_this<NameServer>
{
public:
    Resolver::LookUp lookUp()
    {
        return [self = shared_from_this()](const std::string &host) { return self->find(host); };
    }
    void release()
    {
        const std::lock_guard lock(m_mutex);
        m_released = true;
        m_wake.notify_all();
    }
    std::size_t asked(const std::string &host) const
    {
        const std::lock_guard lock(m_mutex);
        return std::size_t(std::ranges::count(m_asked, host));
    }
    std::size_t all() const
    {
        const std::lock_guard lock(m_mutex);
        return m_asked.size();
    }

private:
    Result<Addresses> find(const std::string &host)
    {
        std::unique_lock lock(m_mutex);
        m_asked.push_back(host);
        if (host.starts_with("dead"))
            m_wake.wait(lock, [this] { return m_released; });
        if (host == "unknown")
            return Error{ErrorKind::Unavailable, "name-unknown", "There is none.", "", {}, 0s};
        return addresses({"127.0.0.2"});
    }

    mutable std::mutex m_mutex;
    std::condition_variable m_wake;
    std::vector<std::string> m_asked;
    bool m_released = false;
};

SteadyTime in(std::chrono::milliseconds duration) { return std::chrono::steady_clock::now() + duration; }

} // namespace

class ResolverTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void cleanup() { m_server->release(); }

    void takesAddressesAsTheyAre_data();
    void takesAddressesAsTheyAre();
    void refusesWhatIsNoName_data();
    void refusesWhatIsNoName();
    void keepsWhatItHasFound();
    void looksUpANameOnceForAll();
    void isNotHeldUpByDeadNames();
    void answersByTheDeadline();
    void boundsWhatWaits();
    void goesWhileNamesAreLookedUp();
    void dropsWhoIsGone();
    void findsThisMachine();
    void saysThatANameIsUnknown();

private:
    Result<Addresses> resolve(Resolver &resolver, const std::string &host, std::chrono::milliseconds deadline = 10s)
    {
        return runSync<Result<Addresses>>(m_runtime->at(0), [&] { return resolver.resolve(host, in(deadline)); });
    }
    /// Begins to resolve, and forgets it but for the number of answers.
    void begin(Resolver &resolver, const std::string &host, std::chrono::milliseconds deadline = 60s)
    {
        spawn(m_runtime->at(0), [this, &resolver, host, deadline]() -> awaitable<void> {
            const auto answer = co_await resolver.resolve(host, in(deadline));
            ++(answer ? m_found : m_failed);
        });
    }

    std::shared_ptr<NameServer> m_server;
    std::unique_ptr<Runtime> m_runtime;
    ManualClock m_clock;
    std::atomic<int> m_found{0};
    std::atomic<int> m_failed{0};
};

void ResolverTest::init()
{
    m_server = std::make_shared<NameServer>();
    m_runtime = std::make_unique<Runtime>(1);
    m_found = m_failed = 0;
}

void ResolverTest::takesAddressesAsTheyAre_data()
{
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<QByteArray>("address");
    QTest::newRow("IPv4") << QByteArray("10.0.0.1") << QByteArray("10.0.0.1");
    QTest::newRow("IPv6") << QByteArray("::1") << QByteArray("::1");
    QTest::newRow("in brackets") << QByteArray("[::1]") << QByteArray("::1");
}

void ResolverTest::takesAddressesAsTheyAre()
{
    QFETCH(QByteArray, host);
    QFETCH(QByteArray, address);
    Resolver resolver({.lookUp = m_server->lookUp()});
    QVERIFY(resolve(resolver, host.toStdString(), 0ms).value() == addresses({address.constData()}));
    QCOMPARE(m_server->all(), std::size_t{0});
}

void ResolverTest::refusesWhatIsNoName_data()
{
    QTest::addColumn<QByteArray>("host");
    QTest::newRow("empty") << QByteArray();
    QTest::newRow("too long") << QByteArray(255, 'a');
    QTest::newRow("zero byte") << QByteArray("a\0b", 3);
}

void ResolverTest::refusesWhatIsNoName()
{
    QFETCH(QByteArray, host);
    Resolver resolver({.lookUp = m_server->lookUp()});
    QCOMPARE(resolve(resolver, host.toStdString()).error().code, std::string("name-invalid"));
    QCOMPARE(m_server->all(), std::size_t{0});
}

void ResolverTest::keepsWhatItHasFound()
{
    Resolver resolver({.lookUp = m_server->lookUp(), .clock = &m_clock});
    for (const auto &[host, kept] : {std::pair{"good", 30s}, std::pair{"unknown", 3s}}) {
        const bool found = resolve(resolver, host).has_value();
        QCOMPARE(found, std::string(host) == "good");
        m_clock.advance(kept - 1ms);
        QCOMPARE(resolve(resolver, host).has_value(), found);
        QCOMPARE(m_server->asked(host), std::size_t{1});
        m_clock.advance(1ms);
        QCOMPARE(resolve(resolver, host).has_value(), found);
        QCOMPARE(m_server->asked(host), std::size_t{2});
    }
}

void ResolverTest::looksUpANameOnceForAll()
{
    Resolver resolver({.lookUp = m_server->lookUp()});
    for (int i = 0; i < 50; ++i)
        begin(resolver, "dead");
    QTRY_COMPARE(m_server->asked("dead"), std::size_t{1});
    // Behind them on their thread: all have asked.
    runSync<int>(m_runtime->at(0), []() -> awaitable<int> { co_return 0; });
    m_server->release();
    QTRY_COMPARE(m_found.load(), 50);
    QCOMPARE(m_server->asked("dead"), std::size_t{1});
}

void ResolverTest::isNotHeldUpByDeadNames()
{
    Resolver resolver({.lookUp = m_server->lookUp()});
    for (int i = 0; i < 20; ++i)
        begin(resolver, "dead" + std::to_string(i));
    QTRY_COMPARE(m_server->all(), std::size_t{20});
    // The deadline is the claim: with them in its way it would not be met.
    QVERIFY(resolve(resolver, "good", 5s).has_value());
    QCOMPARE(m_found.load() + m_failed.load(), 0);
}

void ResolverTest::answersByTheDeadline()
{
    Resolver resolver({.lookUp = m_server->lookUp()});
    const auto late = resolve(resolver, "dead", 10ms);
    QCOMPARE(late.error().kind, ErrorKind::Timeout);
    QCOMPARE(late.error().code, std::string("name-timeout"));
    QVERIFY(late.error().message.find("dead") != std::string::npos);
    // What comes too late for one is there for the next, who need not ask again.
    begin(resolver, "dead");
    m_server->release();
    QTRY_COMPARE(m_found.load(), 1);
    QCOMPARE(m_server->asked("dead"), std::size_t{1});
    QVERIFY(resolve(resolver, "dead", 0ms).has_value());
}

void ResolverTest::boundsWhatWaits()
{
    Resolver resolver({.lookUp = m_server->lookUp(), .threads = 2, .waiting = 3});
    for (int i = 0; i < 5; ++i)
        begin(resolver, "dead" + std::to_string(i));
    QTRY_COMPARE(m_server->all(), std::size_t{2});
    runSync<int>(m_runtime->at(0), []() -> awaitable<int> { co_return 0; });
    QCOMPARE(resolve(resolver, "good").error().code, std::string("name-busy"));
    m_server->release();
    QTRY_COMPARE(m_found.load(), 5);
    QVERIFY(resolve(resolver, "good").has_value());
}

void ResolverTest::goesWhileNamesAreLookedUp()
{
    auto resolver = std::make_unique<Resolver>(Resolver::Options{.lookUp = m_server->lookUp()});
    begin(*resolver, "dead");
    QTRY_COMPARE(m_server->asked("dead"), std::size_t{1});
    resolver.reset(); // does not wait for it, and who waited is told
    QTRY_COMPARE(m_failed.load(), 1);
    m_runtime.reset();
    m_server->release(); // its thread finds nobody
}

void ResolverTest::dropsWhoIsGone()
{
    Resolver resolver({.lookUp = m_server->lookUp()});
    begin(resolver, "dead");
    QTRY_COMPARE(m_server->asked("dead"), std::size_t{1});
    m_runtime.reset(); // with the coroutine that waits
    m_server->release();
    m_runtime = std::make_unique<Runtime>(1);
    QVERIFY(resolve(resolver, "dead").has_value());
    QCOMPARE(m_found.load(), 0);
}

void ResolverTest::findsThisMachine()
{
    Resolver resolver;
    const auto found = resolve(resolver, "localhost");
    QVERIFY2(found.has_value(), found ? "" : found.error().message.c_str());
    QVERIFY(std::ranges::all_of(*found, [](const auto &address) { return address.is_loopback(); }));
}

/// A label has at most 63 bytes (RFC 1035, section 2.3.4), so that nobody on a network is asked for this one.
void ResolverTest::saysThatANameIsUnknown()
{
    Resolver resolver;
    const std::string label(64, 'a');
    const auto found = resolve(resolver, label, 30s);
    QVERIFY(found.has_error());
    QVERIFY2(found.error().code == "name-unknown" || found.error().code == "name-failed", found.error().code.c_str());
    QVERIFY(found.error().message.find("'" + label + "'") != std::string::npos);
    QVERIFY(!found.error().hint.empty());
}

QTEST_GUILESS_MAIN(ResolverTest)
#include "resolver_test.moc"
