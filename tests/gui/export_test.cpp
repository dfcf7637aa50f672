// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/support/file_job.h"
#include "ui/support/series_csv.h"
#include "ui/widgets/chart_exporter.h"
#include "ui/widgets/chart_report.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/notice_bar.h"

#include <QBuffer>
#include <QFuture>
#include <QImage>
#include <QRegularExpression>
#include <QSemaphore>
#include <QSignalSpy>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// Charts as files: what is in them, and what happens when they cannot be written or are not wanted any more.
class ExportTest final : public QObject
{
    Q_OBJECT
private slots:
    void figuresReadBack();
    void labelsAreQuoted();
    void gapsAreLines_data();
    void gapsAreLines();
    void aMillionPoints();
    void everyFormatOfEveryPage_data();
    void everyFormatOfEveryPage();
    void figuresAreThoseOfTheDeployment();
    void staleFiguresAreNamed();
    void documentsHavePages();
    void failuresNameTheWayOut();
    void cancelledLeavesWhatWasThere();
    void whatIsLeftIsNotWaitedFor();
    void nobodyAnswers();
    void nothingToExport();
    void readOnlyMayLook();
};

namespace {

const WallTime start{1767225600s}; // 2026-01-01T00:00:00Z

struct Line
{
    QByteArray metric, unit, time, until;
    double low, high, mean;
    bool known; ///< else there are no figures
};

std::vector<Line> parse(const QByteArray &csv)
{
    std::vector<Line> lines;
    const auto rows = csv.split('\n');
    for (qsizetype i = 1; i < rows.size(); ++i) {
        const auto cells = rows[i].trimmed().split(',');
        if (cells.size() == 7)
            lines.push_back({cells[0], cells[1], cells[2], cells[3], cells[4].toDouble(), cells[5].toDouble(),
                             cells[6].toDouble(), !cells[6].isEmpty()});
    }
    return lines;
}

Series series(std::size_t count)
{
    Series made{metric::responseP95, 1s, {}};
    made.points.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const double value = 1.0 / double(i + 3);
        made.points.push_back({start + i * 1s + 7ms, value / 2, value * 2, value});
    }
    return made;
}

QByteArray contentOf(const QString &path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/// Nothing where no figures were written below their titles.
std::vector<Line> written(const std::vector<Series> &series, WallTime from, WallTime to)
{
    QBuffer file;
    file.open(QIODevice::WriteOnly);
    if (!writeCsv(file, series, from, to, [](double) { return true; }) ||
        !file.data().startsWith("metric,unit,time,until,low,high,mean\r\n"))
        return {};
    return parse(file.data());
}

/// A console whose file dialog answers at once.
struct SavingConsole
{
    explicit SavingConsole(demo::DemoOptions demoOptions = {}, ActionGate::Options options = {})
        : console(std::move(demoOptions), options)
    {
        MainWindow::Parts parts = console.parts();
        parts.askWhereToSave = [this](const SaveQuestion &question, const SaveAnswer &answer) {
            asked.push_back(question);
            answer(path.isEmpty() ? path : console.folder.filePath(path));
        };
        console.open(parts, options);
    }

    QAction *command(const QString &format) const
    {
        for (QAction *action : console.window->allCommands()) {
            if (action->text() == "Export as " + format + " …")
                return action;
        }
        return nullptr;
    }
    QString said() const { return console.window->findChild<NoticeBar *>()->sentence(); }

    Console console;
    QString path;
    std::vector<SaveQuestion> asked;
};

} // namespace

void ExportTest::figuresReadBack()
{
    Series memory{metric::redisMemory, 60s, {{start - 1ms, 0, 1e300, 0.1}, {start + 59s, -3, 5e-324, 1.0 / 3}}};
    const Series latency = series(3);
    const auto lines = written({memory, latency}, start, start + 60s);
    QCOMPARE(lines.size(), std::size_t(6)); // after three seconds of response times nothing is known
    QCOMPARE(lines[0].metric, QByteArray("redis_memory"));
    QCOMPARE(lines[0].unit, QByteArray("bytes"));
    QCOMPARE(lines[0].time, QByteArray("2025-12-31T23:59:59.999Z"));
    QCOMPARE(lines[0].until, QByteArray("2026-01-01T00:00:59.000Z"));
    QCOMPARE(lines[1].time, QByteArray("2026-01-01T00:00:59.000Z"));
    for (std::size_t i = 0; i < 2; ++i) {
        QVERIFY(lines[i].low == memory.points[i].low && lines[i].high == memory.points[i].high &&
                lines[i].mean == memory.points[i].mean); // to the last bit
    }
    QCOMPARE(lines[2].metric, QByteArray("response_p95"));
    QCOMPARE(lines[2].unit, QByteArray("seconds"));
}

void ExportTest::labelsAreQuoted()
{
    const auto line = [](const char *queue) {
        QBuffer file;
        file.open(QIODevice::WriteOnly);
        const Series waiting{{metric::queueDepth, {{"queue", queue}}}, 60s, {{start, 1, 3, 2}}};
        if (!writeCsv(file, {waiting}, start, start + 60s, [](double) { return true; }))
            return QByteArray();
        return file.data().mid(file.data().indexOf('\n') + 1);
    };
    QCOMPARE(line("celery"), QByteArray("queue_depth{queue=celery},tasks,2026-01-01T00:00:00.000Z,"
                                        "2026-01-01T00:01:00.000Z,1,3,2\r\n"));
    QVERIFY(line("a,b").startsWith("\"queue_depth{queue=a,b}\",tasks,"));
    QVERIFY(line("say \"x\"\n").startsWith("\"queue_depth{queue=say \"\"x\"\"\n}\",tasks,"));
}

void ExportTest::gapsAreLines_data()
{
    QTest::addColumn<Series>("memory");
    QTest::addColumn<QByteArray>("covered"); // seconds, those without figures in brackets
    const auto row = [](const char *name, std::chrono::seconds step, const std::vector<Point> &points,
                        const char *covered) {
        QTest::newRow(name) << Series{metric::redisMemory, step, points} << QByteArray(covered);
    };
    const auto at = [](std::chrono::seconds time, std::optional<std::chrono::seconds> from = {},
                       std::optional<std::chrono::seconds> until = {}) {
        Point point{start + time, 1, 1, 1};
        if (from)
            point.from = start + *from;
        if (until)
            point.until = start + *until;
        return point;
    };
    row("none", 60s, {at(0s), at(60s), at(120s), at(180s), at(240s)}, "0-60 60-120 120-180 180-240 240-300");
    row("nothing at all", 60s, {}, "(0-300)");
    row("minutes are missing", 60s, {at(0s), at(60s), at(240s)}, "0-60 60-120 (120-240) 240-300");
    row("a minute is missing", 60s, {at(0s), at(60s, {}, 120s), at(180s, 180s), at(240s)},
        "0-60 60-120 (120-180) 180-240 240-300");
    row("a part of a minute", 60s, {at(0s), at(60s, {}, 80s), at(120s, 150s), at(180s), at(240s)},
        "0-60 60-80 (80-150) 150-180 180-240 240-300");
    row("at both ends", 60s, {at(120s), at(180s, {}, 200s)}, "(0-120) 120-180 180-200 (200-300)");
    row("a part of a minute at both ends", 60s, {at(0s, 30s), at(60s), at(120s), at(180s), at(240s, {}, 270s)},
        "(0-30) 30-60 60-120 120-180 180-240 240-270 (270-300)");
    row("a few seconds", 60s, {at(0s, {}, 40s), at(0s, 45s), at(60s), at(120s), at(180s), at(240s)},
        "0-40 45-60 60-120 120-180 180-240 240-300");
}

/// What a line covers is told, and where nothing was known there is a line that says so.
void ExportTest::gapsAreLines()
{
    QFETCH(Series, memory);
    const auto seconds = [](const QByteArray &time) {
        return QByteArray::number(QDateTime::fromString(time, Qt::ISODateWithMs).toSecsSinceEpoch() -
                                  std::chrono::duration_cast<std::chrono::seconds>(start.time_since_epoch()).count());
    };
    QByteArrayList covered;
    for (const Line &line : written({memory}, start, start + 300s)) {
        const QByteArray span = seconds(line.time) + '-' + seconds(line.until);
        covered << (line.known ? span : '(' + span + ')');
    }
    QTEST(covered.join(' '), "covered");
}

void ExportTest::aMillionPoints()
{
    const QTemporaryDir folder;
    FileJob job(folder.filePath("many.csv"), [many = series(1'000'000)](QIODevice &file, const Going &going) {
        return writeCsv(file, {many}, start, start + 1'000'000s, going);
    });
    QSignalSpy progress(&job, &FileJob::progressed);
    std::optional<Result<void>> ended;
    connect(&job, &FileJob::finished, this, [&](const Result<void> &result) { ended = result; });
    QTRY_VERIFY_WITH_TIMEOUT(ended.has_value(), 60'000);
    QVERIFY(ended->has_value());
    QVERIFY(progress.size() >= 50);
    const QByteArray content = contentOf(job.path());
    QCOMPARE(content.count('\n'), 1'000'001);
    QVERIFY(content.endsWith("\r\n"));
}

void ExportTest::everyFormatOfEveryPage_data()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<int>("metrics");
    QTest::newRow("redis") << "redis" << 1;
    QTest::newRow("connections") << "connections" << 1;
    QTest::newRow("queue") << "queue" << 4;
    QTest::newRow("performance") << "performance" << 5;
}

void ExportTest::everyFormatOfEveryPage()
{
    QFETCH(QString, page);
    QFETCH(int, metrics);
    SavingConsole saving;
    saving.console.window->openPage(page);
    Console::settle();
    for (const QString format : {"CSV", "PNG", "PDF"}) {
        saving.path = "chart." + format.toLower();
        QAction *command = saving.command(format);
        QVERIFY(command && command->isEnabled() && !command->shortcut().isEmpty());
        command->trigger();
        QTRY_VERIFY(saving.said().startsWith("Saved as "));
        QVERIFY(saving.said().contains(saving.path));
        QVERIFY(saving.asked.back().fileName.startsWith("demo-portal-"));
        QVERIFY(saving.asked.back().fileName.endsWith('.' + format.toLower()));
        QVERIFY(saving.asked.back().filter.contains("*." + format.toLower()));
        QTRY_VERIFY(command->isEnabled());
        saving.console.window->findChild<NoticeBar *>()->hide();
    }
    QSet<QByteArray> names;
    for (const Line &line : parse(contentOf(saving.console.folder.filePath("chart.csv"))))
        names << line.metric;
    QCOMPARE(names.size(), metrics);
    const QImage image(saving.console.folder.filePath("chart.png"));
    QVERIFY(image.width() > 2000 && image.height() > 600);
    const QByteArray document = contentOf(saving.console.folder.filePath("chart.pdf"));
    QVERIFY(document.startsWith("%PDF-1.") && document.contains("%%EOF"));
    // The folder is remembered.
    QCOMPARE(saving.asked.back().folder, saving.console.folder.path());
}

void ExportTest::figuresAreThoseOfTheDeployment()
{
    SavingConsole saving({.situation = "memory-climbing"});
    saving.console.window->openPage("redis");
    Console::settle();
    saving.path = "memory.csv";
    saving.command("CSV")->trigger();
    QTRY_VERIFY(saving.said().startsWith("Saved as "));
    const auto lines = parse(contentOf(saving.console.folder.filePath(saving.path)));
    const WallTime now = saving.console.clock.wall();
    const HistoryQuery query{{metric::redisMemory}, now - 1h, now, 1'000'000};
    const auto expected = saving.console.stack.deployment().ask(HistoryQuestion{query}).result().value().front().points;
    QVERIFY(lines.size() > 3000); // each second of the hour, not what the chart is reduced to
    QCOMPARE(lines.size(), expected.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        QVERIFY(lines[i].mean == expected[i].mean);
        QCOMPARE(QDateTime::fromString(lines[i].time, Qt::ISODateWithMs).toMSecsSinceEpoch(),
                 std::chrono::duration_cast<std::chrono::milliseconds>(expected[i].time.time_since_epoch()).count());
    }
}

void ExportTest::staleFiguresAreNamed()
{
    SavingConsole saving;
    saving.console.window->openPage("redis");
    Console::settle();
    saving.console.clock.advance(25s);
    const auto *chart = saving.console.window->page()->findChild<HistoryPanel *>()->charts().front();
    QTRY_COMPARE_WITH_TIMEOUT(chart->standing().words, QString("No new figures for 25 s"), 10'000);
    saving.path = "memory.csv";
    saving.command("CSV")->trigger();
    QTRY_VERIFY(saving.said().startsWith("Saved as "));
    QVERIFY2(saving.said().endsWith("memory.csv. No new figures for 25 s."), qPrintable(saving.said()));
}

void ExportTest::documentsHavePages()
{
    std::vector<std::unique_ptr<TimeChart>> charts;
    ChartReport report{"Several charts", "Demo portal", start, start + 300s, start + 300s, {}};
    for (int i = 0; i < 7; ++i) {
        charts.push_back(std::make_unique<TimeChart>("Latency", [](double v) { return QString::number(v); }));
        charts.back()->setLines({{"latency", series(300)}}, start, start + 300s);
        report.charts.push_back(charts.back().get());
    }
    static const QRegularExpression page("/Type\\s*/Page\\b");
    QCOMPARE(QString::fromLatin1(reportPdf(report)).count(page), 3); // three charts each
    report.charts.resize(1);
    QCOMPARE(QString::fromLatin1(reportPdf(report)).count(page), 1);
    QVERIFY(reportImage(report).height() > 600);
}

void ExportTest::failuresNameTheWayOut()
{
    SavingConsole saving;
    saving.console.window->openPage("redis");
    Console::settle();
    saving.path = "no/such/folder/chart.csv";
    for (const QString format : {"CSV", "PDF"}) {
        saving.command(format)->trigger();
        QTRY_VERIFY2(saving.said().contains("could not be written"), qPrintable(saving.said()));
        QVERIFY2(saving.said().endsWith("Save it in another folder."), qPrintable(saving.said()));
        QVERIFY(saving.command(format)->isEnabled());
        saving.console.window->findChild<NoticeBar *>()->hide();
    }
}

void ExportTest::cancelledLeavesWhatWasThere()
{
    const QTemporaryDir folder;
    const QString path = folder.filePath("chart.csv");
    QFile before(path);
    QVERIFY(before.open(QIODevice::WriteOnly) && before.write("before") == 6);
    before.close();
    QSemaphore writing, goOn;
    std::optional<Result<void>> ended;
    FileJob job(path, [&](QIODevice &file, const Going &going) {
        file.write("half of it");
        writing.release();
        goOn.acquire();
        return going(0.5);
    });
    connect(&job, &FileJob::finished, this, [&](const Result<void> &result) { ended = result; });
    QVERIFY(writing.tryAcquire(1, 10'000));
    job.cancel();
    goOn.release();
    QTRY_VERIFY(ended.has_value());
    QVERIFY(ended->error().kind == ErrorKind::Cancelled);
    QCOMPARE(contentOf(path), QByteArray("before"));
    QCOMPARE(QDir(folder.path()).entryList(QDir::Files), QStringList{"chart.csv"}); // no half of a file is left
}

/// A picture is encoded in one go.
void ExportTest::whatIsLeftIsNotWaitedFor()
{
    const QTemporaryDir folder;
    const QString path = folder.filePath("picture.png");
    QSemaphore begun, mayEnd;
    auto job = std::make_unique<FileJob>(path, [&](QIODevice &file, const Going &) {
        begun.release();
        mayEnd.acquire();
        return file.write("picture") > 0;
    });
    QPointer<FileJob> left = job.get();
    QVERIFY(begun.tryAcquire(1, 10'000));
    QSignalSpy told(left, &FileJob::finished);
    FileJob::leave(std::move(job)); // would never return, if it waited
    QVERIFY(left);
    mayEnd.release();
    QTRY_VERIFY(!left);
    QCOMPARE(told.size(), 0);
    QVERIFY(!QFileInfo::exists(path));
}

void ExportTest::nobodyAnswers()
{
    SavingConsole saving;
    saving.console.window->openPage("redis");
    Console::settle();
    saving.command("PNG")->trigger();
    QCOMPARE(saving.asked.size(), std::size_t(1));
    QVERIFY(saving.said().isEmpty());
    QVERIFY(saving.command("PNG")->isEnabled());
}

void ExportTest::nothingToExport()
{
    SavingConsole saving({.situation = "empty"});
    saving.console.window->openPage("redis");
    Console::settle();
    QVERIFY(!saving.command("CSV")->isEnabled());
    QVERIFY(saving.command("CSV")->toolTip().contains("no data for this time"));
    saving.console.window->openPage("users");
    QVERIFY(!saving.command("CSV")); // it has no chart
}

void ExportTest::readOnlyMayLook()
{
    SavingConsole saving({}, {.readOnly = true});
    saving.console.window->openPage("performance");
    Console::settle();
    saving.path = "chart.png";
    saving.console.press(Qt::Key_P, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_VERIFY(saving.said().startsWith("Saved as "));
    QVERIFY(!QImage(saving.console.folder.filePath(saving.path)).isNull());
}

QTEST_MAIN(ExportTest)
#include "export_test.moc"
