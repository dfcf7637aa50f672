// SPDX-License-Identifier: GPL-3.0-or-later
// Patterns of remote control: Celery's meaning, and bounded whatever they are.

#include "core/queue/node_match.h"

#include <QTest>
#include <chrono>
#include <string>

using namespace portolan::queue;

Q_DECLARE_METATYPE(portolan::queue::NodeMatch)

namespace {

constexpr auto node = "portolan-0a1b2c3d@build-7.example.org";

std::string times(std::string_view part, int count)
{
    std::string text;
    for (int i = 0; i < count; ++i)
        text.append(part);
    return text;
}

} // namespace

class NodeMatchTest final : public QObject
{
    Q_OBJECT

private slots:
    void meansWhatCeleryMeans_data()
    {
        QTest::addColumn<QByteArray>("matcher");
        QTest::addColumn<QByteArray>("pattern");
        QTest::addColumn<NodeMatch>("expected");
        const auto row = [](const char *matcher, const char *pattern, NodeMatch expected) {
            QTest::addRow("%s %s", matcher, pattern) << QByteArray(matcher) << QByteArray(pattern) << expected;
        };
        row("glob", "*", NodeMatch::Yes);
        row("glob", "portolan-*@build-7*", NodeMatch::Yes);
        row("glob", "portolan", NodeMatch::No);
        row("glob", "portolan-????????@*.example.org", NodeMatch::Yes);
        row("glob", "portolan-[0-9a-f]*", NodeMatch::Yes);
        row("glob", "portolan-[!0]*", NodeMatch::No);
        row("glob", R"(portolan\-*)", NodeMatch::No); // a backslash is one, as in Python's fnmatch
        row("glob", "Portolan-*", NodeMatch::No);
        row("pcre", "portolan", NodeMatch::Yes); // from the start, not to the end
        row("pcre", "build", NodeMatch::No);
        row("pcre", ".*@build-7", NodeMatch::Yes);
        row("pcre", R"(portolan-[0-9a-f]{8}@.*\.org$)", NodeMatch::Yes);
        row("pcre", R"((?P<who>portolan)-(?=0a).*)", NodeMatch::Yes);
        row("pcre", R"((?i)PORTOLAN)", NodeMatch::Yes);
        row("pcre", "portolan-(", NodeMatch::Unreadable);
        row("glob", "[", NodeMatch::Unreadable);
        row("regex", ".*", NodeMatch::Unreadable);
    }
    void meansWhatCeleryMeans()
    {
        QFETCH(QByteArray, matcher);
        QFETCH(QByteArray, pattern);
        QFETCH(NodeMatch, expected);
        QCOMPARE(matchNode(node, matcher.toStdString(), pattern.toStdString()), expected);
    }

    void isBoundedWhateverThePattern_data()
    {
        QTest::addColumn<QByteArray>("matcher");
        QTest::addColumn<QByteArray>("pattern");
        const auto row = [](const char *matcher, const std::string &pattern) {
            QTest::addRow("%s %s", matcher, pattern.substr(0, 40).c_str())
                << QByteArray(matcher) << QByteArray::fromStdString(pattern);
        };
        row("pcre", "(([^!])*)*!");
        row("pcre", "((.)*)*!");
        row("pcre", "(.*)*(.*)*(.*)*!");
        row("pcre", "(a|[^!]|.)*!");
        row("pcre", "(.+)+(.+)+$!");
        row("pcre", "(?:(?:.?.?)*)*!");
        row("pcre", R"((.*)\1\1\1(.*)*!)");
        row("pcre", "(?=(.*)*!)|(?<!x)(([^!])*)*!");
        row("pcre", "((?R)|.)*!");
        row("pcre", "^(?:(?1)|(.*)*)*!");
        row("pcre", "(((((.{1,99}){1,99}){1,99}){1,99}){1,99})!");
        row("pcre", "((a{0,65535}){0,65535}){0,65535}");
        row("pcre", times(".*", 60) + "!");
        row("pcre", times("(", 120));
        row("pcre", times("(?:.*", 18) + times(")*", 18) + "!");
        row("glob", times("*a", 60) + "!");
        row("glob", times("*?", 60) + "!");
        row("glob", times("*[!!]", 25) + "!");
        row("glob", times("*", 128));
        row("glob", times("[", 100));
        row("pcre", times("x", 4096));
        row("pcre", std::string("\xff\xfe(", 3));
    }
    void isBoundedWhateverThePattern()
    {
        QFETCH(QByteArray, matcher);
        QFETCH(QByteArray, pattern);
        using Clock = std::chrono::steady_clock;
        const std::string text = pattern.toStdString();
        auto best = Clock::duration::max(); // of several, since other programs use the machine as well
        for (const std::string &name : {std::string(node), std::string(nodeNameMost, 'a')}) {
            best = Clock::duration::max();
            for (int i = 0; i < 5; ++i) {
                const auto begin = Clock::now();
                const NodeMatch answer = matchNode(name, matcher.toStdString(), text);
                best = std::min(best, Clock::now() - begin);
                QVERIFY(answer != NodeMatch::Yes || matcher == "glob" || pattern.contains("65535"));
            }
            QVERIFY2(best < std::chrono::milliseconds(20), qPrintable(QString::number(best.count())));
        }
    }
};

QTEST_GUILESS_MAIN(NodeMatchTest)
#include "node_match_test.moc"
