// SPDX-License-Identifier: GPL-3.0-or-later
// The nodes of a real Redis Cluster, watched.

#include "core/base/dial.h"
#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "core/redis/cluster_nodes.h"
#include "tests/fakes/redis_cluster_fixture.h"

#include <QTest>
#include <algorithm>
#include <set>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

class ClusterTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void refusesAClusterThatNobodyAskedFor();
    void knowsEachNode();
    void knowsAClusterWhereInfoIsRefused();
    void asksAnewAtAMoved();
    void goesOnWithoutItsContact();
    void asksAsRedisBeforeSevenDoes();
    void saysWhatIsRefused();
    void endsWhileItAsks();

private:
    ClientOptions options() const
    {
        ClientOptions options;
        options.name = std::string(watchCommandsName);
        options.allowCluster = true;
        options.way = std::make_shared<DirectDialer>(std::make_shared<Resolver>());
        return options;
    }
    Result<void> ready(Client &client)
    {
        return runSync<Result<void>>(m_runtime.at(0), [&] { return client.waitReady(10s); });
    }
    Result<Reply> run(Client &client, Command command)
    {
        return runSync<Result<Reply>>(m_runtime.at(0), [&] { return client.run(std::move(command)); });
    }
    /// Of our name, at one node.
    static int connections(const RedisServerFixture &node)
    {
        const std::string list = node.command("CLIENT LIST");
        int count = 0;
        for (auto at = list.find(" name=portolan-watch "); at != std::string::npos;
             at = list.find(" name=portolan-watch ", at + 1))
            ++count;
        return count;
    }
    std::set<std::string> ids() const
    {
        std::set<std::string> ids;
        for (std::size_t i = 0; i < m_cluster->size(); ++i)
            ids.insert(RedisClusterFixture::idOf(m_cluster->node(i)));
        return ids;
    }

    Runtime m_runtime{1};
    std::unique_ptr<RedisClusterFixture> m_cluster;
};

void ClusterTest::init() { m_cluster = std::make_unique<RedisClusterFixture>(); }

void ClusterTest::refusesAClusterThatNobodyAskedFor()
{
    for (const bool allowed : {false, true}) {
        ClientOptions wanted = options();
        wanted.allowCluster = allowed;
        Client client(m_runtime.at(0), m_cluster->node(0).endpoint(), wanted);
        client.start();
        const auto connected = ready(client);
        QCOMPARE(connected.has_value(), allowed);
        QCOMPARE(client.isCluster(), allowed);
        if (!allowed)
            QCOMPARE(connected.error().code, std::string("redis-cluster"));
        client.stop();
    }
    const RedisServerFixture single({}, RedisServerFixture::Listen::Tcp);
    Client client(m_runtime.at(0), single.endpoint(), options());
    client.start();
    QVERIFY(ready(client).has_value());
    QVERIFY(!client.isCluster());
    client.stop();
}

void ClusterTest::knowsEachNode()
{
    const Endpoint endpoint = m_cluster->node(1).endpoint();
    Client contact(m_runtime.at(0), endpoint, options());
    contact.start();
    QVERIFY(ready(contact).has_value());
    ClusterNodes nodes(m_runtime.at(0), contact, endpoint, options());
    QVERIFY(nodes.nodes().empty());
    QVERIFY(!nodes.toldAt());
    nodes.start();
    QTRY_COMPARE(nodes.nodes().size(), std::size_t{3});
    QVERIFY(nodes.toldAt().has_value());
    QVERIFY(!nodes.problem());
    const auto members = nodes.primaries();
    QCOMPARE(members.size(), std::size_t{3});
    std::set<std::string> seen;
    std::uint32_t sum = 0;
    for (const auto &member : members) {
        QCOMPARE(member.node.role, NodeRole::Primary);
        QCOMPARE(member.node.health, NodeHealth::Online);
        QTRY_COMPARE(member.client->state(), Client::State::Ready);
        // Each client is at the node that it is told to be of.
        QCOMPARE(run(*member.client, Command("CLUSTER", "MYID")).value().text, member.node.id);
        seen.insert(member.node.id);
        sum += member.node.slotCount;
        if (member.node.endpoint.port == endpoint.port)
            QCOMPARE(member.client.get(), &contact);
    }
    QCOMPARE(seen, ids());
    QCOMPARE(sum, 16384u);
    for (std::size_t i = 0; i < 3; ++i)
        QCOMPARE(connections(m_cluster->node(i)), 1);
    nodes.stop();
    for (std::size_t i = 0; i < 3; ++i)
        QTRY_COMPARE(connections(m_cluster->node(i)), i == 1 ? 1 : 0);
    QCOMPARE(contact.state(), Client::State::Ready);
    contact.stop();
}

void ClusterTest::knowsAClusterWhereInfoIsRefused()
{
    QCOMPARE(m_cluster->node(0).command("ACL SETUSER watch on >secret ~* &* +@all -@dangerous"),
             std::string("+OK\r\n"));
    Endpoint endpoint = m_cluster->node(0).endpoint();
    endpoint.user = "watch";
    endpoint.password = "secret";
    Client contact(m_runtime.at(0), endpoint, options());
    contact.start();
    QVERIFY(ready(contact).has_value());
    QVERIFY(contact.isCluster());
    contact.stop();
}

void ClusterTest::asksAnewAtAMoved()
{
    const Endpoint endpoint = m_cluster->node(0).endpoint();
    Client contact(m_runtime.at(0), endpoint, options());
    contact.start();
    QVERIFY(ready(contact).has_value());
    ClusterNodes::Timing timing;
    timing.every = 24h;
    timing.look = 20ms;
    ClusterNodes nodes(m_runtime.at(0), contact, endpoint, options(), timing);
    nodes.start();
    QTRY_COMPARE(nodes.nodes().size(), std::size_t{3});
    m_cluster->add();
    QTest::qWait(300); // some looks, at which nothing is asked
    QCOMPARE(nodes.nodes().size(), std::size_t{3});
    for (int i = 0; contact.counters().moved == 0 && i < 1000; ++i)
        if (const auto got = run(contact, Command("GET", "k" + std::to_string(i))); !got)
            QCOMPARE(got.error().code, std::string("redis-cluster"));
    QVERIFY(contact.counters().moved > 0);
    QTRY_COMPARE(nodes.nodes().size(), std::size_t{4});
    QCOMPARE(nodes.primaries().size(), std::size_t{4});
    contact.stop();
}

void ClusterTest::goesOnWithoutItsContact()
{
    const Endpoint endpoint = m_cluster->node(0).endpoint();
    Client contact(m_runtime.at(0), endpoint, options());
    contact.start();
    QVERIFY(ready(contact).has_value());
    ClusterNodes::Timing timing;
    timing.every = 200ms;
    timing.look = 50ms;
    ClusterNodes nodes(m_runtime.at(0), contact, endpoint, options(), timing);
    nodes.start();
    QTRY_COMPARE(nodes.primaries().size(), std::size_t{3});
    const std::string id = RedisClusterFixture::idOf(m_cluster->node(0));
    m_cluster->node(0).kill();
    const auto healthOf = [&](const std::string &which) {
        for (const auto &node : nodes.nodes())
            if (node.id == which)
                return node.health;
        return NodeHealth::Unknown;
    };
    QTRY_COMPARE_WITH_TIMEOUT(healthOf(id), NodeHealth::Failed, 20'000);
    QVERIFY(!nodes.problem());
    QCOMPARE(nodes.primaries().size(), std::size_t{3}); // its slots are nobody else's
    // And when nobody is left it says so, and keeps what it knew.
    m_cluster->node(1).kill();
    m_cluster->node(2).kill();
    QTRY_VERIFY_WITH_TIMEOUT(nodes.problem().has_value(), 10'000);
    QCOMPARE(nodes.problem()->code, std::string("redis-away"));
    QCOMPARE(nodes.nodes().size(), std::size_t{3});
    nodes.stop();
    contact.stop();
}

void ClusterTest::asksAsRedisBeforeSevenDoes()
{
    m_cluster->node(0).command("ACL SETUSER default -cluster|shards");
    const Endpoint endpoint = m_cluster->node(0).endpoint();
    Client contact(m_runtime.at(0), endpoint, options());
    contact.start();
    QVERIFY(ready(contact).has_value());
    ClusterNodes nodes(m_runtime.at(0), contact, endpoint, options());
    nodes.start();
    QTRY_COMPARE(nodes.primaries().size(), std::size_t{3});
    for (const auto &node : nodes.nodes())
        QCOMPARE(node.health, NodeHealth::Unknown);
    nodes.stop();
    contact.stop();
}

void ClusterTest::saysWhatIsRefused()
{
    m_cluster->node(0).command("ACL SETUSER watch on >secret ~* &* +@all -cluster");
    Endpoint endpoint = m_cluster->node(0).endpoint();
    endpoint.user = "watch";
    endpoint.password = "secret";
    Client contact(m_runtime.at(0), endpoint, options());
    contact.start();
    QVERIFY(ready(contact).has_value());
    ClusterNodes::Timing timing;
    timing.every = 200ms;
    timing.look = 50ms;
    ClusterNodes nodes(m_runtime.at(0), contact, endpoint, options(), timing);
    nodes.start();
    QTRY_VERIFY(nodes.problem().has_value());
    QCOMPARE(nodes.problem()->code, std::string("redis-rights"));
    const std::string mend = nodes.problem()->mend;
    QCOMPARE(mend, std::string("ACL SETUSER watch +cluster|shards +cluster|slots +cluster|myid"));
    for (std::size_t i = 0; i < 3; ++i) { // in each node, as it says
        if (i > 0)
            m_cluster->node(i).command("ACL SETUSER watch on >secret ~* &* +@all -cluster");
        QCOMPARE(m_cluster->node(i).command(mend), std::string("+OK\r\n"));
    }
    QTRY_COMPARE(nodes.primaries().size(), std::size_t{3});
    QVERIFY(!nodes.problem());
    for (const auto &member : nodes.primaries())
        QTRY_COMPARE(member.client->state(), Client::State::Ready);
    nodes.stop();
    contact.stop();
}

void ClusterTest::endsWhileItAsks()
{
    const Endpoint endpoint = m_cluster->node(0).endpoint();
    Client contact(m_runtime.at(0), endpoint, options());
    contact.start();
    QVERIFY(ready(contact).has_value());
    m_cluster->node(0).pause();
    {
        ClusterNodes nodes(m_runtime.at(0), contact, endpoint, options());
        nodes.start();
        QTRY_VERIFY(contact.counters().commands > 0);
        const auto from = std::chrono::steady_clock::now();
        nodes.stop();
        QVERIFY(std::chrono::steady_clock::now() - from < 5s);
    }
    m_cluster->node(0).resume();
    contact.stop();
}

QTEST_GUILESS_MAIN(ClusterTest)
#include "cluster_test.moc"
