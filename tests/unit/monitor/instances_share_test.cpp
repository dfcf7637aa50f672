// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/instance_name.h"
#include "core/monitor/instances/share.h"
#include "core/monitor/instances/share_traffic.h"
#include "tests/unit/monitor/instances_shares.h"

#include <QTest>
#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

using namespace portolan;
using namespace portolan::monitor::instances;
using namespace std::chrono_literals;
using telemetry::TrafficSlices;

namespace {

/// Traffic of `routes` routes over 60 slices of a second, `hits` different durations for each in each.
TrafficSlices busy(std::size_t routes, std::size_t hits, std::uint32_t seed = 1)
{
    std::mt19937 random(seed);
    TrafficSlices traffic;
    traffic.covered = 60s;
    for (std::size_t route = 0; route < routes; ++route)
        traffic.routes.push_back({"GET", "/api/things/" + std::to_string(route), route % 50 == 49});
    for (int second = 0; second < 60; ++second) {
        auto &slice = traffic.slices.emplace_back();
        slice.age = std::chrono::milliseconds(1000 * second + 500);
        for (std::uint32_t route = 0; route < routes; ++route) {
            if (routes > 1000 && (route + std::uint32_t(second)) % 60 != 0)
                continue;
            auto &part = slice.parts.emplace_back();
            part.route = route;
            part.unanswered = {random() % 2, random() % 3 == 0, 0};
            std::uint16_t bucket = std::uint16_t(200 + random() % 40);
            for (std::size_t hit = 0; hit < hits; ++hit, bucket += std::uint16_t(1 + random() % 6))
                part.hits.push_back({bucket, std::uint32_t(1 + random() % 4 + (route == 7 ? 1000 : 0))});
        }
    }
    traffic.answered = answersIn(traffic);
    return traffic;
}

Share shareOfTraffic(TrafficSlices traffic)
{
    Share share = fullShare();
    share.traffic = std::move(traffic);
    return share;
}

/// What others read of it; fails the test when that is nothing.
Share told(const Share &share, std::size_t *bytes = nullptr)
{
    const auto text = encodeShare(share);
    if (!text || text->size() > maxShareBytes)
        qFatal("not encoded");
    if (bytes)
        *bytes = text->size();
    auto message = decodeMessage(*text);
    if (!message || !message->share || message->goodbye || message->who != share.who)
        qFatal("not read back");
    return *message->share;
}

void sumsAreThose(const TrafficSlices &traffic, const TrafficSlices &whole)
{
    QCOMPARE(answersIn(traffic), answersIn(whole));
    QVERIFY(unansweredIn(traffic) == unansweredIn(whole));
    QCOMPARE(traffic.answered, whole.answered);
}

} // namespace

class InstancesShareTest final : public QObject
{
    Q_OBJECT

private slots:
    void everyMemberComesBack()
    {
        const Share share = fullShare();
        QVERIFY(told(share) == share);
        Share bare;
        bare.who = share.who;
        QVERIFY(told(bare) == bare);
        const auto goodbye = decodeMessage(*encodeGoodbye(share.who));
        QVERIFY(goodbye && goodbye->goodbye && !goodbye->share);
        QVERIFY(goodbye->who == share.who);
    }

    void theSnapshotIsTold()
    {
        Snapshot own;
        own.uptime = 90s;
        own.http.connections = 5;
        own.http.cutConnections = 2;
        own.workers.concurrency = 4;
        own.workers.busy = 1;
        own.workers.refused = {{"bad-body", 3}};
        own.workers.sharedQueue.emplace().holdingBack = true;
        own.queue.failedLately = 6;
        own.queue.endedPerSecond = 1.5;
        own.dbPools = {{"primary", 4, 2, 0, 0, 0, 0}};
        own.disk = {100, 50};
        own.users.failedSignIns = 7;
        Reading &reading = own.readings.emplace_back();
        reading.resource = Resource::Disk;
        reading.zone = Zone::Yellow;
        reading.value = 0.8;
        monitor::TaskFigures tasks;
        tasks.taken = 11;
        tasks.scheduled = 2;
        tasks.parked = 3;
        const Share share = shareOf(fullShare().who, fullShare().traffic, own, tasks);
        QCOMPARE(share.uptime, std::chrono::milliseconds(90'000));
        QVERIFY(share.connections.connections == 5u && !share.connections.webSockets && share.connections.cut == 2u);
        QVERIFY(share.tasks && share.tasks->taken == 11 && share.tasks->scheduled == 2);
        QVERIFY(share.tasks->failedLately == 6u && share.tasks->endedPerSecond == 1.5);
        QVERIFY(share.workers && share.workers->concurrency == 4 && share.workers->busy == 1);
        QVERIFY(share.workers->holdingBack && share.workers->refused == own.workers.refused);
        QVERIFY(share.dbPools == own.dbPools && share.disk == own.disk && share.failedSignIns == 7u);
        QVERIFY(share.zones == (std::vector<ZoneShare>{{Resource::Disk, Zone::Yellow, 0.8}}));
        QVERIFY(!shareOf(fullShare().who, {}, Snapshot(), std::nullopt).tasks);
        QVERIFY(!shareOf(fullShare().who, {}, Snapshot(), std::nullopt).workers);
        QVERIFY(told(share) == share);
    }

    void theOrderInMemoryDoesNotShow()
    {
        std::mt19937 random(11);
        const Share share = shareOfTraffic(busy(12, 4));
        Share shuffled = share;
        auto &traffic = shuffled.traffic;
        std::vector<std::uint32_t> moved(traffic.routes.size());
        std::iota(moved.begin(), moved.end(), 0u);
        std::ranges::shuffle(moved, random);
        for (std::uint32_t route = 0; route < moved.size(); ++route)
            traffic.routes[moved[route]] = share.traffic.routes[route];
        for (auto &slice : traffic.slices) {
            for (auto &part : slice.parts)
                part.route = moved[part.route];
            std::ranges::shuffle(slice.parts, random);
        }
        std::ranges::shuffle(traffic.slices, random);
        QVERIFY(shuffled.traffic != share.traffic);
        QCOMPARE(*encodeShare(shuffled), *encodeShare(share));
    }

    void staysWithinItsBounds_data()
    {
        QTest::addColumn<int>("routes");
        QTest::addColumn<int>("hits");
        QTest::addColumn<int>("slices"); // told
        QTest::addColumn<int>("mostBytes");
        QTest::newRow("idle") << 1 << 1 << 60 << 1024;
        QTest::newRow("a few requests a second") << 2 << 4 << 60 << 4096;
        QTest::newRow("24 routes, 5 a second") << 4 << 6 << 12 << 4096;
        QTest::newRow("24 routes, each asked each second") << 24 << 2 << 4 << 16384;
        QTest::newRow("24 routes, each asked 60 times a second") << 24 << 60 << 1 << 16384;
        QTest::newRow("every bucket of 100 routes") << 100 << 120 << 1 << 16384;
        QTest::newRow("10,000 routes") << 10'000 << 3 << 4 << 16384;
    }
    void staysWithinItsBounds()
    {
        QFETCH(int, routes);
        QFETCH(int, hits);
        QFETCH(int, slices);
        QFETCH(int, mostBytes);
        const Share share = shareOfTraffic(busy(std::size_t(routes), std::size_t(hits)));
        std::size_t bytes = 0;
        const Share read = told(share, &bytes);
        QVERIFY2(bytes <= std::size_t(mostBytes), qPrintable(QString::number(bytes)));
        QCOMPARE(int(read.traffic.slices.size()), slices);
        sumsAreThose(read.traffic, share.traffic);
        QCOMPARE(*encodeShare(read), *encodeShare(share));
    }

    void whoTellsRarelyTellsInFewerSlices()
    {
        Share share = shareOfTraffic(busy(2, 1));
        for (const auto &[every, slices] : {std::pair(4000ms, 60), std::pair(5000ms, 12), std::pair(20'000ms, 12),
                                            std::pair(60'000ms, 4), std::pair(600'000ms, 1)}) {
            share.who.every = every;
            const Share read = told(share);
            QCOMPARE(int(read.traffic.slices.size()), slices);
            sumsAreThose(read.traffic, share.traffic);
        }
    }

    void whoSaysItTellsHourlyIsHeldToTheLongestTime()
    {
        Share share = fullShare();
        share.who.every = longestEvery;
        std::string bytes = *encodeShare(share);
        const std::string longest("\xc0\xcf\x24", 3); // 600,000
        QVERIFY(bytes.find(longest) != std::string::npos);
        bytes.replace(bytes.find(longest), 3, "\x80\xdd\xdb\x01", 4); // 3,600,000
        const auto message = decodeMessage(bytes);
        QVERIFY(message && message->share);
        QVERIFY(message->who.every == longestEvery && message->share->who.every == longestEvery);
    }

    void ratesThatCannotBeAreRefused_data()
    {
        QTest::addColumn<double>("rate");
        QTest::addColumn<bool>("read");
        QTest::newRow("nothing") << 0.0 << true;
        QTest::newRow("the greatest") << 1e12 << true;
        QTest::newRow("greater") << 1.1e12 << false;
        QTest::newRow("two of them are no number") << 1e308 << false;
        QTest::newRow("negative") << -0.5 << false;
        QTest::newRow("infinite") << std::numeric_limits<double>::infinity() << false;
        QTest::newRow("no number") << std::numeric_limits<double>::quiet_NaN() << false;
    }
    void ratesThatCannotBeAreRefused()
    {
        QFETCH(double, rate);
        QFETCH(bool, read);
        const auto as = [](double value) { return std::string(reinterpret_cast<const char *>(&value), sizeof value); };
        const Share share = fullShare();
        const std::string bytes = *encodeShare(share);
        for (const double told : {*share.tasks->endedPerSecond, share.dbPools[0].waitedSeconds}) {
            std::string changed = bytes;
            QVERIFY(changed.find(as(told)) != std::string::npos);
            changed.replace(changed.find(as(told)), sizeof told, as(rate));
            QCOMPARE(decodeMessage(changed).has_value(), read);
        }
    }

    void routesBeyondCountAsOther_data()
    {
        QTest::addColumn<int>("longer"); // names
        QTest::newRow("more than are told by name") << 0;
        QTest::newRow("more than there is room for") << 100;
    }
    void routesBeyondCountAsOther()
    {
        QFETCH(int, longer);
        Share share = shareOfTraffic(busy(10'000, 3));
        const std::string end(std::size_t(longer), 'x');
        for (auto &route : share.traffic.routes)
            route.path += end;
        std::size_t bytes = 0;
        const Share read = told(share, &bytes);
        sumsAreThose(read.traffic, share.traffic);
        const auto &routes = read.traffic.routes;
        if (longer == 0)
            QCOMPARE(routes.size(), maxRoutes + 2);
        else
            QVERIFY(bytes > maxShareBytes * 9 / 10 && routes.size() > 50);
        QVERIFY(std::ranges::find(routes, TrafficSlices::Route{"other", "other", false}) != routes.end());
        QVERIFY(std::ranges::find(routes, TrafficSlices::Route{"other", "other", true}) != routes.end());
        QVERIFY(std::ranges::find(routes, TrafficSlices::Route{"GET", "/api/things/7" + end, false}) != routes.end());
        const auto streamed = [](const TrafficSlices &traffic) {
            std::uint64_t count = 0;
            for (const auto &slice : traffic.slices)
                for (const auto &part : slice.parts)
                    for (const auto &hit : part.hits)
                        count += traffic.routes[part.route].stream ? hit.count : 0;
            return count;
        };
        QCOMPARE(streamed(read.traffic), streamed(share.traffic));
    }

    void namesThatCannotBeShownCountAsOther()
    {
        for (const std::string &path : {std::string(), std::string(maxPathBytes + 1, 'a'), std::string("/a\nb"),
                                        std::string("/\xff"), std::string("/nul\0", 5)}) {
            Share share = fullShare();
            share.traffic.routes[0].path = path;
            const Share read = told(share);
            sumsAreThose(read.traffic, share.traffic);
            QVERIFY(std::ranges::all_of(read.traffic.routes, hasShownName));
            QCOMPARE(read.traffic.routes.back().path, std::string("other"));
        }
    }

    void whatIsTooOldOrTooLargeIsCut()
    {
        Share share = fullShare();
        share.traffic.slices.push_back({60s, {{0, {1, 1, 1}, {{3, 3}}}}});
        share.traffic.answered = std::numeric_limits<std::uint64_t>::max();
        share.connections.connections = std::numeric_limits<std::uint64_t>::max();
        share.tasks->takenPerSecond = std::numeric_limits<double>::infinity();
        share.dbPools.resize(20, share.dbPools.front());
        share.dbPools.front().name = std::string(100, 'p');
        share.workers->refused.front().reason = "a\tb";
        const Share read = told(share);
        QCOMPARE(answersIn(read.traffic), answersIn(fullShare().traffic));
        QCOMPARE(read.traffic.answered, (std::uint64_t{1} << 53) - 1);
        QCOMPARE(*read.connections.connections, (std::uint64_t{1} << 53) - 1);
        QCOMPARE(*read.tasks->takenPerSecond, 0.0);
        QCOMPARE(read.dbPools.size(), std::size_t{8});
        QCOMPARE(read.dbPools.front().name, std::string(48, 'p'));
        QCOMPARE(read.workers->refused.front().reason, std::string("?"));
    }

    void anIdentityWithoutBoundsIsNotTold()
    {
        const auto refused = [](auto change) {
            Share share = fullShare();
            change(share.who);
            return encodeShare(share).has_error() && encodeGoodbye(share.who).has_error();
        };
        QVERIFY(!refused([](Identity &) {}));
        QVERIFY(refused([](Identity &who) { who.name.clear(); }));
        QVERIFY(refused([](Identity &who) { who.name = "two words"; }));
        QVERIFY(refused([](Identity &who) { who.name = std::string(49, 'n'); }));
        QVERIFY(refused([](Identity &who) { who.version.clear(); }));
        QVERIFY(refused([](Identity &who) { who.version = "1\n2"; }));
        QVERIFY(refused([](Identity &who) { who.every = 0ms; }));
        QVERIFY(refused([](Identity &who) { who.every = 2h; }));
    }

    void damagedBytesAreAnErrorOrKeepTheBounds()
    {
        const std::string bytes = *encodeShare(fullShare());
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto message = decodeMessage(std::string_view(bytes).substr(0, size));
            QVERIFY2(message.has_error(), qPrintable(QString::number(size)));
            QVERIFY(message.error().kind == ErrorKind::Protocol);
        }
        QVERIFY(decodeMessage(bytes + '\0').has_error());
        int read = 0;
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            // Each bit, all that stand below a continuation, all of them, and another value at each place.
            for (const unsigned flip : {1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u, 127u, 255u, unsigned(at * 37 % 255 + 1)}) {
                std::string damaged = bytes;
                damaged[at] = char(std::uint8_t(damaged[at]) ^ flip);
                const auto message = decodeMessage(damaged);
                if (!message || !message->share)
                    continue;
                ++read;
                const auto again = encodeShare(*message->share);
                QVERIFY(again && again->size() <= maxShareBytes);
                QVERIFY(told(*message->share).who == message->who);
                for (const auto &slice : message->share->traffic.slices)
                    for (const auto &part : slice.parts)
                        QVERIFY(part.route < message->share->traffic.routes.size());
            }
        }
        QVERIFY(read > 0); // a changed figure is a figure
    }

    void whatIsNoMessageIsRefused_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::newRow("nothing") << QByteArray();
        QTest::newRow("JSON") << QByteArray(R"({"name":"shop","version":"1.2.0"})");
        QTest::newRow("the beginning alone") << QByteArray("Pi");
        QTest::newRow("zeros") << QByteArray("Pi") + QByteArray(200, '\0');
        QTest::newRow("a name of 2^63 bytes") << QByteArray("Pi\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 12);
        QTest::newRow("a number that never ends") << QByteArray("Pi\0", 3) + QByteArray(300, '\xff');
        std::string longer = *encodeShare(fullShare());
        longer[3] |= char(0x80); // the name's length, in two bytes
        longer.insert(4, 1, '\0');
        QTest::newRow("a number written too long") << QByteArray::fromStdString(longer);
        QTest::newRow("too long") << QByteArray("Pi") + QByteArray(16 * 1024, 'a');
    }
    void whatIsNoMessageIsRefused()
    {
        QFETCH(QByteArray, bytes);
        const auto message = decodeMessage({bytes.data(), std::size_t(bytes.size())});
        QVERIFY(message.has_error());
        QVERIFY(message.error().kind == ErrorKind::Protocol);
    }

    void randomBytesBehindAHeadAreRefused()
    {
        std::mt19937 random(5);
        const std::string head = encodeGoodbye(fullShare().who)->substr(3); // without kind
        for (int i = 0; i < 20'000; ++i) {
            std::string bytes = std::string("Pi\0", 3) + head;
            for (std::size_t left = random() % 400; left > 0; --left)
                bytes += char(random());
            const auto message = decodeMessage(bytes);
            QVERIFY(!message || (message->share && encodeShare(*message->share)));
        }
    }

    void anotherFormStillSaysWhoItIs()
    {
        std::string bytes = *encodeGoodbye(fullShare().who);
        bytes[2] = 0;      // a share
        bytes.back() = 99; // in a form of later
        const auto message = decodeMessage(bytes + "whatever follows");
        QVERIFY(message.has_value());
        QVERIFY(message->who == fullShare().who);
        QVERIFY(!message->share && !message->goodbye);
    }

    void aRouteWithoutANameIsRefused()
    {
        const std::string bytes = *encodeShare(fullShare());
        for (const std::string &text : {std::string("\x03GET"), std::string("\x03/ws")}) {
            std::string nameless = bytes;
            QVERIFY(nameless.find(text) != std::string::npos);
            nameless.replace(nameless.find(text), text.size(), 1, '\0'); // a text of no bytes
            QVERIFY(decodeMessage(nameless).has_error());
        }
    }

    void resourcesOfAnotherVersionAreLeftOut()
    {
        std::string bytes = *encodeShare(fullShare());
        const std::size_t at = bytes.find("redis_memory");
        QVERIFY(at != std::string::npos);
        bytes.replace(at, 12, "later_things");
        const auto message = decodeMessage(bytes);
        QVERIFY(message && message->share);
        QCOMPARE(message->share->zones.size(), std::size_t{2});
        bytes.replace(bytes.find("db_pool"), 7, "disk\0\0\0", 7); // no text
        QVERIFY(decodeMessage(bytes).has_error());
    }

    void namesAreStable_data()
    {
        QTest::addColumn<QByteArray>("host");
        QTest::addColumn<QByteArray>("directory");
        QTest::addColumn<QByteArray>("like"); // another directory of the same name
        QTest::newRow("plain") << QByteArray("web") << QByteArray("/srv/shop") << QByteArray("/srv/shop/");
        QTest::newRow("not normal") << QByteArray("web") << QByteArray("/srv/shop") << QByteArray("/srv/x/../shop//");
        QTest::newRow("long") << QByteArray(80, 'h') << QByteArray("/a") << QByteArray("/./a");
        QTest::newRow("odd") << QByteArray("w e\xc3\xa4"
                                           "b\n")
                             << QByteArray("/") << QByteArray("/..");
        QTest::newRow("none") << QByteArray() << QByteArray("/srv/shop") << QByteArray("/srv/shop/.");
    }
    void namesAreStable()
    {
        QFETCH(QByteArray, host);
        QFETCH(QByteArray, directory);
        QFETCH(QByteArray, like);
        const std::string name = instanceName(host.toStdString(), directory.toStdString());
        QVERIFY2(isInstanceName(name), name.c_str());
        QCOMPARE(instanceName(host.toStdString(), like.toStdString()), name);
        QVERIFY(instanceName(host.toStdString(), "/another/place") != name);
    }

    void namesAreThoseOfBefore()
    {
        // FNV-1a of "/srv/shop" and of "/", folded: a change here renames every instance there is.
        QCOMPARE(instanceName("web", "/srv/shop"), std::string("web-c07b"));
        QCOMPARE(instanceName("web", "/"), std::string("web-02d0"));
        QVERIFY(!isInstanceName(""));
        QVERIFY(!isInstanceName("two words"));
        QVERIFY(!isInstanceName(std::string(49, 'a')));
        QVERIFY(isInstanceName(std::string(48, '~')));
    }
};

QTEST_GUILESS_MAIN(InstancesShareTest)
#include "instances_share_test.moc"
