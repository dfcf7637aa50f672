// SPDX-License-Identifier: GPL-3.0-or-later
// A console and a portal of other versions: both work as far as they know each other.

#include "core/base/system_clock.h"
#include "core/client/network.h"
#include "core/client/remote_deployment.h"
#include "tests/fakes/await.h"
#include "tests/fakes/far_portal.h"
#include "tests/fakes/permits.h"

#include <boost/json/parse.hpp>

#include <QElapsedTimer>
#include <QTest>

using namespace portolan;
using namespace portolan::client;
using namespace std::chrono_literals;

namespace {

const std::string deploymentPath = "GET /api/admin/deployment";
const std::string noWorkers = R"({"items":[],"next_cursor":null})";

void replaceIn(std::string &text, const std::string &what, const std::string &with)
{
    const auto at = text.find(what);
    if (at == std::string::npos)
        throw std::runtime_error("there is no " + what);
    text.replace(at, what.size(), with);
}

/// As version 0.9 wrote it: before links and what is not told had their reasons apart, and before deployments had
/// several instances or were watched.
std::string olderSample()
{
    Snapshot snapshot = FarPortal::snapshot(3);
    snapshot.version = "0.9";
    snapshot.queue.waiting = 4;
    snapshot.links.resize(1);
    snapshot.links.front().name = "redis";
    snapshot.notTold.resize(1);
    auto json = boost::json::parse(writeJson(snapshot)).as_object();
    for (const char *later : {"instances", "sources", "probes", "db_pools"})
        json.erase(later);
    auto &link = json.at("links").at(0).as_object();
    for (const char *later : {"about", "told", "mend"})
        link.erase(later);
    link["detail"] = "It is away.";
    auto &notTold = json.at("not_told").at(0).as_object();
    for (const char *later : {"reason", "about", "told"})
        notTold.erase(later);
    notTold["why"] = "Nobody may ask.";
    json.at("http").as_object().erase("unknown");
    return jsonText(boost::json::value(std::move(json)));
}

} // namespace

class VersionsTest final : public QObject
{
    Q_OBJECT
private slots:
    void looksAtAnOlderOne();
    void looksAtANewerOne();
    void isNoneOfOurs();

private:
    void attach(FarPortal &portal, const std::string &sample)
    {
        RemoteDeployment::Spec spec;
        spec.address = parsePortalAddress("http://127.0.0.1:" + std::to_string(portal.port())).value();
        spec.token = Secret("pt_not-a-real-one");
        m_deployment = std::make_unique<RemoteDeployment>(spec, m_network.parts());
        m_deployment->attach();
        QElapsedTimer since;
        since.start();
        while (m_deployment->link() != LinkState::Live && !m_deployment->trouble() && since.elapsed() < 15'000) {
            portal.send(sample);
            QTest::qWait(20);
        }
    }

    SystemClock m_clock;
    Network m_network{m_clock};
    std::unique_ptr<RemoteDeployment> m_deployment;
};

/// Which has not heard of some questions and actions, nor of much that a sample has.
void VersionsTest::looksAtAnOlderOne()
{
    FarPortal portal;
    auto offer = FarPortal::offer();
    offer.version = "0.9";
    std::erase_if(offer.questions, [](const auto &one) {
        return one.path == routeOf(Tag<TokensQuestion>{}).path || one.path == routeOf(Tag<InstancesQuestion>{}).path;
    });
    std::erase_if(offer.actions, [](const auto &one) { return one.name == traitsOf(Action(RevokeToken{})).name; });
    portal.answer(deploymentPath, FarPortal::ok(writeAnswer(offer)));
    portal.answer("GET /api/admin/workers", FarPortal::ok(noWorkers));
    const std::string sample = olderSample();
    attach(portal, sample);
    QVERIFY2(m_deployment->link() == LinkState::Live,
             m_deployment->trouble() ? inWords(*m_deployment->trouble()).c_str() : "");
    QCOMPARE(m_deployment->info().version, std::string("0.9"));
    QCOMPARE(m_deployment->latest()->queue.waiting, decltype(Snapshot().queue.waiting)(4));
    QVERIFY(m_deployment->latest()->instances.empty());
    QCOMPARE(m_deployment->latest()->links.size(), std::size_t(1));
    QVERIFY(!m_deployment->latest()->links.front().up);
    QCOMPARE(m_deployment->latest()->links.front().name, std::string("redis"));
    QCOMPARE(m_deployment->latest()->notTold.size(), std::size_t(1));
    QVERIFY(await(m_deployment->ask(WorkersQuestion{})).has_value());
    for (const auto &error :
         {await(m_deployment->ask(TokensQuestion{})).error(), await(m_deployment->ask(InstancesQuestion{})).error(),
          await(m_deployment->preview(RevokeToken{"x"})).error(),
          await(m_deployment->perform(RevokeToken{"x"}, permitted("for the test"))).error()}) {
        QCOMPARE(error.kind, ErrorKind::Unsupported);
        QVERIFY2(inWords(error).find("(0.9) does not know this") != std::string::npos, inWords(error).c_str());
    }
    QVERIFY(m_deployment->capability(RevokeToken{"x"}).why == WhyNot::NotKnownThere);
    QVERIFY(m_deployment->capability(ResizeWorker{3, {}}).available());
    QCOMPARE(portal.asked("GET /api/admin/tokens") + portal.asked("GET /api/admin/instances"), 0);
    QCOMPARE(portal.asked("POST "), 0);
}

/// Which has questions, actions, members and words that nobody knows here.
void VersionsTest::looksAtANewerOne()
{
    FarPortal portal;
    std::string offer = writeAnswer(FarPortal::offer());
    replaceIn(offer, "\"questions\":[",
              R"("moons":[{"phase":"full"}],"questions":[{"path":"/api/admin/moons","role":"lunatic","capability":)"
              R"({"why":"no-moon"}},{"path":"/api/admin/tides","role":"operator","capability":{"why":"no"}},)");
    replaceIn(offer, "\"actions\":[",
              R"("actions":[{"name":"moon.turn","role":"operator","capability":{"why":"no-moon"},"members":["by"]},)");
    portal.answer(deploymentPath, FarPortal::ok(offer));
    portal.answer("GET /api/admin/workers", FarPortal::ok(R"({"items":[],"next_cursor":null,"moons":7})"));
    Snapshot known = FarPortal::snapshot(5);
    known.links.resize(1);
    known.readings.resize(1);
    std::string sample = writeJson(known);
    replaceIn(sample, "\"readings\":[",
              R"("moons":{"up":[1,2]},"readings":[{"resource":"moonlight","zone":"silver","value":3,"limit":4},)");
    attach(portal, sample);
    QVERIFY2(m_deployment->link() == LinkState::Live,
             m_deployment->trouble() ? inWords(*m_deployment->trouble()).c_str() : "");
    QCOMPARE(m_deployment->latest()->readings.size(), std::size_t(1)); // and not the one nobody can name
    QCOMPARE(m_deployment->latest()->links.size(), std::size_t(1));
    QVERIFY(await(m_deployment->ask(WorkersQuestion{})).has_value());
    QVERIFY(m_deployment->capability(ResizeWorker{3, {}}).available());
    QCOMPARE(m_deployment->info().role, Role::Admin);
}

/// Too far from ours to be of use: said, and tried again later.
void VersionsTest::isNoneOfOurs()
{
    FarPortal portal;
    portal.answer(deploymentPath, FarPortal::problem("404 Not Found", "not-found"));
    attach(portal, "{}");
    QVERIFY(m_deployment->trouble().has_value());
    QCOMPARE(m_deployment->linkReason(), LinkReason::OtherProtocol);

    FarPortal nonsense;
    attach(nonsense, R"({"readings":"many"})");
    QVERIFY(m_deployment->trouble().has_value());
    QCOMPARE(m_deployment->linkReason(), LinkReason::OtherProtocol);
    QCOMPARE(m_deployment->trouble()->code, std::string("portal-answer"));
}

QTEST_GUILESS_MAIN(VersionsTest)
#include "versions_test.moc"
