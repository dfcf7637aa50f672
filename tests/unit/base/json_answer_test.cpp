// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/task.h"
#include "core/api/user.h"
#include "core/base/json_answer.h"
#include "core/base/query_schema.h"

#include <boost/json/parse.hpp>

#include <QTest>

using namespace portolan;

namespace {

struct Wish
{
    Id id = 0;
    std::vector<Metric> metrics;
    std::optional<std::chrono::seconds> step;
    UserQuery query;
    static constexpr std::string_view queryRequired[] = {"metrics"};
    static constexpr std::string_view queryNames[][2] = {{"metrics", "metric"}};
};
BOOST_DESCRIBE_STRUCT(Wish, (), (id, metrics, step, query))

struct Unpaged
{
    std::vector<LimitUse> items;
    bool complete = true;
    bool operator==(const Unpaged &) const = default;
};
BOOST_DESCRIBE_STRUCT(Unpaged, (), (items, complete))

std::vector<std::string> requiredOf(const std::string &schema)
{
    std::vector<std::string> names;
    const auto parsed = boost::json::parse(schema);
    for (const auto &name : parsed.at("required").as_array())
        names.emplace_back(name.as_string());
    return names;
}

using Names = std::vector<std::string>;

} // namespace

class JsonAnswerTest final : public QObject
{
    Q_OBJECT
private slots:
    void writesAListAsAPage()
    {
        const std::vector<LimitUse> none;
        QCOMPARE(writeAnswer(none), std::string(R"({"items":[],"next_cursor":null})"));
        const std::vector<LimitUse> some{{Category::Api, "2 per day", 1, 2, {}}};
        QCOMPARE(writeAnswer(some), R"({"items":[)" + writeJson(some.front()) + R"(],"next_cursor":null})");
        QVERIFY(readAnswer<std::vector<LimitUse>>(writeAnswer(some)).value() == some);
        QCOMPARE(requiredOf(writtenSchema<std::vector<LimitUse>>()), (Names{"items", "next_cursor"}));
    }

    void writesAPageAsItIs()
    {
        UserPage page;
        page.nextCursor = "x";
        QCOMPARE(writeAnswer(page), writeJson(page));
        QVERIFY(readAnswer<UserPage>(writeAnswer(page)).value() == page);
    }

    void addsTheCursorThatAListHasNot()
    {
        Unpaged list;
        list.complete = false;
        QCOMPARE(writeAnswer(list), std::string(R"({"items":[],"complete":false,"next_cursor":null})"));
        QVERIFY(readAnswer<Unpaged>(writeAnswer(list)).value() == list);
        QCOMPARE(requiredOf(writtenSchema<Unpaged>()), (Names{"items", "complete", "next_cursor"}));
    }

    void readsWhatALaterVersionTells()
    {
        const auto list = readAnswer<std::vector<LimitUse>>(R"({"items":[],"next_cursor":null,"more":1})");
        QVERIFY(list && list->empty());
        for (const char *text : {"[]", "{}", R"({"items":{}})", "x"})
            QCOMPARE(readAnswer<std::vector<LimitUse>>(text).error().kind, ErrorKind::Invalid);
    }

    void describesParameters()
    {
        const auto all = boost::json::parse(parametersSchema<Wish>("/wishes/{id}")).as_array();
        const auto told = [&all](std::string_view name) {
            for (const auto &one : all)
                if (one.at("name").as_string() == boost::json::string_view(name))
                    return jsonText(one);
            return std::string("none");
        };
        QCOMPARE(told("id"),
                 std::string(
                     R"({"name":"id","in":"path","required":true,"schema":{"type":"string","pattern":"^[0-9]+$"}})"));
        QCOMPARE(told("metric"), std::string(R"({"name":"metric","in":"query","required":true,)"
                                             R"("schema":{"type":"array","items":{"type":"string"}}})"));
        QCOMPARE(
            told("step"),
            std::string(R"({"name":"step","in":"query","required":false,"schema":{"type":"integer","minimum":0}})"));
        QCOMPARE(told("match"), std::string(R"({"name":"match","in":"query","required":false,)"
                                            R"("schema":{"type":"string","enum":["contains","prefix"]}})"));
        QCOMPARE(told("metrics"), std::string("none"));
        QCOMPARE(told("limit"), std::string(R"({"name":"limit","in":"query","required":false,)"
                                            R"("schema":{"type":"integer","minimum":1,"maximum":500}})"));
        QCOMPARE(all.size(), std::size_t{11});
    }

    void readsAParameterByItsOtherName()
    {
        const auto wish = readQuery<Wish>({{"metric", "redis_memory"}, {"step", "60"}, {"limit", "7"}});
        QVERIFY(wish && wish->metrics == std::vector<Metric>{Metric("redis_memory")});
        QVERIFY(wish->step == std::chrono::seconds(60) && wish->query.limit == 7);
        QVERIFY(queryParameters(*wish).at(1) == std::pair(std::string("metric"), std::string("redis_memory")));
        for (const QueryParameters &wrong :
             {QueryParameters{}, {{"metrics", "redis_memory"}}, {{"metric", "redis_memory"}, {"step", "-1"}}})
            QCOMPARE(readQuery<Wish>(wrong).error().kind, ErrorKind::Invalid);
    }
};

QTEST_GUILESS_MAIN(JsonAnswerTest)
#include "json_answer_test.moc"
