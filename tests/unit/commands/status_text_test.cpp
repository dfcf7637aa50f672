// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/commands/status_text.h"

#include <QTest>
#include <sstream>

using namespace portolan;
using namespace portolan::commands;
using namespace std::chrono_literals;

namespace {

constexpr double MiB = 1024.0 * 1024;

Snapshot sample()
{
    Snapshot snapshot;
    snapshot.time = WallTime(std::chrono::seconds(1767225600));
    snapshot.tier = "small";
    snapshot.uptime = 2h;
    snapshot.verdict = Zone::Yellow;
    Reading memory;
    memory.resource = Resource::RedisMemory;
    memory.zone = Zone::Yellow;
    memory.unknown = Unknown::No;
    memory.value = 22 * MiB;
    memory.limit = 30 * MiB;
    memory.red = 25 * MiB;
    memory.age = 200ms;
    memory.toNextZone = 15min;
    Reading connections;
    connections.resource = Resource::RedisConnections;
    connections.unknown = Unknown::Away;
    connections.value = 7;
    connections.limit = 30;
    connections.age = 9s;
    Reading response;
    response.resource = Resource::ResponseTime;
    response.unknown = Unknown::TooFew;
    Reading errors;
    errors.resource = Resource::ErrorRate;
    errors.zone = Zone::Red;
    errors.unknown = Unknown::No;
    errors.value = 0.073;
    errors.limit = 1;
    errors.red = 0.05;
    errors.age = 0ms;
    snapshot.readings = {memory, connections, response, errors};
    snapshot.links = {{"redis", false, 9s, std::nullopt, "redis-away", "localhost:6379", "refused"},
                      {"database", true, 2h, 0.0012}};
    snapshot.queue.waiting = 12;
    return snapshot;
}

std::size_t widest(const std::string &text)
{
    std::size_t widest = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        widest = std::max(widest, std::size_t(QString::fromStdString(line).size()));
    return widest;
}

bool has(const std::string &text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

class StatusTextTest final : public QObject
{
    Q_OBJECT

private slots:
    void golden()
    {
        const std::string text = statusText(sample(), {110, false, true});
        const std::string wanted =
            "▲ yellow  portal (tier small)  2026-01-01T00:00:00Z  up 2 h\n"
            "Redis does not answer; 2 of 4 watched; unknown: Redis connections, Response time p95\n"
            "\n"
            "Redis memory       ▲ yellow   22 MB of 30 MB             200 ms ago  → red in 15 min\n"
            "Redis connections  ○ unknown  7 of 30, not answering     9 s ago\n"
            "Response time p95  ○ unknown  too few requests\n"
            "Error rate         ■ red      7.30 %, red above 5 %      0 s ago\n"
            "\n"
            "redis              DOWN for 9 s: not reachable: localhost:6379 (refused)\n"
            "database           up for 2 h, answers in 1.2 ms\n"
            "tasks              12 waiting, unknown taken, unknown running\n"
            "requests           0.0/s over 60 s, p50 unknown, p95 unknown, p99 unknown\n";
        const QStringList lines = QString::fromStdString(text).split('\n');
        const QStringList wantedLines = QString::fromStdString(wanted).split('\n');
        for (qsizetype i = 0; i < std::min(lines.size(), wantedLines.size()); ++i)
            QCOMPARE(lines[i], wantedLines[i]);
        QCOMPARE(lines.size(), wantedLines.size());
    }

    void ratesOfTasksAreNeverRoundedAway_data()
    {
        QTest::addColumn<double>("perSecond");
        QTest::addColumn<QByteArray>("words");
        QTest::newRow("none") << 0.0 << QByteArray(", 0.0 ended/s");
        QTest::newRow("rare") << 0.02 << QByteArray(", 1.2 ended/min");
        QTest::newRow("below one a second") << 0.5 << QByteArray(", 30.0 ended/min");
        QTest::newRow("many") << 12.34 << QByteArray(", 12.3 ended/s");
    }
    void ratesOfTasksAreNeverRoundedAway()
    {
        QFETCH(double, perSecond);
        QFETCH(QByteArray, words);
        Snapshot snapshot = sample();
        snapshot.queue.endedPerSecond = perSecond;
        const std::string text = statusText(snapshot, {200, false, true});
        QVERIFY2(has(text, words.toStdString()), text.c_str());
    }

    void eachInstanceIsSaid()
    {
        Snapshot snapshot = sample();
        InstanceFigures here;
        here.name = "front";
        here.version = "1.2.0";
        here.up = here.own = true;
        here.share.emplace().fraction = 0.9;
        snapshot.instances = {here};
        QVERIFY(!has(statusText(snapshot, {110, false, true}), "front")); // alone it is the portal
        InstanceFigures other;
        other.name = "back";
        other.version = "1.1.0";
        other.why = Absence::Hangs;
        other.since = std::chrono::seconds(4);
        other.otherVersion = true;
        other.share.emplace().fraction = 0.1;
        snapshot.instances = {other, here};
        snapshot.readings[0].instance = "back";
        const std::string text = statusText(snapshot, {110, false, true});
        QVERIFY2(has(text, "instances          back: HANGS for 4 s, 10 % of the answers, runs version 1.1.0\n"
                           "                   front: up, 90 % of the answers (this one)\n"),
                 text.c_str());
        QVERIFY2(has(text, "22 MB of 30 MB, at back"), text.c_str());
    }

    void fits_data()
    {
        QTest::addColumn<int>("width");
        for (const int width : {40, 50, 64, 80, 100, 200})
            QTest::newRow(qPrintable(QString::number(width))) << width;
    }
    void fits()
    {
        QFETCH(int, width);
        const std::string text = statusText(sample(), {std::size_t(width), false, true});
        QVERIFY(widest(text) <= std::size_t(width));
        QVERIFY(has(text, "yellow   22 MB")); // zone and value are always there
    }

    void colourIsNeverTheOnlySign()
    {
        const std::string coloured = statusText(sample(), {80, true, true});
        QVERIFY(has(coloured, "\x1b[31m■\x1b[0m \x1b[31mred\x1b[0m"));
        QVERIFY(!has(statusText(sample(), {80, false, true}), "\x1b"));
        const std::string ascii = statusText(sample(), {80, false, false});
        QVERIFY(std::ranges::all_of(ascii, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
        QVERIFY(has(ascii, "# red"));
    }

    void foreignTextCannotDriveTheTerminal()
    {
        Snapshot snapshot = sample();
        snapshot.tier = "\x1b]0;title\x07\n";
        snapshot.links[0].told = "\x1b[2J";
        const std::string text = statusText(snapshot, {120, false, true});
        QVERIFY(!has(text, "\x1b") && !has(text, "\x07"));
    }

    void saysThatNobodyTakesTasks()
    {
        Snapshot snapshot = sample();
        Reading workers;
        workers.resource = Resource::Workers;
        workers.zone = Zone::Red;
        workers.unknown = Unknown::No;
        workers.value = 5;
        snapshot.readings = {workers};
        snapshot.links[0].up = true;
        snapshot.verdict = Zone::Red;
        const std::string text = statusText(snapshot, {120, false, true});
        QVERIFY2(has(text, "\nno worker takes tasks, 5 waiting; 1 of 1 watched\n"), text.c_str());
        QVERIFY2(has(text, "Workers            ■ red      no worker takes tasks, 5 waiting"), text.c_str());
    }

    void oneIsNotMany()
    {
        struct
        {
            Resource resource;
            std::uint64_t value;
            std::optional<std::uint64_t> limit;
            const char *words;
        } const rows[]{{Resource::Users, 1, std::nullopt, " 1 user"},
                       {Resource::Users, 0, std::nullopt, " 0 users"},
                       {Resource::Users, 1, 50, " 1 of 50 users"},
                       {Resource::Queue, 1, std::nullopt, " 1 task"},
                       {Resource::Queue, 2, std::nullopt, " 2 tasks"}};
        for (const auto &row : rows) {
            Snapshot snapshot = sample();
            Reading reading;
            reading.resource = row.resource;
            reading.unknown = Unknown::No;
            reading.value = row.value;
            if (row.limit)
                reading.limit = *row.limit;
            snapshot.readings = {reading};
            const std::string text = statusText(snapshot, {120, false, true});
            QVERIFY2(has(text, row.words) && !has(text, std::string(row.words) + "s"), text.c_str());
        }
    }

    void theOldestIsOfThoseThatOursTake()
    {
        Snapshot snapshot;
        snapshot.queue.queues = {{"celery", 0}, {"emails", 30, Untaken::Queue}};
        snapshot.queue.waiting = 30;
        snapshot.queue.oldestWaiting = 0s;
        QVERIFY(!has(statusText(snapshot, {200, false, true}), ", oldest waits "));
        snapshot.queue.queues[0].waiting = 2;
        snapshot.queue.waiting = 32;
        snapshot.queue.oldestWaiting = 90s;
        QVERIFY(has(statusText(snapshot, {200, false, true}), ", oldest waits "));
    }

    void nothingKnownIsNotZero()
    {
        const std::string text = statusText(Snapshot{}, {80, false, true});
        QVERIFY(has(text, "○ unknown"));
        QVERIFY(has(text, "unknown waiting"));
    }

    /// Red for Redis is away is no sign of a task that waited.
    void whatIsAwayTellsNoTaskThatWaited()
    {
        Snapshot snapshot = sample();
        Reading workers;
        workers.resource = Resource::Workers;
        workers.zone = Zone::Red;
        workers.value = 0;
        workers.unknown = Unknown::Away;
        snapshot.readings = {workers};
        QVERIFY(has(statusText(snapshot), "no task waited untaken, not answering"));
        workers.unknown = Unknown::No; // the zone is left some seconds after
        snapshot.readings = {workers};
        QVERIFY(has(statusText(snapshot), "tasks waited untaken until a moment ago"));
    }

    void namesAllThatIsNotWatched()
    {
        Snapshot snapshot;
        Reading traffic;
        traffic.resource = Resource::RedisTraffic;
        traffic.unknown = Unknown::NoLimit;
        Reading errors;
        errors.resource = Resource::ErrorRate;
        errors.unknown = Unknown::TooFew;
        snapshot.readings = {traffic, errors};
        const std::string text = statusText(snapshot, {120, false, true});
        QVERIFY2(has(text, "\n0 of 2 watched; unknown: Error rate; no limit here: Redis traffic\n"), text.c_str());
        snapshot.readings[0].unknown = Unknown::TooFew;
        QVERIFY(has(statusText(snapshot, {120, false, true}), "○ unknown  measured for less than 10 min"));
    }

    void saysOfHowManyRequests()
    {
        Snapshot snapshot;
        snapshot.http.traffic.requests = 3;
        snapshot.http.traffic.p95 = 0.000776;
        QVERIFY(has(statusText(snapshot, {120, false, true}), "p95 776 µs, p99 unknown of 3\n"));
    }

    void namesTheRightThatIsMissing_data()
    {
        QTest::addColumn<QString>("command");
        QTest::addColumn<bool>("unknown");
        QTest::addColumn<QString>("acl");
        QTest::newRow("a command") << "INFO" << false << "+info";
        QTest::newRow("a part of one") << "CLIENT LIST" << false << "+client|list";
        QTest::newRow("renamed: no right mends that") << "INFO" << true << "";
        QTest::newRow("a channel too") << "SUBSCRIBE p:*" << false << "";
        QTest::newRow("told with the queue") << "EVALSHA" << false << "";
    }
    void namesTheRightThatIsMissing()
    {
        QFETCH(QString, command);
        QFETCH(bool, unknown);
        QFETCH(QString, acl);
        Snapshot snapshot;
        snapshot.notTold = {{"redis", command.toStdString(), unknown}};
        const std::string text = statusText(snapshot);
        QCOMPARE(has(text, "ACL SETUSER"), !acl.isEmpty());
        QVERIFY2(has(text, acl.toStdString()), text.c_str());
    }

    void namesWhatItMayNotRead_data()
    {
        QTest::addColumn<NotTold>("part");
        QTest::addColumn<QString>("why");
        const auto row = [](const char *name, NotTold part, const char *why) { QTest::newRow(name) << part << why; };
        row("the queue's", {"queue", "LLEN", false, unread_keys::queue}, "its user may not read the keys of the queue");
        row("a list's", {"lists", "keys emails", false, unread_keys::list, "emails"},
            R"(its user may not read "emails")");
        row("others'", {"families", "SCAN", false, unread_keys::others},
            "its user may not read the keys of other programs");
        row("no connection", {"live", "SUBSCRIBE", false, "redis-lost", "localhost:6379", "Broken pipe"},
            "the connection broke: localhost:6379 (Broken pipe)");
        row("of a later version", {"redis", "INFO", false, "of-a-later-version"}, "INFO does not work there");
        row("with what was told", {"redis", "INFO", false, "of-a-later-version", "", "closed"}, "closed");
    }
    void namesWhatItMayNotRead()
    {
        QFETCH(NotTold, part);
        QFETCH(QString, why);
        Snapshot snapshot;
        snapshot.notTold = {part};
        const std::string text = statusText(snapshot, {160, false, true});
        QVERIFY2(has(text, ("this Redis does not tell: " + why + "\n").toStdString()), text.c_str());
        QVERIFY(!has(text, "ACL SETUSER")); // no right to a command mends that
    }

    void saysWhyNoFamilyIsKnown()
    {
        Snapshot snapshot = sample();
        QVERIFY(!has(statusText(snapshot), "key families"));
        FamilyFigures other;
        other.family = "other";
        snapshot.families.families = {other};
        snapshot.families.age = 2s;
        QVERIFY(has(statusText(snapshot), "key families       too few keys looked at so far\n"));
        snapshot.families.families[0].bytes = Estimate{6 * MiB, 5 * MiB, 7 * MiB};
        QVERIFY(has(statusText(snapshot), "key families       other 6 MB"));
    }

    void comesBackFromJson()
    {
        const Snapshot snapshot = sample();
        const auto read = readJson<Snapshot>(writeJson(snapshot), JsonMode::Lenient);
        QVERIFY2(read.has_value(), read.has_error() ? read.error().message.c_str() : "");
        QCOMPARE(statusText(*read), statusText(snapshot));
        QVERIFY(*read == snapshot);
        QVERIFY(has(writeJson(Snapshot{}), R"("used_memory":null)"));
    }
};

QTEST_GUILESS_MAIN(StatusTextTest)
#include "status_text_test.moc"
