// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of a console's connection, its questions and its actions when the way to the portal breaks: against one
// that says, and does, what it is told to.

#include "core/base/system_clock.h"
#include "core/client/network.h"
#include "core/client/remote_deployment.h"
#include "core/net/coded.h"
#include "tests/fakes/await.h"
#include "tests/fakes/far_portal.h"
#include "tests/fakes/permits.h"
#include "tests/fakes/ways.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::client;
using namespace std::chrono_literals;

namespace {

const std::string workers = "GET /api/admin/workers";
const std::string resize = "POST /api/admin/actions/worker.resize";

RemoteDeployment::Spec specOf(std::uint16_t port)
{
    RemoteDeployment::Spec spec;
    spec.address = parsePortalAddress("http://127.0.0.1:" + std::to_string(port)).value();
    spec.token = Secret("pt_not-a-real-one");
    return spec;
}

/// The machine's clocks, of which the one that counts sleep can be set on.
class SleepyClocks
{
public:
    std::function<WakeWatch::Clocks()> read() const
    {
        return [slept = m_slept] {
            auto now = WakeWatch::machine();
            now.boot += std::chrono::seconds(*slept);
            return now;
        };
    }
    void sleep(std::chrono::seconds time) { *m_slept += time.count(); }

private:
    std::shared_ptr<std::atomic<std::int64_t>> m_slept = std::make_shared<std::atomic<std::int64_t>>(0);
};

} // namespace

class ReconnectTest final : public QObject
{
    Q_OBJECT
private slots:
    void asksAQuestionAgainOnce();
    void doesAnActionOnce();
    void givesUpWhatNothingComesThrough();
    void connectsAnewAfterSleep();
    void waitsNoLongerAfterSleep();
    void opensTheStreamThatIsLookedAt();
    void looksAtWhoKnowsNoWishes();
    void keepsWhatItLastKnew();
    void comesBackWithItsName();
    void waitsAsLongAsItIsTold();
    void goesWhileItIsDialed();

private:
    std::unique_ptr<RemoteDeployment> live(FarPortal &portal, const FarEnd::Parts &parts)
    {
        auto deployment = std::make_unique<RemoteDeployment>(specOf(portal.port()), parts);
        deployment->attach();
        sendUntilLive(portal, *deployment);
        return deployment;
    }
    void sendUntilLive(FarPortal &portal, const RemoteDeployment &deployment)
    {
        QElapsedTimer since;
        since.start();
        while (deployment.link() != LinkState::Live && since.elapsed() < 15'000) {
            portal.send(++m_sequence);
            QTest::qWait(20);
        }
        QCOMPARE(deployment.link(), LinkState::Live);
    }

    SystemClock m_clock;
    std::uint64_t m_sequence = 0;
};

void ReconnectTest::asksAQuestionAgainOnce()
{
    FarPortal portal;
    std::atomic<int> broken{1};
    portal.handle(workers, [&](const std::string &) {
        return broken-- > 0 ? std::string() : FarPortal::ok(R"({"items":[],"next_cursor":null})");
    });
    Network network{m_clock};
    const auto deployment = live(portal, network.parts());
    const auto answer = await(deployment->ask(WorkersQuestion{}));
    QVERIFY2(answer.has_value(), answer ? "" : inWords(answer.error()).c_str());
    QCOMPARE(portal.asked(workers), 2);

    broken = 1'000;
    const auto none = await(deployment->ask(WorkersQuestion{}));
    QVERIFY(none.has_error() && none.error().kind == ErrorKind::Unavailable);
    // Once again, each time on a connection of its own beside the one that had served before.
    QVERIFY2(portal.asked(workers) <= 2 + 4, std::to_string(portal.asked(workers)).c_str());
}

void ReconnectTest::doesAnActionOnce()
{
    FarPortal portal;
    portal.answer(resize, ""); // it hangs up, whatever it has done
    Network network{m_clock};
    const auto deployment = live(portal, network.parts());
    const auto done = await(deployment->perform(ResizeWorker{3, {}}, permitted("for the test")));
    QVERIFY(done.has_error());
    QCOMPARE(done.error().kind, ErrorKind::Timeout);
    QCOMPARE(done.error().code, std::string("http-unknown"));
    QVERIFY(inWords(done.error()).find("may have been done") != std::string::npos);
    QCOMPARE(portal.asked(resize), 1);
}

/// Half-open: what is sent arrives, and nothing comes back.
void ReconnectTest::givesUpWhatNothingComesThrough()
{
    FarPortal portal;
    std::mutex mutex;
    std::condition_variable changed;
    bool stuck = true;
    const auto whenFree = [&](const std::string &) {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, 30s, [&] { return !stuck; });
        return FarPortal::ok(R"({"items":[],"next_cursor":null})");
    };
    Network network{m_clock};
    const auto deployment = live(portal, network.parts());
    std::atomic<int> calls{0};
    portal.handle(workers, [&](const std::string &request) {
        return calls++ == 0 ? whenFree(request) : FarPortal::ok(R"({"items":[],"next_cursor":null})");
    });
    portal.handle(resize, whenFree);
    const auto asked = deployment->ask(WorkersQuestion{});
    const auto done = deployment->perform(ResizeWorker{3, {}}, permitted("for the test"));
    QTRY_COMPARE_WITH_TIMEOUT(portal.asked(resize), 1, 5'000);
    const int streams = portal.asked("GET /api/admin/stream");

    QTRY_COMPARE_WITH_TIMEOUT(deployment->link(), LinkState::Lost, 10'000);
    QCOMPARE(deployment->linkReason(), LinkReason::Silent);
    QTRY_VERIFY_WITH_TIMEOUT(portal.asked("GET /api/admin/stream") > streams, 15'000);
    sendUntilLive(portal, *deployment);
    const auto answer = await(asked);
    QVERIFY2(answer.has_value(), answer ? "" : inWords(answer.error()).c_str());
    const auto outcome = await(done);
    QVERIFY(outcome.has_error());
    QCOMPARE(outcome.error().code, std::string("http-unknown"));
    QVERIFY(inWords(outcome.error()).find("may have been done") != std::string::npos);
    QCOMPARE(portal.asked(resize), 1);
    QCOMPARE(portal.asked(workers), 2);
    {
        const std::lock_guard lock(mutex);
        stuck = false;
    }
    changed.notify_all();
}

/// Whose connection died meanwhile without a word.
void ReconnectTest::connectsAnewAfterSleep()
{
    FarPortal portal;
    Network network{m_clock};
    SleepyClocks clocks;
    auto parts = network.parts();
    parts.clocks = clocks.read();
    const auto deployment = live(portal, parts);
    const int before = portal.asked("GET /api/admin/stream");
    portal.send(++m_sequence); // six seconds until it would be given up
    clocks.sleep(3600s);
    QElapsedTimer since;
    since.start();
    QTRY_VERIFY_WITH_TIMEOUT(portal.asked("GET /api/admin/stream") > before, 5'000);
    qInfo("connected anew %lld ms after waking up", static_cast<long long>(since.elapsed()));
    sendUntilLive(portal, *deployment);
}

/// A certificate is looked at again in 30 s, but not by who has slept through them.
void ReconnectTest::waitsNoLongerAfterSleep()
{
    FarPortal portal;
    portal.answer("GET /api/admin/deployment", FarPortal::problem("403 Forbidden", "forbidden"));
    Network network{m_clock};
    SleepyClocks clocks;
    auto parts = network.parts();
    parts.clocks = clocks.read();
    RemoteDeployment deployment(specOf(portal.port()), parts);
    deployment.attach();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.linkReason(), LinkReason::RoleTooLow, 10'000);
    QCOMPARE(portal.asked("GET /api/admin/deployment"), 1);
    portal.answer("GET /api/admin/deployment", FarPortal::ok(writeAnswer(FarPortal::offer())));
    clocks.sleep(60s);
    QTRY_COMPARE_WITH_TIMEOUT(portal.streams(), 1, 5'000);
    sendUntilLive(portal, deployment);
}

void ReconnectTest::opensTheStreamThatIsLookedAt()
{
    FarPortal portal;
    Network network{m_clock};
    RemoteDeployment deployment(specOf(portal.port()), network.parts());
    deployment.look(Look::AtAGlance);
    deployment.attach();
    sendUntilLive(portal, deployment);
    QCOMPARE(portal.asked("GET /api/admin/stream?every=5s&only=time,sequence,tier,version,verdict,readings"), 1);
    QSignalSpy changes(&deployment, &Deployment::changed);
    deployment.look(Look::Closely);
    QTRY_COMPARE_WITH_TIMEOUT(portal.asked("GET /api/admin/stream"), 2, 5'000);
    QCOMPARE(portal.asked().back(), std::string("GET /api/admin/stream"));
    QTRY_COMPARE_WITH_TIMEOUT(portal.streams(), 1, 5'000);
    Snapshot whole = FarPortal::snapshot(++m_sequence);
    whole.instance = "far";
    portal.send(writeJson(whole));
    QTRY_COMPARE_WITH_TIMEOUT(deployment.latest()->instance, std::string("far"), 5'000);
    QVERIFY(changes.isEmpty() && !deployment.trouble()); // nothing was lost by it
}

/// An older one, which sends everything every second to whoever asks, or refuses the question.
void ReconnectTest::looksAtWhoKnowsNoWishes()
{
    FarPortal portal;
    portal.handle("GET /api/admin/stream", [](const std::string &request) {
        const bool wishes = request.find("?every") < request.find('\r');
        return wishes ? FarPortal::problem("400 Bad Request", "invalid") : std::string(FarPortal::streamed);
    });
    Network network{m_clock};
    RemoteDeployment deployment(specOf(portal.port()), network.parts());
    deployment.look(Look::AtAGlance);
    QSignalSpy samples(&deployment, &Deployment::sampled);
    deployment.attach();
    sendUntilLive(portal, deployment);
    const auto first = samples.size();
    Snapshot whole = FarPortal::snapshot(++m_sequence);
    whole.instance = "far";
    for (int i = 0; i < 50; ++i)
        portal.send(writeJson(whole));
    QTRY_COMPARE_WITH_TIMEOUT(portal.asked("GET /api/admin/stream"), 2, 5'000);
    QVERIFY(samples.size() <= first + 1); // every five seconds is all that is read
    QVERIFY(deployment.latest()->instance.empty());
}

void ReconnectTest::keepsWhatItLastKnew()
{
    FarPortal portal;
    Network network{m_clock};
    const auto deployment = live(portal, network.parts());
    const auto last = deployment->latest();
    portal.answer("GET /api/admin/deployment", ""); // it hangs up on whoever comes
    portal.cutStreams();
    QTRY_COMPARE_WITH_TIMEOUT(deployment->link(), LinkState::Lost, 5'000);
    QVERIFY(deployment->trouble().has_value());
    QCOMPARE(deployment->latest()->sequence, last->sequence);
    QVERIFY(await(deployment->ask(WorkersQuestion{}), 1s).error() == *deployment->trouble()); // at once
    const auto done = await(deployment->perform(ResizeWorker{3, {}}, permitted("for the test")), 1s);
    QVERIFY(done.has_error() && done.error().kind == ErrorKind::Unavailable);
    QCOMPARE(portal.asked(resize), 0);
    portal.answer("GET /api/admin/deployment", FarPortal::ok(writeAnswer(FarPortal::offer())));
    QElapsedTimer since;
    since.start();
    sendUntilLive(portal, *deployment);
    QVERIFY2(since.elapsed() <= 5'000, std::to_string(since.elapsed()).c_str());
}

void ReconnectTest::comesBackWithItsName()
{
    FarPortal portal;
    const auto known = std::make_shared<std::atomic<bool>>(false);
    Resolver::Options options;
    options.lookUp = [known](const std::string &host) -> Result<Resolver::Addresses> {
        if (*known && host == "portal.localhost")
            return Resolver::Addresses{asio::ip::address_v4::loopback()};
        return net::coded(ErrorKind::Unavailable, "name-unknown", "There is no such name.");
    };
    options.keepFailed = 1s;
    Network network{m_clock};
    auto parts = network.parts();
    parts.dialer = std::make_shared<DirectDialer>(std::make_shared<Resolver>(options));
    auto spec = specOf(portal.port());
    spec.address.origin.host = "portal.localhost";
    RemoteDeployment deployment(spec, parts);
    deployment.attach();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.linkReason(), LinkReason::NameUnknown, 5'000);
    *known = true;
    sendUntilLive(portal, deployment);
}

void ReconnectTest::waitsAsLongAsItIsTold()
{
    FarPortal portal;
    Network network{m_clock};
    const auto deployment = live(portal, network.parts());
    portal.closeStreams(1013); // RFC 6455's registry: try again later
    QTRY_VERIFY_WITH_TIMEOUT(deployment->trouble().has_value(), 5'000);
    QCOMPARE(deployment->trouble()->code, std::string("portal-busy"));
    QVERIFY(inWords(*deployment->trouble()).find("no more consoles") != std::string::npos);
    sendUntilLive(portal, *deployment);
    portal.closeStreams(4001);
    QTRY_COMPARE_WITH_TIMEOUT(deployment->linkReason(), LinkReason::NotSignedIn, 5'000);
    QVERIFY(inWords(*deployment->trouble()).find("revoked") != std::string::npos);
}

void ReconnectTest::goesWhileItIsDialed()
{
    FarPortal portal;
    const auto way = std::make_shared<HeldWay>();
    Network network{m_clock};
    auto parts = network.parts();
    parts.dialer = way;
    {
        RemoteDeployment deployment(specOf(portal.port()), parts);
        deployment.attach();
        QTRY_COMPARE_WITH_TIMEOUT(way->dialing(), 1, 5'000);
        const auto asked = deployment.ask(WorkersQuestion{});
        deployment.detach();
        QVERIFY(await(asked, 2s).error().kind == ErrorKind::Cancelled);
        deployment.attach();
        QTRY_VERIFY_WITH_TIMEOUT(way->dialing() >= 2, 5'000);
    }
    way->open(); // and nobody is there any more
    RemoteDeployment after(specOf(portal.port()), network.parts());
    after.attach();
    sendUntilLive(portal, after);
    QCOMPARE(portal.asked("GET /api/admin/deployment"), 1);
}

QTEST_GUILESS_MAIN(ReconnectTest)
#include "reconnect_test.moc"
