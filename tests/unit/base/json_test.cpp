// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/action.h"
#include "core/api/snapshot.h"
#include "core/api/tier.h"
#include "core/base/json.h"
#include "core/base/json_numbers.h"
#include "core/base/json_request.h"

#include <boost/json/serialize.hpp>

#include <QStringConverter>
#include <QTest>
#include <limits>
#include <set>

using namespace portolan;

namespace {

enum class Shade { LightGrey, Red };
BOOST_DESCRIBE_ENUM(Shade, LightGrey, Red)

struct Inner
{
    std::string name;
    std::optional<std::string> note;
    bool operator==(const Inner &) const = default;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (name, note))

struct Base
{
    Id id = 0;
    bool operator==(const Base &) const = default;
};
BOOST_DESCRIBE_STRUCT(Base, (), (id))

struct Everything : Base
{
    Shade shadeOfIt = Shade::Red;
    std::vector<Id> ownerIds;
    std::int16_t small = 0;
    double ratio = 0;
    bool on = false;
    std::chrono::seconds timeOut{0};
    std::chrono::milliseconds delay{0};
    WallTime madeAt;
    std::vector<Inner> inners;
    std::map<Category, std::string> limits;
    std::map<std::string, int> counts;
    std::set<std::string> names;
    boost::json::value any;
    bool operator==(const Everything &) const = default;
};
BOOST_DESCRIBE_STRUCT(Everything, (Base),
                      (shadeOfIt, ownerIds, small, ratio, on, timeOut, delay, madeAt, inners, limits, counts, names,
                       any))

struct Asked
{
    std::string symbol;
    std::uint32_t horizonDays = 30;
    std::optional<int> paths;
    static constexpr std::string_view jsonDefaulted[] = {"horizonDays"};
};
BOOST_DESCRIBE_STRUCT(Asked, (), (symbol, horizonDays, paths))

struct AllDefaulted
{
    std::string symbol = "X";
    Secret password;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(AllDefaulted, (), (symbol, password))

struct Numbers
{
    std::uint8_t byte = 0;
    std::int64_t wide = 0;
    double real = 0;
    std::chrono::milliseconds wait{0};
    Id userId = 1;
    WallTime at;
    bool flag = false;
    Shade shade = Shade::Red;
    std::vector<std::string> texts;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Numbers, (), (byte, wide, real, wait, userId, at, flag, shade, texts))

Everything sample()
{
    Everything value;
    value.id = 42;
    value.shadeOfIt = Shade::LightGrey;
    value.ownerIds = {7, (1ull << 63) - 1};
    value.small = -5;
    value.ratio = 0.25;
    value.on = true;
    value.timeOut = std::chrono::seconds(90);
    value.delay = std::chrono::milliseconds(1500);
    value.madeAt = WallTime(std::chrono::seconds(1767225600) + std::chrono::milliseconds(7));
    value.inners = {{"a", "n"}, {"b", std::nullopt}};
    value.limits = {{Category::Api, "8 per minute"}};
    value.counts = {{"x/y", 3}};
    value.names = {"one"};
    value.any = {{"free", {1, 2}}};
    return value;
}

constexpr std::string_view sampleText =
    R"({"id":"42","shade_of_it":"light-grey","owner_ids":["7","9223372036854775807"],"small":-5,"ratio":2.5E-1,)"
    R"("on":true,"time_out":90,"delay":1.5E0,"made_at":"2026-01-01T00:00:00.007Z",)"
    R"("inners":[{"name":"a","note":"n"},{"name":"b","note":null}],"limits":{"api":"8 per minute"},)"
    R"("counts":{"x/y":3},"names":["one"],"any":{"free":[1,2]}})";

} // namespace

class JsonTest final : public QObject
{
    Q_OBJECT
private slots:
    void takesUtf8Only_data();
    void takesUtf8Only();
    void writesByTheRules();
    void readsBackWhatItWrote();
    void valueFromFollowsTheSameRules();
    void writesWhatIsNoNumberAsNull();
    void takesDefaultsAndOptionals();
    void leavesDefaultsOutOfRequests();
    void refuses_data();
    void refuses();
    void ignoresTheUnknownInAnswers();
    void collectsAtMostTwentyErrors();
    void boundsWhatItReads_data();
    void boundsWhatItReads();
    void refusesAMemberThatIsThereTwice_data();
    void refusesAMemberThatIsThereTwice();
    void refusesNumbersThatNoDoubleHolds_data();
    void refusesNumbersThatNoDoubleHolds();
    void writesNoNumberThatJsonDoesNotHave();
    void namesEveryEnumeratorOnce();
};

void JsonTest::writesByTheRules() { QCOMPARE(writeJson(sample()), std::string(sampleText)); }

void JsonTest::readsBackWhatItWrote()
{
    for (const auto mode : {JsonMode::Strict, JsonMode::Lenient}) {
        const auto read = readJson<Everything>(sampleText, mode);
        QVERIFY2(read.has_value(), read.has_error() ? read.error().message.c_str() : "");
        QVERIFY(*read == sample());
    }
}

void JsonTest::valueFromFollowsTheSameRules()
{
    QCOMPARE(boost::json::serialize(boost::json::value_from(sample())), std::string(sampleText));
    QCOMPARE(boost::json::serialize(boost::json::value_from(std::vector{std::chrono::milliseconds(1500)})),
             std::string("[1.5E0]"));
    QCOMPARE(boost::json::serialize(boost::json::value_from(std::map<std::string, Shade>{{"a", Shade::LightGrey}})),
             std::string(R"({"a":"light-grey"})"));
}

void JsonTest::writesWhatIsNoNumberAsNull()
{
    const std::vector<double> values{1, std::numeric_limits<double>::quiet_NaN(),
                                     std::numeric_limits<double>::infinity()};
    QCOMPARE(writeJson(values), std::string("[1E0,null,null]"));
}

void JsonTest::takesDefaultsAndOptionals()
{
    const auto least = readJson<Asked>(R"({"symbol":"AAPL"})", JsonMode::Strict);
    QVERIFY(least.has_value());
    QCOMPARE(least->horizonDays, 30u);
    QVERIFY(!least->paths);
    const auto most = readJson<Asked>(R"({"symbol":"AAPL","horizon_days":5,"paths":null})", JsonMode::Strict);
    QCOMPARE(most->horizonDays, 5u);
    const auto none = readJson<AllDefaulted>("{}", JsonMode::Strict);
    QCOMPARE(none->symbol, std::string("X"));
    const auto secret = readJson<AllDefaulted>(R"({"password":"hush"})", JsonMode::Strict);
    QVERIFY(secret->password.equals("hush"));
}

/// So that who reads them may be of a version that does not know them yet.
void JsonTest::leavesDefaultsOutOfRequests()
{
    QCOMPARE(jsonText(requestJson(Asked{"AAPL", 30, {}})), std::string(R"({"symbol":"AAPL"})"));
    QCOMPARE(jsonText(requestJson(Asked{})), std::string(R"({"symbol":""})")); // it is required
    QCOMPARE(jsonText(requestJson(Asked{"AAPL", 5, 0})),
             std::string(R"({"symbol":"AAPL","horizon_days":5,"paths":0})"));
    QCOMPARE(jsonText(requestJson(RevokeTasks{{"a"}})), std::string(R"({"ids":["a"]})"));
    QCOMPARE(jsonText(requestJson(RevokeTasks{{"a"}, false})), std::string(R"({"ids":["a"],"terminate":false})"));
    boost::mp11::mp_for_each<Action>([](const auto &action) {
        using A = std::remove_cvref_t<decltype(action)>;
        const auto read = readJson<A>(jsonText(requestJson(action)), JsonMode::Strict);
        QVERIFY(read.has_value() && *read == action);
    });
}

void JsonTest::refuses_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("pointer");
    QTest::addColumn<QByteArray>("detail");
    QTest::newRow("not an object") << QByteArray("[]") << QByteArray("") << QByteArray("must be an object");
    QTest::newRow("unknown") << QByteArray(R"({"bytes":1})") << QByteArray("/bytes") << QByteArray("is not known");
    QTest::newRow("escaped pointer") << QByteArray(R"({"a/b~c":1})") << QByteArray("/a~1b~0c")
                                     << QByteArray("is not known");
    QTest::newRow("too big") << QByteArray(R"({"byte":256})") << QByteArray("/byte")
                             << QByteArray("must be an integer from 0 to 255");
    QTest::newRow("negative") << QByteArray(R"({"byte":-1})") << QByteArray("/byte")
                              << QByteArray("must be an integer from 0 to 255");
    QTest::newRow("fraction") << QByteArray(R"({"byte":1.5})") << QByteArray("/byte")
                              << QByteArray("must be an integer from 0 to 255");
    QTest::newRow("huge") << QByteArray(R"({"wide":1e300})") << QByteArray("/wide")
                          << QByteArray("must be an integer from -9223372036854775808 to 9223372036854775807");
    QTest::newRow("unsigned into signed") << QByteArray(R"({"wide":9223372036854775808})") << QByteArray("/wide")
                                          << QByteArray("must be an integer from -9223372036854775808 to "
                                                        "9223372036854775807");
    QTest::newRow("text for number") << QByteArray(R"({"real":"1"})") << QByteArray("/real")
                                     << QByteArray("must be a number");
    QTest::newRow("null for number") << QByteArray(R"({"real":null})") << QByteArray("/real")
                                     << QByteArray("must be a number");
    QTest::newRow("id as number") << QByteArray(R"({"user_id":5})") << QByteArray("/user_id")
                                  << QByteArray("must be a string of digits");
    QTest::newRow("id with zero") << QByteArray(R"({"user_id":"05"})") << QByteArray("/user_id")
                                  << QByteArray("must be a string of digits");
    QTest::newRow("time") << QByteArray(R"({"at":"yesterday"})") << QByteArray("/at")
                          << QByteArray("must be a time such as 2026-01-01T00:00:00Z");
    QTest::newRow("endless wait") << QByteArray(R"({"wait":1e300})") << QByteArray("/wait")
                                  << QByteArray("must be a number of seconds");
    QTest::newRow("flag") << QByteArray(R"({"flag":1})") << QByteArray("/flag") << QByteArray("must be true or false");
    QTest::newRow("enum") << QByteArray(R"({"shade":"blue"})") << QByteArray("/shade")
                          << QByteArray("must be one of light-grey, red");
    QTest::newRow("in an array") << QByteArray(R"({"texts":["a",2]})") << QByteArray("/texts/1")
                                 << QByteArray("must be a string");
    QTest::newRow("no array") << QByteArray(R"({"texts":"a"})") << QByteArray("/texts")
                              << QByteArray("must be an array");
    QTest::newRow("NUL") << QByteArray(R"({"texts":["\u0000"]})") << QByteArray("/texts/0")
                         << QByteArray("must not hold a NUL character");
}

void JsonTest::refuses()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, pointer);
    QFETCH(QByteArray, detail);
    const auto read = readJson<Numbers>(text.toStdString(), JsonMode::Strict);
    QVERIFY(read.has_error());
    QCOMPARE(read.error().kind, ErrorKind::Invalid);
    QCOMPARE(read.error().fields.size(), std::size_t(1));
    QCOMPARE(QByteArray::fromStdString(read.error().fields[0].pointer), pointer);
    QCOMPARE(QByteArray::fromStdString(read.error().fields[0].detail), detail);
}

void JsonTest::ignoresTheUnknownInAnswers()
{
    const auto read = readJson<Numbers>(R"({"more":[1,{"x":2}],"byte":7,"real":null})", JsonMode::Lenient);
    QVERIFY(read.has_value());
    QCOMPARE(int(read->byte), 7);
    const auto missing = readJson<Inner>("{}", JsonMode::Lenient);
    QVERIFY(missing.has_error());
    QCOMPARE(missing.error().fields[0].pointer, std::string("/name"));
    QCOMPARE(missing.error().fields[0].detail, std::string("is required"));
}

void JsonTest::collectsAtMostTwentyErrors()
{
    const auto three = readJson<Numbers>(R"({"byte":-1,"flag":0,"what":1})", JsonMode::Strict);
    QCOMPARE(three.error().fields.size(), std::size_t(3));
    std::string text = R"({"texts":[)";
    for (int i = 0; i < 100; ++i)
        text += i ? ",1" : "1";
    const auto many = readJson<Numbers>(text + "]}", JsonMode::Strict);
    QCOMPARE(many.error().fields.size(), std::size_t(20));
}

void JsonTest::boundsWhatItReads_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("part");
    QTest::newRow("deep") << QByteArray("[[[[[]]]]]") << QByteArray("nested deeper than 4");
    QTest::newRow("long string") << QByteArray("\"123456789\"") << QByteArray("longer than 8 bytes");
    QTest::newRow("many items") << QByteArray("[1,2,3,4]") << QByteArray("more than 3 items");
    QTest::newRow("many members") << QByteArray(R"({"a":1,"b":1,"c":1,"d":1})") << QByteArray("more than 3 members");
    QTest::newRow("within") << QByteArray(R"([{"a":["123456789"]}])") << QByteArray("/0/a/0 is longer");
    QTest::newRow("cut short") << QByteArray("[1,") << QByteArray("ends too early");
    QTest::newRow("empty") << QByteArray("") << QByteArray("is empty");
    QTest::newRow("garbage") << QByteArray("[1,x]") << QByteArray("not JSON");
    QTest::newRow("more behind") << QByteArray("[] []") << QByteArray("not JSON");
    QTest::newRow("broken UTF-8") << QByteArray("[\"\xff\"]") << QByteArray("must be UTF-8");
}

void JsonTest::boundsWhatItReads()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, part);
    const JsonLimits limits{4, 8, 3, 20};
    const auto read = readJson<boost::json::value>(text.toStdString(), JsonMode::Strict, limits);
    QVERIFY(read.has_error());
    QVERIFY2(read.error().message.find(part.toStdString()) != std::string::npos, read.error().message.c_str());
}

void JsonTest::refusesAMemberThatIsThereTwice_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("pointer"); // empty: taken
    QTest::newRow("twice") << QByteArray(R"({"role":"user","role":"admin"})") << QByteArray("/role");
    QTest::newRow("the same value") << QByteArray(R"({"a":1,"b":2,"a":1})") << QByteArray("/a");
    QTest::newRow("with an escape") << QByteArray(R"({"email":"a","\u0065mail":"b"})") << QByteArray("/email");
    QTest::newRow("unknown") << QByteArray(R"({"x/~":1,"x/~":2})") << QByteArray("/x~1~0");
    QTest::newRow("no name") << QByteArray(R"({"":1,"":2})") << QByteArray("/");
    QTest::newRow("deep") << QByteArray(R"([0,{"a":[[],{"b":{"c":1,"c":{}}}]}])") << QByteArray("/1/a/1/b/c");
    QTest::newRow("behind a closed object") << QByteArray(R"({"a":{"b":1},"c":2,"a":3})") << QByteArray("/a");
    QTest::newRow("in two objects") << QByteArray(R"([{"a":1},{"a":1,"b":{"a":1}}])") << QByteArray();
    QTest::newRow("name and value") << QByteArray(R"({"a":"b","b":"a"})") << QByteArray();
    QTest::newRow("in another case") << QByteArray(R"({"a":1,"A":1})") << QByteArray();
}

void JsonTest::refusesAMemberThatIsThereTwice()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, pointer);
    const auto read = readJson<boost::json::value>(text.toStdString(), JsonMode::Strict);
    QCOMPARE(read.has_value(), pointer.isEmpty());
    if (read.has_value())
        return;
    QVERIFY(read.error().kind == ErrorKind::Invalid);
    QCOMPARE(read.error().fields.size(), std::size_t(1));
    QCOMPARE(read.error().fields[0].pointer, pointer.toStdString());
    QVERIFY(read.error().message.find(pointer.toStdString() + " is there more than once") != std::string::npos);
}

void JsonTest::refusesNumbersThatNoDoubleHolds_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("pointer"); // "-": taken
    QTest::newRow("in an object") << QByteArray(R"({"x":1e999})") << QByteArray("/x");
    QTest::newRow("negative, deep") << QByteArray(R"({"a/b":[0,{"c":[-1e999]}],"d":1e999})")
                                    << QByteArray("/a~1b/1/c/0");
    QTest::newRow("the whole") << QByteArray("1e400") << QByteArray("");
    QTest::newRow("of many digits") << '[' + QByteArray(400, '9') + ']' << QByteArray("/0");
    QTest::newRow("the largest") << QByteArray("[1.7976931348623157e308]") << QByteArray("-");
    QTest::newRow("a small one") << QByteArray("[1e-999]") << QByteArray("-");
    QTest::newRow("in a text") << QByteArray(R"({"1e999":"1e999"})") << QByteArray("-");
}

void JsonTest::refusesNumbersThatNoDoubleHolds()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, pointer);
    const auto read = readJson<boost::json::value>(text.toStdString(), JsonMode::Strict);
    QCOMPARE(read.has_value(), pointer == "-");
    if (read.has_value())
        return;
    QVERIFY(read.error().kind == ErrorKind::Invalid);
    QCOMPARE(read.error().fields.size(), std::size_t(1));
    QCOMPARE(read.error().fields[0].pointer, pointer.toStdString());
    QCOMPARE(read.error().fields[0].detail, std::string("is too large a number"));
}

void JsonTest::writesNoNumberThatJsonDoesNotHave()
{
    const double infinite = std::numeric_limits<double>::infinity();
    const boost::json::value value{
        {"a", {1, -infinite, {{"b", std::numeric_limits<double>::quiet_NaN()}}}}, {"c", infinite}, {"d", 0.5}};
    QCOMPARE(jsonText(value), std::string(R"({"a":[1,null,{"b":null}],"c":null,"d":5E-1})"));
    QCOMPARE(jsonText(infinite), std::string("null"));
    QCOMPARE(notFiniteAt(value), std::optional<std::string>("/a/1"));
    QVERIFY(!isFinite(value) && isFinite(boost::json::value{1, 2.5, "x", nullptr}));
}

void JsonTest::namesEveryEnumeratorOnce()
{
    for (const auto &[value, name] : enumNames<Resource>)
        QVERIFY(enumFromName<Resource>(name) == value && enumFromName<Resource>(enumKey(value)) == value);
    QCOMPARE(enumName(Resource::RedisMemory), std::string_view("redis_memory"));
    QCOMPARE(enumName(Unknown::NotYet), std::string_view("not-yet"));
    QCOMPARE(enumKey(Resource::RedisMemory), std::string_view("redis_memory"));
    QVERIFY(enumName(Resource(200)).empty());
    QVERIFY(!enumFromName<Resource>("redis"));
}

void JsonTest::takesUtf8Only_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("says"); // empty: taken
    const QByteArray utf8 = "{\"symbol\":\"M\u00fcller\"}";
    const QString text = QString::fromUtf8(utf8);
    const auto wide = [&](QStringConverter::Encoding encoding, bool mark) {
        auto encoder =
            QStringEncoder(encoding, mark ? QStringConverter::Flag::WriteBom : QStringConverter::Flag::Default);
        return QByteArray(encoder(text));
    };
    QTest::newRow("plain") << utf8 << QByteArray();
    QTest::newRow("byte order mark") << "\xef\xbb\xbf" + utf8 << QByteArray();
    QTest::newRow("two of them") << "\xef\xbb\xbf\xef\xbb\xbf" + utf8 << QByteArray("not JSON");
    QTest::newRow("Latin-1") << text.toLatin1() << QByteArray("must be UTF-8; byte 12");
    QTest::newRow("Latin-1 behind a mark") << "\xef\xbb\xbf" + text.toLatin1() << QByteArray("must be UTF-8");
    QTest::newRow("Latin-1 at the end") << QByteArray("{\"symbol\":\"\xe9") << QByteArray("must be UTF-8");
    QTest::newRow("UTF-16LE") << wide(QStringConverter::Utf16LE, false) << QByteArray("must be UTF-8");
    QTest::newRow("UTF-16BE") << wide(QStringConverter::Utf16BE, false) << QByteArray("must be UTF-8");
    QTest::newRow("UTF-16LE with a mark") << wide(QStringConverter::Utf16LE, true) << QByteArray("must be UTF-8");
    QTest::newRow("UTF-16BE with a mark") << wide(QStringConverter::Utf16BE, true) << QByteArray("must be UTF-8");
    QTest::newRow("UTF-32LE") << wide(QStringConverter::Utf32LE, true) << QByteArray("must be UTF-8");
    QTest::newRow("gzip") << QByteArray("\x1f\x8b\x08\0\0\0\0\0", 8) << QByteArray("compressed with gzip");
    QTest::newRow("no JSON") << QByteArray("symbol=AAPL") << QByteArray("not JSON");
    QTest::newRow("cut off") << QByteArray("{\"symbol\":") << QByteArray("ends too early");
}

void JsonTest::takesUtf8Only()
{
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, says);
    const auto asked = readJson<Asked>(body.toStdString(), JsonMode::Strict);
    QCOMPARE(asked.has_value(), says.isEmpty());
    if (asked.has_error())
        QVERIFY2(inWords(asked.error()).find(says.toStdString()) != std::string::npos, inWords(asked.error()).c_str());
}

QTEST_GUILESS_MAIN(JsonTest)
#include "json_test.moc"
