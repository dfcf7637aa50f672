// SPDX-License-Identifier: GPL-3.0-or-later
// A console signs in to a real portal, by password and by token, and what ends that.

#include "tests/fakes/leaping_clock.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/served_portal.h"

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::client;
using namespace std::chrono_literals;

namespace {

/// A way to the portal on which somebody counts what is asked.
class Listening
{
public:
    explicit Listening(std::uint16_t port)
        : m_server([this, port](RawConnection &connection, int) {
              const int there = connectedTo(port);
              connection.relay(there, [this](bool back, std::string bytes) {
                  const std::lock_guard lock(m_mutex);
                  if (!back)
                      m_sent += bytes;
                  return bytes;
              });
              ::close(there);
          })
    {}

    std::uint16_t port() const { return m_server.port(); }
    int count(const std::string &request) const
    {
        const std::lock_guard lock(m_mutex);
        int found = 0;
        for (std::size_t at = 0; (at = m_sent.find(request + " HTTP/1.1\r\n", at)) != std::string::npos; ++at)
            ++found;
        return found;
    }

private:
    mutable std::mutex m_mutex;
    std::string m_sent;
    RawServer m_server;
};

const std::string login = "POST /auth/login";

} // namespace

class PortalSignInTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase()
    {
        m_portal = std::make_unique<ServedPortal>();
        m_portal->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(m_portal->deployment().link(), LinkState::Live, 10'000);
    }
    void cleanupTestCase() { m_portal.reset(); }

    void renewsAndSignsInAgain();
    void triesAWrongPasswordOnce();
    void saysThatATokenWasRevoked();

private:
    struct Made
    {
        std::string email;
        std::string password;
        Id id = 0;
    };
    Made makeOperator(const std::string &email)
    {
        auto &admin = m_portal->deployment();
        const auto made = await(admin.perform(CreateUser{email, Role::Operator}, permitted("for the test")));
        if (!made)
            throw std::runtime_error(made.error().message);
        UserQuery query;
        query.search = email;
        const auto users = await(admin.ask(UsersQuestion{query}));
        if (!users || users->items.size() != 1)
            throw std::runtime_error("the user is not there");
        return {email, made->secret, users->items.front().id};
    }
    static RemoteDeployment::Spec specOf(const Listening &way, const Made &who)
    {
        RemoteDeployment::Spec spec;
        spec.address = parsePortalAddress("http://127.0.0.1:" + std::to_string(way.port())).value();
        spec.email = who.email;
        spec.password = Secret(who.password);
        return spec;
    }

    std::unique_ptr<ServedPortal> m_portal;
};

void PortalSignInTest::renewsAndSignsInAgain()
{
    const Made who = makeOperator("renewed@example.org");
    const Listening way(m_portal->address().origin.port);
    LeapingClock clock;
    Network network{clock};
    RemoteDeployment deployment(specOf(way, who), network.parts());
    deployment.attach();
    QVERIFY(await(deployment.ask(WorkersQuestion{})).has_value()); // waits for it
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
    QCOMPARE(deployment.info().role, Role::Operator);
    QCOMPARE(way.count(login), 1);

    clock.leap(601s); // of the 900 s that a token lives
    QVERIFY(await(deployment.ask(WorkersQuestion{})).has_value());
    QCOMPARE(way.count("GET /auth/csrf"), 1);
    QCOMPARE(way.count("POST /auth/token"), 1);
    QCOMPARE(way.count(login), 1);

    auto &admin = m_portal->deployment();
    QVERIFY(await(admin.perform(SignOutUser{who.id}, permitted("for the test"))).has_value());
    QTRY_COMPARE_WITH_TIMEOUT(way.count(login), 2, 10'000);
    QTRY_COMPARE_WITH_TIMEOUT(way.count("GET /api/admin/stream"), 2, 30'000);
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
    const auto asked = await(deployment.ask(WorkersQuestion{}));
    QVERIFY2(asked.has_value(), asked ? "" : inWords(asked.error()).c_str());

    ChangeUser off;
    off.id = who.id;
    off.disabled = true;
    QVERIFY(await(admin.perform(off, permitted("for the test"))).has_value());
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Lost, 10'000);
    QTRY_VERIFY_WITH_TIMEOUT(deployment.trouble() && deployment.trouble()->code == "user-disabled", 60'000);
    QCOMPARE(way.count(login), 3);
}

void PortalSignInTest::triesAWrongPasswordOnce()
{
    Made who = makeOperator("mistaken@example.org");
    who.password += "?";
    const Listening way(m_portal->address().origin.port);
    SystemClock clock;
    Network network{clock};
    const auto slept = std::make_shared<std::atomic<int>>(0);
    auto parts = network.parts();
    parts.clocks = [slept] {
        auto now = WakeWatch::machine();
        now.boot += std::chrono::hours(*slept);
        return now;
    };
    RemoteDeployment deployment(specOf(way, who), parts);
    deployment.attach();
    QTRY_VERIFY_WITH_TIMEOUT(deployment.trouble().has_value(), 15'000);
    QCOMPARE(deployment.linkReason(), LinkReason::NotSignedIn);
    QCOMPARE(deployment.trouble()->code, std::string("portal-password"));
    const auto said = inWords(*deployment.trouble());
    QVERIFY2(said.find("not tried again") != std::string::npos && said.find(who.password) == std::string::npos,
             said.c_str());
    QCOMPARE(way.count(login), 1);
    for (int i = 0; i < 3; ++i) { // each time it wakes up everything else is tried at once
        ++*slept;
        QTest::qWait(1'200);
        QVERIFY(await(deployment.ask(WorkersQuestion{}), 1s).error() == *deployment.trouble());
    }
    QCOMPARE(way.count(login), 1);
}

void PortalSignInTest::saysThatATokenWasRevoked()
{
    SystemClock clock;
    Network network{clock};
    RemoteDeployment::Spec spec;
    spec.address = m_portal->address();
    spec.token = Secret(addToken(m_portal->directory(), "far-console"));
    RemoteDeployment deployment(spec, network.parts());
    deployment.attach();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
    QVERIFY(await(deployment.ask(WorkersQuestion{})).has_value());
    auto &admin = m_portal->deployment();
    QVERIFY(await(admin.perform(RevokeToken{"far-console"}, permitted("for the test"))).has_value());
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Lost, 15'000);
    QTRY_COMPARE_WITH_TIMEOUT(deployment.linkReason(), LinkReason::NotSignedIn, 15'000);
    const auto said = inWords(*deployment.trouble());
    QVERIFY2(said.find("revoked") != std::string::npos && said.find("portoland token add") != std::string::npos,
             said.c_str());
    QVERIFY(deployment.latest() != nullptr);
}

QTEST_GUILESS_MAIN(PortalSignInTest)
#include "sign_in_test.moc"
