// SPDX-License-Identifier: GPL-3.0-or-later
// What a cluster of six answered after one of its primaries had been killed (samples/cluster-*-7.0.15.resp), and what
// none should.

#include "core/redis/cluster_nodes.h"
#include "core/redis/reply_reader.h"

#include <QFile>
#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::redis;

namespace {

Reply parsed(const std::string &bytes)
{
    ReplyReader reader(1024 * 1024);
    reader.feed(bytes.data(), bytes.size());
    Reply reply;
    if (reader.next(reply) != ReplyReader::Next::Reply)
        throw std::runtime_error("no whole reply: " + reader.problem());
    return reply;
}

Reply sample(const char *name)
{
    QFile file(QString(SAMPLES "/") + name);
    if (!file.open(QIODevice::ReadOnly))
        throw std::runtime_error("there is no sample");
    return parsed(file.readAll().toStdString());
}

Endpoint asked(const std::string &url = "redis://watch:secret@shop.example:7000")
{
    return Endpoint::parse(url).value();
}

std::string bulk(const std::string &text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }
std::string number(std::int64_t value) { return ":" + std::to_string(value) + "\r\n"; }
std::string list(const std::vector<std::string> &elements)
{
    std::string text = "*" + std::to_string(elements.size()) + "\r\n";
    for (const auto &element : elements)
        text += element;
    return text;
}

std::string shard(const std::vector<std::string> &ranges, const std::vector<std::string> &nodes)
{
    return list({bulk("slots"), list(ranges), bulk("nodes"), list(nodes)});
}

std::string node(const std::string &id, const std::string &endpoint, std::int64_t port,
                 const std::vector<std::string> &more = {})
{
    std::vector<std::string> fields{bulk("id"), bulk(id),     bulk("port"),   number(port),   bulk("endpoint"),
                                    endpoint,   bulk("role"), bulk("master"), bulk("health"), bulk("online")};
    fields.insert(fields.end(), more.begin(), more.end());
    return list(fields);
}

const ClusterNode *at(const std::vector<ClusterNode> &nodes, std::uint16_t port)
{
    const auto found = std::ranges::find(nodes, port, [](const ClusterNode &one) { return one.endpoint.port; });
    return found == nodes.end() ? nullptr : &*found;
}

} // namespace

class ClusterReplyTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsShards();
    void readsSlots();
    void findsTheAddress_data();
    void findsTheAddress();
    void takesTheOtherPortForTls();
    void refusesWhatMakesNoSense_data();
    void refusesWhatMakesNoSense();
};

void ClusterReplyTest::readsShards()
{
    const auto nodes = readShards(sample("cluster-shards-7.0.15.resp"), asked()).value();
    QCOMPARE(nodes.size(), std::size_t{6});
    for (std::size_t i = 0; i < 6; ++i)
        QCOMPARE(nodes[i].role, i < 4 ? NodeRole::Primary : NodeRole::Replica);
    const ClusterNode *const heir = at(nodes, 37105);
    QCOMPARE(heir->id, std::string("3964f205589a5bf832815a90548eb133f464eef8"));
    QCOMPARE(heir->slotCount, 5461u);
    QCOMPARE(heir->health, NodeHealth::Online);
    QCOMPARE(heir->endpoint.host, std::string("127.0.0.1"));
    QCOMPARE(heir->endpoint.user, std::string("watch"));
    QCOMPARE(heir->endpoint.password, std::string("secret"));
    const ClusterNode *const killed = at(nodes, 37101);
    QCOMPARE(killed->health, NodeHealth::Failed);
    QCOMPARE(killed->role, NodeRole::Primary);
    QCOMPARE(killed->slotCount, 0u);
    const ClusterNode *const replica = at(nodes, 37106);
    QCOMPARE(replica->primary, at(nodes, 37102)->id);
    QCOMPARE(replica->slotCount, 5462u);
}

void ClusterReplyTest::readsSlots()
{
    const auto nodes = readSlots(sample("cluster-slots-7.0.15.resp"), asked()).value();
    QCOMPARE(nodes.size(), std::size_t{5}); // the killed one has no slots
    QVERIFY(!at(nodes, 37101));
    QCOMPARE(at(nodes, 37105)->slotCount, 5461u);
    QCOMPARE(at(nodes, 37105)->health, NodeHealth::Unknown);
    QCOMPARE(at(nodes, 37104)->role, NodeRole::Replica);
    QCOMPARE(at(nodes, 37104)->primary, at(nodes, 37103)->id);
    // Several ranges of one, and what Redis before 7 leaves out.
    const auto told = [](int from, int to, const std::string &id, int port) {
        return list({number(from), number(to), list({bulk("10.0.0.1"), number(port), bulk(id)})});
    };
    const auto several =
        readSlots(parsed(list({told(0, 9, "a", 1), told(10, 10, "b", 2), told(20, 29, "a", 1)})), asked());
    QCOMPARE(several->size(), std::size_t{2});
    QCOMPARE(at(*several, 1)->slotCount, 20u);
    QCOMPARE(at(*several, 2)->slotCount, 1u);
}

void ClusterReplyTest::findsTheAddress_data()
{
    QTest::addColumn<QByteArray>("endpoint");
    QTest::addColumn<QByteArray>("ip");
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<QByteArray>("otherName");
    const QByteArray plain = "redis://shop.example:7000", tls = "rediss://shop.example:7000";
    const auto text = [](const char *host) { return QByteArray::fromStdString(bulk(host)); };
    QTest::newRow("as announced") << text("n1.inner") << text("10.0.0.1") << plain << QByteArray("n1.inner")
                                  << QByteArray();
    QTest::newRow("address") << text("10.0.0.1") << text("10.0.0.1") << plain << QByteArray("10.0.0.1") << QByteArray();
    QTest::newRow("nil") << QByteArray("$-1\r\n") << text("10.0.0.1") << plain << QByteArray("10.0.0.1")
                         << QByteArray();
    QTest::newRow("unknown to itself") << text("?") << text("") << plain << QByteArray("shop.example") << QByteArray();
    QTest::newRow("address, TLS") << text("10.0.0.1") << text("10.0.0.1") << tls << QByteArray("10.0.0.1")
                                  << QByteArray("shop.example");
    QTest::newRow("name, TLS") << text("n1.inner") << text("") << tls << QByteArray("n1.inner") << QByteArray();
    QTest::newRow("by an address, TLS") << text("10.0.0.1") << text("") << QByteArray("rediss://10.0.0.9:7000")
                                        << QByteArray("10.0.0.1") << QByteArray();
    QTest::newRow("by a socket") << text("") << text("") << QByteArray("unix:/run/redis.sock")
                                 << QByteArray("127.0.0.1") << QByteArray();
}

void ClusterReplyTest::findsTheAddress()
{
    QFETCH(QByteArray, endpoint);
    QFETCH(QByteArray, ip);
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, host);
    QFETCH(QByteArray, otherName);
    const std::string one = node("a", endpoint.toStdString(), 7001, {bulk("ip"), ip.toStdString()});
    const auto nodes = readShards(parsed(list({shard({}, {one})})), asked(url.toStdString())).value();
    QCOMPARE(nodes.at(0).endpoint.host, host.toStdString());
    QCOMPARE(nodes.at(0).endpoint.port, std::uint16_t{7001});
    QCOMPARE(nodes.at(0).endpoint.otherName, otherName.toStdString());
    QVERIFY(nodes.at(0).endpoint.transport != Endpoint::Transport::Unix);
}

void ClusterReplyTest::takesTheOtherPortForTls()
{
    const std::string both = list({shard({}, {node("a", bulk("10.0.0.1"), 7001, {bulk("tls-port"), number(7101)})})});
    QCOMPARE(readShards(parsed(both), asked())->at(0).endpoint.port, std::uint16_t{7001});
    QCOMPARE(readShards(parsed(both), asked("rediss://shop.example"))->at(0).endpoint.port, std::uint16_t{7101});
}

void ClusterReplyTest::refusesWhatMakesNoSense_data()
{
    QTest::addColumn<bool>("shards");
    QTest::addColumn<QByteArray>("reply");
    const auto row = [](const char *name, bool shards, const std::string &reply) {
        QTest::newRow(name) << shards << QByteArray::fromStdString(reply);
    };
    row("text for shards", true, bulk("x"));
    row("text for slots", false, bulk("x"));
    row("no shards", true, list({}));
    row("shard of no list", true, list({bulk("x")}));
    row("no id", true, list({shard({}, {node("", bulk("h"), 1)})}));
    row("long id", true, list({shard({}, {node(std::string(300, 'a'), bulk("h"), 1)})}));
    row("no port", true, list({shard({}, {node("a", bulk("h"), 0)})}));
    row("large port", true, list({shard({}, {node("a", bulk("h"), 65536)})}));
    row("range without node", false, list({list({number(0), number(1)})}));
    row("node without id", false, list({list({number(0), number(1), list({bulk("h"), number(1)})})}));
    std::vector<std::string> many;
    for (int i = 0; i < 1001; ++i)
        many.push_back(node("n" + std::to_string(i), bulk("h"), 1 + i));
    row("too many", true, list({shard({}, many)}));
}

void ClusterReplyTest::refusesWhatMakesNoSense()
{
    QFETCH(bool, shards);
    QFETCH(QByteArray, reply);
    const Reply told = parsed(reply.toStdString());
    const auto nodes = shards ? readShards(told, asked()) : readSlots(told, asked());
    QVERIFY(nodes.has_error());
    QCOMPARE(nodes.error().kind, ErrorKind::Protocol);
    // Ranges that are none count nothing.
    const std::string odd = shard({number(-1), number(5), number(9), number(3), number(0), number(99999), number(7)},
                                  {node("a", bulk("h"), 1)});
    QCOMPARE(readShards(parsed(list({odd})), asked())->at(0).slotCount, 0u);
}

QTEST_GUILESS_MAIN(ClusterReplyTest)
#include "cluster_reply_test.moc"
