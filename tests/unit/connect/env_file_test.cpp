// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/env_file.h"

#include <QElapsedTimer>
#include <QTest>
#include <cstdlib>
#include <map>

using namespace portolan;
using namespace portolan::connect;

using Expected = std::map<std::string, std::string>;
Q_DECLARE_METATYPE(Expected)

/// `.env` files as people write them.
class EnvFileTest final : public QObject
{
    Q_OBJECT
private slots:
    void reads_data();
    void reads();
    void namesWhatItCannotRead_data();
    void namesWhatItCannotRead();
    void goesOnAfterAMistake();
    void neverAsksItsOwnEnvironment();
    void usesFilesAboveIt();
    void tellsWhatIsNotSet();
    void tellsWhatIsReadInTwoWays();
    void hasBounds_data();
    void hasBounds();
    void staysQuickOnHostileText_data();
    void staysQuickOnHostileText();
};

namespace {

/// The values that hold; "-" for a variable without one.
Expected valuesOf(const EnvReading &reading)
{
    Expected values;
    for (const auto &variable : reading.variables)
        values[variable.name] = variable.value ? std::string(variable.value->reveal()) : "-";
    return values;
}

std::string sayings(const EnvReading &reading)
{
    std::string all;
    for (const auto &error : reading.mistakes)
        all.append(inWords(error)).append("\n");
    return all;
}

} // namespace

void EnvFileTest::reads_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<Expected>("values");
    const auto row = [](const char *name, const std::string &text, const Expected &values) {
        QTest::newRow(name) << text << values;
    };
    row("plain", "A=1\nB=two words\n", {{"A", "1"}, {"B", "two words"}});
    row("no line end", "A=1", {{"A", "1"}});
    row("Windows",
        "\xEF\xBB\xBF"
        "A=1\r\nB=2\r\n",
        {{"A", "1"}, {"B", "2"}});
    row("old Mac", "A=1\rB=2\r", {{"A", "1"}, {"B", "2"}});
    row("comments", "# first\n  # second\n\nA=1 # third\nB=a#b\nC=#c\n", {{"A", "1"}, {"B", "a#b"}, {"C", "#c"}});
    row("blanks", "  A = 1  \n\tB=\t2\t\n", {{"A", "1"}, {"B", "2"}});
    row("export", "export A=1\nexport\tB=2\nexported=3\n", {{"A", "1"}, {"B", "2"}, {"exported", "3"}});
    row("empty", "A=\nB=''\nC=\"\"\n", {{"A", ""}, {"B", ""}, {"C", ""}});
    row("named alone", "A\nexport B\nC # what it is\n", {{"A", "-"}, {"B", "-"}, {"C", "-"}});
    row("single quotes", R"(A='as $it ${is} # here \n'
B='it\'s'
)",
        {{"A", "as $it ${is} # here \\n"}, {"B", "it's"}});
    row("double quotes", R"(A="one\ntwo\t\"three\" \\ \q"
B="# no comment" # one
)",
        {{"A", "one\ntwo\t\"three\" \\ \\q"}, {"B", "# no comment"}});
    row("lines in quotes", "KEY=\"-----BEGIN\nabc\n-----END\"\nB='x\ny'\nC=3\n",
        {{"KEY", "-----BEGIN\nabc\n-----END"}, {"B", "x\ny"}, {"C", "3"}});
    row("quotes within", "A=it's\nB=say \"hi\"\n", {{"A", "it's"}, {"B", "say \"hi\""}});
    row("equals signs", "URL=redis://h/0?db=1&x=y==\n", {{"URL", "redis://h/0?db=1&x=y=="}});
    row("quoted names", "'A'=1\n\"B\"=2\n", {{"A", "1"}, {"B", "2"}});
    row("as Heroku prints", "REDIS_URL:        redis://h:1/0\n", {{"REDIS_URL", "redis://h:1/0"}});
    row("the last holds", "A=1\nA=2\n", {{"A", "2"}});
    row("variables", "HOST=h\nPORT=1\nURL=redis://${HOST}:$PORT/0\n",
        {{"HOST", "h"}, {"PORT", "1"}, {"URL", "redis://h:1/0"}});
    row("defaults", "E=\nA=${N:-d}\nB=${N-d}\nC=${E:-d}\nD=${E-d}\n",
        {{"E", ""}, {"A", "d"}, {"B", "d"}, {"C", "d"}, {"D", ""}});
    row("replacements", "S=1\nE=\nA=${S:+r}\nB=${N:+r}\nC=${E:+r}\nD=${E+r}\n",
        {{"S", "1"}, {"E", ""}, {"A", "r"}, {"B", ""}, {"C", ""}, {"D", "r"}});
    row("asked for and there", "S=1\nA=${S:?is needed}\nB=${S?is needed}\n", {{"S", "1"}, {"A", "1"}, {"B", "1"}});
    row("defaults within defaults", "C=c\nA=${X:-${Y:-${C}}}\nB=${X:-a${Y-}b}\n",
        {{"C", "c"}, {"A", "c"}, {"B", "ab"}});
    row("ten deep", "A=${A0:-${A1:-${A2:-${A3:-${A4:-${A5:-${A6:-${A7:-${A8:-${A9:-x}}}}}}}}}}\n", {{"A", "x"}});
    row("not set", "A=[${N}]\n", {{"A", "[]"}});
    row("money", "A=pa$$word\nB=pa$word\nC=5$\nD=\"\\$HOME\"\nE=$(date)\nF=${not closed\n",
        {{"A", "pa$word"}, {"B", "pa$word"}, {"C", "5$"}, {"D", "$HOME"}, {"E", "$(date)"}, {"F", "${not closed"}});
    row("by order", "A=${B:-before}\nB=b\nC=${B}\n", {{"A", "before"}, {"B", "b"}, {"C", "b"}});
    row("of itself", "P=a\nP=${P}:b\n", {{"P", "a:b"}});
    row("only what is above in quotes", "A=1\nB=\"${A}\"\nC='${A}'\n", {{"A", "1"}, {"B", "1"}, {"C", "${A}"}});
}

void EnvFileTest::reads()
{
    QFETCH(std::string, text);
    QFETCH(Expected, values);
    const EnvReading reading = readEnv(text, ".env");
    QCOMPARE(sayings(reading), std::string());
    const Expected got = valuesOf(reading);
    for (const auto &[name, value] : values)
        QCOMPARE(got.contains(name) ? got.at(name) : "(missing " + name + ")", value);
    QCOMPARE(got.size(), values.size());
}

void EnvFileTest::namesWhatItCannotRead_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("where");
    QTest::addColumn<std::string>("says");
    const auto row = [](const char *name, const std::string &text, const std::string &where, const std::string &says) {
        QTest::newRow(name) << text << where << says;
    };
    row("prose", "A=1\nset -a hunter2\n", ".env:2: ", "no NAME=value");
    row("digits", "1A=hunter2\n", ".env:1: ", "no NAME=value");
    row("open quote", "A=1\nB=\"hunter2\nC=2\n", ".env:2: ", "B begins with a quote");
    row("open single quote", "B='hunter2\n", ".env:1: ", "B begins with a quote");
    row("behind a quote", "A=\"hunter2\"hunter2\n", ".env:1: ", "follows the quote");
    row("behind lines", "A=\"x\nhunter2\" hunter2\n", ".env:2: ", "follows the quote");
    row("asked for", "A=1\nB=${N:?hunter2}\n", ".env:2: ", "N is asked for");
    row("too deep", "A=${A0:-${A1:-${A2:-${A3:-${A4:-${A5:-${A6:-${A7:-${A8:-${A9:-${AA:-hunter2}}}}}}}}}}}\n",
        ".env:1: ", "10 deep");
    row("UTF-16",
        std::string("\xFF\xFE"
                    "A\0=\0001\0",
                    8),
        ".env: ", "UTF-8");
    row("Latin-1", "A=\xE4hunter2\n", ".env: ", "UTF-8");
}

void EnvFileTest::namesWhatItCannotRead()
{
    QFETCH(std::string, text);
    QFETCH(std::string, where);
    QFETCH(std::string, says);
    const EnvReading reading = readEnv(text, ".env");
    QCOMPARE(reading.mistakes.size(), std::size_t(1));
    const Error &error = reading.mistakes.front();
    QVERIFY2(error.message.starts_with(where), error.message.c_str());
    QVERIFY2(error.message.find(says) != std::string::npos, error.message.c_str());
    QCOMPARE(error.code, std::string("env-file"));
    QVERIFY(inWords(error).find("hunter2") == std::string::npos);
}

void EnvFileTest::goesOnAfterAMistake()
{
    const EnvReading reading = readEnv("A=1\nthis is prose\nB=\"open\nC=3\n", ".env");
    QCOMPARE(reading.mistakes.size(), std::size_t(2));
    const Expected expected{{"A", "1"}, {"C", "3"}};
    QVERIFY(valuesOf(reading) == expected);
    QCOMPARE(reading.variables.back().place.text(), std::string(".env:4"));
}

void EnvFileTest::neverAsksItsOwnEnvironment()
{
    qputenv("PORTOLAN_TEST_LEAK", "leaked");
    const EnvReading reading = readEnv(
        "A=[${PORTOLAN_TEST_LEAK}]\nB=${PORTOLAN_TEST_LEAK:-d}\nPORTOLAN_TEST_LEAK\nC=$PORTOLAN_TEST_LEAK\n", ".env");
    const Expected expected{{"A", "[]"}, {"B", "d"}, {"PORTOLAN_TEST_LEAK", "-"}, {"C", "$PORTOLAN_TEST_LEAK"}};
    QVERIFY(valuesOf(reading) == expected);
    qunsetenv("PORTOLAN_TEST_LEAK");
}

void EnvFileTest::usesFilesAboveIt()
{
    const EnvReading first = readEnv("A=1\nB=2\n", ".env");
    const EnvReading second = readEnv("B=3\nC=${A}${B}\n", "app.env", first.variables);
    const Expected expected{{"B", "3"}, {"C", "13"}};
    QVERIFY(valuesOf(second) == expected);
}

void EnvFileTest::tellsWhatIsNotSet()
{
    const EnvReading reading = readEnv("A=1\nURL=redis://:${PW}@${HOST:-h}/${PW}\n", ".env");
    QCOMPARE(reading.findings.size(), std::size_t(1));
    const Finding &finding = reading.findings.front();
    QCOMPARE(finding.kind, FindingKind::NotSet);
    QCOMPARE(finding.where, std::string(".env:2"));
    QCOMPARE(finding.about, std::string("PW"));
}

void EnvFileTest::tellsWhatIsReadInTwoWays()
{
    const EnvReading reading = readEnv("A=x\nB=pa$$word\nC=pa$A\nD=pa$none\nE=${A}\n", ".env");
    std::string names;
    for (const auto &finding : reading.findings)
        if (finding.kind == FindingKind::ReadInTwoWays)
            names += finding.about;
    QCOMPARE(names, std::string("BCD"));
}

void EnvFileTest::hasBounds_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("says");
    std::string doubling = "A0=0123456789abcdef\n";
    for (int i = 1; i < 40; ++i)
        doubling += "A" + std::to_string(i) + "=${A" + std::to_string(i - 1) + "}${A" + std::to_string(i - 1) + "}\n";
    std::string many;
    for (int i = 0; i < 10'001; ++i)
        many += "A=1\n";
    QTest::newRow("file") << "A=" + std::string(1024 * 1024, 'x') << std::string("1 MB");
    QTest::newRow("lines") << many << std::string("10,000 lines");
    QTest::newRow("line") << "A=" + std::string(64 * 1024, 'x') + "\n" << std::string("64 KB");
    QTest::newRow("quoted value") << "A=\"" + std::string(40 * 1024, 'x') + "\n" + std::string(40 * 1024, 'x') + "\"\n"
                                  << std::string("64 KB");
    QTest::newRow("doubling") << doubling << std::string("1 MB");
}

void EnvFileTest::hasBounds()
{
    QFETCH(std::string, text);
    QFETCH(std::string, says);
    const EnvReading reading = readEnv(text, ".env");
    QVERIFY(!reading.mistakes.empty() && reading.mistakes.size() <= 100);
    QVERIFY2(reading.mistakes.front().message.find(says) != std::string::npos,
             reading.mistakes.front().message.c_str());
    std::size_t size = 0;
    for (const auto &variable : reading.variables)
        size += variable.value ? variable.value->size() : 0;
    QVERIFY(size <= 1024 * 1024);
}

void EnvFileTest::staysQuickOnHostileText_data()
{
    QTest::addColumn<std::string>("text");
    const auto times = [](const std::string &text, std::size_t count) {
        std::string all;
        for (std::size_t i = 0; i < count; ++i)
            all += text;
        return all;
    };
    QTest::newRow("open quotes") << times("A='\\'\n", 9'999);
    QTest::newRow("open double quotes") << times("A=\"\\\"\n", 9'999);
    QTest::newRow("dollars") << "A=" + times("$", 60'000);
    QTest::newRow("open braces") << "A=" + times("${A:-", 12'000);
    QTest::newRow("nested braces") << times("A=" + times("${A:-", 9) + times("}", 9) + "\n", 9'999);
    QTest::newRow("blanks") << "A=" + times(" ", 60'000) + "#";
}

void EnvFileTest::staysQuickOnHostileText()
{
    QFETCH(std::string, text);
    QElapsedTimer timer;
    timer.start();
    const EnvReading reading = readEnv(text, ".env");
    QVERIFY(reading.mistakes.size() <= 100);
    QVERIFY2(timer.elapsed() < 2000, std::to_string(timer.elapsed()).c_str());
}

QTEST_GUILESS_MAIN(EnvFileTest)
#include "env_file_test.moc"
