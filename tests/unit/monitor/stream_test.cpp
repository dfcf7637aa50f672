// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/base/runtime.h"
#include "core/monitor/stream.h"
#include "tests/fakes/fake_socket.h"
#include "tests/fakes/manual_clock.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <QTest>
#include <set>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

StreamWish wish(std::chrono::seconds every, std::vector<std::string> only = {}) { return {every, std::move(only)}; }

/// A stream, its watchers and the samples it is given.
struct Streamed
{
    ~Streamed()
    {
        for (const auto &socket : sockets)
            socket->close(1000, "");
        [this] { QTRY_COMPARE(stream.watchers(), std::size_t(0)); }();
        runtime.stop();
    }
    std::shared_ptr<FakeSocket> watch(StreamWish wanted = {})
    {
        auto socket = std::make_shared<FakeSocket>(runtime.at(0));
        sockets.push_back(socket);
        spawn(socket->executor(), [this, socket, wanted] { return stream.serve(socket, wanted); });
        // What is posted after it runs after its first part.
        runSync<void>(runtime.at(0), []() -> awaitable<void> { co_return; });
        return socket;
    }
    void publish()
    {
        Snapshot snapshot;
        snapshot.sequence = ++sequence;
        snapshot.time = clock.wall();
        snapshot.tier = "small";
        snapshot.verdict = Zone::Yellow;
        snapshot.disk.total = 42;
        stream.publish(std::make_shared<const Snapshot>(std::move(snapshot)));
    }
    void seconds(int count)
    {
        for (int i = 0; i < count; ++i) {
            clock.advance(1s);
            publish();
        }
    }

    ManualClock clock;
    Runtime runtime{1};
    SnapshotStream stream{clock};
    std::uint64_t sequence = 0;
    std::vector<std::shared_ptr<FakeSocket>> sockets;
};

std::set<std::string> membersOf(const std::string &text)
{
    std::set<std::string> names;
    const auto read = boost::json::parse(text);
    for (const auto &[name, value] : read.as_object())
        names.emplace(name);
    return names;
}

std::vector<std::uint64_t> sequencesOf(const FakeSocket &socket)
{
    std::vector<std::uint64_t> all;
    for (const auto &text : socket.texts())
        all.push_back(readJson<Snapshot>(*text, JsonMode::Strict).value().sequence);
    return all;
}

} // namespace

class StreamTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsWhatIsAskedFor_data();
    void readsWhatIsAskedFor();
    void refusesWhatItDoesNotHave_data();
    void refusesWhatItDoesNotHave();
    void describesItsParameters();
    void sendsAllOfItEverySecond();
    void sendsPartsAsRarelyAsAsked();
    void takesASampleThatIsEarlyForTheOneThatIsDue();
    void serialisesOnceForAllWhoWantTheSame();
    void boundsItsGroups();
    void boundsItsWatchers();
    void knowsWhoLooksClosely();
};

void StreamTest::readsWhatIsAskedFor_data()
{
    QTest::addColumn<Parameters>("parameters");
    QTest::addColumn<StreamWish>("wanted");
    QTest::newRow("nothing") << Parameters{} << wish(1s);
    QTest::newRow("empty") << Parameters{{"every", ""}, {"only", ""}} << wish(1s);
    QTest::newRow("every") << Parameters{{"every", "5s"}} << wish(5s);
    QTest::newRow("in another unit") << Parameters{{"every", "1m"}} << wish(60s);
    QTest::newRow("in small units") << Parameters{{"every", "2000ms"}} << wish(2s);
    QTest::newRow("only") << Parameters{{"only", "readings"}} << wish(1s, {"readings"});
    QTest::newRow("in their order") << Parameters{{"only", "readings,verdict,time"}, {"every", "15s"}}
                                    << wish(15s, {"time", "verdict", "readings"});
    QTest::newRow("each once") << Parameters{{"only", "disk,disk"}} << wish(1s, {"disk"});
    QTest::newRow("as JSON spells it") << Parameters{{"only", "db_pools,not_told"}}
                                       << wish(1s, {"not_told", "db_pools"});
}

void StreamTest::readsWhatIsAskedFor()
{
    QFETCH(Parameters, parameters);
    QFETCH(StreamWish, wanted);
    const auto read = readStreamWish(parameters);
    QVERIFY2(read.has_value(), read ? "" : read.error().message.c_str());
    QVERIFY(*read == wanted);
}

void StreamTest::refusesWhatItDoesNotHave_data()
{
    QTest::addColumn<Parameters>("parameters");
    QTest::addColumn<QString>("field");
    const auto row = [](const char *name, Parameters parameters, const char *field) {
        QTest::newRow(name) << std::move(parameters) << field;
    };
    row("another interval", {{"every", "3s"}}, "/every");
    row("no time", {{"every", "0"}}, "/every");
    row("between", {{"every", "1001ms"}}, "/every");
    row("no unit", {{"every", "5"}}, "/every");
    row("negative", {{"every", "-5s"}}, "/every");
    row("words", {{"every", "often"}}, "/every");
    row("no member", {{"only", "verdict,passwords"}}, "/only");
    row("as C++ spells it", {{"only", "dbPools"}}, "/only");
    row("a member of a member", {{"only", "redis.usedMemory"}}, "/only");
    row("a gap", {{"only", "verdict,,time"}}, "/only");
    row("a blank", {{"only", "verdict, time"}}, "/only");
    row("twice", {{"every", "5s"}, {"every", "5s"}}, "/every");
    row("something else", {{"each", "5s"}}, "/each");
}

void StreamTest::refusesWhatItDoesNotHave()
{
    QFETCH(Parameters, parameters);
    QFETCH(QString, field);
    const auto read = readStreamWish(parameters);
    QVERIFY(!read);
    QCOMPARE(read.error().kind, ErrorKind::Invalid);
    QCOMPARE(read.error().fields.size(), std::size_t(1));
    QCOMPARE(QString::fromStdString(read.error().fields.front().pointer), field);
}

void StreamTest::describesItsParameters()
{
    const auto described = boost::json::parse(streamParameters()).as_array();
    QCOMPARE(described.size(), std::size_t(2));
    for (const auto &text : described[0].at("schema").at("enum").as_array())
        QVERIFY(readStreamWish({{"every", std::string(text.as_string())}}));
    Parameters all{{"only", ""}};
    for (const auto &text : described[1].at("schema").at("items").at("enum").as_array())
        all[0].second.append(all[0].second.empty() ? "" : ",").append(text.as_string());
    const auto read = readStreamWish(all);
    QVERIFY(read);
    Streamed streamed;
    streamed.publish();
    const auto members = membersOf(*streamed.stream.text());
    QVERIFY(std::set<std::string>(read->only.begin(), read->only.end()) == members);
}

void StreamTest::sendsAllOfItEverySecond()
{
    Streamed streamed;
    const auto early = streamed.watch();
    QVERIFY(early->texts().empty()); // nothing was measured yet
    streamed.seconds(2);
    const auto late = streamed.watch();
    streamed.seconds(2);
    QVERIFY(sequencesOf(*early) == (std::vector<std::uint64_t>{1, 2, 3, 4}));
    QVERIFY(sequencesOf(*late) == (std::vector<std::uint64_t>{2, 3, 4})); // the latest at once
    QVERIFY(late->texts().back() == streamed.stream.text());              // the same object
    late->close(1000, "");
    QTRY_COMPARE(streamed.stream.watchers(), std::size_t(1));
    streamed.seconds(1);
    QCOMPARE(late->texts().size(), std::size_t(3));
}

void StreamTest::sendsPartsAsRarelyAsAsked()
{
    Streamed streamed;
    streamed.publish();
    const auto slim = streamed.watch(wish(5s, {"sequence", "verdict"}));
    const auto rare = streamed.watch(wish(60s, {"sequence", "disk"}));
    QCOMPARE(slim->texts().size(), std::size_t(1));
    QVERIFY(membersOf(*slim->texts().front()) == (std::set<std::string>{"sequence", "verdict"}));
    QCOMPARE(QByteArray::fromStdString(*slim->texts().front()), QByteArray(R"({"sequence":1,"verdict":"yellow"})"));
    streamed.seconds(4);
    QCOMPARE(slim->texts().size(), std::size_t(1));
    streamed.seconds(1);
    QCOMPARE(slim->texts().size(), std::size_t(2));
    streamed.seconds(55);
    QVERIFY(sequencesOf(*slim) == (std::vector<std::uint64_t>{1, 6, 11, 16, 21, 26, 31, 36, 41, 46, 51, 56, 61}));
    QVERIFY(sequencesOf(*rare) == (std::vector<std::uint64_t>{1, 61}));
    QVERIFY(membersOf(*rare->texts().back()) == (std::set<std::string>{"sequence", "disk"}));
}

void StreamTest::takesASampleThatIsEarlyForTheOneThatIsDue()
{
    Streamed streamed;
    const auto slim = streamed.watch(wish(2s, {"sequence"}));
    for (int i = 0; i < 20; ++i) { // every other one after 1.96 s
        streamed.clock.advance(i % 2 ? 920ms : 1040ms);
        streamed.publish();
    }
    QCOMPARE(slim->texts().size(), std::size_t(10));
}

void StreamTest::serialisesOnceForAllWhoWantTheSame()
{
    Streamed streamed;
    const auto one = streamed.watch(wish(2s, {"verdict"})), two = streamed.watch(wish(2s, {"verdict"}));
    const auto seldom = streamed.watch(wish(5s, {"verdict"})), other = streamed.watch(wish(2s, {"disk"}));
    streamed.seconds(10);
    QCOMPARE(one->texts().size(), std::size_t(5));
    QVERIFY(one->texts() == two->texts()); // the same objects
    QVERIFY(seldom->texts().back() == one->texts().back());
    QVERIFY(other->texts().back() != one->texts().back());
}

void StreamTest::boundsItsGroups()
{
    Streamed streamed;
    const std::vector<std::string> members{"time",     "sequence", "tier",    "version",
                                           "instance", "uptime",   "verdict", "disk"};
    std::vector<std::shared_ptr<FakeSocket>> groups;
    for (std::size_t i = 0; i < SnapshotStream::maxGroups; ++i)
        groups.push_back(streamed.watch(wish(i < 8 ? 5s : 10s, {members[i % 8]})));
    for (const auto &socket : groups)
        QVERIFY(socket->open());
    const auto over = streamed.watch(wish(15s));
    QCOMPARE(over->code(), 1013);
    QVERIFY(streamed.watch(wish(5s, {"disk"}))->open()); // as others do already
    QVERIFY(streamed.watch()->open());                   // all of it is always to be had
    groups.front()->close(1000, "");
    QTRY_COMPARE(streamed.stream.watchers(), SnapshotStream::maxGroups + 1);
    QVERIFY(streamed.watch(wish(15s))->open());
    QCOMPARE(streamed.watch(wish(30s))->code(), 1013);
}

void StreamTest::boundsItsWatchers()
{
    Streamed streamed;
    for (std::size_t i = 0; i < SnapshotStream::maxWatchers; ++i)
        QVERIFY(streamed.watch(i % 2 ? wish(1s) : wish(5s, {"verdict"}))->open());
    QCOMPARE(streamed.watch()->code(), 1013);
    QCOMPARE(streamed.watch(wish(5s, {"verdict"}))->code(), 1013);
    QCOMPARE(streamed.stream.watchers(), SnapshotStream::maxWatchers);
}

void StreamTest::knowsWhoLooksClosely()
{
    Streamed streamed;
    QVERIFY(!streamed.stream.isWatchedClosely());
    streamed.watch(wish(5s, {"verdict"}));
    QVERIFY(!streamed.stream.isWatchedClosely());
    const auto close = streamed.watch(wish(2s, {"verdict"}));
    QVERIFY(streamed.stream.isWatchedClosely());
    close->close(1000, "");
    QTRY_VERIFY(!streamed.stream.isWatchedClosely());
}

QTEST_GUILESS_MAIN(StreamTest)
#include "stream_test.moc"
