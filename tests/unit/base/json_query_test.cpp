// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/audit.h"
#include "core/api/history.h"
#include "core/api/task.h"
#include "core/api/user.h"
#include "core/base/json_query.h"

#include <QTest>
#include <limits>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

enum class Shade { LightGrey, Red };
BOOST_DESCRIBE_ENUM(Shade, LightGrey, Red)

struct Page
{
    std::uint32_t limit = 50;
    std::string cursor;
    bool operator==(const Page &) const = default;
};
BOOST_DESCRIBE_STRUCT(Page, (), (limit, cursor))

/// Of every form one.
struct Wish
{
    Id id = 1;
    std::optional<Id> ownerId;
    std::vector<Id> userIds;
    std::int16_t small = -3;
    std::uint8_t tiny = 0;
    std::uint64_t large = 0;
    bool on = false;
    std::optional<bool> shown;
    Shade shadeOfIt = Shade::Red;
    std::vector<Shade> shades = {Shade::Red};
    std::string text = "as usual";
    std::optional<std::string> note;
    std::optional<WallTime> madeAt;
    std::vector<Metric> metrics;
    std::optional<std::chrono::seconds> step;
    Page page;
    bool operator==(const Wish &) const = default;
};
BOOST_DESCRIBE_STRUCT(Wish, (),
                      (id, ownerId, userIds, small, tiny, large, on, shown, shadeOfIt, shades, text, note, madeAt,
                       metrics, step, page))

struct Span
{
    WallTime from{};
    std::vector<Id> ids;
    static constexpr std::string_view queryRequired[] = {"from", "ids"};
};
BOOST_DESCRIBE_STRUCT(Span, (), (from, ids))

/// "/limit must be …; /x is not known"; empty where it was read.
template <class T> std::string wrongIn(const QueryParameters &parameters, const QueryLimits &limits = {})
{
    const auto read = readQuery<T>(parameters, limits);
    std::string all;
    if (read)
        return all;
    if (read.error().kind != ErrorKind::Invalid)
        return "not Invalid";
    for (const FieldError &field : read.error().fields)
        all.append(all.empty() ? "" : "; ").append(field.pointer).append(" ").append(field.detail);
    return all;
}

/// "limit=50 cursor="
std::string plain(const QueryParameters &parameters)
{
    std::string all;
    for (const auto &[name, value] : parameters)
        all.append(all.empty() ? "" : " ").append(name).append("=").append(value);
    return all;
}

Wish fullWish()
{
    Wish wish;
    wish.id = 7000000004;
    wish.ownerId = 12;
    wish.userIds = {3, 1, 2};
    wish.small = std::numeric_limits<std::int16_t>::min();
    wish.tiny = 255;
    wish.large = std::numeric_limits<std::uint64_t>::max();
    wish.on = true;
    wish.shown = false;
    wish.shadeOfIt = Shade::LightGrey;
    wish.shades = {Shade::LightGrey, Shade::Red};
    wish.text = "";
    wish.note = "";
    wish.madeAt = WallTime{} + 1234567890123ms;
    wish.metrics = {Metric("redis_memory"), Metric("route_p95", {{"route", "GET /api/{id}/x,y=z"}})};
    wish.step = 90s;
    wish.page = {500, "a&b=c d+é%"};
    return wish;
}

} // namespace

class JsonQueryTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsWhatItWrites();
    void readsWhatQuestionsHold();
    void keepsDefaults();
    void spells();
    void refuses_data();
    void refuses();
    void isBounded();
    void wantsWhatMustBeThere();
    void readsAnItemWhereItsNameIs();
};

void JsonQueryTest::readsWhatItWrites()
{
    for (const Wish &wish : {Wish(), fullWish()}) {
        const auto read = readQuery<Wish>(queryParameters(wish));
        QVERIFY2(read.has_value(), read ? "" : inWords(read.error()).c_str());
        QVERIFY(*read == wish);
    }
}

void JsonQueryTest::readsWhatQuestionsHold()
{
    const auto same = [](const auto &query) {
        const auto read = readQuery<std::remove_cvref_t<decltype(query)>>(queryParameters(query));
        return read.has_value() && *read == query;
    };
    QVERIFY(same(UserQuery{}) && same(TaskQuery{}) && same(AuditQuery{}) && same(HistoryQuery{{metric::redisMemory}}));
    QVERIFY(same(UserQuery{"anna", TextMatch::Prefix, Role::Operator, true, UserOrder::LastSignIn, true, 7, "abc"}));
    QVERIFY(same(TaskQuery{"celery", 500, "x"}));
    QVERIFY(same(AuditQuery{Id{9}, "user.", "user:9", WallTime{} + 1s, WallTime{} + 2s, 1, "x"}));
    QVERIFY(same(HistoryQuery{{metric::redisMemory, Metric(metric::queueDepth, {{"queue", "celery"}})},
                              WallTime{} + 1h,
                              WallTime{} + 2h,
                              600}));
}

void JsonQueryTest::keepsDefaults()
{
    QVERIFY(readQuery<Wish>({}).value() == Wish());
    // An empty parameter is none, but a text may be empty.
    const auto read = readQuery<Wish>({{"limit", ""}, {"shown", ""}, {"shades", ""}, {"text", ""}, {"note", ""}});
    QVERIFY2(read.has_value(), read ? "" : inWords(read.error()).c_str());
    QCOMPARE(read->page.limit, std::uint32_t{50});
    QVERIFY(!read->shown && read->shades == std::vector{Shade::Red});
    QVERIFY(read->text.empty() && read->note == std::optional<std::string>(""));
}

void JsonQueryTest::spells()
{
    Wish wish = fullWish();
    QCOMPARE(plain(queryParameters(wish)),
             std::string("id=7000000004 owner_id=12 user_ids=3 user_ids=1 user_ids=2 small=-32768 tiny=255 "
                         "large=18446744073709551615 on=true shown=false shade_of_it=light-grey shades=light-grey "
                         "shades=red text= note= made_at=2009-02-13T23:31:30.123Z metrics=redis_memory "
                         "metrics=route_p95{route=GET /api/{id}/x,y=z} step=90 limit=500 cursor=a&b=c d+é%"));
    QCOMPARE(plain(queryParameters(Page())), std::string("limit=50"));
    QCOMPARE(writeQuery(wish.page), std::string("limit=500&cursor=a%26b%3Dc%20d%2B%C3%A9%25"));
    QCOMPARE(writeQuery(QueryParameters{{"a b", "-._~Az09/"}, {"c", ""}}), std::string("a%20b=-._~Az09%2F&c="));
    QCOMPARE(writeQuery(QueryParameters{}), std::string());
}

void JsonQueryTest::refuses_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("value");
    QTest::addColumn<QString>("wrong");
    const auto row = [](const char *what, const char *name, QByteArray value, const char *wrong) {
        QTest::newRow(what) << QString(name) << value << QString(wrong);
    };
    row("unknown", "limits", "3", "/limits is not known");
    row("the outer name of a struct", "page", "3", "/page is not known");
    row("as C++ spells it", "shadeOfIt", "red", "/shadeOfIt is not known");
    row("name with a slash", "a/b~", "3", "/a~1b~0 is not known");
    row("no number", "limit", "ten", "/limit must be a whole number from 0 to 4294967295");
    row("number with more", "limit", "10x", "/limit must be a whole number from 0 to 4294967295");
    row("space before", "limit", " 10", "/limit must be a whole number from 0 to 4294967295");
    row("plus", "limit", "+10", "/limit must be a whole number from 0 to 4294967295");
    row("fraction", "limit", "1.5", "/limit must be a whole number from 0 to 4294967295");
    row("negative", "limit", "-1", "/limit must be a whole number from 0 to 4294967295");
    row("one too many", "limit", "4294967296", "/limit must be a whole number from 0 to 4294967295");
    row("one too few", "small", "-32769", "/small must be a whole number from -32768 to 32767");
    row("tiny", "tiny", "256", "/tiny must be a whole number from 0 to 255");
    row("large", "large", "18446744073709551616", "/large must be a whole number from 0 to 18446744073709551615");
    row("id zero", "id", "0", "/id must be an id");
    row("id above", "owner_id", "9223372036854775808", "/owner_id must be an id");
    row("id with zeros", "user_ids", "007", "/user_ids must be an id");
    row("yes", "on", "yes", "/on must be true or false");
    row("1", "shown", "1", "/shown must be true or false");
    row("enum", "shade_of_it", "blue", "/shade_of_it must be one of light-grey, red");
    row("enum of a list", "shades", "Red", "/shades must be one of light-grey, red");
    row("time", "made_at", "yesterday", "/made_at must be a time like 2026-01-01T00:00:00Z");
    row("no such day", "made_at", "2026-02-30T00:00:00Z", "/made_at must be a time like 2026-01-01T00:00:00Z");
    for (const char *metric : {"{a=b}", "x{", "x{}", "x{a}", "x{=b}", "x{a=b", "x{a=b}y"})
        row(metric, "metrics", metric, "/metrics must be a metric like queue_depth{queue=celery}");
    row("NUL", "text", QByteArray("a\0b", 3), "/text is no text");
    row("no UTF-8", "note", "a\xff", "/note is no text");
    row("part of a character", "cursor", "a\xc3", "/cursor is no text");
}

void JsonQueryTest::refuses()
{
    QFETCH(QString, name);
    QFETCH(QByteArray, value);
    QFETCH(QString, wrong);
    const QueryParameters parameters{{name.toStdString(), value.toStdString()}};
    QCOMPARE(QString::fromStdString(wrongIn<Wish>(parameters)), wrong);
    const QueryParameters amongOthers{{"large", "5"}, parameters.front(), {"cursor", "x"}};
    if (name != "large" && name != "cursor")
        QCOMPARE(QString::fromStdString(wrongIn<Wish>(amongOthers)), wrong);
}

void JsonQueryTest::isBounded()
{
    QCOMPARE(wrongIn<Page>({{"limit", "1"}, {"limit", "1"}}), std::string("/limit is there twice"));
    QCOMPARE(wrongIn<Page>({{"cursor", std::string(2048, 'x')}}), std::string());
    QCOMPARE(wrongIn<Page>({{"cursor", std::string(2049, 'x')}}), std::string("/cursor is longer than 2048 bytes"));
    const QueryParameters many(200, {"user_ids", "1"});
    QCOMPARE(readQuery<Wish>(many).value().userIds.size(), std::size_t{200});
    QCOMPARE(wrongIn<Wish>(QueryParameters(201, {"user_ids", "x"})), std::string(" has more than 200 parameters"));
    const auto unknown = readQuery<Page>(QueryParameters(200, {"x", "1"}));
    QCOMPARE(unknown.error().fields.size(), std::size_t{20});
    const auto longName = readQuery<Page>({{std::string(5000, '~'), "1"}});
    QVERIFY(longName.error().fields.front().pointer.size() <= 513);
    const auto noText = readQuery<Page>({{"\xff", "1"}});
    QCOMPARE(noText.error().fields.front().pointer, std::string("/\xef\xbf\xbd"));
}

void JsonQueryTest::wantsWhatMustBeThere()
{
    QCOMPARE(wrongIn<Span>({{"from", "2026-01-01T00:00:00Z"}, {"ids", "1"}}), std::string());
    QCOMPARE(wrongIn<Span>({}), std::string("/from is missing; /ids is missing"));
    QCOMPARE(wrongIn<Span>({{"from", ""}, {"ids", "1"}}), std::string("/from is missing"));
    // Said once.
    QCOMPARE(wrongIn<Span>({{"from", "\xff"}, {"ids", "x"}}), std::string("/from is no text; /ids must be an id"));
}

/// The order in which the struct has its members is not that of the parameters, but items keep theirs.
void JsonQueryTest::readsAnItemWhereItsNameIs()
{
    const auto read =
        readQuery<Wish>({{"cursor", "c"}, {"user_ids", "3"}, {"id", "4"}, {"user_ids", "1"}, {"user_ids", "2"}});
    QVERIFY2(read.has_value(), read ? "" : inWords(read.error()).c_str());
    QVERIFY((read->userIds == std::vector<Id>{3, 1, 2}));
    QVERIFY(read->id == 4 && read->page.cursor == "c");
}

QTEST_GUILESS_MAIN(JsonQueryTest)
#include "json_query_test.moc"
