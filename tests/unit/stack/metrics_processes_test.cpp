// SPDX-License-Identifier: GPL-3.0-or-later
#include "metrics_pages.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>
#include <vector>

using namespace portolan;
using namespace portolan::stack;
using namespace portolan::test;
using namespace std::chrono_literals;

namespace {

/// Workers behind one address: each counts for itself, and any of them answers.
struct Worker
{
    double begun = 0; ///< 0: its page does not tell
    double answered = 0;
    double perSecond = 0;
    double failed = 0; ///< of a status of their own
};

class Workers final
{
public:
    explicit Workers(std::vector<Worker> workers) : m_workers(std::move(workers)) {}

    /// A page of that worker, a second later.
    void ask(std::size_t which)
    {
        m_clock.advance(1s);
        ++m_seconds;
        for (Worker &worker : m_workers)
            worker.answered += worker.perSecond;
        const Worker &worker = m_workers[which];
        auto page = pageOf("requests_total{status=\"200\"} " + std::to_string(worker.answered) +
                               "\nrequests_total{status=\"503\"} " + std::to_string(worker.failed) + '\n' +
                               (worker.begun > 0 ? "process_start_time_seconds " + std::to_string(worker.begun) + '\n'
                                                 : std::string()),
                           m_maps);
        page.far = 10'000.0 + m_seconds;
        m_reader.take(page, m_clock.steady());
    }
    std::vector<Worker> &all() { return m_workers; }
    MetricsFigures figures() const { return m_reader.figures(); }
    const TrafficReader &reader() const { return m_reader; }
    double seconds() const { return 10'000.0 + m_seconds; }

private:
    static SeriesMaps maps()
    {
        SeriesMap map;
        map.names.requests = "requests_total";
        map.names.status = "status";
        return {map};
    }
    const SeriesMaps m_maps = maps();
    std::vector<Worker> m_workers;
    ManualClock m_clock;
    TrafficReader m_reader{m_maps, 15s};
    double m_seconds = 0;
};

/// Repeatable, and as unfair as an accept queue: 0 to `most` - 1.
std::size_t drawn(unsigned &seed, std::size_t most)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 16U) % most;
}

} // namespace

class MetricsProcessesTest final : public QObject
{
    Q_OBJECT
private slots:
    void tellsWorkersByTheirStart();
    void tellsWorkersByTheirCounters();
    void neverTellsAPartOfIt_data();
    void neverTellsAPartOfIt();
    void believesAProcessThatReplacesAnother();
    void waitsBehindOneThatRanBeside();
    void takesNoRestartForWorkers();
    void believesAgainOnceTheyCountTogether();
};

void MetricsProcessesTest::tellsWorkersByTheirStart()
{
    Workers workers({{5000, 100, 3}, {5000.05, 90, 3}});
    workers.ask(0);
    workers.ask(1);
    QVERIFY(!workers.reader().several()); // it may have replaced the other
    workers.ask(0);
    QVERIFY(workers.reader().several());
    const auto figures = workers.figures();
    QCOMPARE(figures.http.unknown, Unknown::NotTold);
    QCOMPARE(figures.http.traffic, TrafficFigures());
    QCOMPARE(figures.notTold.size(), std::size_t{1});
    QCOMPARE(figures.notTold.front().reason, std::string(untold_traffic::processes));
    QCOMPARE(figures.notTold.front().part, std::string("http"));
}

void MetricsProcessesTest::tellsWorkersByTheirCounters()
{
    Workers workers({{0, 5000, 2}, {0, 300, 2}});
    for (const std::size_t which : {0u, 1u, 0u})
        workers.ask(which);
    QVERIFY(!workers.reader().several());
    workers.ask(1);
    QVERIFY(workers.reader().several());
    QCOMPARE(workers.figures().http.unknown, Unknown::NotTold);
}

void MetricsProcessesTest::neverTellsAPartOfIt_data()
{
    QTest::addColumn<int>("workers");
    QTest::addColumn<bool>("begun");
    for (const int workers : {2, 3, 4, 9})
        for (const bool begun : {true, false})
            QTest::addRow("%d workers %s", workers, begun ? "that say when they began" : "by their counters alone")
                << workers << begun;
}

/// All workers answer together what the page of each tells a part of. In whatever order they answer, no figure is ever
/// told, unless one alone has answered so long that nothing says that there are others.
void MetricsProcessesTest::neverTellsAPartOfIt()
{
    QFETCH(int, workers);
    QFETCH(bool, begun);
    int found = 0;
    for (unsigned run = 0; run < 50; ++run) {
        unsigned seed = run * 7919 + 17;
        std::vector<Worker> all;
        for (int worker = 0; worker < workers; ++worker)
            all.push_back({begun ? 5000 + worker * 0.02 : 0, 1000.0 + 137 * worker, 5, 500.0 - 40 * worker});
        Workers pages(all);
        std::vector<std::size_t> order;
        for (unsigned page = 0; page < 120; ++page) {
            order.push_back(drawn(seed, std::size_t(workers)));
            pages.ask(order.back());
            const bool alone = order.size() >= ProcessWatch::enough &&
                               std::all_of(order.end() - ProcessWatch::enough, order.end(),
                                           [&](std::size_t one) { return one == order.back(); });
            QVERIFY2(alone || pages.figures().http.unknown != Unknown::No, "told a worker's own figures");
        }
        found += pages.reader().several() ? 1 : 0;
    }
    QCOMPARE(found, 50);
}

void MetricsProcessesTest::believesAProcessThatReplacesAnother()
{
    Workers workers({{5000, 100, 5}});
    for (unsigned page = 0; page < 20; ++page)
        workers.ask(0);
    QCOMPARE(workers.figures().http.unknown, Unknown::No);
    workers.all()[0] = {workers.seconds() + 0.3, 0, 5};
    workers.ask(0);
    QCOMPARE(workers.figures().http.unknown, Unknown::No);
    QVERIFY(!workers.reader().several());
}

/// A graceful restart, or another host that took over: it had begun while the one before still answered.
void MetricsProcessesTest::waitsBehindOneThatRanBeside()
{
    Workers workers({{5000, 100, 5}, {9000, 40'000, 5}});
    for (unsigned page = 0; page < 20; ++page)
        workers.ask(0);
    workers.ask(1);
    QCOMPARE(workers.figures().http.unknown, Unknown::NotYet);
    for (unsigned page = 2; page < ProcessWatch::enough; ++page)
        workers.ask(1);
    QCOMPARE(workers.figures().http.unknown, Unknown::NotYet);
    workers.ask(1);
    QCOMPARE(workers.figures().http.unknown, Unknown::No);
    QCOMPARE(workers.figures().http.traffic.perSecond, 5.0);
    workers.ask(0);
    QCOMPARE(workers.figures().http.unknown, Unknown::NotTold);
}

/// Twice within a quarter of an hour, without a word of when it began.
void MetricsProcessesTest::takesNoRestartForWorkers()
{
    Workers workers({{0, 100'000, 5}});
    for (int restart = 0; restart < 2; ++restart) {
        for (unsigned page = 0; page < 30; ++page)
            workers.ask(0);
        QCOMPARE(workers.figures().http.unknown, Unknown::No);
        workers.all()[0].answered = 0;
        workers.ask(0);
        QCOMPARE(workers.figures().http.unknown, Unknown::NotYet);
    }
    for (unsigned page = 0; page < 30; ++page)
        workers.ask(0);
    QVERIFY(!workers.reader().several());
    QCOMPARE(workers.figures().http.traffic.perSecond, 5.0);
}

void MetricsProcessesTest::believesAgainOnceTheyCountTogether()
{
    Workers workers({{5000, 100, 3}, {5000.05, 90, 3}});
    for (unsigned page = 0; page < 10; ++page)
        workers.ask(page % 2);
    QCOMPARE(workers.figures().http.unknown, Unknown::NotTold);
    workers.all()[0] = {0, 0, 6}; // with PROMETHEUS_MULTIPROC_DIR no process is told
    for (unsigned page = 0; page <= ProcessWatch::memory; ++page) {
        QCOMPARE(workers.figures().http.unknown, Unknown::NotTold);
        workers.ask(0);
    }
    workers.ask(0);
    QCOMPARE(workers.figures().http.unknown, Unknown::No);
    QCOMPARE(workers.figures().http.traffic.perSecond, 6.0);
}

QTEST_GUILESS_MAIN(MetricsProcessesTest)
#include "metrics_processes_test.moc"
