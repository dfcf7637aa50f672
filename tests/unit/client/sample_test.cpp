// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/client/sample_reader.h"

#include <QTest>

using namespace portolan;
using namespace portolan::client;
using namespace std::chrono_literals;

namespace {

Snapshot sample()
{
    Snapshot snapshot;
    snapshot.time = WallTime(1'767'225'600s);
    snapshot.sequence = 7;
    snapshot.tier = "small";
    snapshot.version = "1.2";
    snapshot.verdict = Zone::Yellow;
    snapshot.readings.resize(2);
    snapshot.readings[1].zone = Zone::Yellow;
    snapshot.instances.resize(3);
    snapshot.queue.waiting = 12;
    return snapshot;
}

} // namespace

class SampleTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsAllOfItClosely()
    {
        const auto read = readSample(writeJson(sample()), Look::Closely);
        QVERIFY(read && *read == sample());
    }

    /// Also of one that knows no wishes, and sends everything.
    void readsAtAGlanceWhatAListShows()
    {
        Snapshot glance;
        glance.time = sample().time;
        glance.sequence = sample().sequence;
        glance.tier = sample().tier;
        glance.version = sample().version;
        glance.verdict = sample().verdict;
        glance.readings = sample().readings;
        const auto read = readSample(writeJson(sample()), Look::AtAGlance);
        QVERIFY(read && *read == glance);
    }

    void asksForThat()
    {
        QCOMPARE(streamPath(Look::Closely, true), std::string("/api/admin/stream"));
        QCOMPARE(streamPath(Look::AtAGlance, false), std::string("/api/admin/stream"));
        QCOMPARE(streamPath(Look::AtAGlance, true),
                 std::string("/api/admin/stream?every=5s&only=time,sequence,tier,version,verdict,readings"));
    }

    void refusesWhatIsNone_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("no JSON") << QByteArray("<html>");
        QTest::newRow("a list") << QByteArray("[]");
        QTest::newRow("of another kind") << QByteArray(R"({"readings":7})");
        QTest::newRow("too deep") << QByteArray(1'000, '[');
    }
    void refusesWhatIsNone()
    {
        QFETCH(QByteArray, text);
        for (const Look look : {Look::Closely, Look::AtAGlance})
            QVERIFY(readSample(text.toStdString(), look).has_error());
    }
};

QTEST_GUILESS_MAIN(SampleTest)
#include "sample_test.moc"
