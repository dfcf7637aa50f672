// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/advice.h"
#include "ui/support/axis.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/words/error_words.h"
#include "ui/words/link_words.h"

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

#include <QTest>
#include <tuple>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// Figures and zones in words.
class FormatTest final : public QObject
{
    Q_OBJECT
private slots:
    void figures_data();
    void figures();
    void soonNamesTheDay();
    void unknownIsNotZero();
    void verdicts_data();
    void verdicts();
    void worseZones();
    void adviceFitsTheMoment();
    void saysWhatRedisDoesNotTell();
    void everyTroubleHasWords();
    void troubles_data();
    void troubles();
    void errorsNameTheirFields_data();
    void errorsNameTheirFields();
};

void FormatTest::figures_data()
{
    QTest::addColumn<QString>("shown");
    QTest::addColumn<QString>("expected");
    constexpr double mb = 1024.0 * 1024.0;
    const auto row = [](const char *name, const QString &shown, const char *expected) {
        QTest::newRow(name) << shown << QString::fromUtf8(expected);
    };
    row("bytes", sizeText(512.0), "512 B");
    row("zero bytes", sizeText(0.0), "0 B");
    row("kilobytes", sizeText(2048.0), "2.00 KB");
    row("megabytes", sizeText(18.7 * mb), "18.7 MB");
    row("just below a megabyte", sizeText(1023.9 * 1024), "1.00 MB");
    row("many megabytes", sizeText(250 * mb), "250 MB");
    row("of a limit", sizeOfText(21.3 * mb, 30 * mb), "21.3 of 30 MB");
    row("little of a limit", sizeOfText(0.1 * mb, 30 * mb), "0.10 of 30 MB");
    row("hardly anything of a limit", sizeOfText(521, 5 * mb), "< 0.1 of 5 MB");
    row("kilobytes of megabytes", sizeOfText(9.48 * 1024, 5 * mb), "< 0.1 of 5 MB");
    row("nothing of a limit", sizeOfText(0.3, 3 * mb), "0 of 3 MB");
    row("in another's unit", sizeLikeText(0.5 * mb, 5 * mb), "0.50 MB");
    row("next to nothing in another's unit", sizeLikeText(148, 5 * mb), "< 0.1 MB");
    const auto nothing = [&row](const char *name, double bytes, double other, const char *expected) {
        row(name, isNextToNothing(bytes, other) ? "next to nothing" : "some", expected);
    };
    nothing("some bytes of megabytes", 148, 5 * mb, "next to nothing");
    nothing("half a megabyte of megabytes", 0.5 * mb, 5 * mb, "some");
    nothing("bytes of bytes", 3, 900, "some");
    nothing("no byte of bytes", 0.4, 900, "next to nothing");
    row("a month's traffic", inUnit(Resource::RedisTraffic, 206 * 1024 * mb), "206 GB/month");
    row("what a plan bounds", limitInUnit(Resource::RedisTraffic, 5 * 1024 * mb), "5 GB/month");
    row("a limit", sizeLimitText(30 * mb), "30 MB");
    row("a broken limit", sizeLimitText(2.5 * mb), "2.50 MB");
    row("count", countText(1234567.0), "1,234,567");
    row("sub-millisecond", durationText(0.0004), "0.4 ms");
    row("microseconds", durationText(0.000057), "0.06 ms");
    row("just below a tenth", durationText(0.000099), "0.1 ms");
    row("less than can be said", durationText(0.000002), "< 0.01 ms");
    row("milliseconds", durationText(0.35), "350 ms");
    row("seconds", durationText(4.2), "4.2 s");
    row("half a minute", durationText(31.0), "31 s");
    row("minutes", durationText(900.0), "15 min");
    row("hours", durationText(7500.0), "2 h 5 min");
    row("whole hours", durationText(7200.0), "2 h");
    row("days", durationText(86400.0 * 3 + 4 * 3600), "3 d 4 h");
    row("negative", durationText(-90.0), "−2 min");
    row("few whole seconds", durationText(std::optional<std::chrono::seconds>(6s)), "6 s");
    row("estimated", roughDurationText(40min), "40 min");
    row("estimated, an hour", roughDurationText(59min + 40s), "60 min");
    row("estimated, above an hour", roughDurationText(1h + 5min), "65 min");
    row("estimated, hours", roughDurationText(2h + 5min), "2 h");
    row("estimated, a day and a half", roughDurationText(37h), "2 d");
    row("rate", rateText(12.34), "12.3/s");
    row("pace of what is rare", paceText(0.09), "5.4/min");
    row("pace of what is frequent", paceText(12.34), "12.3/s");
    row("pace of nothing", paceText(0.0), "0/min");
    row("pace of nothing beside a frequent one", paceText(0.0, 12.0), "0.00/s");
    row("rare beside frequent", paceText(0.5, 12.0), "0.50/s");
    row("half a size on an axis", axisLabel(0.5 * mb, 1.5 * mb, AxisUnit::Bytes), "0.5 MB");
    row("three halves", axisLabel(1.5 * mb, 1.5 * mb, AxisUnit::Bytes), "1.5 MB");
    row("half a second on an axis", axisLabel(0.5, 2, AxisUnit::Seconds), "0.5 s");
    row("milliseconds on an axis", axisLabel(0.5, 0.9, AxisUnit::Seconds), "500 ms");
    row("plain on an axis", axisLabel(3, 5, AxisUnit::Plain), "");
    row("rate of something", rateText(0.4, "tasks"), "0.40 tasks/s");
    row("little percent", percentText(0.0014), "0.14 %");
    row("all", percentText(1.0), "100 %");
    row("growing", growthText(mb / 3600), "+1.00 MB/h");
    row("shrinking", growthText(-mb / 3600), "−1.00 MB/h");
    row("not growing", growthText(std::nullopt), "steady");
    row("fresh", ageText(std::chrono::milliseconds(1900)), "just now");
    row("an estimate", estimateText(960, 29.4), "960 ± 29");
    row("a count", estimateText(960, 0.2), "960");
    row("old", ageText(std::chrono::milliseconds(47900)), "47 s ago");
}

void FormatTest::figures()
{
    QFETCH(QString, shown);
    QFETCH(QString, expected);
    QCOMPARE(shown, expected);
}

void FormatTest::soonNamesTheDay()
{
    const auto at = [](int day, int hour) {
        return std::chrono::system_clock::time_point(
            std::chrono::milliseconds(QDateTime(QDate(2026, 11, day), QTime(hour, 5, 9)).toMSecsSinceEpoch()));
    };
    QCOMPARE(soonText(at(24, 14), at(24, 1)), QString("14:05:09"));
    QCOMPARE(soonText(at(25, 0), at(24, 23)), QString("11-25 00:05"));
}

void FormatTest::unknownIsNotZero()
{
    QCOMPARE(sizeText(std::optional<std::uint64_t>()), QString("unknown"));
    QCOMPARE(countText(std::optional<std::uint64_t>()), QString("unknown"));
    QCOMPARE(latencyText(std::nullopt), QString("unknown"));
    QCOMPARE(rateText(std::optional<double>()), QString("unknown"));
    QCOMPARE(percentText(std::optional<double>()), QString("unknown"));
    QCOMPARE(durationText(std::optional<std::chrono::seconds>()), QString("unknown"));
    QCOMPARE(ageText(std::nullopt), QString("never measured"));
    QCOMPARE(countText(std::optional<std::uint64_t>(0)), QString("0"));
}

namespace {

Reading reading(Resource resource, Zone zone, double value, std::optional<double> limit, double red,
                std::optional<std::chrono::seconds> next = {})
{
    Reading made;
    made.resource = resource;
    made.zone = zone;
    made.unknown = Unknown::No;
    made.value = value;
    made.limit = limit;
    made.red = red;
    made.toNextZone = next;
    return made;
}

Snapshot snapshot(Zone verdict, std::vector<Reading> readings)
{
    Snapshot made;
    made.verdict = verdict;
    made.readings = std::move(readings);
    return made;
}

} // namespace

void FormatTest::verdicts_data()
{
    QTest::addColumn<Snapshot>("snapshot");
    QTest::addColumn<QString>("expected");
    constexpr double mb = 1024.0 * 1024.0;
    const Reading memory = reading(Resource::RedisMemory, Zone::Yellow, 21.3 * mb, 30 * mb, 25 * mb, 2400s);
    const Reading slow = reading(Resource::ResponseTime, Zone::Yellow, 2.4, std::nullopt, 5);
    const Reading calm = reading(Resource::RedisConnections, Zone::Green, 11, 30, 25);
    QTest::newRow("green") << snapshot(Zone::Green, {calm}) << "Green: 1 of 1 watched";
    QTest::newRow("yellow") << snapshot(Zone::Yellow, {memory, calm})
                            << "Yellow: Redis memory 21.3 of 30 MB, red in about 40 min";
    QTest::newRow("the one that gets worse comes first")
        << snapshot(Zone::Yellow, {slow, memory})
        << "Yellow: Redis memory 21.3 of 30 MB, red in about 40 min; and 1 more";
    QTest::newRow("without a limit") << snapshot(Zone::Yellow, {slow})
                                     << "Yellow: Response time p95 2.4 s, red above 5 s";
    Reading taken = reading(Resource::Workers, Zone::Red, 0, std::nullopt, 1);
    QTest::newRow("taken again") << snapshot(Zone::Red, {taken}) << "Red: tasks waited untaken until a moment ago";
    taken.unknown = Unknown::Away;
    QTest::newRow("red with what is down") << snapshot(Zone::Red, {taken}) << "Red: no task waited untaken";
    const Reading traffic =
        reading(Resource::RedisTraffic, Zone::Yellow, 4 * 1024 * mb, 5 * 1024 * mb, 4.2 * 1024 * mb);
    QTest::newRow("traffic") << snapshot(Zone::Yellow, {traffic})
                             << "Yellow: Redis traffic 4.00 of 5 GB/month at this pace";
    Reading notYet;
    notYet.resource = Resource::RedisTraffic;
    QTest::newRow("one is not known yet")
        << snapshot(Zone::Unknown, {calm, notYet}) << "Unknown: Redis traffic not measured yet; 1 of 2 watched";
    QTest::newRow("nothing known") << snapshot(Zone::Unknown, {}) << "Unknown: nothing is known yet";
    Snapshot down = snapshot(Zone::Red, {calm});
    down.links = {{"redis", false, {}, {}, "redis-away"}};
    QTest::newRow("redis is down") << down << "Red: Redis does not answer";
    down.links = {{"redis", true, {}, {}}, {"queue", false, {}, {}, "redis-rights", "EVALSHA"}};
    QTest::newRow("tasks do not run") << down << "Red: tasks cannot be queued or run";
    down.links = {{"database", false, {}, {}, "disk-full", "/data/portal.db"}};
    QTest::newRow("nothing can be written") << down << "Red: the database cannot be written";
}

void FormatTest::verdicts()
{
    QFETCH(Snapshot, snapshot);
    QFETCH(QString, expected);
    QCOMPARE(verdictText(snapshot), expected);
}

void FormatTest::saysWhatRedisDoesNotTell()
{
    Snapshot snapshot;
    QCOMPARE(notToldText(snapshot, {"redis", "clients"}), QString());
    snapshot.notTold = {{"redis", "INFO", true}, {"clients", "CLIENT LIST", false}};
    QCOMPARE(notToldText(snapshot, {"redis", "families"}),
             QString("This Redis does not tell: INFO is blocked or renamed there."));
    QCOMPARE(notToldText(snapshot, {"clients"}),
             QString("This Redis does not tell: its user may not use CLIENT LIST."));
    snapshot.notTold = {{"queue", "LLEN", false, unread_keys::queue},
                        {"lists", "keys emails", false, unread_keys::list, "emails"},
                        {"families", "SCAN", false, unread_keys::others},
                        {"live", "SUBSCRIBE", false, "redis-lost", "localhost:6379", "Broken pipe"},
                        {"redis", "INFO", false, "of-a-later-version"},
                        {"clients", "CLIENT LIST", false, "of-a-later-version", "", "closed for stocktaking"}};
    QCOMPARE(notToldText(snapshot, {"queue", "lists", "families"}),
             QString("This Redis does not tell: its user may not read the keys of the queue; its user may not read "
                     "\"emails\"; its user may not read the keys of other programs."));
    QCOMPARE(notToldText(snapshot, {"live"}),
             QString("This Redis does not tell: the connection broke: localhost:6379 (Broken pipe)."));
    QCOMPARE(notToldText(snapshot, {"redis"}), QString("This Redis does not tell: INFO does not work there."));
    QCOMPARE(notToldText(snapshot, {"clients"}), QString("This Redis does not tell: closed for stocktaking."));
    Reading reading;
    reading.unknown = Unknown::NotTold;
    QCOMPARE(unknownReason(reading), QString("this Redis does not tell"));
}

void FormatTest::everyTroubleHasWords()
{
    for (const std::string_view reason : linkTroubles)
        QVERIFY2(!linkPhrase(reason).isEmpty(), std::string(reason).c_str());
    QVERIFY(linkPhrase("of-a-later-version").isEmpty());
}

void FormatTest::troubles_data()
{
    QTest::addColumn<LinkStatus>("link");
    QTest::addColumn<QString>("sentences");
    const auto row = [](const char *name, LinkStatus link, const char *sentences) {
        QTest::newRow(name) << link << sentences;
    };
    row("away", {"redis", false, {}, {}, "redis-away", "localhost:6379", "Connection refused"},
        "Not reachable: localhost:6379 (Connection refused).");
    row("a file", {"database", false, {}, {}, "disk-full", "/data/portal.db"},
        "The disk is full: /data/portal.db. Free space on it; nothing is lost, and reading still works.");
    row("rights", {"queue", false, {}, {}, "redis-rights", "EVALSHA, keys q:*", "", "ACL SETUSER p +evalsha"},
        "Redis refuses commands that are needed: EVALSHA, keys q:*. Run `ACL SETUSER p +evalsha` in Redis.");
    row("rights that take others", {"queue", false, {}, {}, "redis-rights", "", "", "ACL SETUSER p resetkeys ~*"},
        "Redis refuses commands that are needed. Run `ACL SETUSER p resetkeys ~*` in Redis. It first takes all "
        "patterns "
        "of keys from this user: add those that others need, as `ACL GETUSER p` tells them.");
    row("rights that take all others",
        {"queue", false, {}, {}, "redis-rights", "", "", "ACL SETUSER p resetkeys resetchannels ~* &p:*"},
        "Redis refuses commands that are needed. Run `ACL SETUSER p resetkeys resetchannels ~* &p:*` in Redis. It "
        "first "
        "takes all patterns of keys and channels from this user: add those that others need, as `ACL GETUSER p` tells "
        "them.");
    row("rights of one with such a name",
        {"queue", false, {}, {}, "redis-rights", "", "", "ACL SETUSER resetchannels ~resetkeys"},
        "Redis refuses commands that are needed. Run `ACL SETUSER resetchannels ~resetkeys` in Redis.");
    row("a refused right that no command mends",
        {"queue", false, {}, {}, "redis-rights", "EVALSHA", "NOPERM this user has no permissions"},
        "Redis refuses commands that are needed: EVALSHA (NOPERM this user has no permissions). Allow them in Redis "
        "(ACL "
        "SETUSER, rename-command), or name another Redis; the log lists all that is missing.");
    row("a refused right that a command mends, with what Redis said",
        {"queue", false, {}, {}, "redis-rights", "GET", "NOPERM no", "ACL SETUSER p +get"},
        "Redis refuses commands that are needed: GET (NOPERM no). Run `ACL SETUSER p +get` in Redis.");
    row("a renamed command", {"queue", false, {}, {}, "redis-renamed", "EVALSHA"},
        "Redis refuses commands that are needed: EVALSHA. Take back the rename-command of what the server does not "
        "know, or name another Redis.");
    row("a database without the right to it",
        {"redis", false, {}, {}, "redis-database", "h:1", "NOPERM no", "ACL SETUSER p +select"},
        "Redis refuses the number of the database: h:1 (NOPERM no). Run `ACL SETUSER p +select` in Redis.");
    row("a standby", {"database", false, {}, {}, "database-standby", "db:5432", "cannot execute INSERT"},
        "Its server is a read-only standby: db:5432 (cannot execute INSERT). Name the primary in the URL of the "
        "database.");
    row("an address that is not let in", {"database", false, {}, {}, "database-not-allowed", "db:5432"},
        "Its server lets nobody in from here by this name: db:5432. Allow this user and address in the server's "
        "pg_hba.conf.");
    row("another system user", {"database", false, {}, {}, "database-peer"},
        "Its server lets this system user in by no other name. Use the database user of the same name as the system "
        "user, or a password.");
    row("a right and a renamed command",
        {"queue", false, {}, {}, "redis-renamed", "SET, GET", "unknown command SET", "ACL SETUSER p +get"},
        "Redis refuses commands that are needed: SET, GET (unknown command SET). Run `ACL SETUSER p +get` in Redis. "
        "Take "
        "back the rename-command of what the server does not know, or name another Redis.");
    row("the disk hangs", {"data_dir", false, {}, {}, "data-dir-hangs"},
        "Its file system does not answer. Look at the disk or the network drive it is on.");
    row("of a later version", {"redis", false, {}, {}, "redis-asleep", "localhost:6379", "it sleeps"},
        "Localhost:6379: it sleeps.");
    row("without a kind", {"redis", false, {}, {}, "", "", "is it there?"}, "Is it there?");
    row("nothing is known", {"redis", false, {}, {}}, "");
    row("placeholders of its owner", {"redis", false, {}, {}, "redis-away", "/tmp/%1%2", "%1"},
        "Not reachable: /tmp/%1%2 (%1).");
}

void FormatTest::troubles()
{
    QFETCH(LinkStatus, link);
    QTEST(troubleText(link), "sentences");
}

void FormatTest::errorsNameTheirFields_data()
{
    QTest::addColumn<QStringList>("settings");
    QTest::addColumn<QString>("words");
    QTest::newRow("none") << QStringList() << "It is a file. Choose another.";
    QTest::newRow("one") << QStringList{"data_dir"}
                         << "It is a file. Choose another. It is set in the field Data directory.";
    QTest::newRow("two") << QStringList{"data_dir", "database.url"}
                         << "It is a file. Choose another. It is set in the field Data directory or Database.";
    QTest::newRow("one without a field") << QStringList{"tls.cert"}
                                         << "It is a file. Choose another. The setting is tls.cert.";
}

void FormatTest::errorsNameTheirFields()
{
    QFETCH(QStringList, settings);
    Error error = failure(ErrorKind::Invalid, "It is a file", "Choose another");
    for (const QString &key : settings)
        error.settings.push_back(key.toStdString());
    QTEST(errorText(error), "words");
    error.message = "The setting 'tls.cert' is a file";
    error.settings = {"tls.cert"};
    QCOMPARE(errorText(error), QString("The setting 'tls.cert' is a file. Choose another.")); // once is enough
    QCOMPARE(codeText("redis-start"), QString("redis-server did not start"));
    QCOMPARE(codeText("disk-full"), QString("the disk is full"));
    QCOMPARE(codeText("of-a-later-version"), QString("of-a-later-version"));
}

/// What is over for the moment asks for nothing to be done.
void FormatTest::adviceFitsTheMoment()
{
    Snapshot red = snapshot(Zone::Red, {reading(Resource::Workers, Zone::Red, 5, std::nullopt, 1)});
    QVERIFY(adviceText(red).contains("Give a worker slots"));
    red.readings.front().value = 0;
    QVERIFY(!adviceText(red).contains("Give a worker slots"));
    // Whatever it is, there is something to do.
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Resource>>([](const auto &resource) {
        for (const Zone zone : {Zone::Yellow, Zone::Red}) {
            const QString advice = adviceText(snapshot(zone, {reading(resource.value, zone, 5, std::nullopt, 1)}));
            QVERIFY2(advice.endsWith('.'), resource.name);
        }
    });
    Snapshot full = snapshot(Zone::Red, {reading(Resource::RedisMemory, Zone::Red, 26e6, std::nullopt, 1)});
    QVERIFY(adviceText(full).contains("largest key family"));
    for (const auto &[name, bytes, budget] :
         {std::tuple("cache", 9e6, 10'000'000), std::tuple("sessions", 8e6, 3'000'000)}) {
        FamilyFigures family;
        family.family = name;
        family.bytes = Estimate{bytes, bytes, bytes};
        family.budget = budget;
        full.families.families.push_back(family);
    }
    QVERIFY2(adviceText(full).contains("family sessions takes"), qPrintable(adviceText(full)));
}

void FormatTest::worseZones()
{
    QCOMPARE(worseOf(Zone::Green, Zone::Unknown), Zone::Unknown);
    QCOMPARE(worseOf(Zone::Unknown, Zone::Yellow), Zone::Yellow);
    QCOMPARE(worseOf(Zone::Red, Zone::Yellow), Zone::Red);
}

QTEST_MAIN(FormatTest)
#include "format_test.moc"
