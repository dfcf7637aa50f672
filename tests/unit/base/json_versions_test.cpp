// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/questions.h"
#include "core/base/json.h"
#include "core/base/json_answer.h"

#include <QTest>

using namespace portolan;

namespace {

enum class Shade { LightGrey, Red };
BOOST_DESCRIBE_ENUM(Shade, LightGrey, Red)

struct Painted
{
    Shade shade = Shade::Red;
    std::optional<int> coats;
    bool operator==(const Painted &) const = default;
};
BOOST_DESCRIBE_STRUCT(Painted, (), (shade, coats))

struct House
{
    std::optional<Shade> door;
    Shade roof = Shade::Red;
    std::vector<Painted> walls;
    std::map<std::string, Painted> rooms;
    std::optional<Painted> fence;
    std::string name;
    static constexpr std::string_view jsonDefaulted[] = {"roof", "walls", "rooms"};
    bool operator==(const House &) const = default;
};
BOOST_DESCRIBE_STRUCT(House, (), (door, roof, walls, rooms, fence, name))

} // namespace

/// What a later version says, which has words that this one does not have.
class JsonVersionsTest final : public QObject
{
    Q_OBJECT
private slots:
    void leavesOutTheLeastThatMayBeMissing_data();
    void leavesOutTheLeastThatMayBeMissing();
    void refusesWhatCannotBeMissing();
    void refusesThemInRequests();
    void readsASampleOfALaterVersion();
};

void JsonVersionsTest::leavesOutTheLeastThatMayBeMissing_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("same");
    const auto row = [](const char *text, const char *same) {
        QTest::newRow(text) << QByteArray(text) << QByteArray(same);
    };
    row(R"({"name":"n","door":"violet"})", R"({"name":"n"})");
    row(R"({"name":"n","roof":"violet"})", R"({"name":"n"})");
    row(R"({"name":"n","roof":"light-grey"})", R"({"name":"n","roof":"light-grey"})");
    row(R"({"name":"n","walls":[{"shade":"violet","coats":null},{"shade":"red","coats":2}]})",
        R"({"name":"n","walls":[{"shade":"red","coats":2}]})");
    row(R"({"name":"n","walls":[{"shade":"red"},{"shade":"violet"},{"shade":"light-grey"}]})",
        R"({"name":"n","walls":[{"shade":"red"},{"shade":"light-grey"}]})");
    row(R"({"name":"n","walls":[{"shade":"violet"}],"door":"red"})", R"({"name":"n","door":"red"})");
    row(R"({"name":"n","rooms":{"a":{"shade":"violet"},"b":{"shade":"red"}}})",
        R"({"name":"n","rooms":{"b":{"shade":"red"}}})");
    row(R"({"name":"n","walls":[{"shade":"red"}],"yard":{"tree":"violet"}})",
        R"({"name":"n","walls":[{"shade":"red"}]})");
    row(R"({"name":"n","fence":{"shade":"violet"},"roof":"light-grey"})", R"({"name":"n","roof":"light-grey"})");
}

void JsonVersionsTest::leavesOutTheLeastThatMayBeMissing()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, same);
    const auto read = readJson<House>(text.toStdString(), JsonMode::Lenient);
    QVERIFY2(read.has_value(), read ? "" : read.error().message.c_str());
    QCOMPARE(writeJson(*read), writeJson(*readJson<House>(same.toStdString(), JsonMode::Strict)));
}

void JsonVersionsTest::refusesWhatCannotBeMissing()
{
    for (const auto *text : {R"({"shade":"violet"})", R"({"shade":"violet","coats":null})"}) {
        const auto read = readJson<Painted>(text, JsonMode::Lenient);
        QVERIFY(read.has_error());
        QCOMPARE(read.error().fields.size(), std::size_t{1});
        QCOMPARE(read.error().fields[0].pointer, std::string("/shade"));
    }
    QVERIFY(readJson<Painted>(R"({"shade":7})", JsonMode::Lenient).has_error()); // no word at all is no later version's
    QVERIFY(readJson<House>(R"({"name":"n","walls":[{"shade":7}]})", JsonMode::Lenient).has_error());
}

void JsonVersionsTest::refusesThemInRequests()
{
    for (const auto *text : {R"({"name":"n","door":"violet"})", R"({"name":"n","roof":"violet"})",
                             R"({"name":"n","walls":[{"shade":"violet"}]})"}) {
        const auto read = readJson<House>(text, JsonMode::Strict);
        QVERIFY2(read.has_error(), text);
        QVERIFY(read.error().fields[0].detail.find("light-grey, red") != std::string::npos);
    }
}

void JsonVersionsTest::readsASampleOfALaterVersion()
{
    Snapshot sample;
    sample.readings.resize(2);
    sample.readings[0].resource = Resource::RedisMemory;
    sample.readings[1].resource = Resource::Queue;
    std::string text = writeJson(sample);
    const std::string known = "\"redis_memory\"";
    const auto at = text.find(known, text.find("\"readings\""));
    QVERIFY(at != std::string::npos);
    text.replace(at, known.size(), "\"gpu_memory\"");
    const auto read = readJson<Snapshot>(text, JsonMode::Lenient);
    QVERIFY2(read.has_value(), read ? "" : read.error().message.c_str());
    QCOMPARE(read->readings.size(), std::size_t{1});
    QCOMPARE(read->readings[0].resource, Resource::Queue);

    DeploymentAnswer answer;
    answer.questions = {{"/api/admin/later", Role::Operator, {.why = WhyNot::NoRedis}}};
    std::string offer = writeAnswer(answer);
    offer.replace(offer.find("no-redis"), 8, "no-quantum-link");
    const auto offered = readAnswer<DeploymentAnswer>(offer);
    QVERIFY2(offered.has_value(), offered ? "" : offered.error().message.c_str());
    QVERIFY(offered->questions.empty()); // and not one that is answered
}

QTEST_GUILESS_MAIN(JsonVersionsTest)
#include "json_versions_test.moc"
