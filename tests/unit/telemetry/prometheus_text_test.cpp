// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/prometheus_text.h"
#include "core/telemetry/registry.h"

#include <QTest>
#include <cmath>

using namespace portolan;
using namespace portolan::telemetry;

class PrometheusTextTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsLines_data();
    void readsLines();
    void refusesLines_data();
    void refusesLines();
    void readsInAnyPieces();
    void keepsToWhatIsWanted();
    void isBounded_data();
    void isBounded();
    void readsWhatOursWrites();
    void saysNothingOfWhatItRefuses();
};

namespace {

struct Read
{
    Result<void> result;
    std::vector<PrometheusSample> samples;
};

Read read(std::string_view page, std::size_t piece = std::string_view::npos, PrometheusReader::Bounds bounds = {},
          std::string_view without = "unwanted")
{
    Read read;
    PrometheusReader reader([&](std::string_view name) { return name != without; },
                            [&](PrometheusSample sample) { read.samples.push_back(std::move(sample)); }, bounds);
    while (!page.empty() && read.result) {
        read.result = reader.feed(page.substr(0, piece));
        page.remove_prefix(std::min(piece, page.size()));
    }
    if (read.result)
        read.result = reader.end();
    return read;
}

/// `name{a="b"} 1 @2`
std::string shown(const PrometheusSample &sample)
{
    std::string text = sample.name + "{";
    for (const auto &label : sample.labels)
        text += label.name + "=" + label.value + ";";
    text += "} " + QByteArray::number(sample.value, 'g', 17).toStdString();
    if (sample.time)
        text += " @" + QByteArray::number(*sample.time, 'g', 17).toStdString();
    return text;
}

} // namespace

void PrometheusTextTest::readsLines_data()
{
    QTest::addColumn<QByteArray>("line");
    QTest::addColumn<QByteArray>("sample"); // empty: none
    const auto row = [](const char *line, const char *sample) {
        QTest::newRow(line) << QByteArray(line) << QByteArray(sample);
    };
    row("up 1", "up{} 1");
    row("  up\t1  ", "up{} 1");
    row("up{} 1", "up{} 1");
    row("up{ } 1", "up{} 1");
    row("up{job=\"a\"}1", "up{job=a;} 1");
    row("up {job = \"a\" , x=\"\",} 1", "up{job=a;x=;} 1");
    row("a:b:c_total{le=\"+Inf\"} 3e-2", "a:b:c_total{le=+Inf;} 0.029999999999999999");
    row("up 1 1395066363000", "up{} 1 @1395066363");
    row("up 1 1395066363.5", "up{} 1 @1395066363.5");
    row("up 1 -3982045", "up{} 1 @-3982045");
    row("x NaN", "x{} nan");
    row("x nan", "x{} nan");
    row("x +Inf", "x{} inf");
    row("x -inf", "x{} -inf");
    row("x Infinity", "x{} inf");
    row("x -0.5", "x{} -0.5");
    row("x .5", "x{} 0.5");
    row("x +17", "x{} 17");
    row("x 1e400", "x{} inf");
    row("x -1e400", "x{} -inf");
    row("x 1e-400", "x{} 0");
    row(R"(x{p="C:\\DIR\\F",e="a\"b",n="1\n2",o="\d"} 1)", "x{p=C:\\DIR\\F;e=a\"b;n=1\n2;o=\\d;} 1");
    row("x{a=\"}, # { \"} 1", "x{a=}, # { ;} 1");
    row("x{a=\"\xc3\xa4\"} 1", "x{a=\xc3\xa4;} 1");
    row("x_bucket{le=\"0.1\"} 8 # {trace_id=\"a\"} 0.05 1.5", "x_bucket{le=0.1;} 8"); // OpenMetrics' exemplar
    row("x_total 8 1.5 # {} 1", "x_total{} 8 @1.5");
    row("x 1\r", "x{} 1");
    row("# HELP x of it", "");
    row("#", "");
    row("# EOF", "");
    row("", "");
    row("   ", "");
    row("unwanted what ever stands here", "");
    row("{\"a name in quotes\",b=\"c\"} 1", "");
}

void PrometheusTextTest::readsLines()
{
    QFETCH(QByteArray, line);
    QFETCH(QByteArray, sample);
    const auto got = read(line.toStdString());
    QVERIFY2(got.result.has_value(), got.result ? "" : got.result.error().message.c_str());
    QCOMPARE(got.samples.size(), std::size_t(sample.isEmpty() ? 0 : 1));
    if (!sample.isEmpty())
        QCOMPARE(QByteArray::fromStdString(shown(got.samples.front())), sample);
}

void PrometheusTextTest::refusesLines_data()
{
    QTest::addColumn<QByteArray>("line");
    for (const char *line : {"<html>",
                             "{}",
                             "1up 1",
                             "up",
                             "up=1",
                             "up{",
                             "up{}",
                             "up{a} 1",
                             "up{a=} 1",
                             "up{a=b} 1",
                             "up{a=\"b} 1",
                             "up{a=\"b\" c=\"d\"} 1",
                             "up{=\"b\"} 1",
                             "up{a:b=\"c\"} 1",
                             "up one",
                             "up 1x",
                             "up 1 2 3",
                             "up 1 now",
                             "up --1",
                             "up 0x",
                             "up +",
                             "up -nan1",
                             "up{a=\"\xff\"} 1",
                             "up{a=\"\\",
                             "up{a=\"b\"",
                             "{\"a\": 1}x 1 2 3\nup",
                             ",up 1"})
        QTest::newRow(line) << QByteArray(line);
}

void PrometheusTextTest::refusesLines()
{
    QFETCH(QByteArray, line);
    const auto got = read("up 1\n" + line.toStdString() + "\nup 2\n");
    QVERIFY(got.result.has_error());
    QCOMPARE(got.result.error().code, std::string("metrics-malformed"));
    QVERIFY2(got.result.error().message.find(line.contains('\n') ? "Line 3" : "Line 2") != std::string::npos,
             got.result.error().message.c_str());
    QCOMPARE(got.samples.size(), std::size_t{1});
}

void PrometheusTextTest::readsInAnyPieces()
{
    const std::string page = "# TYPE a counter\na{x=\"1\\\"2\"} 5 1395066363000\r\n\n"
                             "b_bucket{le=\"+Inf\"} 7 # {t=\"z\"} 1\nc NaN\nd 4";
    const auto whole = read(page);
    QVERIFY(whole.result.has_value());
    QCOMPARE(whole.samples.size(), std::size_t{4});
    for (std::size_t piece = 1; piece < page.size(); ++piece) {
        const auto got = read(page, piece);
        QVERIFY(got.result.has_value());
        QCOMPARE(got.samples.size(), whole.samples.size());
        for (std::size_t i = 0; i < got.samples.size(); ++i)
            QCOMPARE(shown(got.samples[i]), shown(whole.samples[i]));
    }
}

void PrometheusTextTest::keepsToWhatIsWanted()
{
    std::vector<std::string> asked;
    std::size_t taken = 0;
    PrometheusReader reader(
        [&](std::string_view name) {
            asked.emplace_back(name);
            return name == "b";
        },
        [&](const PrometheusSample &) { ++taken; });
    QVERIFY(reader.feed("a{x=\"y\"} 1\nb 2\nbb 3\n").has_value());
    QVERIFY(reader.end().has_value());
    QCOMPARE(asked, (std::vector<std::string>{"a", "b", "bb"}));
    QCOMPARE(taken, std::size_t{1});
}

void PrometheusTextTest::isBounded_data()
{
    QTest::addColumn<QByteArray>("page");
    QTest::addColumn<QByteArray>("words");
    QTest::newRow("bytes") << QByteArray("# a comment of 20 b\n").repeated(6) << QByteArray("100 bytes");
    QTest::newRow("a line without end") << QByteArray(60, 'x') << QByteArray("50 bytes in line 1");
    QTest::newRow("lines") << QByteArray("\n").repeated(11) << QByteArray("10 lines");
    QTest::newRow("samples") << QByteArray("u 1\n").repeated(6) << QByteArray("5 samples");
    QTest::newRow("labels") << QByteArray("u{a=\"\",b=\"\",c=\"\",d=\"\"} 1") << QByteArray("3 labels");
}

void PrometheusTextTest::isBounded()
{
    QFETCH(QByteArray, page);
    QFETCH(QByteArray, words);
    const PrometheusReader::Bounds bounds{.bytes = 100, .lines = 10, .line = 50, .samples = 5, .labels = 3};
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
        const auto got = read(page.toStdString(), piece, bounds);
        QVERIFY(got.result.has_error());
        QCOMPARE(got.result.error().code, std::string("metrics-too-large"));
        QVERIFY2(got.result.error().message.find(words.toStdString()) != std::string::npos,
                 got.result.error().message.c_str());
    }
    PrometheusReader reader([](std::string_view) { return true; }, [](const PrometheusSample &) {}, bounds);
    QVERIFY(reader.feed(std::string(200, 'x')).has_error());
    QVERIFY(reader.feed("up 1\n").has_error()); // and it stays so
    QVERIFY(reader.end().has_error());
}

/// Both ends of the format are here.
void PrometheusTextTest::readsWhatOursWrites()
{
    Registry registry;
    registry.counters("some_total", "A counter", {"route"}).with({"/a\"b\\c\nd"}).add(3);
    const auto got = read(registry.text());
    QVERIFY2(got.result.has_value(), got.result ? "" : got.result.error().message.c_str());
    const auto found = std::ranges::find(got.samples, "some_total", &PrometheusSample::name);
    QVERIFY(found != got.samples.end());
    QCOMPARE(found->value, 3.);
    QCOMPARE(std::string(found->label("route")), std::string("/a\"b\\c\nd"));
    QVERIFY(found->label("none").empty());
}

void PrometheusTextTest::saysNothingOfWhatItRefuses()
{
    const auto got = read("up 1\nAuthorization: Bearer letmein1\n");
    QVERIFY(got.result.has_error());
    QVERIFY(inWords(got.result.error()).find("letmein1") == std::string::npos);
}

QTEST_GUILESS_MAIN(PrometheusTextTest)
#include "prometheus_text_test.moc"
