// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/info.h"

#include <QFile>
#include <QTest>

using namespace portolan::redis;

namespace {

std::string sample(const char *name)
{
    QFile file(QStringLiteral(SAMPLES "/") + QLatin1String(name));
    if (!file.open(QIODevice::ReadOnly))
        throw std::runtime_error("no sample");
    return file.readAll().toStdString();
}

} // namespace

class InfoTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsRedis7();
    void tellsAbsentFromZero();
    void passesOverNonsense();
    void readsClientList();
};

void InfoTest::readsRedis7()
{
    for (const bool carriageReturns : {false, true}) {
        std::string text = sample("info-7.0.15.txt");
        std::erase(text, '\r');
        if (carriageReturns) {
            for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
                text.insert(at, "\r");
        }
        const Info info = parseInfo(text);
        QCOMPARE(info.server.version.value(), std::string("7.0.15"));
        QCOMPARE(info.server.runId.value().size(), std::size_t{40});
        QCOMPARE(info.server.uptime.value(), 1U);
        QCOMPARE(info.clients.connected.value(), 1U);
        QCOMPARE(info.clients.max.value(), 10000U);
        QCOMPARE(info.memory.used.value(), 966760U);
        QCOMPARE(info.memory.max.value(), 31457280U);
        QCOMPARE(info.memory.fragmentation.value(), 7.59);
        QCOMPARE(info.memory.policy.value(), std::string("noeviction"));
        QCOMPARE(info.stats.commands.value(), 2U);
        QCOMPARE(info.stats.evicted.value(), 0U);
        QCOMPARE(info.persistence.aofEnabled.value(), true);
        QCOMPARE(info.persistence.aofLastWriteOk.value(), true);
        QCOMPARE(info.persistence.loading.value(), false);
        QCOMPARE(info.replication.role.value(), std::string("master"));
        QVERIFY(!info.replication.primaryUp);
        QCOMPARE(info.clusterEnabled.value(), false);
        QCOMPARE(info.keyspace.value().size(), std::size_t{1});
        QCOMPARE(info.keyspace.value()[0].keys, 1U);
    }
}

void InfoTest::tellsAbsentFromZero()
{
    const Info info = parseInfo("# Stats\r\nevicted_keys:0\r\n\r\n# Keyspace\r\n");
    QCOMPARE(info.stats.evicted.value(), 0U);
    QVERIFY(!info.stats.expired);
    QVERIFY(!info.memory.used);
    QVERIFY(info.keyspace.has_value() && info.keyspace->empty());
    QVERIFY(!parseInfo("").keyspace);
}

void InfoTest::passesOverNonsense()
{
    const Info info =
        parseInfo("used_memory:12x\nused_memory_peak:-1\nmaxmemory:99999999999999999999999\n:\n::\nloading\n"
                  "aof_enabled:maybe\n# Keyspace\ndbx:keys=1\ndb:keys=1\ndb1:\ndb2:keys=,expires=7");
    QVERIFY(!info.memory.used && !info.memory.peak && !info.memory.max);
    QVERIFY(!info.persistence.loading && !info.persistence.aofEnabled);
    QCOMPARE(info.keyspace.value().size(), std::size_t{2});
    QCOMPARE(info.keyspace.value()[1].expires, 7U);
}

void InfoTest::readsClientList()
{
    const auto clients = parseClientList(sample("client-list-7.0.15.txt") + "garbage\nid=x name=y\nid=9\n\n");
    QCOMPARE(clients.size(), std::size_t{3});
    QCOMPARE(clients[0].id, 6U);
    QCOMPARE(clients[0].name, std::string("portolan"));
    QCOMPARE(clients[0].address, std::string("/tmp/redis.sock:0"));
    QCOMPARE(clients[0].database.value(), 2U);
    QCOMPARE(clients[0].totalMemory.value(), 37658U);
    QCOMPARE(clients[0].command, std::string("client|list"));
    QCOMPARE(clients[1].channels.value(), 3U);
    QCOMPARE(clients[1].patterns.value(), 1U);
    QCOMPARE(clients[1].idle.value(), 59U);
    QCOMPARE(clients[1].outputMemory.value(), 40960U);
    QCOMPARE(clients[1].user, std::string("worker"));
    QVERIFY(clients[1].name.empty());
    QVERIFY(!clients[2].age);
}

QTEST_GUILESS_MAIN(InfoTest)
#include "info_test.moc"
