// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/base/runtime.h"
#include "core/http/problem.h"
#include "core/market/analysis.h"
#include "core/market/simulated_market.h"
#include "core/portal/analysis_task.h"
#include "core/portal/market_routes.h"
#include "core/queue/task_context.h"
#include "tests/fakes/manual_clock.h"

#include <boost/json/parse.hpp>

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::portal;

namespace {

/// The simulated market, which knows one symbol less, cannot read another's prices, and can be away.
class Quotes final : public market::QuoteProvider
{
public:
    explicit Quotes(const Clock &clock) : m_market(clock, 1) {}
    std::string_view name() const override { return "test"; }
    std::string_view currency() const override { return "USD"; }
    awaitable<Result<market::Quote>> quote(std::string symbol) override
    {
        if (away)
            co_return failure(ErrorKind::Unavailable, "the market is away");
        if (symbol == "NONE")
            co_return failure(ErrorKind::NotFound, "no such symbol");
        if (symbol == "TORN")
            co_return torn();
        co_return co_await m_market.quote(std::move(symbol));
    }
    awaitable<Result<std::vector<market::Bar>>> history(std::string symbol, unsigned days) override
    {
        if (away)
            co_return failure(ErrorKind::Unavailable, "the market is away");
        if (symbol == "NONE")
            co_return failure(ErrorKind::NotFound, "no such symbol");
        if (symbol == "TORN")
            co_return torn();
        co_return co_await m_market.history(std::move(symbol), days);
    }
    std::atomic<bool> away{false};

private:
    static Error torn()
    {
        Error error = failure(ErrorKind::Unavailable, "its prices cannot be read");
        error.code = market::codePricesUnreadable;
        return error;
    }

    market::SimulatedMarket m_market;
};

} // namespace

class PortalMarketTest final : public QObject
{
    Q_OBJECT
private slots:
    void analyses();
    void refusesArguments_data();
    void refusesArguments();
    void endsWhenCancelled();
    void saysWhatTheSourceSays();
    void answersQuotesAndHistory();
    void refusesRequests_data();
    void refusesRequests();

private:
    /// The task's state with these keyword arguments.
    std::shared_ptr<queue::TaskContext::State> stateFor(const char *kwargs)
    {
        auto message = std::make_shared<queue::Message>();
        auto state = std::make_shared<queue::TaskContext::State>(m_runtime.at(0), m_clock, std::move(message));
        state->payload.kwargs = boost::json::parse(kwargs).as_object();
        state->report = [this](const queue::Progress &progress) { m_progress.push_back(progress); };
        return state;
    }
    Result<boost::json::value> run(std::shared_ptr<queue::TaskContext::State> state)
    {
        queue::TaskRegistry registry;
        registerAnalysis(registry, m_quotes);
        queue::TaskContext context(std::move(state));
        return registry.find(analysisTask)->handler(context);
    }
    http::Response get(std::string target)
    {
        http::Router router;
        MarketRoutes routes(m_quotes);
        routes.mount(router);
        http::Request request;
        request.method = http::verb::get;
        request.target = std::move(target);
        const auto mark = request.target.find('?');
        request.path = std::string_view(request.target).substr(0, mark);
        if (mark != std::string::npos)
            request.query = std::string_view(request.target).substr(mark + 1);
        const auto match = router.match(request);
        if (!match.route)
            return http::text("", http::status::not_found);
        return runSync<http::Response>(m_runtime.at(0), [&] { return match.route->handler(request); });
    }

    ManualClock m_clock;
    Runtime m_runtime{1};
    Quotes m_quotes{m_clock};
    std::vector<queue::Progress> m_progress;
};

void PortalMarketTest::analyses()
{
    const char *kwargs = R"({"symbol":"AAPL","horizon_days":60,"paths":2000,"user_id":"42"})";
    const auto first = run(stateFor(kwargs));
    QVERIFY2(first.has_value(), first.has_error() ? first.error().message.c_str() : "");
    const auto analysis = fromJson<market::Analysis>(*first, JsonMode::Strict);
    QVERIFY2(analysis.has_value(), analysis.has_error() ? analysis.error().message.c_str() : "");
    QCOMPARE(analysis->symbol, std::string("AAPL"));
    QCOMPARE(analysis->currency, std::string("USD"));
    QCOMPARE(analysis->days, std::uint32_t(analysedDays));
    QVERIFY(analysis->outlook.horizonDays == 60 && analysis->outlook.paths == 2000);
    QVERIFY(analysis->indicators.rsi14 && analysis->risk.sharpeRatio && !analysis->outlook.fan.empty());
    QVERIFY(!m_progress.empty() && m_progress.back().total == 100);
    QVERIFY(*run(stateFor(kwargs)) == *first); // runs twice, says the same
    QVERIFY(run(stateFor(R"({"symbol":"MSFT"})")).has_value());
    QVERIFY(run(stateFor(R"({"symbol":"MSFT","user_id":7,"paths":null})")).has_value());
}

void PortalMarketTest::refusesArguments_data()
{
    QTest::addColumn<QByteArray>("pointer");
    QTest::newRow(R"({})") << QByteArray("/symbol");
    QTest::newRow(R"({"symbol":"aapl"})") << QByteArray("/symbol");
    QTest::newRow(R"({"symbol":"AAPL","horizon_days":0})") << QByteArray("/horizon_days");
    QTest::newRow(R"({"symbol":"AAPL","horizon_days":1261})") << QByteArray("/horizon_days");
    QTest::newRow(R"({"symbol":"AAPL","paths":1})") << QByteArray("/paths");
    QTest::newRow(R"({"symbol":"AAPL","paths":1000000000})") << QByteArray("/paths");
    QTest::newRow(R"({"symbol":"AAPL","paths":"many"})") << QByteArray("/paths");
    QTest::newRow(R"({"symbol":"AAPL","seed":1})") << QByteArray("/seed");
}

void PortalMarketTest::refusesArguments()
{
    QFETCH(QByteArray, pointer);
    const auto result = run(stateFor(QTest::currentDataTag()));
    QVERIFY(result.has_error());
    QCOMPARE(result.error().kind, ErrorKind::Invalid);
    QCOMPARE(QByteArray::fromStdString(result.error().fields.at(0).pointer), pointer);
}

void PortalMarketTest::endsWhenCancelled()
{
    auto state = stateFor(R"({"symbol":"AAPL","paths":100000,"horizon_days":1260})");
    state->stop.request_stop();
    const auto result = run(state);
    QVERIFY(result.has_error());
    QCOMPARE(result.error().kind, ErrorKind::Cancelled);
}

void PortalMarketTest::saysWhatTheSourceSays()
{
    QCOMPARE(run(stateFor(R"({"symbol":"NONE"})")).error().kind, ErrorKind::NotFound);
    QCOMPARE(run(stateFor(R"({"symbol":"TORN"})")).error().kind, ErrorKind::Unavailable);
    m_quotes.away = true;
    QCOMPARE(run(stateFor(R"({"symbol":"AAPL"})")).error().kind, ErrorKind::Unavailable);
    QCOMPARE(get("/api/quotes?symbols=AAPL").code, http::status::service_unavailable);
    m_quotes.away = false;
    auto positional = stateFor(R"({"symbol":"AAPL"})");
    positional->payload.args.emplace_back("AAPL");
    QCOMPARE(run(positional).error().kind, ErrorKind::Invalid);
}

void PortalMarketTest::answersQuotesAndHistory()
{
    const auto quotes = get("/api/quotes?symbols=AAPL,TORN,MSFT,NONE,AAPL");
    QCOMPARE(quotes.code, http::status::ok);
    const auto page = boost::json::parse(quotes.body).as_object();
    QCOMPARE(page.at("items").as_array().size(), std::size_t(2));
    QVERIFY(page.at("items").as_array()[1].at("symbol") == "MSFT");
    QVERIFY((page.at("missing") == boost::json::array{"TORN", "NONE"}));
    QVERIFY(page.at("next_cursor").is_null());
    QVERIFY(page.at("currency") == "USD");
    const auto history = boost::json::parse(get("/api/quotes/AAPL/history?days=5").body).as_object();
    QCOMPARE(history.at("items").as_array().size(), std::size_t(5));
    QVERIFY(history.at("symbol") == "AAPL");
    QVERIFY(history.at("currency") == "USD");
    QVERIFY(history.at("items").as_array()[4].at("date") == "2025-12-31T00:00:00.000Z");
    QCOMPARE(boost::json::parse(get("/api/quotes/AAPL/history").body).at("items").as_array().size(), std::size_t(30));
}

void PortalMarketTest::refusesRequests_data()
{
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("pointer");
    QTest::newRow("/api/quotes") << 422 << QByteArray("/symbols");
    QTest::newRow("/api/quotes?symbols=") << 422 << QByteArray("/symbols");
    QTest::newRow("/api/quotes?symbols=AAPL,,MSFT") << 422 << QByteArray("/symbols");
    QTest::newRow("/api/quotes?symbols=aapl") << 422 << QByteArray("/symbols");
    QTest::newRow("/api/quotes/TOOLONG/history") << 422 << QByteArray("/symbol");
    QTest::newRow("/api/quotes/AAPL/history?days=0") << 422 << QByteArray("/days");
    QTest::newRow("/api/quotes/AAPL/history?days=2521") << 422 << QByteArray("/days");
    QTest::newRow("/api/quotes/AAPL/history?days=5x") << 422 << QByteArray("/days");
    QTest::newRow("/api/quotes/NONE/history") << 404 << QByteArray();
    QTest::newRow("/api/quotes/TORN/history") << 503 << QByteArray();
}

void PortalMarketTest::refusesRequests()
{
    QFETCH(int, status);
    QFETCH(QByteArray, pointer);
    const auto answer = get(QTest::currentDataTag());
    const auto expected = status == 422 ? http::statusOf(ErrorKind::Invalid) : http::status(status);
    QCOMPARE(answer.code, expected);
    if (!pointer.isEmpty())
        QVERIFY(boost::json::parse(answer.body).at("errors").as_array()[0].at("pointer").as_string() ==
                pointer.constData());
}

QTEST_GUILESS_MAIN(PortalMarketTest)
#include "portal_market_test.moc"
