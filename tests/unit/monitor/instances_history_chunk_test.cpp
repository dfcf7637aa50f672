// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/metric.h"
#include "core/monitor/instances/history_chunk.h"
#include "core/monitor/instances/history_teller.h"
#include "core/monitor/instances/share_bytes.h"

#include <boost/beast/zlib/deflate_stream.hpp>

#include <QTest>
#include <cmath>
#include <functional>
#include <random>

using namespace portolan;
using namespace portolan::monitor::instances;
using namespace std::chrono_literals;
using portolan::storage::HistoryRow;

namespace {

const WallTime noon{1'767'268'800s};

/// As many minutes, of values that no two are alike.
std::vector<HistoryRow> minutes(std::size_t count)
{
    std::mt19937_64 random(1);
    std::vector<HistoryRow> rows;
    for (std::size_t i = 0; i < count; ++i) {
        const WallTime time = noon + std::chrono::minutes(i);
        const double low = double(random() % 1'000'000) / 7;
        rows.push_back({time, low, low * 3, low * 2, 60, time + 412ms, time + 59'871ms});
    }
    return rows;
}

HistoryChunk chunkOf(std::vector<storage::SeriesRows> series)
{
    HistoryChunk chunk;
    chunk.request = 1'767'268'800'123'456;
    chunk.reached = noon - 1h;
    chunk.series = std::move(series);
    return chunk;
}

HistoryChunk usual()
{
    HistoryChunk chunk =
        chunkOf({{metric::redisMemory, minutes(90)},
                 {Metric(metric::zone, {{"resource", "queue"}}), minutes(3)},
                 {metric::sessions, {{noon, 5, 5, 5, 1}, {noon + 40s, 7, 7, 7, 3, noon + 40s, noon + 42s}}}});
    chunk.last = true;
    return chunk;
}

bool isSame(const HistoryChunk &one, const HistoryChunk &other)
{
    return one.request == other.request && one.reached == other.reached && one.last == other.last &&
           one.step == other.step && std::ranges::equal(one.series, other.series, [](const auto &a, const auto &b) {
               return a.metric == b.metric && a.rows == b.rows;
           });
}

/// A chunk of any content, as somebody else may make one.
std::string made(const std::function<void(Writer &)> &write, std::uint8_t form = 1,
                 std::optional<std::size_t> size = {})
{
    Writer content;
    write(content);
    const std::string plain = content.take();
    boost::beast::zlib::deflate_stream stream;
    std::string packed(stream.upper_bound(plain.size()) + 64, '\0');
    boost::beast::zlib::z_params at;
    at.next_in = plain.data();
    at.avail_in = plain.size();
    at.next_out = packed.data();
    at.avail_out = packed.size();
    boost::beast::error_code ended;
    stream.write(at, boost::beast::zlib::Flush::sync, ended);
    packed.resize(at.total_out);
    Writer head;
    head.number('P');
    head.number('h');
    head.number(form);
    head.number(7);
    head.number(1'767'268'800'000);
    head.flag(true);
    head.number(size.value_or(plain.size()));
    return head.take() + packed;
}

struct Written
{
    std::string name = "redis_memory";
    std::optional<std::string> label = {};
    std::uint64_t step = 60, rows = 1, gap = 0, time = 1'767'268'800;
    double low = 1, high = 3, mean = 2;
    std::uint64_t count = 60, first = 0, lasted = 59'000;
};

std::string made(const Written &what)
{
    return made([&](Writer &bytes) {
        bytes.number(what.step);
        bytes.number(1);
        bytes.text(what.name, 64);
        bytes.maybe(what.label, [&](const std::string &label) { bytes.text(label, 1000); });
        bytes.number(what.rows);
        for (std::uint64_t i = 0; i < what.rows; ++i) {
            bytes.number(i == 0 ? what.time : what.gap);
            bytes.number(2);
            for (const double value : {what.low, what.high, what.mean})
                bytes.real(value, 1e300);
            bytes.number(what.count);
            bytes.number(what.first);
            bytes.number(what.lasted);
        }
    });
}

} // namespace

class InstancesHistoryChunkTest final : public QObject
{
    Q_OBJECT

private slots:
    void comesBackAsItWas()
    {
        const HistoryChunk chunk = usual();
        const auto bytes = encodeChunk(chunk);
        QVERIFY(bytes);
        const auto back = decodeChunk(*bytes);
        QVERIFY2(back, back ? "" : back.error().message.c_str());
        QVERIFY(isSame(*back, chunk));
    }

    void staysWithinItsBound()
    {
        std::vector<storage::SeriesRows> all;
        for (std::size_t i = 0; i < maxChunkSeries; ++i)
            all.push_back({Metric(metric::queueDepth, {{"queue", std::string(100, 'q') + std::to_string(i)}}),
                           minutes(maxChunkRows / maxChunkSeries)});
        const auto bytes = encodeChunk(chunkOf(all));
        QVERIFY(bytes && bytes->size() <= maxChunkBytes / 3);
        QVERIFY(isSame(decodeChunk(*bytes).value(), chunkOf(all)));
        QCOMPARE(encodeChunk(chunkOf({{metric::sessions, minutes(maxChunkRows + 1)}})).error().kind,
                 ErrorKind::Invalid);
        all.push_back({metric::sessions, {}});
        QCOMPARE(encodeChunk(chunkOf(all)).error().kind, ErrorKind::Invalid);
    }

    void leavesOutWhatIsNoRow_data()
    {
        QTest::addColumn<int>("which");
        for (int i = 0; i < 8; ++i)
            QTest::addRow("%d", i) << i;
    }
    void leavesOutWhatIsNoRow()
    {
        QFETCH(int, which);
        const HistoryRow good{noon, 1, 3, 2, 60, noon, noon + 59s};
        const HistoryRow bad[]{
            {noon + 1min, -1, 3, 2, 60, noon + 1min, noon + 119s},
            {noon + 1min, 3, 1, 2, 60, noon + 1min, noon + 119s},
            {noon + 1min, std::nan(""), 3, 2, 60, noon + 1min, noon + 119s},
            {noon + 1min, 1, 3, std::nan(""), 60, noon + 1min, noon + 119s},
            {noon + 1min, 1, 3, 2, 0, noon + 1min, noon + 119s},
            {noon + 1min, 1, 3, 2, 60, noon + 1min, noon + 130s}, // ends after its minute
            {noon + 1min, 1, 3, 2, 60, noon + 1min, std::nullopt},
            {noon, 1, 3, 2, 60, noon, noon + 59s}, // the same once more
        };
        const auto back = decodeChunk(encodeChunk(chunkOf({{metric::sessions, {good, bad[which]}}})).value());
        QVERIFY(back);
        QCOMPARE(back->series.front().rows, std::vector<HistoryRow>{good});
    }

    void refusesWhatIsCutOff()
    {
        const std::string bytes = encodeChunk(usual()).value();
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            const auto read = decodeChunk(std::string_view(bytes).substr(0, length));
            QVERIFY2(!read && read.error().kind == ErrorKind::Protocol, std::to_string(length).c_str());
        }
        QVERIFY(!decodeChunk(bytes + "x"));
    }

    void refusesWhatIsDamaged()
    {
        const std::string bytes = encodeChunk(usual()).value();
        std::mt19937_64 random(2);
        for (int i = 0; i < 2000; ++i) {
            std::string other = bytes;
            other[random() % other.size()] = char(random());
            const auto read = decodeChunk(other);
            if (!read)
                continue;
            for (const auto &series : read->series)
                for (const HistoryRow &row : series.rows)
                    QVERIFY(row.count > 0 && row.low <= row.mean && row.mean <= row.high);
        }
    }

    void refusesWhatAnotherVersionWrites()
    {
        const auto read = decodeChunk(made([](Writer &) {}, 2));
        QVERIFY(!read);
        QCOMPARE(read.error().code, std::string("history-form"));
    }

    void refusesWhatIsTooMuch()
    {
        QVERIFY(!decodeChunk(std::string(maxChunkBytes + 1, 'P')));
        // Some kilobytes that are two megabytes of zeros, whatever they say of it.
        for (const std::size_t said : {std::size_t{10}, maxChunkContent, 8 * maxChunkContent}) {
            const auto zeros = [](Writer &bytes) {
                for (std::size_t i = 0; i < 8 * maxChunkContent; ++i)
                    bytes.flag(false);
            };
            const std::string bomb = made(zeros, 1, said);
            QVERIFY(bomb.size() < maxChunkBytes);
            QVERIFY(!decodeChunk(bomb));
        }
        QVERIFY(decodeChunk(made(Written{.rows = maxChunkRows, .lasted = 0})));
        QVERIFY(!decodeChunk(made(Written{.rows = maxChunkRows + 1, .lasted = 0})));
    }

    void refusesWhatIsNoHistory_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        const auto row = [](const char *name, const Written &what) {
            QTest::newRow(name) << QByteArray::fromStdString(made(what));
        };
        row("neither minutes nor hours", {.step = 61});
        row("no step", {.step = 0});
        row("an hour that begins within one", {.step = 3600, .time = 1'767'268'860});
        row("the greatest below the least", {.low = 4});
        row("a value without end", {.high = 1e200});
        row("beyond all values", {.low = 1e19, .high = 1e19, .mean = 1e19});
        row("of no value", {.count = 0});
        row("of more values than were ever measured", {.count = 121});
        row("ends after its minute", {.lasted = 60'000});
        row("begins after its minute", {.first = 60'000, .lasted = 0});
        row("far from any time", {.time = std::uint64_t{1} << 40});
    }
    void refusesWhatIsNoHistory()
    {
        QFETCH(QByteArray, bytes);
        QVERIFY(decodeChunk(made(Written())));
        const auto read = decodeChunk({bytes.data(), std::size_t(bytes.size())});
        QVERIFY(!read && read.error().kind == ErrorKind::Protocol);
    }

    void dropsWhatTheCatalogueDoesNotHave_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<bool>("taken");
        const auto row = [](const char *name, const Written &what, bool taken) {
            QTest::newRow(name) << QByteArray::fromStdString(made(what)) << taken;
        };
        row("a metric", {}, true);
        row("one of its label", {.name = "queue_depth", .label = "celery"}, true);
        row("of another version", {.name = "moon_phase"}, false);
        row("without its label", {.name = "queue_depth"}, false);
        row("with one it does not have", {.label = "celery"}, false);
        row("as long as a label may be", {.name = "queue_depth", .label = std::string(128, 'q')}, true);
    }
    void dropsWhatTheCatalogueDoesNotHave()
    {
        QFETCH(QByteArray, bytes);
        QFETCH(bool, taken);
        const auto read = decodeChunk({bytes.data(), std::size_t(bytes.size())});
        QVERIFY(read);
        QCOMPARE(read->series.size(), std::size_t(taken));
        QVERIFY(!decodeChunk(made(Written{.name = "queue_depth", .label = std::string(129, 'q')})));
    }

    void asksInAFormOfItsOwn()
    {
        HistoryAsk ask;
        ask.asker = "a";
        ask.peer = "b";
        ask.request = 5;
        ask.from = noon;
        ask.to = noon + 1h;
        QCOMPARE(decodeAsk(encodeAsk(ask)).value(), ask);
        for (const auto &spoil : std::initializer_list<std::function<void(HistoryAsk &)>>{
                 [](HistoryAsk &one) { one.form = 2; }, [](HistoryAsk &one) { one.asker.clear(); },
                 [](HistoryAsk &one) { one.peer = "no name"; }, [](HistoryAsk &one) { one.to = one.from; },
                 [](HistoryAsk &one) { one.from = WallTime(-1h); }}) {
            HistoryAsk other = ask;
            spoil(other);
            QVERIFY(!decodeAsk(encodeAsk(other)));
        }
        for (const char *text : {"", "{}", "[]", "hello", R"({"form":1})"})
            QVERIFY(!decodeAsk(text));
        QVERIFY(!decodeAsk(encodeAsk(ask) + std::string(2000, ' ')));
    }
};

QTEST_APPLESS_MAIN(InstancesHistoryChunkTest)
#include "instances_history_chunk_test.moc"
