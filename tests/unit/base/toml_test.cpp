// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/toml_file.h"

#include <QTest>
#include <algorithm>

using namespace portolan;

class TomlTest final : public QObject
{
    Q_OBJECT
private slots:
    void keepsArraysAndTables();
    void tellsEveryFlaw();
    void boundsHowDeepItGoes_data();
    void boundsHowDeepItGoes();
    void showsWhatCannotBeSeen();
    void repeatsNoValue_data();
    void repeatsNoValue();
};

void TomlTest::keepsArraysAndTables()
{
    std::vector<TomlFlaw> flaws;
    const auto document =
        parseToml("a = ['x,y', 2, true]\nb = []\n[t]\n[t.u]\nc = 1.5\n[[l]]\nd = { e = ['f'] }\n[[l]]\n", flaws);
    QVERIFY(flaws.empty());
    QCOMPARE(document.entries.size(), std::size_t(3));
    QVERIFY(document.entries[0].array && document.entries[0].text == "x,y,2,true");
    QVERIFY((document.entries[0].items == std::vector<std::string>{"x,y", "2", "true"}));
    QVERIFY(document.entries[1].array && document.entries[1].items.empty());
    QVERIFY(!document.entries[2].array && document.entries[2].key == "t.u.c");
    QCOMPARE(document.sections.size(), std::size_t(2));
    QVERIFY(document.sections[0].key == "t" && document.sections[0].line == 3);
    QCOMPARE(document.tables.size(), std::size_t(2));
    QVERIFY(document.tables[0].entries.at(0).key == "d.e" && document.tables[0].entries[0].array);
    QVERIFY(document.tables[0].sections.at(0).key == "d" && document.tables[1].line == 8);
}

void TomlTest::tellsEveryFlaw()
{
    std::vector<TomlFlaw> flaws;
    const auto document = parseToml("a = 2026-01-01\nb = 1\nc = [[1]]\n[[l]]\n[[l.m]]\nx = 1\n", flaws);
    QCOMPARE(flaws.size(), std::size_t(3));
    std::vector<std::pair<unsigned, std::string>> where;
    for (const auto &flaw : flaws)
        where.emplace_back(flaw.line, flaw.key);
    QVERIFY((where == std::vector<std::pair<unsigned, std::string>>{{1, "a"}, {3, "c"}, {5, "l.m"}}));
    QCOMPARE(document.entries.size(), std::size_t(1));
    const auto first = parseToml("a = 2026-01-01\nc = [[1]]\n", "x.toml");
    QVERIFY(first.has_error());
    QCOMPARE(first.error().message, std::string("x.toml:1: a: dates are not used here; write a string"));
}

void TomlTest::boundsHowDeepItGoes_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("line"); // of the flaw; 0: none
    const auto dots = [](int count) { return QByteArray("a.").repeated(count) + "a"; };
    QTest::newRow("32 parts") << dots(31) + " = 1\n" << 0;
    QTest::newRow("33 parts") << "x = 1\n" + dots(32) + " = 1\n" << 2;
    QTest::newRow("as deep as a file is large") << dots(500'000) + " = 1\n" << 1;
    QTest::newRow("a header") << "\n\n[" + dots(500'000) + "]\n" << 3;
    QTest::newRow("an inline table") << "x = { " + dots(500'000) + " = 1 }\n" << 1;
    QTest::newRow("behind texts that are none")
        << "x = \"\\\"\" # \"\ny = '''a'b''c''''\nz = \"\"\"\\\"\"\"\"\"\n" + dots(500'000) + " = 1\n"
        << 4;
    QTest::newRow("blanks around dots") << QByteArray("a . ").repeated(40) + "a = 1\n" << 1;
    QTest::newRow("dots of a text") << "x = \"" + dots(150'000) + "\"\ny = '''\n" + dots(150'000) + "'''\n# " +
                                           dots(150'000) + "\n"
                                    << 0;
    QTest::newRow("inline within inline")
        << QByteArray("x = ") + QByteArray("{ a = ").repeated(70) + "1" + QByteArray(" }").repeated(70) + "\n"
        << 1;
    QTest::newRow("a string that is not closed") << "x = \"a\n" + dots(500'000) + " = 1\n" << 1;
}

void TomlTest::boundsHowDeepItGoes()
{
    QFETCH(QByteArray, text);
    QFETCH(int, line);
    std::vector<TomlFlaw> flaws;
    parseToml(text.toStdString(), flaws);
    if (line == 0)
        QVERIFY2(flaws.empty(), flaws.empty() ? "" : flaws[0].why.c_str());
    else
        QVERIFY(!flaws.empty());
    if (line > 0 && qstrcmp(QTest::currentDataTag(), "a string that is not closed") != 0)
        QCOMPARE(flaws[0].line, unsigned(line));
}

/// Whoever wrote the file wrote its keys too.
void TomlTest::showsWhatCannotBeSeen()
{
    std::vector<TomlFlaw> flaws;
    parseToml("\"a\\u001b[31m\" = 1\n\"a\\u001b[31m\" = 2\n", flaws);
    QCOMPARE(flaws.size(), std::size_t(1));
    QVERIFY2(flaws[0].why.find('\x1b') == std::string::npos, flaws[0].why.c_str());
    const auto dated = parseToml("\"a\\u001b[31m\" = 2026-01-01\n", "x.toml");
    QVERIFY(dated.has_error() && dated.error().message.find('\x1b') == std::string::npos);
}

void TomlTest::repeatsNoValue_data()
{
    QTest::addColumn<QByteArray>("value");
    for (const char *value :
         {"hunter2", "12hunter2", "truhunter2", "falshunter2", "infhunter2", "nanhunter2", "0xhunter2", "\"hunter2",
          "'hunter2", "\"hunter2\" hunter2", "[hunter2]", "{hunter2}", "2020-01-01hunter2",
          "424242424242424242424242424242", "1e424242424242424242", "0b12hunter2", "+hunter2"})
        QTest::newRow(value) << QByteArray(value);
}

void TomlTest::repeatsNoValue()
{
    QFETCH(QByteArray, value);
    std::vector<TomlFlaw> flaws;
    parseToml("password = " + value.toStdString() + "\n", flaws);
    QCOMPARE(flaws.size(), std::size_t(1));
    for (const char *part : {"hun", "424242", "truh", "falsh", "infh", "nanh"})
        QVERIFY2(flaws[0].why.find(part) == std::string::npos, flaws[0].why.c_str());
}

QTEST_APPLESS_MAIN(TomlTest)
#include "toml_test.moc"
