// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/user.h"
#include "core/base/json.h"
#include "core/base/json_append.h"
#include "core/base/json_schema.h"

#include <QTest>
#include <limits>
#include <map>
#include <set>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

enum class Mood { VeryGood, Bad };
BOOST_DESCRIBE_ENUM(Mood, VeryGood, Bad)

struct Part
{
    Id partId = 0;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(Part, (), (partId, text))

struct Nothing
{};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

struct Everything
{
    Id id = 0;
    std::vector<Id> userIds;
    std::int64_t least = 0;
    std::uint32_t most = 0;
    double share = 0;
    bool is = false;
    Mood mood = Mood::VeryGood;
    std::string text;
    std::chrono::seconds whole{0};
    std::chrono::milliseconds part{0};
    WallTime when{};
    std::optional<WallTime> ended;
    std::optional<Mood> perhaps;
    std::vector<Part> parts;
    std::set<std::string> names;
    std::map<std::string, Part> named;
    Nothing nothing;
    std::optional<double> perhapsShare = {};
    boost::json::value passed;
    static constexpr std::string_view jsonDefaulted[] = {"share", "parts"};
};
BOOST_DESCRIBE_STRUCT(Everything, (),
                      (id, userIds, least, most, share, is, mood, text, whole, part, when, ended, perhaps, parts, names,
                       named, nothing, perhapsShare, passed))

struct Wanted
{
    std::string symbol;
    std::uint32_t days = 30;
    std::optional<Mood> mood;
    Secret password{};
    static constexpr std::string_view jsonDefaulted[] = {"days"};
};
BOOST_DESCRIBE_STRUCT(Wanted, (), (symbol, days, mood, password))

std::string appended(const auto &value)
{
    std::string text;
    appendJson(text, value);
    return text;
}

} // namespace

class JsonAppendTest final : public QObject
{
    Q_OBJECT
private slots:
    void writesTheSameBytes()
    {
        Everything value;
        QCOMPARE(appended(value), writeJson(value));
        value = {.id = std::numeric_limits<Id>::max(),
                 .userIds = {1, 2},
                 .least = std::numeric_limits<std::int64_t>::min(),
                 .most = std::numeric_limits<std::uint32_t>::max(),
                 .share = 0.1,
                 .is = true,
                 .mood = Mood::Bad,
                 .text = "plain",
                 .whole = 90s,
                 .part = 1500ms,
                 .when = WallTime(1767225660123ms),
                 .ended = WallTime(1ms),
                 .perhaps = Mood::VeryGood,
                 .parts = {{1, "a"}, {2, ""}},
                 .names = {"b", "a\"b"},
                 .named = {{"x\n", {3, "c"}}},
                 .nothing = {},
                 .perhapsShare = 0.5,
                 .passed = {{"a", nullptr}}};
        QCOMPARE(appended(value), writeJson(value));
        value.share = std::numeric_limits<double>::infinity();
        QCOMPARE(appended(value), writeJson(value));
    }

    void writesEveryText()
    {
        for (int character = 0; character < 256; ++character) {
            Part part{7, "a" + std::string(1, char(character)) + "b"};
            QCOMPARE(appended(part), writeJson(part));
        }
        for (const char *text : {"", "ä@b.example", "\u2028", "\\", "\"", "</script>", "a\tb"}) {
            User user;
            user.email = text;
            user.role = Role::Operator;
            QCOMPARE(appended(user), writeJson(user));
        }
    }

    void tellsTheSchemaOfAnswers()
    {
        QCOMPARE(answerSchema<User>(),
                 std::string(R"({"type":"object","properties":{"id":{"type":"string","pattern":"^[0-9]+$"},)"
                             R"("email":{"type":"string"},)"
                             R"("role":{"type":"string","enum":["anonymous","user","operator","admin"]},)"
                             R"("disabled":{"type":"boolean"},"created":{"type":"string","format":"date-time"},)"
                             R"("last_sign_in":{"type":["string","null"],"format":"date-time"},)"
                             R"("deceptive":{"type":"boolean"}},)"
                             R"("required":["id","email","role","disabled","created","last_sign_in","deceptive"]})"));
    }

    void tellsTheSchemaOfRequests()
    {
        QCOMPARE(requestSchema<Wanted>(),
                 std::string(R"({"type":"object","properties":{"symbol":{"type":"string"},)"
                             R"("days":{"type":"integer","minimum":0,"maximum":4294967295},)"
                             R"("mood":{"type":["string","null"],"enum":["very-good","bad",null]},)"
                             R"("password":{"type":"string"}},"required":["symbol","password"],)"
                             R"("additionalProperties":false})"));
    }

    void everyKindHasASchema()
    {
        const auto schema = boost::json::parse(answerSchema<Everything>()).as_object();
        const auto &properties = schema.at("properties").as_object();
        QCOMPARE(properties.size(), schema.at("required").as_array().size());
        const auto typeOf = [&](const char *name) {
            return QString::fromStdString(jsonText(properties.at(name).as_object().at("type")));
        };
        QCOMPARE(typeOf("share"), QString(R"(["number","null"])"));
        QCOMPARE(typeOf("whole"), QString(R"("number")"));
        QCOMPARE(typeOf("perhaps_share"), QString(R"(["number","null"])"));
        QCOMPARE(typeOf("user_ids"), QString(R"("array")"));
        QCOMPARE(typeOf("names"), QString(R"("array")"));
        QCOMPARE(typeOf("named"), QString(R"("object")"));
        QVERIFY(properties.at("passed").as_object().empty());
    }
};

QTEST_GUILESS_MAIN(JsonAppendTest)
#include "json_append_test.moc"
